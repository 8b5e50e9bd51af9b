package problem

import "net/http"

// Problems of the page of make dev.
var (
	HostUnknown = Type{code: "host_unknown", status: http.StatusMisdirectedRequest, title: "Misdirected Request", hint: Hint{
		En: "Add its origin to ALLOWED_ORIGINS.",
		Zh: "请把该来源加入 ALLOWED_ORIGINS。",
	}}
	OriginRefused = Type{code: "origin_refused", status: http.StatusForbidden, title: "Forbidden"}
	NotJSON       = Type{code: "not_json", status: http.StatusUnsupportedMediaType, title: "Unsupported Media Type"}
	BodyMalformed = Type{code: "body_malformed", status: http.StatusBadRequest, title: "Bad Request"}
	NoSimulator   = Type{code: "no_simulator", status: http.StatusNotFound, title: "Not Found", hint: Hint{
		En: "Unset WECHAT_APP_ID, or start with --sim.",
		Zh: "请取消设置 WECHAT_APP_ID，或以 --sim 启动。",
	}}
	FaultUnknown      = Type{code: "fault_unknown", status: http.StatusBadRequest, title: "Bad Request"}
	MinutesInvalid    = Type{code: "minutes_invalid", status: http.StatusBadRequest, title: "Bad Request"}
	ClockFarAhead     = Type{code: "clock_far_ahead", status: http.StatusBadRequest, title: "Bad Request"}
	SampleUnknown     = Type{code: "sample_unknown", status: http.StatusBadRequest, title: "Bad Request"}
	MiniActionUnknown = Type{code: "mini_unknown", status: http.StatusBadRequest, title: "Bad Request"}
)

func localEntries() []Entry {
	return []Entry{
		{&HostUnknown, "the page was asked for under a host that is not in `ALLOWED_ORIGINS`", "访问页面所用的主机名不在 `ALLOWED_ORIGINS` 中"},
		{&OriginRefused, "the request came from a page of another site", "请求来自其他站点的页面"},
		{&NotJSON, "the body is not declared as `application/json`", "请求没有声明 `application/json`"},
		{&BodyMalformed, "the body is not the JSON object that the action takes", "请求体不是该操作要求的 JSON 对象"},
		{&NoSimulator, "this works with the simulated WeChat alone", "此操作仅适用于模拟的微信"},
		{&FaultUnknown, "there is no such fault", "没有这种故障"},
		{&MinutesInvalid, "`minutes` is out of range", "`minutes` 超出范围"},
		{&ClockFarAhead, "the clock is already a month ahead", "时钟已超前一个月"},
		{&SampleUnknown, "there is no such sample message", "没有这种示例消息"},
		{&MiniActionUnknown, "there is no such action of the mini-program", "小程序没有这种操作"},
	}
}
