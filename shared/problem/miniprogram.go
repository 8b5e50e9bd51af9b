package problem

import "net/http"

var (
	callWXLogin = Hint{En: "Call wx.login and log in again.", Zh: "请调用 wx.login 后重新登录。"}
	askMiniLog  = Hint{En: "The operator finds the reason in the log.", Zh: "请联系管理员；原因见服务日志。"}
	getNewData  = Hint{
		En: "A newer wx.login may have replaced the session_key: call wx.login, log in, and only then get the data.",
		Zh: "session_key 可能已被新的 wx.login 更新：请先 wx.login 并登录，再获取加密数据。",
	}
)

// Problems of a mini-program's login.
var (
	MiniAppUnknown = Type{of: &AppUnknown, hint: Hint{
		En: "Use a name from WECHAT_APPS of kind mini_program, or leave app out for the first one.",
		Zh: "请使用 WECHAT_APPS 中类型为 mini_program 的名称；不传 app 则使用第一个小程序。",
	}}
	MiniNotConfigured = Type{of: &AppUnknown, hint: Hint{
		En: "Add an account of kind mini_program to WECHAT_APPS.",
		Zh: "请在 WECHAT_APPS 中加入类型为 mini_program 的账号。",
	}}
	MiniFieldInvalid = Type{of: &BodyInvalid, hint: Hint{
		En: "Correct the field. WeChat was not asked, so a code in the body is still valid.",
		Zh: "请修正该字段。尚未请求微信，其中的 code 仍然有效。",
	}}
	CodeMissing = Type{code: "code_missing", status: http.StatusBadRequest, title: "No code", hint: Hint{
		En: "Send the code of wx.login, or of the phone number button.",
		Zh: "请传入 wx.login（或手机号按钮）返回的 code。",
	}}
	MiniLoginCodeInvalid = Type{of: &LoginCodeInvalid, hint: callWXLogin}
	MiniLoginCodeUsed    = Type{of: &LoginCodeUsed, hint: callWXLogin}
	MiniLoginCodeExpired = Type{of: &LoginCodeExpired, hint: callWXLogin}
	LoginBlocked         = Type{code: "login_blocked", status: http.StatusForbidden, title: "User blocked", hint: Hint{
		En: "WeChat rates this user a high risk. Tell the user.",
		Zh: "该用户被微信判定为高风险，无法登录小程序。",
	}}
	LoginTooOften = Type{code: "login_too_often", status: http.StatusTooManyRequests, title: "Too many logins", hint: Hint{
		En: "Store the token, and log in again only when it has ended.",
		Zh: "请保存 token，仅在其失效后再登录。",
	}}
	LoginSuperseded = Type{code: "login_superseded", status: http.StatusServiceUnavailable, title: "Login superseded", hint: Hint{
		En: "The user logged out of all devices, or logged in many times since. The code has been used: call wx.login and log in again.",
		Zh: "登录过程中该用户退出了所有设备（或同时登录的设备过多），code 已失效；请重新 wx.login 并登录。",
	}}
	MiniLoginMisconfigured = Type{of: &LoginMisconfigured, hint: askMiniLog}
	MiniLoginUnavailable   = Type{of: &LoginUnavailable, hint: Hint{
		En: "Call wx.login and log in again in a moment: the code may have been used.",
		Zh: "微信暂时没有响应；code 可能已失效，请稍后重新 wx.login 并登录。",
	}}
)

// Problems of a mini-program's data and phone numbers.
var (
	RawDataSignatureInvalid = Type{code: "rawdata_signature_invalid", status: http.StatusBadRequest, title: "Invalid signature", hint: Hint{
		En: "Send rawData byte by byte as WeChat gave it, and call wx.login before wx.getUserInfo, not after.",
		Zh: "请原样发送 rawData，并先调用 wx.login 再调用 wx.getUserInfo。",
	}}
	DataUndecryptable = Type{code: "data_undecryptable", status: http.StatusBadRequest, title: "Data not decrypted", hint: getNewData}
	DataOfOtherApp    = Type{code: "data_of_other_app", status: http.StatusBadRequest, title: "Data of another mini-program", hint: Hint{
		En: "Send app where several mini-programs are configured.",
		Zh: "配置了多个小程序时请传 app。",
	}}
	DataTooOld = Type{code: "data_too_old", status: http.StatusBadRequest, title: "Data too old", hint: Hint{
		En: "Get the data again; see MINIPROGRAM_DATA_AGE.",
		Zh: "请重新获取加密数据；参见 MINIPROGRAM_DATA_AGE。",
	}}
	DataOfOtherUser  = Type{code: "data_of_other_user", status: http.StatusBadRequest, title: "Data of another user", hint: getNewData}
	PhoneCodeInvalid = Type{code: "phone_code_invalid", status: http.StatusBadRequest, title: "Invalid code", hint: Hint{
		En: "Have the user press the button again. It is not the code of wx.login.",
		Zh: "请让用户重新点击手机号按钮；注意它不是 wx.login 的 code。",
	}}
)

