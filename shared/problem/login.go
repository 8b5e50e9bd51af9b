package problem

import "net/http"

var (
	hintLogInAgain = Hint{En: "Log in again.", Zh: "请重新登录。"}
	askLog         = Hint{En: "The operator finds the reason in the log.", Zh: "请联系网站管理员；原因见服务日志。"}
	returnPage     = Hint{
		En: "Send a path such as /account, or a URL on one of ALLOWED_ORIGINS, encoded with encodeURIComponent.",
		Zh: "请传以 / 开头的路径，或 ALLOWED_ORIGINS 中来源的完整 URL，并用 encodeURIComponent 编码。",
	}
)

// LoginNotCompleted is for a person who cannot act on the hint of a problem, because
// that is for a developer.
var LoginNotCompleted = Hint{
	En: "The login was not completed. Go back to where it began, and log in again in a moment.",
	Zh: "登录没有完成，请返回原来的页面，稍后重新登录。",
}

// Problems of the parameters of a login.
var (
	LoginAppUnknown = Type{of: &AppUnknown, hint: Hint{
		En: "Use a name from WECHAT_APPS of kind official_account or website.",
		Zh: "请使用 WECHAT_APPS 中类型为 official_account 或 website 的名称。",
	}}
	ReturnToInvalid    = Type{code: "return_to_invalid", status: http.StatusBadRequest, title: "Invalid return_to", hint: returnPage}
	ReturnToNotAllowed = Type{code: "return_to_not_allowed", status: http.StatusForbidden, title: "return_to not allowed", hint: returnPage}
	ScopeInvalid       = Type{code: "scope_invalid", status: http.StatusBadRequest, title: "Invalid scope", hint: Hint{
		En: "Leave scope out for the usual one.",
		Zh: "不传 scope 则使用默认值。",
	}}
	LangInvalid = Type{code: "lang_invalid", status: http.StatusBadRequest, title: "Invalid lang", hint: Hint{
		En: "Leave lang out for zh_CN.",
		Zh: "不传 lang 则为 zh_CN。",
	}}
	ChallengeInvalid = Type{code: "challenge_invalid", status: http.StatusBadRequest, title: "Invalid challenge", hint: Hint{
		En: "Send challenge = base64url(SHA-256(verifier)); store the verifier in sessionStorage and send it to /oauth/token.",
		Zh: "请生成随机 verifier 存入 sessionStorage，登录时传其 SHA-256（base64url），换取令牌时再传 verifier。",
	}}
)

// Ways in which a login ends without a session. Those of them that the callback stores
// as its outcome are in package oauth.
var (
	LoginUnknown    = Type{code: "login_unknown", status: http.StatusBadRequest, title: "Unknown login", hint: hintLogInAgain}
	LoginCookieLost = Type{code: "login_cookie_lost", status: http.StatusBadRequest, title: "Cookie lost", hint: Hint{
		En: "Allow cookies for this site, use one browser from start to end, and log in again.",
		Zh: "请允许本网站使用 Cookie，在同一浏览器中重新登录。",
	}}
	LoginRefused = Type{code: "login_refused", status: http.StatusForbidden, title: "Login refused", hint: Hint{
		En: "Log in again and confirm it in WeChat.",
		Zh: "请重新登录，并在微信中点击“同意”。",
	}}
	LoginSnapshot = Type{code: "login_snapshot", status: http.StatusForbidden, title: "Snapshot page", hint: Hint{
		En: "Tap “Use full service” (使用完整服务) at the bottom of the page, then log in again.",
		Zh: "当前是“快照页”，微信只提供虚拟身份。请点击页面底部的“使用完整服务”后重新登录。",
	}}
	LoginCodeInvalid   = Type{code: "login_code_invalid", status: http.StatusBadRequest, title: "Invalid code", hint: hintLogInAgain}
	LoginCodeUsed      = Type{code: "login_code_used", status: http.StatusBadRequest, title: "Code used", hint: hintLogInAgain}
	LoginCodeExpired   = Type{code: "login_code_expired", status: http.StatusBadRequest, title: "Code expired", hint: hintLogInAgain}
	LoginInterrupted   = Type{code: "login_interrupted", status: http.StatusBadRequest, title: "Login interrupted", hint: hintLogInAgain}
	LoginEnded         = Type{code: "login_ended", status: http.StatusBadRequest, title: "Login ended", hint: hintLogInAgain}
	LoginMisconfigured = Type{code: "login_misconfigured", status: http.StatusInternalServerError, title: "Login misconfigured", hint: askLog}
	LoginUnavailable   = Type{code: "login_unavailable", status: http.StatusServiceUnavailable, title: "Login unavailable", hint: Hint{
		En: "Log in again in a moment.",
		Zh: "微信或本服务暂时没有响应，请稍后重新登录。",
	}}
	WechatfnCodeInvalid = Type{code: "wechatfn_code_invalid", status: http.StatusBadRequest, title: "Invalid login code", hint: hintLogInAgain}
)

