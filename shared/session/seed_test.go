package session

import (
	"testing"
	"time"
)

// A seed is used again after something has happened to its session.
func TestSeedUsedAgainLater(t *testing.T) {
	for _, c := range []struct {
		name      string
		meanwhile func(w *fixture, token string)
		want      error
	}{
		{"nothing", func(*fixture, string) {}, nil},
		{"time", func(*fixture, string) { time.Sleep(DefaultIdle - time.Second) }, nil},
		{"the idle timeout", func(*fixture, string) { time.Sleep(DefaultIdle) }, ErrSeedUsed},
		{"rotation", func(w *fixture, token string) { w.rotate(token) }, ErrSeedUsed},
		{"logout", func(w *fixture, token string) { _ = w.Revoke(w.Context(), token) }, revoked(ReasonLogout)},
		{"logout of all", func(w *fixture, token string) { _ = w.RevokeAll(w.Context(), token, "") }, revoked(ReasonLogoutAll)},
		{"reuse", func(w *fixture, token string) { w.rotate(token); _, _ = w.Check(w.Context(), token) }, revoked(ReasonReused)},
		{"newer logins", func(w *fixture, _ string) { w.issue(login()); w.issue(login()) }, revoked(ReasonTooManyDevices)},
		{"another device", func(w *fixture, _ string) { w.issue(login()) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, Config{MaxDevices: 2}, func(w *fixture) {
				token := w.issue(seeded(login()))
				c.meanwhile(w, token)
				before := w.validIDs()
				again, _, _, err := w.Issue(w.Context(), seeded(login()))
				w.want("again", err, c.want)
				if (err == nil) != (again == token) || len(w.validIDs()) != len(before) {
					w.Errorf("the same token: %v, %d are valid, %d were", again == token, len(w.validIDs()), len(before))
				}
				w.wantListed("again")
				if n := len(w.stored().Devices); n > 2 {
					w.Errorf("%d are listed", n)
				}
			})
		})
	}
}

// A repeated login changes nothing: neither the user nor the session.
func TestRepeatedLoginChangesNothing(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		token, session, _, err := w.Issue(w.Context(), seeded(login()))
		w.want("first", err, nil)
		before, _ := w.recorder.Store.Get(w.Context(), userKey(testAppID, testOpenID))
		time.Sleep(time.Minute)
		l := seeded(login())
		l.Profile, l.Device = &Profile{Nickname: "n"}, "tablet"
		token2, session2, newUser, err := w.Issue(w.Context(), l)
		after, _ := w.recorder.Store.Get(w.Context(), userKey(testAppID, testOpenID))
		if err != nil || token2 != token || session2 != session || !newUser || after.Version != before.Version {
			w.Errorf("%+v, %+v, %v, new user %v", session, session2, err, newUser)
		}
	})
}

// A repeated login of a user that exists is not the first one, even if all earlier sessions
// have ended.
func TestRepeatedLoginOfKnownUserIsNotNew(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		w.want("logout", w.Revoke(w.Context(), w.issue(login())), nil)
		time.Sleep(time.Second)
		for range 2 {
			if _, _, newUser, err := w.Issue(w.Context(), seeded(login())); newUser || err != nil {
				w.Errorf("new user %v, %v", newUser, err)
			}
		}
	})
}

// In the login of another user a seed makes another token.
func TestSeedMakesAnotherTokenForAnotherUser(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		mine := w.issue(seeded(login()))
		l := seeded(login())
		l.OpenID = "somebody-else"
		theirs := w.issue(l)
		if s, err := w.Check(w.Context(), theirs); err != nil || s.OpenID != l.OpenID || idOf(theirs) == idOf(mine) {
			w.Errorf("%+v, %v", s, err)
		}
		w.wantValid("both", mine, theirs)
	})
}
