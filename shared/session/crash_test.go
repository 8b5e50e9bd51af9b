package session

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"wechatfn/shared/store/storetest"
)

// crashAt is a process that crashes at its nth call.
func (w *world) crashAt(n int, when storetest.When) (*Sessions, *storetest.Process) {
	p := storetest.CrashAt(n, when)
	return w.sessionsOn(p.Store(w.table)), p
}

// everyCrash runs f for each call at which a process can crash, until it does not.
func everyCrash(t *testing.T, cfg Config, f func(w *world, n int, when storetest.When) (crashed bool)) {
	t.Helper()
	bubble(t, cfg, func(w *world) {
		points := 0
		for _, when := range []storetest.When{storetest.Before, storetest.After} {
			for n := 1; f(w, n, when); n++ {
				if points++; w.Failed() {
					w.Fatalf("crashed %s call %d", when, n)
				}
				w.clear()
			}
			w.clear()
		}
		if points < 4 {
			w.Errorf("only %d points to crash at", points)
		}
	})
}

// states are what a login may meet. Each returns the tokens of devices that
// must live on, oldest first, and whether the oldest has to make room.
var states = []struct {
	name  string
	setUp func(*world) (tokens []string, full bool)
}{
	{"nobody", func(*world) ([]string, bool) { return nil, false }},
	{"one device", func(w *world) ([]string, bool) { return []string{w.issue(login())}, false }},
	{"full", func(w *world) ([]string, bool) {
		return []string{w.issue(login()), w.issue(login()), w.issue(login())}, true
	}},
	{"full, one idle", func(w *world) ([]string, bool) {
		w.issue(login())
		time.Sleep(8 * day)
		return []string{w.issue(login()), w.issue(login())}, false
	}},
	{"full, one ended", func(w *world) ([]string, bool) {
		w.issue(login())
		time.Sleep(DefaultTTL)
		return []string{w.issue(login()), w.issue(login())}, false
	}},
}

// Wherever a login dies: what lives is listed, no device is lost that need not
// be, and the login that is repeated is as if it had gone through at once.
func TestLoginKilled(t *testing.T) {
	t.Parallel()
	for _, state := range states {
		t.Run(state.name, func(t *testing.T) {
			everyCrash(t, Config{MaxDevices: 3}, func(w *world, n int, when storetest.When) bool {
				before, full := state.setUp(w)
				l := seeded(login())
				l.UnionID = testUnionID
				p, process := w.crashAt(n, when)
				_, _, _, err := p.Issue(w.Context(), l)
				if (err != nil) != process.Crashed() {
					w.Errorf("issue: %v", err)
				}
				w.wantListed("after the death")
				time.Sleep(time.Minute)

				token, s, newUser, err := w.Issue(w.Context(), l)
				if err != nil || token != derive(l).text() || newUser != (len(before) == 0 && state.name == "nobody") {
					w.Errorf("repeated: %v, new user %v, %+v", err, newUser, s)
				}
				if full {
					w.wantCheck("the oldest", before[0], revoked(ReasonTooManyDevices))
					before = before[1:]
				}
				w.wantAlive("all after the repetition", append(before, token)...)
				w.wantAfterLogins(3)

				again, s2, newUser2, err := w.Issue(w.Context(), l)
				if err != nil || again != token || s2 != s || newUser2 != newUser {
					w.Errorf("repeated again: %v, %+v, want %+v", err, s2, s)
				}
				return process.Crashed()
			})
		})
	}
}

// A login that died is not repeated: the next one finds things well, at the cost
// of a place at most.
func TestLoginKilledForGood(t *testing.T) {
	t.Parallel()
	for _, state := range states {
		t.Run(state.name, func(t *testing.T) {
			everyCrash(t, Config{MaxDevices: 3}, func(w *world, n int, when storetest.When) bool {
				before, _ := state.setUp(w)
				l := login()
				l.UnionID = testUnionID
				p, process := w.crashAt(n, when)
				_, _, _, _ = p.Issue(w.Context(), l)
				w.wantListed("after the death")
				token := w.issue(l)
				w.wantAlive("the newest", append(before, token)[max(0, len(before)-1):]...)
				w.wantAfterLogins(3)
				return process.Crashed()
			})
		})
	}
}

// wantAfterLogins: nobody has too many, and the link stands.
func (w *world) wantAfterLogins(most int) {
	w.Helper()
	w.wantListed("after a login")
	if alive, listed := len(w.alive()), len(w.stored().Devices); alive > most || listed > most {
		w.Errorf("%d sessions live and %d are listed, at most %d may", alive, listed, most)
	}
	links, err := w.OpenIDs(w.Context(), testUnionID)
	if err != nil || links[testAppID] != testOpenID {
		w.Errorf("links %v, %v", links, err)
	}
}

