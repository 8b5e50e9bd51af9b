package login_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/login"
	"wechatfn/shared/secret"
	"wechatfn/shared/session"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/wechat"
)

const (
	appID      = "wx0123456789abcdef"
	miniID     = "wxfedcba9876543210"
	testSecret = "secret-of-the-simulator"
)

var (
	shop = account.Account{Name: "shop", AppID: appID, Kind: account.OfficialAccount}
	mini = account.Account{Name: "mini", AppID: miniID, Kind: account.MiniProgram}
)

// newWeChat returns a simulated WeChat with the accounts shop and mini, and a client of it.
func newWeChat(t testing.TB) (*wechatsim.Sim, *wechat.Client) {
	t.Helper()
	sim, err := wechatsim.New(wechatsim.Config{Seed: t.Name(), Apps: []wechatsim.App{
		{ID: appID, Secret: testSecret},
		{ID: miniID, Secret: testSecret, Kind: wechatsim.MiniProgram},
	}})
	if err != nil {
		t.Fatal(err)
	}
	client, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: sim.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return sim, client
}

// secrets is a source of one AppSecret with a cache.
type secrets struct {
	stored string   // "" is an AppSecret that is missing
	cached string   // what a read that is not fresh returns; "" is an empty cache
	reads  []string // "cached" or "fresh", in order
	before func()   // runs before each read; can be nil
}

func (s *secrets) read(ctx context.Context, _ account.Account, fresh bool) (secret.Secret, error) {
	if s.before != nil {
		s.before()
	}
	s.reads = append(s.reads, map[bool]string{true: "fresh", false: "cached"}[fresh])
	if err := ctx.Err(); err != nil {
		return secret.Secret{}, err
	}
	if fresh {
		s.cached = s.stored
	}
	if s.cached == "" {
		return secret.Secret{}, errors.New("no AppSecret is stored")
	}
	return secret.New(s.cached), nil
}

func (s *secrets) wantReads(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(s.reads, want) {
		t.Errorf("the AppSecret was read %q, want %q", s.reads, want)
	}
}

func newExchanger[T any](s *secrets, call func(ctx context.Context, appID, secret, code string) (T, error)) login.Exchanger[T] {
	return login.Exchanger[T]{Secrets: s.read, Call: call, Now: time.Now}
}

func webCode(t *testing.T, sim *wechatsim.Sim) string {
	t.Helper()
	code, err := sim.IssueCode(appID, "ming", wechat.ScopeBase, false)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// sessionsFixture is sessions on a real store.
type sessionsFixture struct {
	*testing.T
	store    *storetest.Recorder
	sessions *session.Sessions
}

const (
	testTTL     = 30 * 24 * time.Hour
	testIdle    = 7 * 24 * time.Hour
	testDevices = 3
)

func newSessionsFixture(t *testing.T) *sessionsFixture {
	t.Helper()
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	f := &sessionsFixture{T: t, store: &storetest.Recorder{Store: db}}
	f.sessions, err = session.New(session.Config{Store: f.store, TTL: testTTL, IdleTimeout: testIdle, MaxDevices: testDevices})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *sessionsFixture) opener() login.Opener { return login.Opener{Sessions: f.sessions} }

// open opens a session and wants that to succeed.
func (f *sessionsFixture) open(o login.Opener, l session.Login, token string) login.Opened {
	f.Helper()
	opened, err := o.Open(f.Context(), l, token)
	if err != nil {
		f.Fatal(err)
	}
	return opened
}

func (f *sessionsFixture) wantValid(token string) {
	f.Helper()
	if _, err := f.sessions.Check(f.Context(), token); err != nil {
		f.Error(err)
	}
}

// wantCalls checks the store calls since the last check.
func (f *sessionsFixture) wantCalls(want string) {
	f.Helper()
	if got := f.store.Take().String(); got != want {
		f.Errorf("store calls %s, want %s", got, want)
	}
}

// before runs something before a call, such as "get user", until it returns true.
func (f *sessionsFixture) before(call string, run func() (done bool)) {
	running, done := false, false
	f.store.Intercept(func(ctx context.Context, c storetest.Call, do func(context.Context) error) error {
		if c.String() == call && !running && !done {
			running = true
			done = run()
			running = false
		}
		return do(ctx)
	})
}
