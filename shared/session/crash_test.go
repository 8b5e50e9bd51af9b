package session

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"wechatfn/shared/store/storetest"
)

// crashAt is a process that crashes at its nth call.
func (w *fixture) crashAt(n int, when storetest.When) (*Sessions, *storetest.Process) {
	p := storetest.CrashAt(n, when)
	return w.sessionsOn(p.Store(w.recorder)), p
}

// everyCrash runs f for each call at which a process can crash, until it does not.
func everyCrash(t *testing.T, cfg Config, f func(w *fixture, n int, when storetest.When) (crashed bool)) {
	t.Helper()
	bubble(t, cfg, func(w *fixture) {
		points := 0
		for _, when := range []storetest.When{storetest.Before, storetest.After} {
			for n := 1; f(w, n, when); n++ {
				if points++; w.Failed() {
					w.Fatalf("crashed %s call %d", when, n)
				}
				w.deleteAll()
			}
			w.deleteAll()
		}
		if points < 4 {
			w.Errorf("only %d points to crash at", points)
		}
	})
}

// states are what a login can find. Each returns the tokens of the devices that must stay
// valid, the oldest first, and whether the oldest one has to be revoked.
var states = []struct {
	name  string
	setUp func(*fixture) (tokens []string, full bool)
}{
	{"no user", func(*fixture) ([]string, bool) { return nil, false }},
	{"one device", func(w *fixture) ([]string, bool) { return []string{w.issue(login())}, false }},
	{"full", func(w *fixture) ([]string, bool) {
		return []string{w.issue(login()), w.issue(login()), w.issue(login())}, true
	}},
	{"full, one idle", func(w *fixture) ([]string, bool) {
		w.issue(login())
		time.Sleep(8 * day)
		return []string{w.issue(login()), w.issue(login())}, false
	}},
	{"full, one ended", func(w *fixture) ([]string, bool) {
		w.issue(login())
		time.Sleep(DefaultTTL)
		return []string{w.issue(login()), w.issue(login())}, false
	}},
}

