package session

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// loginBegun is a login that began so long ago.
func loginBegun(ago time.Duration) Login {
	l := login()
	l.Began = time.Now().Add(-ago).UnixMilli()
	return l
}

// A login that began before a logout of all devices fails after it, to the millisecond. A
// login that began after it succeeds. The check needs no extra call.
func TestLoginThatBeganBeforeLogoutFails(t *testing.T) {
	for _, c := range []struct {
		name   string
		logOut func(w *fixture, token string) error
	}{
		{"RevokeAll", func(w *fixture, token string) error { return w.RevokeAll(w.Context(), token, "") }},
		{"RevokeUser", func(w *fixture, token string) error { return w.RevokeUser(w.Context(), testAppID, testOpenID, "") }},
		{"RevokeUser without a session", revokeTwice},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, Config{}, func(w *fixture) {
				token := w.issue(login())
				time.Sleep(time.Minute)
				w.want("log out", c.logOut(w, token), nil)
				time.Sleep(time.Second)
				w.recorder.Take()
				for _, ago := range []time.Duration{time.Hour, time.Second} {
					_, _, _, err := w.Issue(w.Context(), loginBegun(ago))
					w.want("before", err, revoked(ReasonLogoutAll))
					w.wantCalls("before", "create user")
				}
				after := w.issue(loginBegun(time.Second - time.Millisecond))
				w.wantCalls("after", "create user, replace user, create session")
				w.wantCheck("after", after, nil)
				if n := len(w.stored().Devices); n != 1 {
					w.Errorf("%d are listed", n)
				}
			})
		})
	}
}

// revokeTwice finds no session in its second call, but a login can be pending.
func revokeTwice(w *fixture, token string) error {
	if err := w.Revoke(w.Context(), token); err != nil {
		return err
	}
	time.Sleep(time.Second)
	return w.RevokeUser(w.Context(), testAppID, testOpenID, "")
}

// A logout of one product applies to the pending logins to that product alone.
func TestLogoutOfOneSKUFailsLateLoginsOfThatSKU(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		coffee, tea := loginBegun(0), loginBegun(0)
		coffee.SKU, tea.SKU = "coffee", "tea"
		w.issue(tea)
		time.Sleep(time.Second)
		w.want("log out", w.RevokeUser(w.Context(), testAppID, testOpenID, "coffee"), nil)
		_, _, _, err := w.Issue(w.Context(), coffee)
		w.want("coffee", err, revoked(ReasonLogoutAll))
		w.issue(tea)
		time.Sleep(time.Second)
		w.want("log out", w.RevokeUser(w.Context(), testAppID, testOpenID, ""), nil)
		_, _, _, err = w.Issue(w.Context(), tea)
		w.want("tea", err, revoked(ReasonLogoutAll))
	})
}

// A login that reuses its session fails if that was revoked meanwhile, and writes nothing.
func TestRecordLoginFailsAfterLogout(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		token, l := w.issue(login()), loginBegun(0)
		l.Tokens = &Tokens{SessionKey: "canary", AskedAt: l.Began}
		time.Sleep(time.Millisecond)
		w.want("log out", w.RevokeAll(w.Context(), token, ""), nil)
		w.want("record", w.RecordLogin(w.Context(), l), revoked(ReasonLogoutAll))
		if w.stored().Tokens.SessionKey != "" {
			w.Error("its session_key is stored")
		}
		l.Began += 2
		w.want("record", w.RecordLogin(w.Context(), l), nil)
	})
}

// A user can choose any SKU. Logouts of a thousand SKUs do not fill the user's item, and no
// login that began before one of them succeeds.
func TestLogoutsOfManySKUsFitIntoTheItem(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		before := loginBegun(0)
		for i := range 1000 {
			l := login()
			l.SKU = strings.Repeat("x", 60) + strconv.Itoa(i)
			before.SKU = l.SKU
			w.issue(l)
			time.Sleep(time.Millisecond)
			w.want("log out", w.RevokeUser(w.Context(), testAppID, testOpenID, l.SKU), nil)
			_, _, _, err := w.Issue(w.Context(), before)
			w.want("before", err, revoked(ReasonLogoutAll))
		}
		item, err := w.recorder.Store.Get(w.Context(), userKey(testAppID, testOpenID))
		if err != nil || len(item.Value) > 4<<10 {
			w.Errorf("%d bytes, %v", len(item.Value), err)
		}
		before.SKU = strings.Repeat("x", 60) + "0" // one of the first
		_, _, _, err = w.Issue(w.Context(), before)
		w.want("before", err, revoked(ReasonLogoutAll))
	})
}

// Tokens are stored only if WeChat was asked for them later than for the stored ones. A
// login that is repeated is not a late one.
func TestOlderTokensDoNotReplaceNewerOnes(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		l := seeded(loginBegun(0))
		l.Tokens = &Tokens{AccessToken: "canary-new", AskedAt: 2}
		token := w.issue(l)
		time.Sleep(time.Second)
		if w.issue(l) != token {
			w.Error("another token")
		}
		l.Tokens = &Tokens{AccessToken: "canary-old", AskedAt: 1}
		w.want("record", w.RecordLogin(w.Context(), l), nil)
		if w.stored().Tokens.AccessToken != "canary-new" {
			w.Error("older tokens are stored")
		}
		l.Tokens.AskedAt = 3
		w.recorder.Take()
		w.want("record", w.RecordLogin(w.Context(), l), nil)
		w.wantCalls("record", "get user, replace user")
		if w.stored().Tokens.AccessToken != "canary-old" {
			w.Error("newer tokens are not stored")
		}
		l.OpenID = "somebody-else"
		w.want("no user", w.RecordLogin(w.Context(), l), ErrNoUser)
		l.OpenID = ""
		w.want("malformed", w.RecordLogin(w.Context(), l), ErrInvalid)
	})
}

// A login that began before a logout of all devices runs before each call of that logout,
// and the logout before each call of the login. Afterwards no session is valid.
func TestLateLoginInterleavedWithLogoutEnds(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		logOut := func(token string) func(*process) error {
			return func(p *process) error { return p.RevokeAll(w.Context(), token, "") }
		}
		logIn := func(l Login) func(*process) error {
			return func(p *process) error { return issued(p.Issue(w.Context(), l)) }
		}
		for _, logoutOutside := range []bool{true, false} {
			for call, ran := 1, true; ran; call++ {
				ran = false
				token, l := w.issue(login()), loginBegun(0)
				time.Sleep(time.Second)
				outer, inner := logIn(l), logOut(token)
				if logoutOutside {
					outer, inner = inner, outer
				}
				p := w.process()
				p.beforeCall(call, func() {
					ran = true
					_ = inner(w.process())
				})
				_ = outer(p)
				if !ran { // the outer one has made all its calls
					_ = inner(w.process())
				}
				if n := len(w.validIDs()); n > 0 {
					w.Errorf("%d are valid, logout outside %v, at call %d", n, logoutOutside, call)
				}
				w.wantListed("after both")
				w.deleteAll()
			}
		}
	})
}