// Wherever a rotation dies, the old token or the new one is current; whoever
// comes with the other ends the family.
func TestRotateKilled(t *testing.T) {
	everyCrash(t, Config{}, func(w *world, n int, when storetest.When) bool {
		other, token := w.issue(login()), w.issue(login())
		p, process := w.crashAt(n, when)
		_, _, err := p.Rotate(w.Context(), token)
		want := error(nil)
		if err == nil || n == 2 && when == storetest.After {
			want = revoked(ReasonReused)
		}
		w.wantListed("after the death")
		_, _, err = w.Rotate(w.Context(), token)
		w.want("repeated", err, want)
		w.wantAlive("another device", other)
		return process.Crashed()
	})
}

// Wherever a reuse is found out by a process that dies, the next use finds it out.
func TestReuseKilled(t *testing.T) {
	everyCrash(t, Config{}, func(w *world, n int, when storetest.When) bool {
		old := w.issue(login())
		token := w.rotate(old)
		p, process := w.crashAt(n, when)
		if _, err := p.Check(w.Context(), old); err == nil {
			w.Error("it was let in")
		}
		_, err := w.Check(w.Context(), old)
		w.want("repeated", err, revoked(ReasonReused))
		w.wantCheck("the current one", token, revoked(ReasonReused))
		return process.Crashed()
	})
}

// Wherever a logout dies, it can be repeated.
func TestRevokeKilled(t *testing.T) {
	everyCrash(t, Config{}, func(w *world, n int, when storetest.When) bool {
		other, token := w.issue(login()), w.issue(login())
		p, process := w.crashAt(n, when)
		_ = p.Revoke(w.Context(), token)
		w.wantListed("after the death")
		w.want("repeated", w.Revoke(w.Context(), token), nil)
		w.wantCheck("after it", token, revoked(ReasonLogout))
		w.wantAlive("another device", other)
		if w.lists(idOf(token)) {
			w.Error("it is listed still")
		}
		return process.Crashed()
	})
}

// Wherever a logout of all devices dies, the caller's token repeats it, or all
// are out already.
func TestRevokeAllKilled(t *testing.T) {
	t.Parallel()
	everyCrash(t, Config{}, func(w *world, n int, when storetest.When) bool {
		tokens := []string{w.issue(login()), w.issue(login()), w.issue(login())}
		p, process := w.crashAt(n, when)
		_ = p.RevokeAll(w.Context(), tokens[1], "")
		w.wantListed("after the death")
		if err := w.RevokeAll(w.Context(), tokens[1], ""); err != nil {
			w.want("repeated", err, revoked(ReasonLogoutAll))
		}
		for i, token := range tokens {
			w.wantCheck(fmt.Sprint("device ", i), token, revoked(ReasonLogoutAll))
		}
		return process.Crashed()
	})
}

// A login that stands still for longer than others wait for it does not bring
// to life what they have taken for dead.
func TestLoginStandsStill(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(*world)
		want      error
	}{
		"logout of all": {func(w *world) {
			w.want("revoke", w.RevokeUser(w.Context(), testAppID, testOpenID, ""), nil)
		}, revoked(ReasonLogoutAll)},
		"logout of all, long ago": {func(w *world) {
			w.want("revoke", w.RevokeUser(w.Context(), testAppID, testOpenID, ""), nil)
			time.Sleep(DefaultTTL - time.Second)
		}, revoked(ReasonLogoutAll)},
		"newer logins": {func(w *world) { w.issue(login()); w.issue(login()) }, revoked(ReasonTooManyDevices)},
		"an idle life and newer logins": {func(w *world) {
			time.Sleep(DefaultIdle)
			w.issue(login())
			w.issue(login())
		}, ErrSeedUsed},
		"a life and a newer login": {func(w *world) { time.Sleep(DefaultTTL); w.issue(login()) }, ErrSeedUsed},
		"an hour":                  {func(*world) { time.Sleep(time.Hour) }, nil},
		"nothing":                  {func(*world) {}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{MaxDevices: 2}, func(w *world) {
				w.issue(login())
				p := w.process()
				p.beforeCall(3, func() { c.meanwhile(w) }) // it is listed; its session comes next
				_, _, _, err := p.Issue(w.Context(), seeded(login()))
				w.want("issue", err, c.want)
				w.wantListed("after it")
				if c.want != nil && slices.Contains(w.alive(), derive(seeded(login())).id()) {
					w.Error("its session lives")
				}
			})
		})
	}
}
