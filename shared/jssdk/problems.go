package jssdk

import (
	"wechatfn/shared/problem"
	"wechatfn/shared/wechat"
)

var (
	errAppUnknown = problem.AppUnknown.New("the parameter app names no official account that is configured")
	errForce      = problem.ForceInvalid.New("the parameter force must be true, false, 1 or 0")
	// errNoTicket: the refresher has been called, so the client can try again later.
	errNoTicket = problem.TicketUnavailable.New("there is no valid ticket at the moment; the refresher has been called")
)

func ticketNotConfigured(app string, typ wechat.TicketType) *problem.Problem {
	return &problem.Problem{
		Type:    &problem.TicketNotConfigured,
		Detail:  "no " + string(typ) + " ticket is configured for account " + app,
		HintArg: string(typ),
	}
}

func badParameter(name, detail string) *problem.Problem {
	return problem.ParameterInvalid.New("the parameter " + name + " " + detail)
}
