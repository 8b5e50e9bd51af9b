package session

import (
	"testing"
	"time"
)

// What a seed yields once its login has gone on.
func TestSeedLater(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(w *world, token string)
		want      error
	}{
		"nothing":        {func(*world, string) {}, nil},
		"time":           {func(*world, string) { time.Sleep(DefaultIdle - time.Second) }, nil},
		"an idle life":   {func(*world, string) { time.Sleep(DefaultIdle) }, ErrSeedUsed},
		"rotation":       {func(w *world, token string) { w.rotate(token) }, ErrSeedUsed},
		"logout":         {func(w *world, token string) { _ = w.Revoke(w.Context(), token) }, revoked(ReasonLogout)},
		"logout of all":  {func(w *world, token string) { _ = w.RevokeAll(w.Context(), token, "") }, revoked(ReasonLogoutAll)},
		"reuse":          {func(w *world, token string) { w.rotate(token); _, _ = w.Check(w.Context(), token) }, revoked(ReasonReused)},
		"newer logins":   {func(w *world, _ string) { w.issue(login()); w.issue(login()) }, revoked(ReasonTooManyDevices)},
		"another device": {func(w *world, _ string) { w.issue(login()) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{MaxDevices: 2}, func(w *world) {
				token := w.issue(seeded(login()))
				c.meanwhile(w, token)
				before := w.alive()
				again, _, _, err := w.Issue(w.Context(), seeded(login()))
				w.want("again", err, c.want)
				if (err == nil) != (again == token) || len(w.alive()) != len(before) {
					w.Errorf("token %v, %d live, %d lived", again == token, len(w.alive()), len(before))
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
func TestSeedAgainChangesNothing(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		token, session, _, err := w.Issue(w.Context(), seeded(login()))
		w.want("first", err, nil)
		before, _ := w.table.Store.Get(w.Context(), userKey(testAppID, testOpenID))
		time.Sleep(time.Minute)
		l := seeded(login())
		l.Profile, l.Device = &Profile{Nickname: "n"}, "tablet"
		token2, session2, newUser, err := w.Issue(w.Context(), l)
		after, _ := w.table.Store.Get(w.Context(), userKey(testAppID, testOpenID))
		if err != nil || token2 != token || session2 != session || !newUser || after.Version != before.Version {
			w.Errorf("%+v, %+v, %v, new user %v", session, session2, err, newUser)
		}
	})
}

// A repeated login of a user who is known is no first one, though all earlier
// devices are out.
func TestSeedOfKnownUser(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		w.want("logout", w.Revoke(w.Context(), w.issue(login())), nil)
		time.Sleep(time.Second)
		for range 2 {
			if _, _, newUser, err := w.Issue(w.Context(), seeded(login())); newUser || err != nil {
				w.Errorf("new user %v, %v", newUser, err)
			}
		}
	})
}

// A seed makes another token for whoever brings it to a login of his own.
func TestSeedOfAnother(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		mine := w.issue(seeded(login()))
		l := seeded(login())
		l.OpenID = "somebody-else"
		theirs := w.issue(l)
		if s, err := w.Check(w.Context(), theirs); err != nil || s.OpenID != l.OpenID || idOf(theirs) == idOf(mine) {
			w.Errorf("%+v, %v", s, err)
		}
		w.wantAlive("both", mine, theirs)
	})
}
