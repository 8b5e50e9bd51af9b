package login_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/login"
	"wechatfn/shared/wechat"
)

// WeChat is asked once, whatever it answers, and the AppSecret is read past the cache
// only where it is missing or refused.
func TestCodeIsExchangedOnce(t *testing.T) {
	fault := func(f wechatsim.Fault) func(*wechatsim.Sim, *secrets) {
		return func(sim *wechatsim.Sim, _ *secrets) { f.Path = wechatsim.PathExchange; sim.Fail(f) }
	}
	cached, again := []string{"cached"}, []string{"cached", "fresh"}
	for _, c := range []struct {
		name    string
		prepare func(*wechatsim.Sim, *secrets)
		reads   []string
		asked   int
		fails   bool
		failure login.Failure
	}{
		{"accepted", func(*wechatsim.Sim, *secrets) {}, cached, 1, false, 0},
		{"unknown code", fault(wechatsim.Fault{ErrCode: 40029}), cached, 1, true, login.CodeInvalid},
		{"used code", fault(wechatsim.Fault{ErrCode: 40163}), cached, 1, true, login.CodeUsed},
		{"busy", fault(wechatsim.Fault{ErrCode: -1}), cached, 1, true, login.Unavailable},
		{"status 502", fault(wechatsim.Fault{Status: 502}), cached, 1, true, login.Unavailable},
		{"connection broken before", fault(wechatsim.Fault{DropBefore: true}), cached, 1, true, login.Unavailable},
		{"answer lost", fault(wechatsim.Fault{DropAfter: true}), cached, 1, true, login.Unavailable},
		{"unreadable answer", fault(wechatsim.Fault{Body: "<html>"}), cached, 1, true, login.Unavailable},
		{"AppID refused", fault(wechatsim.Fault{ErrCode: 40013}), cached, 1, true, login.Misconfigured},
		{"AppSecret refused, 40125", fault(wechatsim.Fault{ErrCode: 40125}), again, 1, true, login.Misconfigured},
		{"AppSecret refused, 40001", fault(wechatsim.Fault{ErrCode: 40001}), again, 1, true, login.Misconfigured},
		{"AppSecret just stored", func(_ *wechatsim.Sim, s *secrets) { s.cached = "" }, again, 1, false, 0},
		{"AppSecret missing", func(_ *wechatsim.Sim, s *secrets) { s.stored, s.cached = "", "" }, again, 0, true, login.Misconfigured},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim, client := newWeChat(t)
			s := &secrets{stored: testSecret, cached: testSecret}
			c.prepare(sim, s)
			token, _, err := newExchanger(s, client.ExchangeCode).Exchange(t.Context(), shop, webCode(t, sim))
			if (err != nil) != c.fails || err == nil && token.OpenID != sim.OpenID(appID, "ming") {
				t.Fatalf("%v, %v", token.OpenID, err)
			}
			if c.fails && login.FailureOf(err) != c.failure {
				t.Errorf("failure %d, want %d: %v", login.FailureOf(err), c.failure, err)
			}
			s.wantReads(t, c.reads...)
			if got := sim.Calls(wechatsim.PathExchange); got != c.asked {
				t.Errorf("WeChat was asked %d times, want %d", got, c.asked)
			}
		})
	}
}

func TestMiniProgramCodeIsExchangedWithItsOwnAccount(t *testing.T) {
	sim, client := newWeChat(t)
	code, err := sim.MiniLogin(miniID, "hua")
	if err != nil {
		t.Fatal(err)
	}
	answer, _, err := newExchanger(&secrets{stored: testSecret, cached: testSecret}, client.CodeToSession).Exchange(t.Context(), mini, code)
	if err != nil || answer.OpenID != sim.OpenID(miniID, "hua") {
		t.Errorf("%s, %v", answer.OpenID, err)
	}
}

// The operator replaces the AppSecret at WeChat and in the store: one login fails, the
// next one uses the new AppSecret.
func TestRefusedSecretIsDropped(t *testing.T) {
	sim, client := newWeChat(t)
	if err := sim.SetSecret(appID, "the-new-one"); err != nil {
		t.Fatal(err)
	}
	s := &secrets{stored: "the-new-one", cached: testSecret}
	e := newExchanger(s, client.ExchangeCode)
	if _, _, err := e.Exchange(t.Context(), shop, webCode(t, sim)); login.FailureOf(err) != login.Misconfigured {
		t.Errorf("with the old AppSecret: %v", err)
	}
	if _, _, err := e.Exchange(t.Context(), shop, webCode(t, sim)); err != nil {
		t.Errorf("the next login: %v", err)
	}
	s.wantReads(t, "cached", "fresh", "cached")
}

func TestSecretIsNotReadAgainAfterTheDeadline(t *testing.T) {
	sim, client := newWeChat(t)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	s := &secrets{stored: testSecret, cached: testSecret}
	_, _, err := newExchanger(s, client.ExchangeCode).Exchange(ctx, shop, webCode(t, sim))
	if login.FailureOf(err) != login.Unavailable {
		t.Errorf("%v", err)
	}
	s.wantReads(t, "cached")
}

func TestAskedAtIsTakenAfterTheSecretWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, client := newWeChat(t)
		sim.Fail(wechatsim.Fault{Path: wechatsim.PathExchange, AnswerDelay: time.Second})
		s := &secrets{stored: testSecret, cached: testSecret, before: func() { time.Sleep(3 * time.Second) }}
		want := time.Now().Add(3 * time.Second).UnixMilli()
		if _, askedAt, err := newExchanger(s, client.ExchangeCode).Exchange(t.Context(), shop, webCode(t, sim)); err != nil || askedAt != want {
			t.Errorf("asked at %d, want %d; %v", askedAt, want, err)
		}
	})
}

func TestFailureOf(t *testing.T) {
	errcode := func(code int) error { return &wechat.Error{Op: "access_token", Code: code} }
	for _, c := range []struct {
		name string
		err  error
		want login.Failure
	}{
		{"unknown code", errcode(wechat.CodeBadCode), login.CodeInvalid},
		{"no code", errcode(wechat.CodeMissingCode), login.CodeInvalid},
		{"used code", errcode(wechat.CodeUsedCode), login.CodeUsed},
		{"expired code", errcode(wechat.CodeExpiredCode), login.CodeExpired},
		{"user blocked", errcode(wechat.CodeUserBlocked), login.UserBlocked},
		{"minute quota", errcode(wechat.CodeMinuteQuota), login.TooManyLogins},
		{"day quota", errcode(wechat.CodeDailyQuota), login.Unavailable},
		{"busy", errcode(-1), login.Unavailable},
		{"transport", &wechat.Error{Op: "access_token", Err: errors.New("connection reset")}, login.Unavailable},
		{"timeout of WeChat", &wechat.Error{Op: "access_token", Err: context.DeadlineExceeded}, login.Unavailable},
		{"timeout of the AppSecret", context.DeadlineExceeded, login.Unavailable},
		{"AppSecret missing", errors.New("no AppSecret is stored"), login.Misconfigured},
		{"AppID", errcode(wechat.CodeInvalidAppID), login.Misconfigured},
		{"AppSecret", errcode(wechat.CodeInvalidSecret), login.Misconfigured},
		{"whitelist", errcode(wechat.CodeNotInWhitelist), login.Misconfigured},
		{"scope", errcode(wechat.CodeNoPermission), login.Misconfigured},
		{"an errcode that nobody knows", errcode(12345), login.Misconfigured},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := login.FailureOf(c.err); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}
