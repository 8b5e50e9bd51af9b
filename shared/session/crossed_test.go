package session

import (
	"context"
	"fmt"
	"testing"
	"time"

	"wechatfn/shared/store"
	"wechatfn/shared/store/storetest"
)

// crossing is a process before whose nth call something happens.
func (w *world) crossing(n int, happens func()) *process {
	p := w.process()
	p.beforeCall(n, happens)
	return p
}

func (w *world) remove(key string) {
	w.Helper()
	item, err := w.table.Store.Get(w.Context(), key)
	w.want("get", err, nil)
	w.want("delete", w.table.Store.Delete(w.Context(), key, item.Version), nil)
}

// Whatever ended a session first remains the reason.
func TestFirstReasonStays(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		old := w.issue(login())
		token := w.rotate(old)
		p := w.crossing(2, func() { _, _ = w.Check(w.Context(), old) })
		w.want("logout", p.Revoke(w.Context(), token), nil)
		w.wantCheck("after it", token, revoked(ReasonReused))
	})
}

// A session that goes while it is revoked leaves a grave, for it might be one
// that is still to be made.
func TestRevokeWhatGoes(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		token := w.issue(login())
		p := w.crossing(2, func() { w.remove(sessionKey(idOf(token))) })
		w.want("logout", p.Revoke(w.Context(), token), nil)
		w.wantCheck("after it", token, revoked(ReasonLogout))
	})
}

// What goes while it is rotated or found to be reused is no session.
func TestUseWhatGoes(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		old := w.issue(login())
		token := w.rotate(old)
		p := w.crossing(2, func() { w.remove(sessionKey(idOf(token))) })
		_, _, err := p.Rotate(w.Context(), token)
		w.want("rotate", err, ErrNoSession)

		old = w.issue(login())
		w.rotate(old)
		p = w.crossing(2, func() { w.remove(sessionKey(idOf(old))) })
		_, err = p.Check(w.Context(), old)
		w.want("check", err, ErrNoSession)
	})
}

// A user that goes while it is changed is no user, and is not made anew.
func TestUpdateWhatGoes(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		w.issue(login())
		p := w.crossing(2, func() { w.remove(userKey(testAppID, testOpenID)) })
		_, err := p.Update(w.Context(), testAppID, testOpenID, func(u *User) error { u.Tokens.Scope = "x"; return nil })
		w.want("update", err, ErrNoUser)
	})
}

// A write that another's crosses is tried again at once, on what stands, and
// what is done once is not done again.
func TestCallsWhenCrossed(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		w.issue(login())
		l := login()
		l.UnionID = testUnionID
		p := w.crossing(3, func() { w.issue(login()) })
		_, _, _, err := p.Issue(w.Context(), l)
		w.want("login", err, nil)
		wantCalls(w, "login", p.Recorder, "create user, create union, replace user, replace user, create session")
		w.wantListed("after it")
		if n := len(w.stored().Devices); n != 3 {
			w.Errorf("%d are listed", n)
		}
	})
}

// Where others' writes never let it through, a verb gives up.
func TestCrossedForEver(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(w *world) {
		w.issue(login())
		p, n := w.process(), 0
		p.Intercept(func(_ storetest.Call, do func() error) error {
			n++
			_, err := w.aside.Update(w.Context(), testAppID, testOpenID, func(u *User) error {
				u.Tokens.Scope = fmt.Sprint(n)
				return nil
			})
			w.want("the other", err, nil)
			return do()
		})
		begun := time.Now()
		_, err := p.Update(w.Context(), testAppID, testOpenID, func(u *User) error { u.Tokens.LeaseUntil++; return nil })
		w.want("update", err, store.ErrConflict)
		if took := time.Since(begun); n < maxTries || n > 3*maxTries || took > maxTries*maxWait {
			w.Errorf("after %d calls and %v", n, took)
		}
	})
}

// A crossed verb ends with its context.
func TestCrossedWithoutTime(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		token := w.issue(login())
		time.Sleep(4 * day)
		p := w.process()
		ctx, cancel := context.WithCancel(w.Context())
		p.Intercept(func(c storetest.Call, do func() error) error {
			if c.N == 2 {
				_, _ = w.aside.Touch(w.Context(), token)
				defer cancel()
			}
			return do()
		})
		_, _, err := p.Rotate(ctx, token)
		w.want("rotate", err, context.Canceled)
		w.wantCheck("after it", token, nil)
	})
}
