package session

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/shared/store"
)

// Oldest out, one for one.
func TestDevicesLimit(t *testing.T) {
	bubble(t, Config{MaxDevices: 3}, func(w *world) {
		var tokens []string
		for i := range 8 {
			tokens = append(tokens, w.issue(login()))
			time.Sleep(time.Second)
			w.wantAlive(label("login", i), tokens[max(0, i-2):]...)
			if i >= 3 {
				w.wantCheck(label("login", i), tokens[i-3], revoked(ReasonTooManyDevices))
			}
		}
		for i, d := range w.stored().Devices {
			if d.ID != idOf(tokens[5+i]) {
				w.Errorf("device %d is another", i)
			}
		}
	})
}

func on(device, sku string) Login {
	l := login()
	l.Device, l.SKU = device, sku
	return l
}

// One device that logs in over and over pushes itself out, and nobody else.
func TestDevicesPushThemselvesOut(t *testing.T) {
	bubble(t, Config{MaxDevices: 4}, func(w *world) {
		others := []string{w.issue(on("tablet", "")), w.issue(on("phone", "news")), w.issue(on("", ""))}
		var last string
		for range 20 {
			time.Sleep(time.Second)
			last = w.issue(on("phone", "shop"))
			w.wantAlive("after a login", append(others, last)...)
		}
		w.wantCheck("the newest", last, nil)
		w.wantListed("afterwards")
	})
}

// The same holds when many come at once.
func TestDevicesPushThemselvesOutAtOnce(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(w *world) {
		w.slowDown(latency)
		others := []string{w.issue(on("tablet", "")), w.issue(on("", "")), w.issue(on("phone", "news"))}
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
		w.wantAlive("afterwards", others...)
		w.wantListed("afterwards")
		if n := len(w.alive()); n != DefaultMaxDevices {
			w.Errorf("%d live", n)
		}
	})
}

func TestInLine(t *testing.T) {
	device := func(id, name, sku string) Device { return Device{ID: id, Device: name, SKU: sku} }
	devices := []Device{
		device("1", "", ""), device("2", "tablet", ""), device("3", "phone", ""), device("4", "tablet", "x"), device("5", "tablet", ""),
		device("6", "", ""), device("7", "phone", ""), device("8", "phone", ""),
	}
	for _, c := range []struct {
		newcomer Device
		want     string
	}{{devices[7], "37214568"}, {devices[4], "23714568"}, {devices[5], "23714568"}} {
		var got string
		for _, d := range inLine(devices, c.newcomer) {
			got += d.ID
		}
		if got != c.want {
			t.Errorf("for %s: %s, want %s", c.newcomer.ID, got, c.want)
		}
	}
}

// A login that took longer does not bring an older session_key back.
func TestSessionKeysInOrder(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
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

// A logout gives its place back.
func TestLogoutMakesRoom(t *testing.T) {
	bubble(t, Config{MaxDevices: 2}, func(w *world) {
		oldest := w.issue(login())
		for range 5 {
			w.want("logout", w.Revoke(w.Context(), w.issue(login())), nil)
		}
		old := w.issue(login())
		w.rotate(old)
		w.wantCheck("reused", old, revoked(ReasonReused))
		w.wantAlive("the oldest", oldest, w.issue(login()))
	})
}

// A smaller limit holds from the next login on.
func TestLimitLowered(t *testing.T) {
	bubble(t, Config{MaxDevices: 5}, func(w *world) {
		for range 5 {
			w.issue(login())
		}
		w.cfg.MaxDevices = 2
		if _, _, _, err := w.process().Issue(w.Context(), login()); err != nil {
			w.Fatal(err)
		}
		w.wantListed("after it")
		if n := len(w.alive()); n != 2 {
			w.Errorf("%d live", n)
		}
	})
}

// Users, apps and products do not touch each other.
func TestApart(t *testing.T) {
	bubble(t, Config{MaxDevices: 1}, func(w *world) {
		l := login()
		l.SKU = "coffee"
		other := l
		other.OpenID = "somebody-else"
		app := l
		app.AppID = otherAppID
		tokens := []string{w.issue(l), w.issue(other), w.issue(app)}
		w.wantAlive("one each", tokens...)
		w.want("revoke all", w.RevokeAll(w.Context(), tokens[0], ""), nil)
		w.wantCheck("the caller", tokens[0], revoked(ReasonLogoutAll))
		w.wantAlive("the others", tokens[1:]...)
	})
}

func TestRevokeAllOfOneProduct(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		coffee, tea := login(), login()
		coffee.SKU, tea.SKU = "coffee", "tea"
		a, b, c := w.issue(coffee), w.issue(tea), w.issue(coffee)
		w.want("of the other product", w.RevokeAll(w.Context(), b, "coffee"), nil)
		w.wantCheck("a", a, revoked(ReasonLogoutAll))
		w.wantCheck("c", c, revoked(ReasonLogoutAll))
		w.wantAlive("the caller", b)
		w.want("of its own", w.RevokeAll(w.Context(), b, "tea"), nil)
		w.wantCheck("b", b, revoked(ReasonLogoutAll))
		if n := len(w.stored().Devices); n != 0 {
			w.Errorf("%d are listed still", n)
		}
	})
}

