package problem

import "net/http"

// Problems that several features have.
var (
	ParameterRepeated = Type{code: "parameter_repeated", status: http.StatusBadRequest, title: "Repeated parameter", hint: Hint{
		En: "Send each parameter once, and encode values with encodeURIComponent so that an & inside stays inside.",
		Zh: "每个参数只能出现一次；请用 encodeURIComponent 编码参数值，以免其中的 & 被当作分隔符。",
	}}
	QueryMalformed = Type{code: "query_malformed", status: http.StatusBadRequest, title: "Malformed query", hint: Hint{
		En: "Encode each value with encodeURIComponent.",
		Zh: "请用 encodeURIComponent 对每个参数值编码。",
	}}
	BodyInvalid = Type{code: "body_invalid", status: http.StatusBadRequest, title: "Invalid body", hint: Hint{
		En: "Send JSON, with Content-Type: application/json.",
		Zh: "请发送 JSON，并设置 Content-Type: application/json。",
	}}
	BodyTooLarge     = Type{code: "body_too_large", status: http.StatusRequestEntityTooLarge, title: "Body too large"}
	BodyUnreadable   = Type{code: "body_unreadable", status: http.StatusBadRequest, title: "Unreadable body"}
	RequestMalformed = Type{code: "request_malformed", status: http.StatusBadRequest, title: "Malformed request"}
	Timeout          = Type{code: "timeout", status: http.StatusServiceUnavailable, title: "The answer took too long", hint: Hint{
		En: "Try again in a few seconds.",
		Zh: "请几秒后重试。",
	}}
	Internal = Type{code: "internal", status: http.StatusInternalServerError, title: "Internal error"}
)

func generalEntries() []Entry {
	return []Entry{
		{&ParameterRepeated, "a parameter was sent twice", "同一参数出现了两次"},
		{&QueryMalformed, "a `%` without two hexadecimal digits", "`%` 之后不是两位十六进制数字"},
		{&BodyInvalid, "the body is not the JSON that the route takes", "请求体不是该接口要求的 JSON"},
		{&BodyTooLarge, "the body is larger than the route allows", "请求体超过该接口的上限"},
		{&BodyUnreadable, "the body did not arrive as a whole", "请求体未能完整收到"},
		{&RequestMalformed, "the request names no host, or cannot be decoded", "请求没有主机名，或无法解码"},
		{&Timeout, "there was no time left to answer. With `Retry-After`", "处理超时；应答带有 `Retry-After`"},
		{&Internal, "our fault; the log says why", "本服务内部错误，原因见日志"},
	}
}

// Problems of requests that reach no route.
var (
	NotFound         = Type{code: "not_found", status: http.StatusNotFound, title: "Not Found"}
	MethodNotAllowed = Type{code: "method_not_allowed", status: http.StatusMethodNotAllowed, title: "Method Not Allowed"}
	EventTooLarge    = Type{code: "event_too_large", status: http.StatusRequestEntityTooLarge, title: "Request too large"}
	EventUnsupported = Type{code: "event_unsupported", status: http.StatusBadRequest, title: "Unsupported event", hint: Hint{
		En: "Set the integration's payload format version to 2.0.",
		Zh: "请将集成的有效负载格式版本设为 2.0。",
	}}
)

func unroutedEntries() []Entry {
	return []Entry{
		{&NotFound, "there is no such path. A stage prefix such as `/prod` is not part of a route", "没有这个路径。`/prod` 之类的阶段前缀不属于接口路径"},
		{&MethodNotAllowed, "the path has no such method; see `Allow`", "该路径不支持此方法，见 `Allow`"},
		{&EventTooLarge, "the whole event is over 6 MiB", "整个事件超过 6 MiB"},
		{&EventUnsupported, "the function was invoked with something that is not an HTTP API event", "函数收到的不是 HTTP API 事件"},
	}
}
