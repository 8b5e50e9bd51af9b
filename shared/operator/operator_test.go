package operator

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/session"
	"wechatfn/shared/store/sqlite"
)

var (
	shop = account.Account{Name: "shop", AppID: "wx0000000000000001", Kind: account.OfficialAccount}
	mini = account.Account{Name: "mini", AppID: "wx0000000000000003", Kind: account.MiniProgram}
)

// fixture is a Handler with its sessions and its log.
type fixture struct {
	*Handler
	sessions *session.Sessions
	reset    []string // openids whose session_key was reset
	log      strings.Builder
}

func newFixture(t *testing.T, accounts ...account.Account) *fixture {
	t.Helper()
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	f := new(fixture)
	if f.sessions, err = session.New(session.Config{Store: db, TTL: 720 * time.Hour, IdleTimeout: 168 * time.Hour, MaxDevices: 10}); err != nil {
		t.Fatal(err)
	}
	reset := func(_ context.Context, appID, openID string) error {
		if appID != mini.AppID {
			return errors.New("another account")
		}
		f.reset = append(f.reset, openID)
		return nil
	}
	f.Handler, err = New(Config{Accounts: accounts, Sessions: f.sessions, ResetSessionKey: reset, Logger: slog.New(slog.NewTextHandler(&f.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := f.sessions.Issue(t.Context(), session.Login{App: "mini", AppID: mini.AppID, OpenID: "hua", UnionID: "u-hua"}); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestHandle(t *testing.T) {
	for _, c := range []struct {
		name     string
		accounts []account.Account
		event    string
		want     string // part of the answer
	}{
		{"user", []account.Account{shop, mini}, `{"action":"user","app":"mini","openid":"hua"}`, `"openid":"hua"`},
		{"user, of the only account", []account.Account{mini}, `{"action":"user","openid":"hua"}`, `"openid":"hua"`},
		{"logout", []account.Account{shop, mini}, `{"action":"logout","app":"mini","openid":"hua"}`, `{"action":"logout","app":"mini","openid":"hua"}`},
		{"reset_session_key", []account.Account{shop, mini}, `{"action":"reset_session_key","app":"mini","openid":"hua"}`, `"reset_session_key"`},
		{"openids", []account.Account{shop, mini}, `{"action":"openids","unionid":"u-hua"}`, `{"` + mini.AppID + `":"hua"}`},
		{"openids of nobody", []account.Account{shop, mini}, `{"action":"openids","unionid":"nobody"}`, `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, c.accounts...)
			answer, err := f.Handle(t.Context(), []byte(c.event))
			if err != nil || !strings.Contains(string(answer), c.want) {
				t.Errorf("%s, %v, want %s", answer, err, c.want)
			}
			if log := f.log.String(); strings.Count(log, "level=INFO") != 1 || strings.Contains(log, "hua") {
				t.Errorf("log %s", log)
			}
			if want := strings.Contains(c.event, "reset"); (len(f.reset) == 1) != want {
				t.Errorf("session keys of %q were reset", f.reset)
			}
		})
	}
}

func TestHandleRefuses(t *testing.T) {
	for _, c := range []struct{ name, event, want string }{
		{"nothing", ``, "is a JSON object"},
		{"a list", `[]`, "is a JSON object"},
		{"an action that is a number", `{"action":5}`, "is a JSON object"},
		{"an unknown field", `{"action":"user","app":"mini","openid":"hua","requestContext":{}}`, "is a JSON object"},
		{"two events", `{"action":"logout","app":"mini","openid":"hua"}{"action":"user"}`, "is a JSON object"},
		{"an unknown action", `{"action":"forget","app":"mini","openid":"x"}`, "unknown action"},
		{"no account, of two", `{"action":"user","openid":"hua"}`, "names no account"},
		{"an unknown account", `{"action":"user","app":"site","openid":"x"}`, "names no account"},
		{"an unknown user", `{"action":"user","app":"mini","openid":"nobody"}`, "no such user"},
		{"an openid with a number sign", `{"action":"user","app":"mini","openid":"a#b"}`, ""},
		{"a logout without an openid", `{"action":"logout","app":"mini","openid":""}`, ""},
		{"openids without a unionid", `{"action":"openids"}`, "needs a unionid"},
		{"a session_key of an official account", `{"action":"reset_session_key","app":"shop","openid":"x"}`, "no mini-program"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, shop, mini)
			if answer, err := f.Handle(t.Context(), []byte(c.event)); err == nil || !strings.Contains(err.Error(), c.want) || len(f.reset) != 0 {
				t.Errorf("%s, %v, want %s", answer, err, c.want)
			}
		})
	}
}

func TestNewDemandsItsParts(t *testing.T) {
	if _, err := New(Config{Accounts: account.List{shop}}); err == nil {
		t.Error("a Handler without sessions was made")
	}
	if _, err := New(Config{Accounts: account.List{mini}, Sessions: new(session.Sessions)}); err == nil {
		t.Error("a Handler was made that cannot reset a session_key")
	}
}
