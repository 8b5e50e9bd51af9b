package oauth

import (
	"net/http"
	"time"

	"wechatfn/shared/web"
)

// failure makes a way in which a login can end without a session. The codes are
// stored as the outcome of a flow.
func failure(status int, code, title, detail string, hint web.Hint) *web.Problem {
	return &web.Problem{Status: status, Code: code, Title: title, Detail: detail, Hint: hint}
}

var (
	hintAgain = web.Hint{En: "Log in again.", Zh: "请重新登录。"}
	hintLater = web.Hint{En: "The login was not completed. Go back to where it began, and log in again in a moment.", Zh: "登录没有完成，请返回原来的页面，稍后重新登录。"}
)

// failures are all ways in which a callback can end, by code.
func failures() map[string]*web.Problem {
	all := map[string]*web.Problem{}
	for _, p := range []*web.Problem{
		failure(http.StatusForbidden, "login_refused", "Login refused", "the login was not confirmed in WeChat",
			web.Hint{En: "Log in again and confirm it in WeChat.", Zh: "请重新登录，并在微信中点击“同意”。"}),
		failure(http.StatusForbidden, "login_snapshot", "Snapshot page", "the page was opened as a snapshot, in which WeChat gives a made-up user",
			web.Hint{En: "Tap “Use full service” (使用完整服务) at the bottom of the page, then log in again.", Zh: "当前是“快照页”，微信只提供虚拟身份。请点击页面底部的“使用完整服务”后重新登录。"}),
		failure(http.StatusBadRequest, "login_code_invalid", "Invalid code", "WeChat does not know this code", hintAgain),
		failure(http.StatusBadRequest, "login_code_used", "Code used", "this code has been used already", hintAgain),
		failure(http.StatusBadRequest, "login_code_expired", "Code expired", "this code is too old", hintAgain),
		failure(http.StatusBadRequest, "login_interrupted", "Login interrupted", "the login was cut off before it ended", hintAgain),
		failure(http.StatusBadRequest, "login_ended", "Login over", "this login has been ended since: by logging out, or by newer logins", hintAgain),
		failure(http.StatusInternalServerError, "login_misconfigured", "Login misconfigured", "WeChat does not accept this account's AppID, AppSecret, address or scope",
			web.Hint{En: "The operator finds the reason in the log.", Zh: "请联系网站管理员；原因见服务日志。"}),
		failure(http.StatusServiceUnavailable, "login_unavailable", "Login unavailable", "WeChat, or the table of this service, did not answer in time or is busy",
			web.Hint{En: "Log in again in a moment.", Zh: "微信或本服务暂时没有响应，请稍后重新登录。"}),
	} {
		all[p.Code] = p
	}
	return all
}

var (
	errUnknownApp = failure(http.StatusBadRequest, "app_unknown", "Unknown account", "the parameter app names no account that logs users in",
		web.Hint{En: "Use a name from WECHAT_APPS of kind official_account or website.", Zh: "请使用 WECHAT_APPS 中类型为 official_account 或 website 的名称。"})
	errScope = failure(http.StatusBadRequest, "scope_invalid", "Invalid scope", "an official account has the scopes snsapi_base and snsapi_userinfo, a website snsapi_login",
		web.Hint{En: "Leave scope out for the usual one.", Zh: "不传 scope 则使用默认值。"})
	errLang = failure(http.StatusBadRequest, "lang_invalid", "Invalid lang", "the parameter lang must be zh_CN, zh_TW or en",
		web.Hint{En: "Leave it out for zh_CN.", Zh: "不传 lang 则为 zh_CN。"})
	errChallenge = failure(http.StatusBadRequest, "challenge_invalid", "Invalid challenge", "a login for a page of another site needs the parameter challenge: the SHA-256 of a random verifier in base64url, 43 characters",
		web.Hint{En: "Keep the verifier in sessionStorage, and send it with the ticket.", Zh: "请生成随机 verifier 存入 sessionStorage，登录时传其 SHA-256（base64url），换取令牌时再传 verifier。"})
	errFlowUnknown = failure(http.StatusBadRequest, "login_unknown", "Unknown login", "this login is not known: it has ended, is older than ten minutes, or never began here", hintAgain)
	errCookieLost  = failure(http.StatusBadRequest, "login_cookie_lost", "Cookie lost", "the cookie of this login is missing, twice in a row",
		web.Hint{En: "Allow cookies for this site, do not use a private window of another app, and log in again.", Zh: "请允许本网站使用 Cookie，在同一浏览器中重新登录。"})

	errWechatfnCode = failure(http.StatusBadRequest, "wechatfn_code_invalid", "Invalid ticket", "this ticket is not known, is older than a minute, or has been spent", hintAgain)
	errBody         = failure(http.StatusBadRequest, "body_invalid", "Invalid body", `the body must be {"code":"...","verifier":"..."}`,
		web.Hint{En: "Send JSON, with Content-Type: application/json.", Zh: "请发送 JSON，并设置 Content-Type: application/json。"})

	errCheck = failure(http.StatusBadRequest, "check_invalid", "Invalid check", "the parameter check must be true, false, 1 or 0",
		web.Hint{En: "Leave it out to read the profile.", Zh: "不传 check 则读取用户信息。"})
	errAll = failure(http.StatusBadRequest, "all_invalid", "Invalid all", "the parameter all must be true, false, 1 or 0",
		web.Hint{En: "Leave it out to log this device out.", Zh: "不传 all 则只退出当前设备。"})

	errNoSession = failure(http.StatusUnauthorized, "session_missing", "No session", "no session came with the request, or it has ended", hintAgain)
	errOtherSKU  = failure(http.StatusForbidden, "session_other_product", "Session of another product", "the session was opened with another sku", web.Hint{En: "Log in with this product's sku.", Zh: "请使用本产品的 sku 登录。"})
	errCrossSite = failure(http.StatusForbidden, "origin_not_allowed", "Origin not allowed", "a request that changes something and bears the session's cookie must come from a page of ours",
		web.Hint{En: "Add the page's origin to ALLOWED_ORIGINS.", Zh: "请把页面的来源加入 ALLOWED_ORIGINS。"})
	errLoginAgain = failure(http.StatusConflict, "login_again", "Log in again", "WeChat does not let this user's profile be read any more; the user has to log in again",
		web.Hint{En: "Send the user to /oauth/authorize.", Zh: "请引导用户重新访问 /oauth/authorize。"})
	errNoProfile = failure(http.StatusForbidden, "profile_not_granted", "Profile not granted", "the user logged in without granting the profile",
		web.Hint{En: "Log in with scope=snsapi_userinfo.", Zh: "请使用 scope=snsapi_userinfo 重新登录。"})
)

// sessionRevoked tells why a session is over.
func sessionRevoked(reason string) *web.Problem {
	return &web.Problem{
		Status: http.StatusUnauthorized,
		Code:   "session_revoked",
		Title:  "Session revoked",
		Detail: "the session was ended: " + reason,
		Hint:   hintAgain,
	}
}

func unavailable(cause error) *web.Problem {
	return &web.Problem{
		Status:     http.StatusServiceUnavailable,
		Code:       "wechat_unavailable",
		Title:      "WeChat does not answer",
		Detail:     "WeChat did not answer in time, or is busy",
		RetryAfter: 2 * time.Second,
		Cause:      cause,
		Hint:       web.Hint{En: "Try again in a moment.", Zh: "请稍后重试。"},
	}
}
