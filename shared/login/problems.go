package login

import (
	"cmp"
	"errors"
	"time"

	"wechatfn/shared/problem"
	"wechatfn/shared/session"
	"wechatfn/shared/wechat"
)

// Problems is what a feature answers when an exchange fails. Where the details are the same
// in every feature, the feature names the types only.
//
// A feature needs no answer of its own to UserBlocked and TooManyLogins: where these are
// nil, the answers are Misconfigured and Unavailable. All other fields are required.
type Problems struct {
	CodeInvalid, CodeUsed, CodeExpired *problem.Type

	UserBlocked   *problem.Problem
	TooManyLogins *problem.Problem // its Retry-After comes from WeChat's error
	Unavailable   *problem.Problem
	Misconfigured *problem.Problem
}

// Of returns the answer to an error of [Exchanger.Exchange]. The error is its cause where
// the operator has to see it: not where the code or the user is at fault.
func (p *Problems) Of(err error) *problem.Problem {
	failure := FailureOf(err)
	answer := p.For(failure)
	switch failure {
	case Unavailable, Misconfigured:
		return answer.Because(err)
	case TooManyLogins:
		e, _ := errors.AsType[*wechat.Error](err)
		return answer.Because(err).RetryIn(e.Pause())
	}
	return answer
}

// For returns the answer to a failure, without a cause.
func (p *Problems) For(f Failure) *problem.Problem {
	switch f {
	case CodeInvalid:
		return p.CodeInvalid.New("WeChat does not know this code")
	case CodeUsed:
		return p.CodeUsed.New("this code has been used already")
	case CodeExpired:
		return p.CodeExpired.New("this code is too old")
	case UserBlocked:
		return cmp.Or(p.UserBlocked, p.Misconfigured)
	case TooManyLogins:
		return cmp.Or(p.TooManyLogins, p.Unavailable)
	case Unavailable:
		return p.Unavailable
	}
	return p.Misconfigured
}

// DefaultRetry is the Retry-After where WeChat names no time.
const DefaultRetry = 2 * time.Second

// WeChatBusy returns the problem of a call that WeChat did not answer. Its type is t.
func WeChatBusy(t *problem.Type) *problem.Problem {
	return &problem.Problem{Type: t, Detail: "WeChat did not answer in time, or is busy", RetryAfter: DefaultRetry}
}

// SessionProblems is what a feature answers when a token opens no session. A session of
// another product is problem.SessionOtherProduct in every feature.
type SessionProblems struct {
	Missing *problem.Type // no token, an unknown one, or a session that has expired
	Revoked *problem.Type // the session was revoked; the detail gives the reason
}

// Of returns the answer to an error of package session. It returns any other error, and
// nil, as it is.
func (p SessionProblems) Of(err error) error {
	if revoked, ok := errors.AsType[*session.RevokedError](err); ok {
		return p.Revoked.New("the session was ended: " + string(revoked.Reason))
	}
	switch {
	case errors.Is(err, session.ErrNoSession):
		return p.Missing.New("no session came with the request, or it has ended")
	case errors.Is(err, session.ErrOtherSKU):
		return problem.SessionOtherProduct.New("the session was opened with another sku")
	}
	return err
}
