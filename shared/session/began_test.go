package session

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// began is a login that began that long ago.
func began(ago time.Duration) Login {
	l := login()
	l.Began = time.Now().Add(-ago).UnixMilli()
	return l
}

// What began before a logout of all devices opens nothing after it, to the
// millisecond, and what began after it does; it costs no call.
func TestBegan(t *testing.T) {
	for name, logOut := range map[string]func(w *world, token string) error{
		"RevokeAll":  func(w *world, token string) error { return w.RevokeAll(w.Context(), token, "") },
		"RevokeUser": func(w *world, token string) error { return w.RevokeUser(w.Context(), testAppID, testOpenID, "") },
		"of nobody":  func(w *world, token string) error { return revokeBoth(w, token) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(w *world) {
				token := w.issue(login())
				time.Sleep(time.Minute)
				w.want("log out", logOut(w, token), nil)
				time.Sleep(time.Second)
				w.table.Take()
				for _, ago := range []time.Duration{time.Hour, time.Second} {
					_, _, _, err := w.Issue(w.Context(), began(ago))
					w.want("before", err, revoked(ReasonLogoutAll))
					w.wantCalls("before", "create user")
				}
				after := w.issue(began(time.Second - time.Millisecond))
				w.wantCalls("after", "create user, replace user, create session")
				w.wantCheck("after", after, nil)
				if n := len(w.stored().Devices); n != 1 {
					w.Errorf("%d are listed", n)
				}
			})
		})
	}
}

// revokeBoth: the second one finds no session, only logins that may be under way.
func revokeBoth(w *world, token string) error {
	if err := w.Revoke(w.Context(), token); err != nil {
		return err
	}
	time.Sleep(time.Second)
	return w.RevokeUser(w.Context(), testAppID, testOpenID, "")
}

// A logout of one product bars the logins to that one.
func TestBeganOfOneProduct(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		coffee, tea := began(0), began(0)
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

// A login that keeps its session finds it ended: it is told, rather than given a dead
// token, and writes nothing.
func TestBeganAndNoted(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		token, l := w.issue(login()), began(0)
		l.Tokens = &Tokens{SessionKey: "canary", AskedAt: l.Began}
		time.Sleep(time.Millisecond)
		w.want("log out", w.RevokeAll(w.Context(), token, ""), nil)
		w.want("note", w.RecordLogin(w.Context(), l), revoked(ReasonLogoutAll))
		if w.stored().Tokens.SessionKey != "" {
			w.Error("its session_key is stored")
		}
		l.Began += 2
		w.want("note", w.RecordLogin(w.Context(), l), nil)
	})
}

// A user who logs out of a thousand products, whose names are free, does not fill the
// item, and no login slips through.
func TestLoggedOutIsBounded(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		before := began(0)
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
		item, err := w.table.Store.Get(w.Context(), userKey(testAppID, testOpenID))
		if err != nil || len(item.Value) > 4<<10 {
			w.Errorf("%d bytes, %v", len(item.Value), err)
		}
		before.SKU = strings.Repeat("x", 60) + "0" // of the first ones
		_, _, _, err = w.Issue(w.Context(), before)
		w.want("before", err, revoked(ReasonLogoutAll))
	})
}

// A login that is repeated is not taken for one that comes late, and a stale login's
// tokens do not replace newer ones.
func TestBeganAndRepeated(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		l := seeded(began(0))
		l.Tokens = &Tokens{AccessToken: "canary-new", AskedAt: 2}
		token := w.issue(l)
		time.Sleep(time.Second)
		if w.issue(l) != token {
			w.Error("another token")
		}
		l.Tokens = &Tokens{AccessToken: "canary-old", AskedAt: 1}
		w.want("note", w.RecordLogin(w.Context(), l), nil)
		if w.stored().Tokens.AccessToken != "canary-new" {
			w.Error("older tokens stand")
		}
		l.Tokens.AskedAt = 3
		w.table.Take()
		w.want("note", w.RecordLogin(w.Context(), l), nil)
		w.wantCalls("note", "get user, replace user")
		if w.stored().Tokens.AccessToken != "canary-old" {
			w.Error("newer tokens do not stand")
		}
		l.OpenID = "somebody-else"
		w.want("nobody", w.RecordLogin(w.Context(), l), ErrNoUser)
		l.OpenID = ""
		w.want("malformed", w.RecordLogin(w.Context(), l), ErrInvalid)
	})
}

// A login that began before, whole before each call of a logout of all devices, or
// that logout before each call of the login: it does not live when both are done.
func TestBeganInterleaved(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		logOut := func(token string) func(*process) error {
			return func(p *process) error { return p.RevokeAll(w.Context(), token, "") }
		}
		logIn := func(l Login) func(*process) error {
			return func(p *process) error { return issued(p.Issue(w.Context(), l)) }
		}
		for _, logoutFirst := range []bool{true, false} {
			for call, ran := 1, true; ran; call++ {
				ran = false
				token, l := w.issue(login()), began(0)
				time.Sleep(time.Second)
				outer, inner := logIn(l), logOut(token)
				if logoutFirst {
					outer, inner = inner, outer
				}
				p := w.process()
				p.beforeCall(call, func() {
					ran = true
					_ = inner(w.process())
				})
				_ = outer(p)
				if !ran { // the outer one alone
					_ = inner(w.process())
				}
				if n := len(w.alive()); n > 0 {
					w.Errorf("%d live, logout first %v, at call %d", n, logoutFirst, call)
				}
				w.wantListed("after both")
				w.clear()
			}
		}
	})
}
