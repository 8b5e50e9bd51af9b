package login_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/login"
	"wechatfn/shared/session"
)

func testLogin() session.Login {
	return session.Login{App: "mini", AppID: miniID, OpenID: "oHua", SKU: "shop", Device: "phone"}
}

// A token reuses its session where account, user, product and device are the same. In
// every other case the login gets a session of its own, and the first one stays valid.
func TestSessionIsReused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(l *session.Login, token *string)
		reused bool
		calls  string
	}{
		{"the same", func(*session.Login, *string) {}, true, "get session, get user, replace user"},
		{"other account", func(l *session.Login, _ *string) { l.AppID = appID }, false, "get session, create user, create session"},
		{"other user", func(l *session.Login, _ *string) { l.OpenID = "oMing" }, false, "get session, create user, create session"},
		{"other product", func(l *session.Login, _ *string) { l.SKU = "news" }, false, "get session, create user, replace user, create session"},
		{"no product", func(l *session.Login, _ *string) { l.SKU = "" }, false, "get session, create user, replace user, create session"},
		{"other device", func(l *session.Login, _ *string) { l.Device = "tablet" }, false, "get session, create user, replace user, create session"},
		{"no token", func(_ *session.Login, token *string) { *token = "" }, false, "create user, replace user, create session"},
		{"malformed token", func(_ *session.Login, token *string) { *token = "nonsense" }, false, "create user, replace user, create session"},
		{"unknown token", func(_ *session.Login, token *string) { *token = strings.Repeat("Q", session.TokenLength) }, false, "get session, create user, replace user, create session"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newSessionsFixture(t)
				first := f.open(f.opener(), testLogin(), "")
				if first.Reused || !first.NewUser {
					t.Fatalf("%+v", first)
				}
				time.Sleep(time.Minute)
				f.store.Take()
				l, token := testLogin(), first.Token
				c.change(&l, &token)
				opened := f.open(f.opener(), l, token)
				f.wantCalls(c.calls)
				if opened.Reused != c.reused || (opened.Token == first.Token) != c.reused {
					t.Errorf("reused %v, the same token %v", opened.Reused, opened.Token == first.Token)
				}
				if s := opened.Session; s.AppID != l.AppID || s.OpenID != l.OpenID || s.SKU != l.SKU || s.Device != l.Device {
					t.Errorf("%+v is not the session of %+v", s, l)
				}
				f.wantValid(opened.Token)
				f.wantValid(first.Token)
			})
		})
	}
}

// A login that reuses a session is recorded: it brings the newest tokens.
func TestReusedSessionRecordsTheLogin(t *testing.T) {
	f := newSessionsFixture(t)
	first := f.open(f.opener(), testLogin(), "")
	l := testLogin()
	l.Tokens = &session.Tokens{SessionKey: "new", AskedAt: 1}
	f.open(f.opener(), l, first.Token)
	if u, err := f.sessions.User(t.Context(), l.AppID, l.OpenID); err != nil || u.Tokens.SessionKey != "new" {
		t.Errorf("%+v, %v", u.Tokens.SessionKey, err)
	}
}

// With Touch a login extends a session whose idle timeout is near; without it, it does not.
func TestTouchExtendsAReusedSession(t *testing.T) {
	for _, c := range []struct {
		name  string
		touch bool
		calls string
	}{
		{"with Touch", true, "get session, replace session, get user, replace user"},
		{"without", false, "get session, get user, replace user"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newSessionsFixture(t)
				first := f.open(f.opener(), testLogin(), "")
				time.Sleep(testIdle - time.Minute)
				f.store.Take()
				o := f.opener()
				o.Touch = c.touch
				f.open(o, testLogin(), first.Token)
				f.wantCalls(c.calls)
				time.Sleep(time.Hour)
				if _, err := f.sessions.Check(t.Context(), first.Token); (err == nil) != c.touch {
					t.Errorf("an hour later: %v", err)
				}
			})
		})
	}
}

// Somebody deleted the user's item, though not the session: the login creates it again.
func TestSessionOfADeletedUserIsNotReused(t *testing.T) {
	f := newSessionsFixture(t)
	first := f.open(f.opener(), testLogin(), "")
	user, err := f.store.Store.Get(t.Context(), "user#"+miniID+"#oHua")
	if err == nil {
		err = f.store.Store.Delete(t.Context(), user.Key, user.Version)
	}
	if err != nil {
		t.Fatal(err)
	}
	opened := f.open(f.opener(), testLogin(), first.Token)
	if opened.Reused || !opened.NewUser {
		t.Errorf("%+v", opened)
	}
	f.wantValid(opened.Token)
}

// pushOut makes logins on other devices revoke a session after it was listed and before
// it was created, the first so many times. It calls created for each session that is to be
// created, but for those of the other devices.
func (f *sessionsFixture) pushOut(times int, created func()) {
	devices := 0
	f.before("create session", func() bool {
		created()
		if times--; times < 0 {
			return false
		}
		for range testDevices {
			other := testLogin()
			devices++
			other.Device = strconv.Itoa(devices)
			f.open(f.opener(), other, "")
		}
		return false
	})
}

// Logins on many other devices revoke the session of this one before it is created. The
// login then opens another session, a few times. With a seed it cannot: its session is
// always the same one.
func TestLoginThatIsPushedOutOpensAnotherSession(t *testing.T) {
	seed := []byte(strings.Repeat("s", 32))
	for _, c := range []struct {
		name  string
		times int
		seed  []byte
		tries int
		fails bool
	}{
		{"once", 1, nil, 2, false},
		{"five times", 5, nil, 6, false},
		{"six times", 6, nil, 6, true},
		{"once, with a seed", 1, seed, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newSessionsFixture(t)
			tries := 0
			f.pushOut(c.times, func() { tries++ })
			l := testLogin()
			l.Seed = c.seed
			opened, err := f.opener().Open(t.Context(), l, "")
			if login.Revoked(err) != c.fails || !c.fails && err != nil {
				t.Fatalf("%v", err)
			}
			if tries != c.tries {
				t.Errorf("%d sessions were issued, want %d", tries, c.tries)
			}
			if !c.fails {
				f.wantValid(opened.Token)
			}
		})
	}
}

// A login that began before a logout of all devices opens nothing after it, and reuses
// nothing.
func TestLogoutOfAllDevicesEndsLoginsInProgress(t *testing.T) {
	for _, c := range []struct {
		name   string
		reuses bool
	}{{"a new session", false}, {"a session that is reused", true}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newSessionsFixture(t)
				first := f.open(f.opener(), testLogin(), "")
				tablet := testLogin()
				tablet.Device = "tablet"
				other := f.open(f.opener(), tablet, "")
				l, token := testLogin(), ""
				l.Began = time.Now().UnixMilli()
				logout := func() {
					time.Sleep(time.Second)
					if err := f.sessions.RevokeAll(t.Context(), other.Token, ""); err != nil {
						t.Error(err)
					}
				}
				if c.reuses {
					token = first.Token
					f.before("get user", func() bool { // the session was read, and it was valid
						logout()
						return true
					})
				} else {
					logout()
				}
				if _, err := f.opener().Open(t.Context(), l, token); !login.Revoked(err) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}
