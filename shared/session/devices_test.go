package session

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/shared/store"
)

// Each login beyond the limit revokes the oldest session, and no other.
func TestOldestSessionIsRevokedFirst(t *testing.T) {
	bubble(t, Config{MaxDevices: 3}, func(w *fixture) {
		var tokens []string
		for i := range 8 {
			tokens = append(tokens, w.issue(login()))
			time.Sleep(time.Second)
			w.wantValid(label("login", i), tokens[max(0, i-2):]...)
			if i >= 3 {
				w.wantCheck(label("login", i), tokens[i-3], revoked(ReasonTooManyDevices))
			}
		}
		for i, d := range w.stored().Devices {
			if d.ID != idOf(tokens[5+i]) {
				w.Errorf("device %d is not that of login %d", i, 5+i)
			}
		}
	})
}

func loginOn(device, sku string) Login {
	l := login()
	l.Device, l.SKU = device, sku
	return l
}

// A device that logs in again and again replaces its own sessions, and no others.
func TestDeviceReplacesItsOwnSessions(t *testing.T) {
	bubble(t, Config{MaxDevices: 4}, func(w *fixture) {
		others := []string{w.issue(loginOn("tablet", "")), w.issue(loginOn("phone", "news")), w.issue(loginOn("", ""))}
		var last string
		for range 20 {
			time.Sleep(time.Second)
			last = w.issue(loginOn("phone", "shop"))
			w.wantValid("after a login", append(others, last)...)
		}
		w.wantCheck("the newest", last, nil)
		w.wantListed("afterwards")
	})
}

// The same is true for many logins at the same time.
func TestConcurrentLoginsReplaceTheirOwnSessions(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(w *fixture) {
		w.slowDown(latency)
		others := []string{w.issue(loginOn("tablet", "")), w.issue(loginOn("", "")), w.issue(loginOn("phone", "news"))}
		var wg sync.WaitGroup
		for range 100 {
			p := w.process()
			wg.Go(func() {
				if _, _, _, err := p.Issue(w.Context(), login()); err != nil {
					w.want("login", err, revoked(ReasonTooManyDevices))
				}
			})
		}
		wg.Wait()
		w.wantValid("afterwards", others...)
		w.wantListed("afterwards")
		if n := len(w.validIDs()); n != DefaultMaxDevices {
			w.Errorf("%d are valid", n)
		}
	})
}

