package session

import (
	"testing"
	"time"
)

// Each verb makes the store calls that its comment says.
func TestStoreCallsOfEachVerb(t *testing.T) {
	bubble(t, Config{MaxDevices: 2}, func(w *fixture) {
		ctx, l := w.Context(), login()
		a := w.issue(l)
		w.wantCalls("login of a new user", "create user, create session")
		b := w.issue(seeded(l))
		w.wantCalls("login of a known user", "create user, replace user, create session")
		w.issue(seeded(l))
		w.wantCalls("login that is repeated", "create user, create session")

		_, _ = w.Check(ctx, a)
		w.wantCalls("check", "get session")
		_, _ = w.Check(ctx, "malformed")
		w.wantCalls("check of a malformed token", "")
		_, _ = w.Touch(ctx, a)
		w.wantCalls("early touch", "get session")
		time.Sleep(4 * day)
		_, _ = w.Touch(ctx, a)
		w.wantCalls("touch", "get session, replace session")
		_, _ = w.Touch(ctx, a)
		w.wantCalls("touch again", "get session")
		older := b
		b = w.rotate(b)
		w.wantCalls("rotate", "get session, replace session")

		w.issue(l)
		w.wantCalls("login with a device too many",
			"create user, replace user, create session, get session, replace session, replace user")
		_, _ = w.Check(ctx, older)
		w.wantCalls("token used again", "get session, replace session, get user, replace user")
		_, _ = w.Check(ctx, b)
		w.wantCalls("check of a revoked one", "get session")
	})
}

func TestStoreCallsOfLogouts(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		ctx, l := w.Context(), login()
		a, b := w.issue(l), w.issue(l)
		w.issue(l)
		w.recorder.Take()
		w.want("revoke", w.Revoke(ctx, a), nil)
		w.wantCalls("revoke", "get session, replace session, get user, replace user")
		w.want("revoke again", w.Revoke(ctx, a), nil)
		w.wantCalls("revoke again", "get session, get user")
		w.want("revoke all", w.RevokeAll(ctx, b, ""), nil)
		w.wantCalls("revoke all of two", "get session, get user, get session, replace session, get session, replace session, replace user")
		time.Sleep(time.Second)
		w.want("revoke user", w.RevokeUser(ctx, testAppID, testOpenID, ""), nil)
		w.wantCalls("revoke pending logins alone", "get user, replace user")
	})
}

func TestStoreCallsOfTheRegistry(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		ctx, l := w.Context(), login()
		l.UnionID = testUnionID
		w.issue(l)
		w.wantCalls("first unionid", "create user, create session, create union")
		w.issue(l)
		w.wantCalls("second login", "create user, create union, replace user, create session")
		w.issue(l)
		w.wantCalls("third login", "create user, replace user, create session")
		l.AppID = otherAppID
		w.issue(l)
		w.wantCalls("unionid of two apps", "create user, create session, create union, replace union")

		_, _ = w.User(ctx, testAppID, testOpenID)
		w.wantCalls("user", "get user")
		_, _ = w.OpenIDs(ctx, testUnionID)
		w.wantCalls("openids", "get union")
		_, _ = w.Update(ctx, testAppID, testOpenID, func(u *User) error { u.Tokens.Scope = "snsapi_base"; return nil })
		w.wantCalls("update", "get user, replace user")
		_, _ = w.Update(ctx, testAppID, testOpenID, func(u *User) error { return nil })
		w.wantCalls("update of nothing", "get user")
	})
}

// If the session already ends at its absolute end, there is nothing to extend.
func TestTouchDoesNotWriteAtTheAbsoluteEnd(t *testing.T) {
	bubble(t, Config{IdleTimeout: DefaultTTL}, func(w *fixture) {
		token := w.issue(login())
		time.Sleep(DefaultTTL - time.Second)
		w.recorder.Take()
		_, err := w.Touch(w.Context(), token)
		w.want("touch", err, nil)
		w.wantCalls("touch", "get session")
	})
}

// The next login removes devices whose sessions have ended from the list. It needs no extra
// call for that.
func TestLoginRemovesEndedDevices(t *testing.T) {
	for _, c := range []struct {
		name  string
		after time.Duration
		left  int
	}{{"a second before the end", DefaultTTL - time.Second, 2}, {"at the end", DefaultTTL, 1}} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, Config{}, func(w *fixture) {
				w.issue(login())
				time.Sleep(c.after)
				w.recorder.Take()
				w.issue(login())
				w.wantCalls("login", "create user, replace user, create session")
				if n := len(w.stored().Devices); n != c.left {
					w.Errorf("%d are listed, want %d", n, c.left)
				}
			})
		})
	}
}

// Devices that were not used for the idle timeout are removed before valid ones.
func TestIdleDevicesAreRevokedFirst(t *testing.T) {
	bubble(t, Config{MaxDevices: 2}, func(w *fixture) {
		a, b := w.issue(login()), w.issue(login())
		time.Sleep(4 * day)
		if _, err := w.Touch(w.Context(), a); err != nil {
			w.Fatal(err)
		}
		time.Sleep(4 * day) // b has ended
		w.recorder.Take()
		c := w.issue(login())
		w.wantCalls("login over an idle device", "create user, replace user, create session, get session, get session, replace user")
		w.wantValid("after it", a, c)
		if w.isListed(idOf(b)) || len(w.stored().Devices) != 2 {
			w.Error("the idle device is listed still")
		}
	})
}