// Problems of a mini-program's session, and of what is asked with one.
var (
	MiniSessionMissing    = Type{of: &SessionMissing, hint: callWXLogin}
	MiniSessionRevoked    = Type{of: &SessionRevoked, hint: callWXLogin}
	SessionNotMiniProgram = Type{code: "session_not_miniprogram", status: http.StatusForbidden, title: "Not a mini-program's session", hint: callWXLogin}
	SessionKeyMissing     = Type{code: "session_key_missing", status: http.StatusConflict, title: "No session_key", hint: callWXLogin}
	SessionKeyInvalid     = Type{code: "session_key_invalid", status: http.StatusConflict, title: "Invalid session_key", hint: callWXLogin}
	TokenUnavailable      = Type{code: "token_unavailable", status: http.StatusServiceUnavailable, title: "No access token", hint: Hint{
		En: "Try again after Retry-After. If it goes on, look at the refresher's log.",
		Zh: "请在 Retry-After 之后重试。若持续出现，请查看 refresher 日志。",
	}}
	WeChatRefused         = Type{code: "wechat_refused", status: http.StatusInternalServerError, title: "WeChat refuses the call", hint: askMiniLog}
	MiniWeChatUnavailable = Type{of: &WeChatUnavailable, hint: Hint{
		En: "Try again in a moment; a phone number takes another press of the button.",
		Zh: "请稍后重试；获取手机号需让用户重新点击按钮。",
	}}
)

func miniProgramEntries() []Entry {
	return []Entry{
		{&MiniAppUnknown, "`app` names no mini-program that is configured", "`app` 不是已配置的小程序名称"},
		{&MiniNotConfigured, "no mini-program is configured", "没有配置小程序"},
		{&MiniFieldInvalid, "a field of the body is not right; `detail` says which", "请求体中某个字段不对，见 `detail`"},
		{&CodeMissing, "no code came, or something that is no code of WeChat's", "没有传 code，或其格式不是微信的 code"},
		{&MiniLoginCodeInvalid, "WeChat's 40029: it does not know the code", "微信返回 40029：code 无效"},
		{&MiniLoginCodeUsed, "WeChat's 40163: the code has been used", "微信返回 40163：code 已被使用"},
		{&MiniLoginCodeExpired, "WeChat's 42003: the code is too old", "微信返回 42003：code 已过期"},
		{&LoginBlocked, "WeChat's 40226: it considers the user a high risk", "微信返回 40226：该用户被判定为高风险"},
		{&LoginTooOften, "WeChat's 45011: this user logs in too often. With `Retry-After`", "微信返回 45011：该用户登录过于频繁；应答带有 `Retry-After`"},
		{&LoginSuperseded, "a logout of all devices, or many newer logins, ended this login before it was done. With `Retry-After`: log in again", "登录尚未完成，就被一次“退出所有设备”或之后的多次登录终止；应答带有 `Retry-After`，请重新登录"},
		{&MiniLoginMisconfigured, "WeChat refused AppID, AppSecret or address; the log has the `errcode`", "微信拒绝了 AppID、AppSecret 或服务器 IP；日志中有 `errcode`"},
		{&MiniLoginUnavailable, "WeChat does not answer, or is busy. With `Retry-After`", "微信没有响应，或繁忙；应答带有 `Retry-After`"},
		{&RawDataSignatureInvalid, "`signature` is not that of `rawData`, byte by byte, with this login's session_key", "`signature` 与 `rawData`（逐字节）和本次登录的 session_key 不符"},
		{&DataUndecryptable, "`encryptedData` has a wrong key, iv or padding, or is no JSON with a watermark; the answer does not say which. A newer `wx.login` is the usual reason", "`encryptedData` 的密钥、iv 或填充不对，或解密后不是带水印的 JSON；应答不说明是哪一种。常见原因是之后又调用了 `wx.login`"},
		{&DataOfOtherApp, "the watermark is another mini-program's", "水印属于其他小程序"},
		{&DataTooOld, "the time of the data is further from now than `MINIPROGRAM_DATA_AGE`", "数据的时间与当前时间之差超过 `MINIPROGRAM_DATA_AGE`"},
		{&DataOfOtherUser, "the openId of the data is not the session's", "数据中的 openId 与会话不符"},
		{&PhoneCodeInvalid, "the phone number's code is unknown, used, old, or of another user or mini-program", "手机号的 code 无法识别、已被使用、已过期，或属于其他用户或小程序"},
		{&MiniSessionMissing, "no session, or one that has ended", "没有会话，或会话已结束"},
		{&MiniSessionRevoked, "a session that was ended; `detail` says why, as for logins", "会话已被终止，原因见 `detail`，取值同“登录与会话”"},
		{&SessionNotMiniProgram, "a web login's session on a mini-program's route", "在小程序接口上使用了网页登录的会话"},
		{&SessionKeyMissing, "no session_key is stored for the user", "没有保存该用户的 session_key"},
		{&SessionKeyInvalid, "WeChat's 87009: the session_key is not valid any more", "微信返回 87009：session_key 已失效"},
		{&TokenUnavailable, "there is no valid access token of the mini-program; the refresher has been called. With `Retry-After`", "小程序暂无有效的 access_token，已通知 refresher 刷新；应答带有 `Retry-After`"},
		{&WeChatRefused, "WeChat does not let the mini-program make the call; the log has the `errcode`", "微信不允许该小程序调用此接口；日志中有 `errcode`"},
		{&MiniWeChatUnavailable, "WeChat does not answer, or is busy. With `Retry-After`", "微信没有响应，或繁忙；应答带有 `Retry-After`"},
	}
}