func TestRevocationOrder(t *testing.T) {
	device := func(id, name, sku string) Device { return Device{ID: id, Device: name, SKU: sku} }
	devices := []Device{
		device("1", "", ""), device("2", "tablet", ""), device("3", "phone", ""), device("4", "tablet", "x"), device("5", "tablet", ""),
		device("6", "", ""), device("7", "phone", ""), device("8", "phone", ""),
	}
	for _, c := range []struct {
		name   string
		newest Device
		want   string
	}{{"phone", devices[7], "37214568"}, {"tablet", devices[4], "23714568"}, {"no name", devices[5], "23714568"}} {
		t.Run(c.name, func(t *testing.T) {
			var got string
			for _, d := range revocationOrder(devices, c.newest) {
				got += d.ID
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// A login that took longer does not replace a newer session_key.
func TestOlderSessionKeyIsNotStored(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		for _, c := range []struct {
			asked int64
			key   string
			want  string
		}{{5, "a", "a"}, {4, "b", "a"}, {5, "c", "c"}, {6, "d", "d"}, {1, "e", "d"}} {
			l := login()
			l.Tokens = &Tokens{SessionKey: c.key, AskedAt: c.asked}
			w.issue(l)
			if got := w.stored().Tokens.SessionKey; got != c.want {
				w.Errorf("after %s the key is %s, want %s", c.key, got, c.want)
			}
		}
	})
}

// A session that a logout or a reuse has revoked takes no place.
func TestLogoutFreesAPlace(t *testing.T) {
	bubble(t, Config{MaxDevices: 2}, func(w *fixture) {
		oldest := w.issue(login())
		for range 5 {
			w.want("logout", w.Revoke(w.Context(), w.issue(login())), nil)
		}
		old := w.issue(login())
		w.rotate(old)
		w.wantCheck("reused", old, revoked(ReasonReused))
		w.wantValid("the oldest", oldest, w.issue(login()))
	})
}

// A lower MaxDevices applies from the next login on.
func TestLowerLimitAppliesFromTheNextLogin(t *testing.T) {
	bubble(t, Config{MaxDevices: 5}, func(w *fixture) {
		for range 5 {
			w.issue(login())
		}
		w.cfg.MaxDevices = 2
		if _, _, _, err := w.process().Issue(w.Context(), login()); err != nil {
			w.Fatal(err)
		}
		w.wantListed("after it")
		if n := len(w.validIDs()); n != 2 {
			w.Errorf("%d are valid", n)
		}
	})
}

// A login of another user, or of another app, revokes nothing.
func TestUsersAndAppsAreSeparate(t *testing.T) {
	bubble(t, Config{MaxDevices: 1}, func(w *fixture) {
		l := login()
		l.SKU = "coffee"
		other := l
		other.OpenID = "somebody-else"
		app := l
		app.AppID = otherAppID
		tokens := []string{w.issue(l), w.issue(other), w.issue(app)}
		w.wantValid("one each", tokens...)
		w.want("revoke all", w.RevokeAll(w.Context(), tokens[0], ""), nil)
		w.wantCheck("the caller", tokens[0], revoked(ReasonLogoutAll))
		w.wantValid("the other user and app", tokens[1:]...)
	})
}

func TestRevokeAllOfOneSKU(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		coffee, tea := login(), login()
		coffee.SKU, tea.SKU = "coffee", "tea"
		a, b, c := w.issue(coffee), w.issue(tea), w.issue(coffee)
		w.want("of the other product", w.RevokeAll(w.Context(), b, "coffee"), nil)
		w.wantCheck("a", a, revoked(ReasonLogoutAll))
		w.wantCheck("c", c, revoked(ReasonLogoutAll))
		w.wantValid("the caller", b)
		w.want("of its own", w.RevokeAll(w.Context(), b, "tea"), nil)
		w.wantCheck("b", b, revoked(ReasonLogoutAll))
		if n := len(w.stored().Devices); n != 0 {
			w.Errorf("%d are listed still", n)
		}
	})
}

// If an operator has deleted the user's item, the user can still log out.
func TestRevokeAllWithoutUserItem(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		token, other := w.issue(login()), w.issue(login())
		item, _ := w.recorder.Store.Get(w.Context(), userKey(testAppID, testOpenID))
		if err := w.recorder.Store.Delete(w.Context(), item.Key, item.Version); err != nil {
			w.Fatal(err)
		}
		w.want("revoke all", w.RevokeAll(w.Context(), token, ""), nil)
		w.wantCheck("after it", token, revoked(ReasonLogoutAll))
		w.want("revoke", w.Revoke(w.Context(), other), nil)
		w.wantCheck("after it", other, revoked(ReasonLogout))
		w.want("revoke user", w.RevokeUser(w.Context(), testAppID, testOpenID, ""), ErrNoUser)
	})
}

// latency is how long a call takes in tests of concurrent logins.
const latency = 5 * time.Millisecond

// issueConcurrently makes n logins of one user at the same time, each in its own process.
func (w *fixture) issueConcurrently(n int) (tokens []string, errs []error) {
	tokens, errs = make([]string, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		p := w.process()
		wg.Go(func() { tokens[i], _, _, errs[i] = p.Issue(w.Context(), login()) })
	}
	wg.Wait()
	return tokens, errs
}

// A hundred logins of one user at the same time all succeed.
func TestHundredConcurrentLoginsSucceed(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxDevices: 200}, func(w *fixture) {
		before, start := w.issue(login()), time.Now()
		w.slowDown(latency)
		tokens, errs := w.issueConcurrently(100)
		for _, err := range errs {
			w.want("login", err, nil)
		}
		if took := time.Since(start); took > 10*time.Second {
			w.Errorf("it took %v", took)
		}
		if n := len(w.recorder.Take()); n > 40*100 {
			w.Errorf("it took %d calls", n)
		}
		w.wantValid("afterwards", append(tokens, before)...)
		w.wantListed("afterwards")
		for _, token := range tokens {
			w.wantCheck("afterwards", token, nil)
		}
		if n := len(w.stored().Devices); n != 101 {
			w.Errorf("%d are listed", n)
		}
	})
}