// Problems of sessions, and of what is asked with one.
var (
	SessionMissing      = Type{code: "session_missing", status: http.StatusUnauthorized, title: "No session", hint: hintLogInAgain}
	SessionRevoked      = Type{code: "session_revoked", status: http.StatusUnauthorized, title: "Session revoked", hint: hintLogInAgain}
	SessionOtherProduct = Type{code: "session_other_product", status: http.StatusForbidden, title: "Session of another product", hint: Hint{
		En: "Log in with this product's sku.",
		Zh: "请使用本产品的 sku 登录。",
	}}
	SessionOriginNotAllowed = Type{of: &OriginNotAllowed, hint: Hint{
		En: "Add the page's origin to ALLOWED_ORIGINS.",
		Zh: "请把页面的来源加入 ALLOWED_ORIGINS。",
	}}
	AllInvalid = Type{code: "all_invalid", status: http.StatusBadRequest, title: "Invalid all", hint: Hint{
		En: "Leave all out to log out this device only.",
		Zh: "不传 all 则只退出当前设备。",
	}}
	CheckInvalid = Type{code: "check_invalid", status: http.StatusBadRequest, title: "Invalid check", hint: Hint{
		En: "Leave check out to read the profile.",
		Zh: "不传 check 则读取用户信息。",
	}}
	ProfileNotGranted = Type{code: "profile_not_granted", status: http.StatusForbidden, title: "Profile not granted", hint: Hint{
		En: "Log in with scope=snsapi_userinfo.",
		Zh: "请使用 scope=snsapi_userinfo 重新登录。",
	}}
	LoginAgain = Type{code: "login_again", status: http.StatusConflict, title: "Log in again", hint: Hint{
		En: "Send the user to /oauth/authorize.",
		Zh: "请引导用户重新访问 /oauth/authorize。",
	}}
	WeChatUnavailable = Type{code: "wechat_unavailable", status: http.StatusServiceUnavailable, title: "WeChat does not answer", hint: Hint{
		En: "Try again in a moment.",
		Zh: "请稍后重试。",
	}}
)

func loginEntries() []Entry {
	return []Entry{
		{&LoginAppUnknown, "`app` names no account that logs users in", "`app` 不是可用于登录的账号名称"},
		{&ReturnToInvalid, "`return_to` is neither a path nor an http(s) URL, or one that browsers could read differently", "`return_to` 既不是路径也不是 http(s) 地址，或可能被浏览器解读成别的地址"},
		{&ReturnToNotAllowed, "the origin of `return_to` is not in `ALLOWED_ORIGINS`", "`return_to` 的来源不在 `ALLOWED_ORIGINS` 中"},
		{&ScopeInvalid, "`scope` is not one that this kind of account has", "该类账号不支持这个 `scope`"},
		{&LangInvalid, "`lang` is not zh_CN, zh_TW or en", "`lang` 不是 zh_CN、zh_TW 或 en"},
		{&ChallengeInvalid, "a login for a page of another site without a `challenge`, or with one that is no SHA-256 in base64url", "其他站点的页面登录时没有传 `challenge`，或其值不是 base64url 编码的 SHA-256"},
		{&LoginUnknown, "a callback whose `state` is not known: older than ten minutes, ended over a minute ago, or never begun here", "回调中的 `state` 无法识别：已超过十分钟，或登录已结束超过一分钟，或并非由本服务发起"},
		{&LoginCookieLost, "the cookie that binds a login to its browser is missing, twice in a row", "用于把登录绑定到浏览器的 Cookie 连续两次缺失"},
		{&LoginRefused, "the user did not agree in WeChat", "用户没有在微信中同意授权"},
		{&LoginSnapshot, "the page is a snapshot page (快照页), in which WeChat gives a made-up user", "当前页面是快照页，微信只提供虚拟身份"},
		{&LoginCodeInvalid, "WeChat's 40029: it does not know the code", "微信返回 40029：code 无效"},
		{&LoginCodeUsed, "WeChat's 40163: the code has been used", "微信返回 40163：code 已被使用"},
		{&LoginCodeExpired, "WeChat's 42003: the code is too old", "微信返回 42003：code 已过期"},
		{&LoginInterrupted, "the login was cut off; a code is never tried again", "登录中途中断；同一个 code 不会再次尝试"},
		{&LoginEnded, "a callback that comes again for a session that was ended since; a login, or its login code, from before a logout of all devices", "重复的回调，而它的会话已经结束；或登录（及其登录码）早于一次“退出所有设备”"},
		{&LoginMisconfigured, "WeChat refused AppID, AppSecret, address or scope; the log has the `errcode`", "微信拒绝了 AppID、AppSecret、服务器 IP 或 scope；日志中有 `errcode`"},
		{&LoginUnavailable, "WeChat, or the table of this service, does not answer or is busy", "微信或本服务的数据表没有响应，或繁忙"},
		{&WechatfnCodeInvalid, "a login code that is unknown, used, over a minute old, or another page's", "登录码无法识别、已被使用、超过一分钟，或属于其他页面"},
		{&SessionMissing, "no session, or one that has ended", "没有会话，或会话已结束"},
		{&SessionRevoked, "a session that was ended; `detail` says why: `logout`, `logout_all`, `reused`, `too_many_devices`", "会话已被终止，原因见 `detail`：`logout`、`logout_all`、`reused`、`too_many_devices`"},
		{&SessionOtherProduct, "the session was opened with another `sku`", "会话是用其他 `sku` 登录的"},
		{&SessionOriginNotAllowed, "a request that changes something came with the session's cookie from a page whose origin is not in `ALLOWED_ORIGINS`", "带会话 Cookie 的修改请求，来自不在 `ALLOWED_ORIGINS` 中的页面"},
		{&AllInvalid, "`all` is not true, false, 1 or 0", "`all` 不是 true、false、1 或 0"},
		{&CheckInvalid, "`check` is not true, false, 1 or 0", "`check` 不是 true、false、1 或 0"},
		{&ProfileNotGranted, "the user logged in silently, without granting the profile", "用户是静默登录，没有授权用户信息"},
		{&LoginAgain, "WeChat's tokens of this user are not valid any more; only a new login helps", "微信中该用户的令牌已失效，只能重新登录"},
		{&WeChatUnavailable, "WeChat does not answer, or is busy. With `Retry-After`", "微信没有响应，或繁忙；应答带有 `Retry-After`"},
	}
}
