package message

import (
	"errors"
	"net/http"
	"time"

	"wechatfn/shared/web"
)

var (
	errSignature = &web.Problem{
		Status: http.StatusForbidden,
		Code:   "signature_invalid",
		Title:  "Invalid signature",
		Detail: "the signature is not the one that this account's token makes of timestamp and nonce",
		Hint: web.Hint{
			En: "This address is for WeChat's server configuration. The Token in WeChat's console must be the one configured here.",
			Zh: "此地址供微信服务器配置使用。公众平台填写的 Token 必须与此处配置的一致。",
		},
	}
	errStale = &web.Problem{
		Status: http.StatusForbidden,
		Code:   "timestamp_stale",
		Title:  "Stale timestamp",
		Detail: "the timestamp is too far from now",
		Hint:   web.Hint{En: "A request of WeChat's cannot be sent again later.", Zh: "微信的请求不能在之后重复使用。"},
	}
	errEchostr = &web.Problem{
		Status: http.StatusForbidden,
		Code:   "echostr_invalid",
		Title:  "Invalid echostr",
		Detail: "echostr must have 1 to 256 letters, digits and -_=+/",
	}
	errUnknownApp = &web.Problem{
		Status: http.StatusNotFound,
		Code:   "app_unknown",
		Title:  "Unknown account",
		Detail: "there is no account of that name that takes pushes",
		Hint: web.Hint{
			En: "Use /verify/NAME with a name from WECHAT_APPS, or /verify for the first account.",
			Zh: "请使用 /verify/名称（WECHAT_APPS 中的名称），或 /verify 使用第一个账号。",
		},
	}
	errNoProof = &web.Problem{
		Status: http.StatusNotFound,
		Code:   "not_found",
		Detail: "no such proof is configured",
		Hint:   web.Hint{En: "Add the code to WECHAT_DOMAIN_PROOFS.", Zh: "请将校验码加入 WECHAT_DOMAIN_PROOFS。"},
	}
)

// refused is one answer for every push that is not WeChat's: which check it
// failed is for the log.
func refused(cause error) *web.Problem {
	return &web.Problem{
		Status: http.StatusForbidden,
		Code:   "push_refused",
		Title:  "Push refused",
		Detail: "this is not a push of WeChat's to this account, or it is too old",
		Cause:  cause,
		Hint: web.Hint{
			En: "Token, EncodingAESKey, AppID and the mode (plain or encrypted) must be those of WeChat's console; the log tells which check failed.",
			Zh: "Token、EncodingAESKey、AppID 和加解密方式必须与公众平台一致；日志会说明是哪一项检查未通过。",
		},
	}
}

func badPush(cause malformed) *web.Problem {
	return &web.Problem{
		Status: http.StatusBadRequest,
		Code:   "push_malformed",
		Title:  "Malformed push",
		Detail: "the body cannot be read: " + string(cause),
		Cause:  cause,
	}
}

func noSecrets(cause error) *web.Problem {
	return &web.Problem{
		Status:     http.StatusServiceUnavailable,
		Code:       "push_secrets_unavailable",
		Title:      "No push secrets",
		Detail:     "the token and AES key of the account could not be read",
		RetryAfter: 2 * time.Second,
		Cause:      cause,
		Hint: web.Hint{
			En: "Put them into the secret that WECHAT_PUSH_SECRETS_ARN names (on a desk: WECHAT_TOKEN and WECHAT_ENCODING_AES_KEY, or WECHAT_PUSH_SECRETS); the log says what is wrong.",
			Zh: "请将其写入 WECHAT_PUSH_SECRETS_ARN 所指的密钥（本地开发：WECHAT_TOKEN 和 WECHAT_ENCODING_AES_KEY，或 WECHAT_PUSH_SECRETS）；原因见日志。",
		},
	}
}

// inWork and notTaken are 5xx so that WeChat sends the push again.
func inWork() *web.Problem {
	return &web.Problem{
		Status:     http.StatusServiceUnavailable,
		Code:       "push_in_progress",
		Title:      "Push in work",
		Detail:     "another delivery of the same push is still in work",
		RetryAfter: time.Second,
		Cause:      errInProgress,
	}
}

func notTaken(cause error) *web.Problem {
	return &web.Problem{
		Status: http.StatusInternalServerError,
		Code:   "delivery_failed",
		Title:  "Not handed over",
		Detail: "the message could not be handed over; it will be taken when it is sent again",
		Cause:  cause,
	}
}

// problem turns what open returns into the answer.
func problem(err error) error {
	if no, ok := errors.AsType[refusal](err); ok {
		return refused(no)
	}
	if bad, ok := errors.AsType[malformed](err); ok {
		return badPush(bad)
	}
	return err
}
