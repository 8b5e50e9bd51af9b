package problem

import "net/http"

var sendPageURL = Hint{
	En: "Send encodeURIComponent(location.href.split('#')[0]).",
	Zh: "请传 encodeURIComponent(location.href.split('#')[0])。",
}

// Problems of signatures.
var (
	URLMissing           = Type{code: "url_missing", status: http.StatusBadRequest, title: "No page URL", hint: sendPageURL}
	URLRelative          = Type{code: "url_relative", status: http.StatusBadRequest, title: "Relative page URL", hint: sendPageURL}
	URLScheme            = Type{code: "url_scheme", status: http.StatusBadRequest, title: "Page URL is not http or https", hint: sendPageURL}
	URLMalformed         = Type{code: "url_malformed", status: http.StatusBadRequest, title: "Malformed page URL", hint: sendPageURL}
	URLControlCharacters = Type{code: "url_control_characters", status: http.StatusBadRequest, title: "Page URL holds control characters", hint: sendPageURL}
	URLUserinfo          = Type{code: "url_userinfo", status: http.StatusBadRequest, title: "Page URL holds userinfo", hint: sendPageURL}
	URLEncodedTwice      = Type{code: "url_encoded_twice", status: http.StatusBadRequest, title: "Page URL encoded twice", hint: Hint{
		En: "Encode the URL once. Some HTTP libraries encode parameters by themselves: give those location.href.split('#')[0] as it is.",
		Zh: "URL 只能编码一次。有些 HTTP 库会自动编码参数，此时请直接传 location.href.split('#')[0]。",
	}}
	URLNotEncoded = Type{code: "url_not_encoded", status: http.StatusBadRequest, title: "Page URL not encoded", hint: sendPageURL}
	URLTooLong    = Type{code: "url_too_long", status: http.StatusBadRequest, title: "Page URL too long", hint: Hint{
		En: "Move state out of the page's address, or into its fragment, which is not signed.",
		Zh: "请缩短页面地址，或把状态放到 # 之后（# 之后不参与签名）。",
	}}
	AppUnknown = Type{code: "app_unknown", status: http.StatusBadRequest, title: "Unknown account", hint: Hint{
		En: "Use a name from WECHAT_APPS, or leave app out for the first account.",
		Zh: "请使用 WECHAT_APPS 中的名称；不传 app 则使用第一个公众号。",
	}}
	OriginNotAllowed = Type{code: "origin_not_allowed", status: http.StatusForbidden, title: "Origin not allowed", hint: Hint{
		En: "Add it to ALLOWED_ORIGINS, and its domain to the JS interface security domains in WeChat's console.",
		Zh: "请把它加入 ALLOWED_ORIGINS，并在公众号后台把域名加入“JS接口安全域名”。",
	}}
	ForceInvalid = Type{code: "force_invalid", status: http.StatusBadRequest, title: "Invalid force", hint: Hint{
		En: "Leave force out unless you need a new signature.",
		Zh: "除非需要新的签名，否则不必传 force。",
	}}
	ParameterInvalid = Type{code: "parameter_invalid", status: http.StatusBadRequest, title: "Invalid parameter", hint: Hint{
		En: "See the API description for its form.",
		Zh: "参数格式见接口文档。",
	}}
	// TicketNotConfigured takes the type of the ticket as HintArg.
	TicketNotConfigured = Type{code: "ticket_not_configured", status: http.StatusBadRequest, title: "Ticket not configured", hint: Hint{
		En: "Add {} to WECHAT_TICKETS, or to the account's tickets in WECHAT_APPS.",
		Zh: "请在 WECHAT_TICKETS 或 WECHAT_APPS 的 tickets 中加入 {}。",
	}}
	TicketUnavailable = Type{code: "ticket_unavailable", status: http.StatusServiceUnavailable, title: "No ticket", hint: Hint{
		En: "Try again after Retry-After. If it goes on, look at the refresher's log: a wrong AppSecret or an address missing from WeChat's IP whitelist is the usual cause.",
		Zh: "请在 Retry-After 之后重试。若持续出现，请查看 refresher 日志：常见原因是 AppSecret 错误或服务器 IP 不在白名单中。",
	}}
)

func signatureEntries() []Entry {
	return []Entry{
		{&URLMissing, "no `url`, or an empty one", "没有传 `url`，或值为空"},
		{&URLRelative, "`url` does not begin with `http://` or `https://`", "`url` 不是以 `http://` 或 `https://` 开头"},
		{&URLScheme, "`url` has another scheme", "`url` 使用了其他协议"},
		{&URLMalformed, "`url` has no host, or a backslash in its host, or is not UTF-8", "`url` 没有主机名、主机名中有反斜杠，或不是 UTF-8"},
		{&URLControlCharacters, "`url` contains a space or a control character, which no browser reports", "`url` 含有空格或控制字符；浏览器给出的地址中不会有这些字符"},
		{&URLUserinfo, "`url` has `user:password@` before the host", "`url` 的主机名前有 `user:password@`"},
		{&URLEncodedTwice, "`url` is still percent-encoded after decoding once", "`url` 解码一次后仍是百分号编码"},
		{&URLNotEncoded, "`url` was sent without encoding, so that part of it was lost on the way", "`url` 未经编码就发送，有一部分在途中丢失"},
		{&URLTooLong, "`url` has more than 2048 bytes", "`url` 超过 2048 字节"},
		{&OriginNotAllowed, "the page's origin is not in `ALLOWED_ORIGINS`", "页面的来源不在 `ALLOWED_ORIGINS` 中"},
		{&AppUnknown, "`app` names no official account that is configured", "`app` 不是已配置的公众号名称"},
		{&ForceInvalid, "`force` is not true, false, 1 or 0", "`force` 不是 true、false、1 或 0"},
		{&ParameterInvalid, "a parameter of a card is missing or has another form", "卡券参数缺失或格式不对"},
		{&TicketNotConfigured, "the account is not configured to have such a ticket: see `WECHAT_TICKETS`", "该账号没有配置这种 ticket，见 `WECHAT_TICKETS`"},
		{&TicketUnavailable, "there is no valid ticket; the refresher has been called. With `Retry-After`", "暂无有效的 ticket，已通知 refresher 刷新；应答带有 `Retry-After`"},
	}
}