// A login crashes at any call. Then all valid sessions are listed, and no device is revoked
// without need. The repeated login has the result of a login that did not crash.
func TestCrashedLoginCanBeRepeated(t *testing.T) {
	t.Parallel()
	for _, state := range states {
		t.Run(state.name, func(t *testing.T) {
			everyCrash(t, Config{MaxDevices: 3}, func(w *fixture, n int, when storetest.When) bool {
				before, full := state.setUp(w)
				l := seeded(login())
				l.UnionID = testUnionID
				p, process := w.crashAt(n, when)
				_, _, _, err := p.Issue(w.Context(), l)
				if (err != nil) != process.Crashed() {
					w.Errorf("issue: %v", err)
				}
				w.wantListed("after the crash")
				time.Sleep(time.Minute)

				token, s, newUser, err := w.Issue(w.Context(), l)
				if err != nil || token != deriveToken(l).text() || newUser != (len(before) == 0 && state.name == "no user") {
					w.Errorf("repeated: %v, new user %v, %+v", err, newUser, s)
				}
				if full {
					w.wantCheck("the oldest", before[0], revoked(ReasonTooManyDevices))
					before = before[1:]
				}
				w.wantValid("all after the repetition", append(before, token)...)
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

// A login crashes at any call and is not repeated. The next login succeeds. The crashed one
// takes at most a place.
func TestNextLoginSucceedsAfterCrashedLogin(t *testing.T) {
	t.Parallel()
	for _, state := range states {
		t.Run(state.name, func(t *testing.T) {
			everyCrash(t, Config{MaxDevices: 3}, func(w *fixture, n int, when storetest.When) bool {
				before, _ := state.setUp(w)
				l := login()
				l.UnionID = testUnionID
				p, process := w.crashAt(n, when)
				_, _, _, _ = p.Issue(w.Context(), l)
				w.wantListed("after the crash")
				token := w.issue(l)
				w.wantValid("the newest", append(before, token)[max(0, len(before)-1):]...)
				w.wantAfterLogins(3)
				return process.Crashed()
			})
		})
	}
}

// wantAfterLogins checks the number of sessions and the link of the unionid.
func (w *fixture) wantAfterLogins(most int) {
	w.Helper()
	w.wantListed("after a login")
	if valid, listed := len(w.validIDs()), len(w.stored().Devices); valid > most || listed > most {
		w.Errorf("%d sessions are valid and %d are listed, want at most %d", valid, listed, most)
	}
	links, err := w.OpenIDs(w.Context(), testUnionID)
	if err != nil || links[testAppID] != testOpenID {
		w.Errorf("links %v, %v", links, err)
	}
}

// A rotation crashes at any call. Then either the old token or the new one is current, and
// a use of the other one ends the family.
func TestCrashedRotateLeavesOneCurrentToken(t *testing.T) {
	everyCrash(t, Config{}, func(w *fixture, n int, when storetest.When) bool {
		other, token := w.issue(login()), w.issue(login())
		p, process := w.crashAt(n, when)
		_, _, err := p.Rotate(w.Context(), token)
		want := error(nil)
		if err == nil || n == 2 && when == storetest.After {
			want = revoked(ReasonReused)
		}
		w.wantListed("after the crash")
		_, _, err = w.Rotate(w.Context(), token)
		w.want("repeated", err, want)
		w.wantValid("another device", other)
		return process.Crashed()
	})
}

// A process crashes at any call while it finds a reuse. Then the next use finds it.
func TestReuseIsFoundAfterACrash(t *testing.T) {
	everyCrash(t, Config{}, func(w *fixture, n int, when storetest.When) bool {
		old := w.issue(login())
		token := w.rotate(old)
		p, process := w.crashAt(n, when)
		if _, err := p.Check(w.Context(), old); err == nil {
			w.Error("the old token was accepted")
		}
		_, err := w.Check(w.Context(), old)
		w.want("repeated", err, revoked(ReasonReused))
		w.wantCheck("the current one", token, revoked(ReasonReused))
		return process.Crashed()
	})
}

// A logout crashes at any call. It can be repeated.
func TestCrashedRevokeCanBeRepeated(t *testing.T) {
	everyCrash(t, Config{}, func(w *fixture, n int, when storetest.When) bool {
		other, token := w.issue(login()), w.issue(login())
		p, process := w.crashAt(n, when)
		_ = p.Revoke(w.Context(), token)
		w.wantListed("after the crash")
		w.want("repeated", w.Revoke(w.Context(), token), nil)
		w.wantCheck("after it", token, revoked(ReasonLogout))
		w.wantValid("another device", other)
		if w.isListed(idOf(token)) {
			w.Error("it is listed still")
		}
		return process.Crashed()
	})
}

// A logout of all devices crashes at any call. It can be repeated with the caller's token,
// unless all sessions are revoked.
func TestCrashedRevokeAllCanBeRepeated(t *testing.T) {
	t.Parallel()
	everyCrash(t, Config{}, func(w *fixture, n int, when storetest.When) bool {
		tokens := []string{w.issue(login()), w.issue(login()), w.issue(login())}
		p, process := w.crashAt(n, when)
		_ = p.RevokeAll(w.Context(), tokens[1], "")
		w.wantListed("after the crash")
		if err := w.RevokeAll(w.Context(), tokens[1], ""); err != nil {
			w.want("repeated", err, revoked(ReasonLogoutAll))
		}
		for i, token := range tokens {
			w.wantCheck(fmt.Sprint("device ", i), token, revoked(ReasonLogoutAll))
		}
		return process.Crashed()
	})
}

// A login freezes after its session was listed, while others revoke that session or remove
// it from the list. The session is not valid afterwards.
func TestFrozenLoginDoesNotReviveItsSession(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		meanwhile func(*fixture)
		want      error
	}{
		{"logout of all", func(w *fixture) {
			w.want("revoke", w.RevokeUser(w.Context(), testAppID, testOpenID, ""), nil)
		}, revoked(ReasonLogoutAll)},
		{"logout of all, long ago", func(w *fixture) {
			w.want("revoke", w.RevokeUser(w.Context(), testAppID, testOpenID, ""), nil)
			time.Sleep(DefaultTTL - time.Second)
		}, revoked(ReasonLogoutAll)},
		{"newer logins", func(w *fixture) { w.issue(login()); w.issue(login()) }, revoked(ReasonTooManyDevices)},
		{"the idle timeout and newer logins", func(w *fixture) {
			time.Sleep(DefaultIdle)
			w.issue(login())
			w.issue(login())
		}, ErrSeedUsed},
		{"the TTL and a newer login", func(w *fixture) { time.Sleep(DefaultTTL); w.issue(login()) }, ErrSeedUsed},
		{"an hour", func(*fixture) { time.Sleep(time.Hour) }, nil},
		{"nothing", func(*fixture) {}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, Config{MaxDevices: 2}, func(w *fixture) {
				w.issue(login())
				p := w.process()
				p.beforeCall(3, func() { c.meanwhile(w) }) // the session is listed and not created
				_, _, _, err := p.Issue(w.Context(), seeded(login()))
				w.want("issue", err, c.want)
				w.wantListed("after it")
				if c.want != nil && slices.Contains(w.validIDs(), deriveToken(seeded(login())).id()) {
					w.Error("its session is valid")
				}
			})
		})
	}
}
