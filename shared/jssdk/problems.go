package jssdk

import (
	"net/http"
	"time"

	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

var (
	errAppUnknown = &web.Problem{
		Status: http.StatusBadRequest,
		Code:   "app_unknown",
		Title:  "Unknown account",
		Detail: "the parameter app names no official account that is configured",
		Hint: web.Hint{
			En: "Use a name from WECHAT_APPS, or leave app out for the first account.",
			Zh: "请使用 WECHAT_APPS 中的名称；不传 app 则使用第一个公众号。",
		},
	}
	errForce = &web.Problem{
		Status: http.StatusBadRequest,
		Code:   "force_invalid",
		Title:  "Invalid force",
		Detail: "the parameter force must be true, false, 1 or 0",
		Hint:   web.Hint{En: "Leave it out unless you need a new signature.", Zh: "除非需要新的签名，否则不必传 force。"},
	}
)

func ticketNotKept(app string, typ wechat.TicketType) *web.Problem {
	return &web.Problem{
		Status: http.StatusBadRequest,
		Code:   "ticket_not_configured",
		Title:  "Ticket not kept",
		Detail: "no " + string(typ) + " ticket is kept alive for account " + app,
		Hint: web.Hint{
			En: "Add " + string(typ) + " to WECHAT_TICKETS, or to the account's tickets in WECHAT_APPS.",
			Zh: "请在 WECHAT_TICKETS 或 WECHAT_APPS 的 tickets 中加入 " + string(typ) + "。",
		},
	}
}

// noTicket: the refresher has been told; a client may come again.
func noTicket(cause error, retryAfter time.Duration) *web.Problem {
	return &web.Problem{
		Status:     http.StatusServiceUnavailable,
		Code:       "ticket_unavailable",
		Title:      "No ticket",
		Detail:     "no ticket is alive at the moment; the refresher has been called",
		RetryAfter: retryAfter,
		Cause:      cause,
		Hint: web.Hint{
			En: "Try again after Retry-After. If it goes on, look at the refresher's log: a wrong AppSecret or an address missing from WeChat's IP whitelist is the usual cause.",
			Zh: "请在 Retry-After 之后重试。若持续出现，请查看 refresher 日志：常见原因是 AppSecret 错误或服务器 IP 不在白名单中。",
		},
	}
}

func badParameter(name, detail string) *web.Problem {
	return &web.Problem{
		Status: http.StatusBadRequest,
		Code:   "parameter_invalid",
		Title:  "Invalid parameter",
		Detail: "the parameter " + name + " " + detail,
		Hint:   web.Hint{En: "See the API description for its form.", Zh: "参数格式见接口文档。"},
	}
}
