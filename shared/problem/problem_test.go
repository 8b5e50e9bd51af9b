package problem_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"wechatfn/shared/problem"
)

func TestProblemSaysWhatItsTypeSays(t *testing.T) {
	for _, c := range []struct {
		name   string
		p      *problem.Problem
		status int
		code   problem.Code
		title  string
		hint   string
	}{
		{"a type", problem.LangInvalid.New("detail"), 400, "lang_invalid", "Invalid lang", "Leave lang out for zh_CN."},
		{"a second type of a code", problem.MiniSessionMissing.New(""), 401, "session_missing", "No session", "Call wx.login and log in again."},
		{"with a status of its own", problem.PushAppUnknown.New(""), 404, "app_unknown", "Unknown account", "Use /verify/NAME with a name from WECHAT_APPS, or /verify for the first account."},
		{"a hint with an argument", &problem.Problem{Type: &problem.TicketNotConfigured, HintArg: "wx_card"}, 400, "ticket_not_configured", "Ticket not configured", "Add wx_card to WECHAT_TICKETS, or to the account's tickets in WECHAT_APPS."},
		{"no hint", problem.NotFound.New(""), 404, "not_found", "Not Found", ""},
		{"no type", &problem.Problem{Detail: "detail"}, 500, "internal", "Internal error", ""},
		{"a type that is not in the catalogue", new(problem.Type).New("detail"), 500, "internal", "Internal error", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if p := c.p; p.Status() != c.status || p.Code() != c.code || p.Title() != c.title || p.Hint().En != c.hint {
				t.Errorf("%d %s %q %q", p.Status(), p.Code(), p.Title(), p.Hint().En)
			}
		})
	}
}

func TestProblemIsAnErrorWithItsCause(t *testing.T) {
	err := error(problem.Timeout.New("the detail").Because(io.ErrUnexpectedEOF))
	if got, want := err.Error(), "problem: 503 timeout: the detail: unexpected EOF"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("errors.Is does not find the cause")
	}
}

func TestBecauseAndRetryInLeaveAProblemThatIsSharedAsItIs(t *testing.T) {
	shared := problem.Timeout.New("the detail")
	got := shared.Because(io.ErrUnexpectedEOF).RetryIn(time.Second)
	want := problem.Problem{Type: &problem.Timeout, Detail: "the detail", Cause: io.ErrUnexpectedEOF, RetryAfter: time.Second}
	if *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}
	if *shared != *problem.Timeout.New("the detail") {
		t.Errorf("the first problem was changed: %+v", *shared)
	}
}
