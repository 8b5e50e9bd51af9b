package miniprogram

import (
	"errors"
	"net/http"
	"time"

	"wechatfn/shared/login"
	"wechatfn/shared/session"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

func failure(status int, code, title, detail string, hint web.Hint) *web.Problem {
	return &web.Problem{Status: status, Code: code, Title: title, Detail: detail, Hint: hint}
}

var (
	hintLogin = web.Hint{En: "Call wx.login and log in again.", Zh: "请调用 wx.login 后重新登录。"}
	hintData  = web.Hint{
		En: "A newer wx.login may have replaced the session_key: call wx.login, log in, and only then get the data.",
		Zh: "session_key 可能已被新的 wx.login 更新：请先 wx.login 并登录，再获取加密数据。",
	}
	hintField = web.Hint{En: "Mend the field. WeChat was not asked, so a code in the body is good still.", Zh: "请修正该字段。尚未请求微信，其中的 code 仍然有效。"}
	hintJSON  = web.Hint{En: "Send JSON, with Content-Type: application/json.", Zh: "请发送 JSON，并设置 Content-Type: application/json。"}
)

var (
	errUnknownApp = failure(http.StatusBadRequest, "app_unknown", "Unknown account", "app names no mini-program that is configured",
		web.Hint{En: "Use a name from WECHAT_APPS of kind mini_program, or leave app out for the first one.", Zh: "请使用 WECHAT_APPS 中类型为 mini_program 的名称；不传 app 则使用第一个小程序。"})
	errBody = failure(http.StatusBadRequest, "body_invalid", "Invalid body", "the body is not a JSON object, or a field in it is no text", hintJSON)
	errCode = failure(http.StatusBadRequest, "code_missing", "No code", "code is missing, or is no code of WeChat's", web.Hint{En: "Send the code of wx.login, or of the phone number button.", Zh: "请传入 wx.login（或手机号按钮）返回的 code。"})

	errCodeInvalid = failure(http.StatusBadRequest, "login_code_invalid", "Invalid code", "WeChat does not know this code", hintLogin)
	errCodeUsed    = failure(http.StatusBadRequest, "login_code_used", "Code used", "this code has been used already", hintLogin)
	errCodeExpired = failure(http.StatusBadRequest, "login_code_expired", "Code expired", "this code is too old", hintLogin)
	errBlocked     = failure(http.StatusForbidden, "login_blocked", "User blocked", "WeChat holds this user for a risk and lets the user log in to no mini-program",
		web.Hint{En: "There is nothing to do but to tell the user.", Zh: "该用户被微信判定为高风险，无法登录小程序。"})

	errPhoneCode = failure(http.StatusBadRequest, "phone_code_invalid", "Invalid code", "this phone number code is unknown, used, older than five minutes, or of another user or mini-program",
		web.Hint{En: "Have the user press the button again. It is not the code of wx.login.", Zh: "请让用户重新点击手机号按钮；注意它不是 wx.login 的 code。"})

	errSignature = failure(http.StatusBadRequest, "rawdata_signature_invalid", "Invalid signature", "signature is not that of rawData with this user's session_key", web.Hint{
		En: "Send rawData byte by byte as WeChat gave it, and call wx.login before wx.getUserInfo, not after.",
		Zh: "请原样发送 rawData，并先调用 wx.login 再调用 wx.getUserInfo。",
	})
	errUndecryptable = failure(http.StatusBadRequest, "data_undecryptable", "Data not decrypted", "encryptedData cannot be decrypted with iv and this user's session_key", hintData)
	errOtherApp      = failure(http.StatusBadRequest, "data_of_other_app", "Data of another mini-program", "the watermark of encryptedData is another mini-program's",
		web.Hint{En: "Send app where several mini-programs are configured.", Zh: "配置了多个小程序时请传 app。"})
	errTooOld = failure(http.StatusBadRequest, "data_too_old", "Data too old", "the time in encryptedData is too far from now",
		web.Hint{En: "Get the data again; see MINIPROGRAM_DATA_AGE.", Zh: "请重新获取加密数据；参见 MINIPROGRAM_DATA_AGE。"})
	errOtherUser = failure(http.StatusBadRequest, "data_of_other_user", "Data of another user", "the openId in encryptedData is not that of the session", hintData)

	errNoSession  = failure(http.StatusUnauthorized, "session_missing", "No session", "no session came with the request, or it has ended", hintLogin)
	errOtherSKU   = failure(http.StatusForbidden, "session_other_product", "Session of another product", "the session was opened with another sku", web.Hint{En: "Log in with this product's sku.", Zh: "请使用本产品的 sku 登录。"})
	errNoMini     = failure(http.StatusForbidden, "session_not_miniprogram", "Not a mini-program's session", "the session is of an account that is no mini-program", hintLogin)
	errKeyMissing = failure(http.StatusConflict, "session_key_missing", "No session_key", "no session_key is stored for this user", hintLogin)
	errKeyDead    = failure(http.StatusConflict, "session_key_dead", "session_key dead", "WeChat does not accept this user's session_key any more", hintLogin)
)

// badField names a field of the body that cannot be right.
func badField(detail string) *web.Problem {
	return failure(http.StatusBadRequest, "body_invalid", "Invalid body", detail, hintField)
}

// sessionProblem is why a token opens nothing.
func sessionProblem(err error) error {
	return login.SessionProblems{Missing: errNoSession, OtherProduct: errOtherSKU, Revoked: sessionRevoked}.Of(err)
}

func sessionRevoked(reason session.Reason) error {
	return failure(http.StatusUnauthorized, "session_revoked", "Session revoked", "the session was ended: "+string(reason), hintLogin)
}

// dataProblem is why data is refused.
func dataProblem(err error) error {
	switch {
	case errors.Is(err, ErrOtherApp):
		return errOtherApp
	case errors.Is(err, ErrTooOld):
		return errTooOld
	}
	return errUndecryptable
}

// loginProblem is what a failed code2Session means.
func loginProblem(err error) error {
	switch login.FailureOf(err) {
	case login.CodeInvalid:
		return errCodeInvalid
	case login.CodeUsed:
		return errCodeUsed
	case login.CodeExpired:
		return errCodeExpired
	case login.UserBlocked:
		return errBlocked
	case login.TooManyLogins:
		e, _ := errors.AsType[*wechat.Error](err)
		return tooOften(err, e.Pause())
	case login.Unavailable:
		return loginUnavailable(err)
	}
	return loginMisconfigured(err)
}

// phoneProblem is what a failed getuserphonenumber means. Which errcode tells that the
// code is another user's, no page says.
func phoneProblem(err error) error {
	if e, ok := errors.AsType[*wechat.Error](err); ok && (e.CodeUsed() || e.Code == wechat.CodeBadOpenID) {
		return errPhoneCode
	}
	return callProblem(err)
}

// callProblem is what any other failed call means.
func callProblem(err error) error {
	if p, ok := errors.AsType[*web.Problem](err); ok {
		return p
	}
	e, ok := errors.AsType[*wechat.Error](err)
	switch {
	case !ok:
		return err
	case e.SessionKeyInvalid():
		return errKeyDead
	case e.Class() == wechat.ClassBusy || e.Class() == wechat.ClassQuota:
		return unavailable(err, e.Pause())
	}
	return misconfigured(err)
}

const soon = 2 * time.Second

func loginUnavailable(cause error) *web.Problem {
	return &web.Problem{
		Status: http.StatusServiceUnavailable, Code: "login_unavailable", Title: "Login unavailable",
		Detail: "WeChat did not answer in time, or is busy", RetryAfter: soon, Cause: cause,
		Hint: web.Hint{En: "Call wx.login and log in again in a moment: the code may be spent.", Zh: "微信暂时没有响应；code 可能已失效，请稍后重新 wx.login 并登录。"},
	}
}

// loginOvertaken: WeChat knows the user, and what came in between ends the session
// before it lives.
func loginOvertaken(cause error) *web.Problem {
	return &web.Problem{
		Status: http.StatusServiceUnavailable, Code: "login_superseded", Title: "Login overtaken",
		Detail: "the user was logged out of all devices while this login was under way, or logged in on too many others", RetryAfter: soon, Cause: cause,
		Hint: web.Hint{En: "Call wx.login and log in again: the code is spent.", Zh: "登录过程中该用户退出了所有设备（或同时登录的设备过多），code 已失效；请重新 wx.login 并登录。"},
	}
}

func tooOften(cause error, pause time.Duration) *web.Problem {
	return &web.Problem{
		Status: http.StatusTooManyRequests, Code: "login_too_often", Title: "Too many logins",
		Detail: "WeChat allows a user so many logins a minute", RetryAfter: pause, Cause: cause,
		Hint: web.Hint{En: "Keep the token, and log in again only when it has ended.", Zh: "请保存 token，仅在其失效后再登录。"},
	}
}

func loginMisconfigured(cause error) *web.Problem {
	return &web.Problem{
		Status: http.StatusInternalServerError, Code: "login_misconfigured", Title: "Login misconfigured",
		Detail: "WeChat does not accept this account's AppID, AppSecret or address", Cause: cause,
		Hint: web.Hint{En: "The operator finds the reason in the log.", Zh: "请联系管理员；原因见服务日志。"},
	}
}

func misconfigured(cause error) *web.Problem {
	return &web.Problem{
		Status: http.StatusInternalServerError, Code: "wechat_refused", Title: "WeChat refuses the call",
		Detail: "WeChat does not let this account make the call", Cause: cause,
		Hint: web.Hint{En: "The operator finds the reason in the log.", Zh: "请联系管理员；原因见服务日志。"},
	}
}

func unavailable(cause error, pause time.Duration) *web.Problem {
	return &web.Problem{
		Status: http.StatusServiceUnavailable, Code: "wechat_unavailable", Title: "WeChat does not answer",
		Detail: "WeChat did not answer in time, or is busy", RetryAfter: max(soon, pause), Cause: cause,
		Hint: web.Hint{En: "Try again in a moment; a phone number takes another press of the button.", Zh: "请稍后重试；获取手机号需让用户重新点击按钮。"},
	}
}

// noToken: the refresher has been told; a client may come again.
func noToken(cause error, retryAfter time.Duration) *web.Problem {
	return &web.Problem{
		Status: http.StatusServiceUnavailable, Code: "token_unavailable", Title: "No access token",
		Detail: "no access token is alive at the moment; the refresher has been called", RetryAfter: retryAfter, Cause: cause,
		Hint: web.Hint{
			En: "Try again after Retry-After. If it goes on, look at the refresher's log.",
			Zh: "请在 Retry-After 之后重试。若持续出现，请查看 refresher 日志。",
		},
	}
}