// Of forty logins at the same time the ten that were listed last are valid. The others get
// the reason.
func TestNewestOfFortyConcurrentLoginsAreValid(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(w *fixture) {
		w.slowDown(latency)
		tokens, errs := w.issueConcurrently(40)
		w.wantListed("afterwards")
		valid, u := w.validIDs(), w.stored()
		if len(valid) != DefaultMaxDevices || len(u.Devices) != DefaultMaxDevices {
			w.Errorf("%d are valid, %d are listed", len(valid), len(u.Devices))
		}
		for i, token := range tokens {
			switch {
			case errs[i] != nil:
				w.want("login", errs[i], revoked(ReasonTooManyDevices))
			case w.isListed(idOf(token)):
				w.wantValid("a listed one", token)
			default:
				w.wantCheck("one that is not listed", token, revoked(ReasonTooManyDevices))
			}
		}
	})
}

// One login that is repeated a hundred times at the same time creates one session.
func TestOneLoginRepeatedConcurrentlyCreatesOneSession(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(w *fixture) {
		w.slowDown(latency)
		var wg sync.WaitGroup
		for range 100 {
			p := w.process()
			wg.Go(func() {
				token, _, newUser, err := p.Issue(w.Context(), seeded(login()))
				if err != nil || !newUser || token != vector {
					w.Errorf("%v, new user %v", err, newUser)
				}
			})
		}
		wg.Wait()
		if n := len(w.stored().Devices); n != 1 || len(w.validIDs()) != 1 {
			w.Errorf("%d are listed, %d are valid", n, len(w.validIDs()))
		}
	})
}

// During logins, a logout of all devices revokes all sessions that are listed when it reads
// the list.
func TestLogoutDuringLoginsEndsListedSessions(t *testing.T) {
	t.Parallel()
	for delay := range 10 {
		bubble(t, Config{MaxDevices: 200}, func(w *fixture) {
			token := w.issue(login())
			w.slowDown(latency)
			done := make(chan struct{})
			go func() {
				defer close(done)
				time.Sleep(time.Duration(delay) * 10 * time.Millisecond)
				p := w.process()
				var listed []Device
				p.beforeCall(2, func() { // the call that reads the list
					listed = w.stored().Devices
				})
				w.want("revoke all", p.RevokeAll(w.Context(), token, ""), nil)
				for _, d := range listed {
					if _, ended, err := w.readDevice(w.Context(), d); !ended || err != nil {
						w.Errorf("a listed session is not revoked: %v", err)
					}
				}
			}()
			tokens, errs := w.issueConcurrently(15)
			<-done
			w.wantListed("afterwards")
			for i, err := range errs {
				if err != nil {
					w.want("login", err, revoked(ReasonLogoutAll))
				} else if !w.isListed(idOf(tokens[i])) {
					w.wantCheck("one that is not listed", tokens[i], revoked(ReasonLogoutAll))
				}
			}
		})
	}
}

// The most devices with the longest names fit into an item, and those of pending
// logins too. A quotation mark is the character that grows most in JSON.
func TestMaxDevicesLimitFitsIntoAnItem(t *testing.T) {
	const pendingLogins = 100
	token := deriveToken(seeded(login()))
	d := Device{ID: token.id(), Device: strings.Repeat(`"`, 128), SKU: strings.Repeat("s", 64), CreatedAt: 1 << 40, EndsAt: 1 << 40}
	a := userRecord{Devices: slices.Repeat([]Device{d}, MaxDevicesLimit+pendingLogins)}
	if item := (store.Item{Key: "user#", Value: store.Encode(a)}); item.Validate() != nil {
		t.Errorf("%d bytes", len(item.Value))
	}
}