// Whoever has deleted a user's item by hand can log out all the same.
func TestRevokeAllWithoutUser(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		token, other := w.issue(login()), w.issue(login())
		item, _ := w.table.Store.Get(w.Context(), userKey(testAppID, testOpenID))
		if err := w.table.Store.Delete(w.Context(), item.Key, item.Version); err != nil {
			w.Fatal(err)
		}
		w.want("revoke all", w.RevokeAll(w.Context(), token, ""), nil)
		w.wantCheck("after it", token, revoked(ReasonLogoutAll))
		w.want("revoke", w.Revoke(w.Context(), other), nil)
		w.wantCheck("after it", other, revoked(ReasonLogout))
		w.want("revoke user", w.RevokeUser(w.Context(), testAppID, testOpenID, ""), ErrNoUser)
	})
}

// latency is what a call takes where many come at once.
const latency = 5 * time.Millisecond

// atOnce is n logins of one user, each by a process of its own.
func (w *world) atOnce(n int) (tokens []string, errs []error) {
	tokens, errs = make([]string, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		p := w.process()
		wg.Go(func() { tokens[i], _, _, errs[i] = p.Issue(w.Context(), login()) })
	}
	wg.Wait()
	return tokens, errs
}

// A hundred logins of one user at once: none is lost.
func TestHundredLogins(t *testing.T) {
	t.Parallel()
	bubble(t, Config{MaxDevices: 200}, func(w *world) {
		before, begun := w.issue(login()), time.Now()
		w.slowDown(latency)
		tokens, errs := w.atOnce(100)
		for _, err := range errs {
			w.want("login", err, nil)
		}
		if took := time.Since(begun); took > 10*time.Second {
			w.Errorf("it took %v", took)
		}
		if n := len(w.table.Take()); n > 40*100 {
			w.Errorf("it took %d calls", n)
		}
		w.wantAlive("afterwards", append(tokens, before)...)
		w.wantListed("afterwards")
		for _, token := range tokens {
			w.wantCheck("afterwards", token, nil)
		}
		if n := len(w.stored().Devices); n != 101 {
			w.Errorf("%d are listed", n)
		}
	})
}

// With fewer places, the newest have them, and each of the others knows why not.
func TestFortyLoginsForTen(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(w *world) {
		w.slowDown(latency)
		tokens, errs := w.atOnce(40)
		w.wantListed("afterwards")
		alive, u := w.alive(), w.stored()
		if len(alive) != DefaultMaxDevices || len(u.Devices) != DefaultMaxDevices {
			w.Errorf("%d live, %d are listed", len(alive), len(u.Devices))
		}
		for i, token := range tokens {
			switch {
			case errs[i] != nil:
				w.want("login", errs[i], revoked(ReasonTooManyDevices))
			case w.lists(idOf(token)):
				w.wantAlive("a listed one", token)
			default:
				w.wantCheck("one that is out", token, revoked(ReasonTooManyDevices))
			}
		}
	})
}

// The same login a hundred times at once: one session.
func TestHundredTimesTheSame(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(w *world) {
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
		if n := len(w.stored().Devices); n != 1 || len(w.alive()) != 1 {
			w.Errorf("%d are listed, %d live", n, len(w.alive()))
		}
	})
}

// A logout of all devices amid logins: what lives after it came after it.
func TestLogoutAmidLogins(t *testing.T) {
	t.Parallel()
	for delay := range 10 {
		bubble(t, Config{MaxDevices: 200}, func(w *world) {
			token := w.issue(login())
			w.slowDown(latency)
			done := make(chan struct{})
			go func() {
				defer close(done)
				time.Sleep(time.Duration(delay) * 10 * time.Millisecond)
				p := w.process()
				var listed []Device
				p.beforeCall(2, func() { // it reads the list: what it will see
					listed = w.stored().Devices
				})
				w.want("revoke all", p.RevokeAll(w.Context(), token, ""), nil)
				for _, d := range listed {
					if _, dead, err := w.look(w.Context(), d); !dead || err != nil {
						w.Errorf("a listed session outlived it: %v", err)
					}
				}
			}()
			tokens, errs := w.atOnce(15)
			<-done
			w.wantListed("afterwards")
			for i, err := range errs {
				if err != nil {
					w.want("login", err, revoked(ReasonLogoutAll))
				} else if !w.lists(idOf(tokens[i])) {
					w.wantCheck("one that is out", tokens[i], revoked(ReasonLogoutAll))
				}
			}
		})
	}
}

// The most devices with the longest names fit into an item, and those of pending
// logins too. A quotation mark is the character that grows most in JSON.
func TestMostDevicesFit(t *testing.T) {
	const underWay = 100
	token := derive(seeded(login()))
	d := Device{ID: token.id(), Device: strings.Repeat(`"`, 128), SKU: strings.Repeat("s", 64), CreatedAt: 1 << 40, EndsAt: 1 << 40}
	a := account{Devices: slices.Repeat([]Device{d}, MostDevices+underWay)}
	if item := (store.Item{Key: "user#", Value: store.Encode(a)}); item.Validate() != nil {
		t.Errorf("%d bytes", len(item.Value))
	}
}
