package login_test

import (
	"errors"
	"testing"
	"time"

	"wechatfn/shared/login"
	"wechatfn/shared/problem"
	"wechatfn/shared/session"
	"wechatfn/shared/wechat"
)

func TestProblemsHasAnAnswerForEachFailure(t *testing.T) {
	p := login.Problems{
		CodeInvalid: &problem.LoginCodeInvalid, CodeUsed: &problem.LoginCodeUsed, CodeExpired: &problem.LoginCodeExpired,
		UserBlocked: problem.LoginBlocked.New("blocked"), TooManyLogins: problem.LoginTooOften.New("too often"),
		Unavailable: login.WeChatBusy(&problem.LoginUnavailable), Misconfigured: problem.LoginMisconfigured.New("misconfigured"),
	}
	errcode := func(code int) error { return &wechat.Error{Op: "access_token", Code: code} }
	quota := &wechat.Error{Op: "access_token", Code: wechat.CodeMinuteQuota}
	for _, c := range []struct {
		name       string
		err        error
		typ        *problem.Type
		detail     string
		retryAfter time.Duration
		hasCause   bool
	}{
		{"unknown code", errcode(wechat.CodeBadCode), &problem.LoginCodeInvalid, "WeChat does not know this code", 0, false},
		{"used code", errcode(wechat.CodeUsedCode), &problem.LoginCodeUsed, "this code has been used already", 0, false},
		{"expired code", errcode(wechat.CodeExpiredCode), &problem.LoginCodeExpired, "this code is too old", 0, false},
		{"user blocked", errcode(wechat.CodeUserBlocked), &problem.LoginBlocked, "blocked", 0, false},
		{"minute quota", quota, &problem.LoginTooOften, "too often", quota.Pause(), true},
		{"busy", errcode(-1), &problem.LoginUnavailable, "WeChat did not answer in time, or is busy", login.DefaultRetry, true},
		{"AppSecret missing", errors.New("no AppSecret is stored"), &problem.LoginMisconfigured, "misconfigured", 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := p.Of(c.err)
			if got.Type != c.typ || got.Detail != c.detail || got.RetryAfter != c.retryAfter {
				t.Errorf("%v, Retry-After %v", got, got.RetryAfter)
			}
			if (got.Cause == c.err) != c.hasCause || !c.hasCause && got.Cause != nil {
				t.Errorf("cause %v", got.Cause)
			}
			if without := p.For(login.FailureOf(c.err)); without.Cause != nil || without.Detail != c.detail {
				t.Errorf("For: %v", without)
			}
		})
	}
}

func TestProblemsWithoutAnAnswerOfTheirOwn(t *testing.T) {
	p := login.Problems{
		Unavailable: problem.LoginUnavailable.New("unavailable"), Misconfigured: problem.LoginMisconfigured.New("misconfigured"),
	}
	for _, c := range []struct {
		name    string
		failure login.Failure
		want    *problem.Problem
	}{
		{"user blocked", login.UserBlocked, p.Misconfigured},
		{"too many logins", login.TooManyLogins, p.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := p.For(c.failure); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestSessionProblems(t *testing.T) {
	broken := errors.New("the store's")
	p := login.SessionProblems{Missing: &problem.MiniSessionMissing, Revoked: &problem.MiniSessionRevoked}
	for _, c := range []struct {
		name   string
		err    error
		typ    *problem.Type
		detail string
	}{
		{"no session", session.ErrNoSession, &problem.MiniSessionMissing, "no session came with the request, or it has ended"},
		{"other product", session.ErrOtherSKU, &problem.SessionOtherProduct, "the session was opened with another sku"},
		{"revoked", &session.RevokedError{Reason: session.ReasonLogoutAll}, &problem.MiniSessionRevoked, "the session was ended: logout_all"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := errors.AsType[*problem.Problem](p.Of(c.err))
			if !ok || *got != *c.typ.New(c.detail) {
				t.Errorf("%v, want %v", got, c.typ.New(c.detail))
			}
		})
	}
	for _, other := range []error{broken, nil} {
		if err := p.Of(other); err != other {
			t.Errorf("%v became %v", other, err)
		}
	}
}
