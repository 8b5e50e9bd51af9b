package problem

import "net/http"

// Problems of the server URL: WeChat's check of it, and its pushes.
var (
	PushAppUnknown = Type{of: &AppUnknown, status: http.StatusNotFound, hint: Hint{
		En: "Use /verify/NAME with a name from WECHAT_APPS, or /verify for the first account.",
		Zh: "请使用 /verify/名称（WECHAT_APPS 中的名称），或 /verify 使用第一个账号。",
	}}
	SignatureInvalid = Type{code: "signature_invalid", status: http.StatusForbidden, title: "Invalid signature", hint: Hint{
		En: "This address is for WeChat's server configuration. The Token in WeChat's console must be the one configured here.",
		Zh: "此地址供微信服务器配置使用。公众平台填写的 Token 必须与此处配置的一致。",
	}}
	TimestampStale = Type{code: "timestamp_stale", status: http.StatusForbidden, title: "Stale timestamp", hint: Hint{
		En: "A request of WeChat's cannot be sent again later.",
		Zh: "微信的请求不能在之后重复使用。",
	}}
	EchostrInvalid = Type{code: "echostr_invalid", status: http.StatusForbidden, title: "Invalid echostr"}
	PushRefused    = Type{code: "push_refused", status: http.StatusForbidden, title: "Push refused", hint: Hint{
		En: "Token, EncodingAESKey, AppID and the mode (plain or encrypted) must be those of WeChat's console; the log says which check failed.",
		Zh: "Token、EncodingAESKey、AppID 和加解密方式必须与公众平台一致；日志会说明是哪一项检查未通过。",
	}}
	PushMalformed          = Type{code: "push_malformed", status: http.StatusBadRequest, title: "Malformed push"}
	PushInProgress         = Type{code: "push_in_progress", status: http.StatusServiceUnavailable, title: "Push in progress"}
	DeliveryFailed         = Type{code: "delivery_failed", status: http.StatusInternalServerError, title: "Delivery failed"}
	PushSecretsUnavailable = Type{code: "push_secrets_unavailable", status: http.StatusServiceUnavailable, title: "No push secrets", hint: Hint{
		En: "Put them into the secret that WECHAT_PUSH_SECRETS_ARN names (locally: WECHAT_TOKEN and WECHAT_ENCODING_AES_KEY, or WECHAT_PUSH_SECRETS); the log says what is wrong.",
		Zh: "请将其写入 WECHAT_PUSH_SECRETS_ARN 所指的密钥（本地开发：WECHAT_TOKEN 和 WECHAT_ENCODING_AES_KEY，或 WECHAT_PUSH_SECRETS）；原因见日志。",
	}}
	ProofNotFound = Type{of: &NotFound, hint: Hint{
		En: "Add the code to WECHAT_DOMAIN_PROOFS.",
		Zh: "请将校验码加入 WECHAT_DOMAIN_PROOFS。",
	}}
)

func messageEntries() []Entry {
	return []Entry{
		{&PushAppUnknown, "the path names no account that takes pushes", "路径中的名称不是接收推送的账号"},
		{&SignatureInvalid, "the check of the server URL: not this account's token, or not WeChat", "服务器地址校验：Token 与该账号不符，或请求并非来自微信"},
		{&TimestampStale, "the check of the server URL: its timestamp is further from now than `WECHAT_PUSH_WINDOW`", "服务器地址校验：时间戳与当前时间之差超过 `WECHAT_PUSH_WINDOW`"},
		{&EchostrInvalid, "the check of the server URL: an `echostr` such as WeChat does not send", "服务器地址校验：`echostr` 不符合微信的格式"},
		{&PushRefused, "a push that is not WeChat's to this account, or is too old. Which check failed is in the log, not in the answer", "推送并非微信发给该账号，或时间过久。哪一项检查未通过只写入日志，不在应答中说明"},
		{&PushMalformed, "a body that is neither XML nor JSON as WeChat writes them", "请求体不是微信格式的 XML 或 JSON"},
		{&PushInProgress, "another delivery of the same push is in progress and did not end in time. With `Retry-After`", "同一推送的另一次投递仍在处理，未能及时结束；应答带有 `Retry-After`"},
		{&DeliveryFailed, "the message could not be delivered. WeChat sends it again", "消息未能投递；微信会重新推送"},
		{&PushSecretsUnavailable, "token and AES key of the account could not be read. With `Retry-After`", "无法读取该账号的 Token 和 EncodingAESKey；应答带有 `Retry-After`"},
		{&ProofNotFound, "`MP_verify_….txt` with a code that is not configured", "请求的 `MP_verify_….txt` 校验码没有配置"},
	}
}
