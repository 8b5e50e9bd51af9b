package session

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/store"
)

func TestCheckReturnsTheSession(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		l := login()
		l.UnionID, l.SKU = testUnionID, "coffee"
		token, issued, newUser, err := w.Issue(w.Context(), l)
		if err != nil || !newUser || len(token) != TokenLength {
			w.Fatalf("issue: %v, new user %v, %d characters", err, newUser, len(token))
		}
		now := time.Now().Unix()
		want := Session{
			ID: idOf(token), App: "shop", AppID: testAppID, OpenID: testOpenID, UnionID: testUnionID, SKU: "coffee", Device: "phone",
			CreatedAt: now, ExpiresAt: now + int64(DefaultIdle.Seconds()), EndsAt: now + int64(DefaultTTL.Seconds()),
		}
		got, err := w.Check(w.Context(), token)
		if err != nil || got != want || issued != want {
			w.Errorf("check: %+v, %v\nissued: %+v\nwant: %+v", got, err, issued, want)
		}
		if _, _, newUser, _ = w.Issue(w.Context(), l); newUser {
			w.Error("the user is new a second time")
		}
	})
}

func TestSessionJSON(t *testing.T) {
	text, err := json.Marshal(Session{ID: "i", App: "shop", AppID: "wx1", OpenID: "o", Generation: 2, CreatedAt: 1, ExpiresAt: 2, EndsAt: 3})
	want := `{"id":"i","app":"shop","appId":"wx1","openid":"o","generation":2,"createdAt":1,"expiresAt":2,"endsAt":3}`
	if err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}

func TestSessionOfAnotherSKUIsRefused(t *testing.T) {
	w, l := newFixture(t, Config{}), login()
	l.SKU = "coffee"
	token := w.issue(l)
	for _, c := range []struct {
		name string
		skus []string
		want error
	}{
		{"any SKU", nil, nil},
		{"its SKU", []string{"coffee"}, nil},
		{"its SKU and another", []string{"tea", "coffee"}, nil},
		{"another SKU", []string{"tea"}, ErrOtherSKU},
		{"the empty SKU", []string{""}, ErrOtherSKU},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.with(t)
			_, err := w.Check(w.Context(), token, c.skus...)
			w.want("check", err, c.want)
			_, err = w.Touch(w.Context(), token, c.skus...)
			w.want("touch", err, c.want)
			if c.want != nil {
				_, _, err = w.Rotate(w.Context(), token, c.skus...)
				w.want("rotate", err, c.want)
			}
		})
	}
	w.wantCheck("after refusals", token, nil)
	w.wantListed("after refusals")
	w.want("logout", w.Revoke(w.Context(), token), nil)
	if n := len(w.stored().Devices); n != 0 {
		w.Errorf("%d are still listed", n)
	}
}

// A rotation makes the old token invalid. Any verb that gets the old token then revokes the
// family, and so the new token too.
func TestReuseRevokesTheFamily(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		use  func(w *fixture, old string) error
	}{
		{"check", func(w *fixture, old string) error { _, err := w.Check(w.Context(), old); return err }},
		{"touch", func(w *fixture, old string) error { _, err := w.Touch(w.Context(), old); return err }},
		{"rotate", func(w *fixture, old string) error { _, _, err := w.Rotate(w.Context(), old); return err }},
		{"revoke", func(w *fixture, old string) error { return w.Revoke(w.Context(), old) }},
		{"revoke all", func(w *fixture, old string) error { return w.RevokeAll(w.Context(), old, "") }},
		{"forged", func(w *fixture, old string) error {
			t, _ := parse(old)
			t[tokenBytes-1] ^= 1
			_, err := w.Check(w.Context(), t.text())
			return err
		}},
		{"other product", func(w *fixture, old string) error { _, err := w.Check(w.Context(), old, "tea"); return err }},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, Config{}, func(w *fixture) {
				other, old := w.issue(login()), w.issue(login())
				current := w.rotate(w.rotate(old))
				w.want("old token", c.use(w, old), revoked(ReasonReused))
				w.wantCheck("current token", current, revoked(ReasonReused))
				w.wantCheck("old token again", old, revoked(ReasonReused))
				w.wantValid("another device", other)
				if w.isListed(idOf(old)) {
					w.Error("it is still listed")
				}
				time.Sleep(DefaultTTL - time.Second)
				w.wantCheck("until the absolute end", current, revoked(ReasonReused))
				time.Sleep(time.Second)
				w.wantCheck("from then on", current, ErrNoSession)
			})
		})
	}
}

// Of two rotations at the same time one gets a token, and the other one revokes the family.
func TestConcurrentRotationsRevokeTheFamily(t *testing.T) {
	t.Parallel()
	for range 20 {
		bubble(t, Config{}, func(w *fixture) {
			token := w.issue(login())
			w.slowDown(time.Millisecond)
			tokens, errs := make([]string, 2), make([]error, 2)
			var wg sync.WaitGroup
			for i := range tokens {
				wg.Go(func() { tokens[i], _, errs[i] = w.Rotate(w.Context(), token) })
			}
			wg.Wait()
			if slices.Sort(tokens); tokens[0] != "" || tokens[1] == "" {
				w.Fatalf("not one of two has a token: %v", errs)
			}
			w.want("the other", errors.Join(errs...), revoked(ReasonReused))
			w.wantCheck("the token of the first", tokens[1], revoked(ReasonReused))
		})
	}
}

// A Touch during a Rotate causes a conflict. This is no reuse.
func TestTouchDuringRotateIsNoReuse(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		token := w.issue(login())
		time.Sleep(4 * day)
		p := w.process()
		p.beforeCall(2, func() {
			if _, err := w.Touch(w.Context(), token); err != nil {
				w.Error(err)
			}
		})
		next, _, err := p.Rotate(w.Context(), token)
		w.want("rotate", err, nil)
		w.wantCheck("the new token", next, nil)
	})
}

// family is a session in the model. Times are Unix seconds.
type family struct {
	tokens         []string // the last one is current
	idleEnd, end   int64
	revoked, ended bool
}

func (f *family) check(token string) error {
	now := time.Now().Unix()
	switch {
	case f.ended || !f.revoked && now >= f.idleEnd || now >= f.end:
		f.ended = true
		return ErrNoSession
	case f.revoked || token != f.tokens[len(f.tokens)-1]:
		f.revoked = true
		return revoked(ReasonReused)
	}
	return nil
}

// Verbs in any order, with any tokens of the family and at any times, have the results that
// the model has.
func TestVerbsMatchTheModel(t *testing.T) {
	t.Parallel()
	const idleTimeout, ttl = 100, 1000
	for seed := range 30 {
		bubble(t, Config{IdleTimeout: idleTimeout * time.Second, TTL: ttl * time.Second}, func(w *fixture) {
			random := rand.New(rand.NewPCG(uint64(seed), 1))
			now := time.Now().Unix()
			f := &family{tokens: []string{w.issue(login())}, idleEnd: now + idleTimeout, end: now + ttl}
			for step := range 40 {
				time.Sleep(time.Duration(random.IntN(idleTimeout*2/3)) * time.Second)
				token := f.tokens[len(f.tokens)-1]
				if random.IntN(40) == 0 {
					token = f.tokens[random.IntN(len(f.tokens))]
				}
				want, now := f.check(token), time.Now().Unix()
				var s Session
				var err error
				switch random.IntN(3) {
				case 0:
					s, err = w.Check(w.Context(), token)
				case 1:
					if s, err = w.Touch(w.Context(), token); want == nil && 2*(f.idleEnd-now) < idleTimeout {
						f.idleEnd = min(now+idleTimeout, f.end)
					}
				case 2:
					var next string
					if next, s, err = w.Rotate(w.Context(), token); want == nil {
						f.tokens, f.idleEnd = append(f.tokens, next), min(now+idleTimeout, f.end)
					}
				}
				w.want(label("seed", seed, "step", step), err, want)
				if err == nil && (s.ExpiresAt != f.idleEnd || s.EndsAt != f.end || s.Generation != len(f.tokens)-1) {
					w.Errorf("seed %d step %d: %+v, want %+v", seed, step, s, f)
				}
				if w.Failed() {
					w.FailNow()
				}
			}
		})
	}
}

// Sessions end to the second, whether or not the store has expired their items.
func TestSessionsEndToTheSecond(t *testing.T) {
	for _, c := range []struct {
		name string
		late time.Duration // how much later items expire in the store
	}{{"the store expires items", 0}, {"the store has items that have ended", time.Hour}} {
		cfg := Config{
			IdleTimeout: 100 * time.Second, TTL: 250 * time.Second,
			Now: func() time.Time { return time.Now().Add(c.late) },
		}
		t.Run(c.name+"/idle end", func(t *testing.T) { bubble(t, cfg, wantIdleEnd) })
		t.Run(c.name+"/absolute end", func(t *testing.T) { bubble(t, cfg, wantAbsoluteEnd) })
	}
}

func wantIdleEnd(w *fixture) {
	token := w.issue(login())
	time.Sleep(99 * time.Second)
	w.wantCheck("before the idle end", token, nil)
	other := w.issue(login())
	token = w.rotate(token)
	time.Sleep(99 * time.Second)
	w.wantCheck("before the idle end of a rotated one", token, nil)
	time.Sleep(time.Second)
	w.wantCheck("at the idle end", other, ErrNoSession)
	w.wantCheck("at the idle end of a rotated one", token, ErrNoSession)
}

func wantAbsoluteEnd(w *fixture) {
	token := w.issue(login())
	for range 4 {
		time.Sleep(60 * time.Second)
		if _, err := w.Touch(w.Context(), token); err != nil {
			w.Fatal(err)
		}
	}
	time.Sleep(9 * time.Second)
	w.wantCheck("before the absolute end", token, nil)
	token = w.rotate(token)
	time.Sleep(time.Second)
	w.wantCheck("at the absolute end", token, ErrNoSession)
}

// Touch writes if less than half of the idle timeout is left, and not at half.
func TestTouchWritesBelowHalfOfTheIdleTimeout(t *testing.T) {
	bubble(t, Config{IdleTimeout: 100 * time.Second}, func(w *fixture) {
		token := w.issue(login())
		start := time.Now().Unix()
		for _, c := range []struct{ at, end int64 }{{50, 100}, {51, 151}, {101, 151}, {102, 202}} {
			time.Sleep(time.Until(time.Unix(start+c.at, 0)))
			s, err := w.Touch(w.Context(), token)
			if err != nil || s.ExpiresAt-start != c.end {
				w.Errorf("at %d s: ends at %d s, want %d; %v", c.at, s.ExpiresAt-start, c.end, err)
			}
		}
	})
}

// Of many calls of Touch at the same time one writes, and all succeed.
func TestConcurrentTouchesSucceed(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		token := w.issue(login())
		time.Sleep(4 * day)
		w.slowDown(time.Millisecond)
		for range 20 {
			go func() {
				if _, err := w.Touch(w.Context(), token); err != nil {
					w.Error(err)
				}
			}()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		s, _ := w.Check(w.Context(), token)
		if s.ExpiresAt < time.Now().Add(DefaultIdle-time.Minute).Unix() {
			w.Error("the session was not extended")
		}
	})
}

// An item that cannot be decoded causes an error that does not quote it. A logout of all
// devices revokes it.
func TestUnreadableItemCanBeRevoked(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		token := w.issue(login())
		item, _ := w.recorder.Store.Get(w.Context(), sessionKey(idOf(token)))
		item.Value = []byte(`{"secret":"canary`)
		if _, err := w.recorder.Store.Replace(w.Context(), item); err != nil {
			w.Fatal(err)
		}
		if _, err := w.Check(w.Context(), token); err == nil || err.Error() != "session: read: store: the value of a session item cannot be decoded" {
			w.Error(err)
		}
		w.want("revoke user", w.RevokeUser(w.Context(), testAppID, testOpenID, ""), nil)
		w.wantCheck("after it", token, revoked(ReasonLogoutAll))
	})
}

func TestStoreErrorsAreWrapped(t *testing.T) {
	broken := errors.New("broken")
	bubble(t, Config{}, func(w *fixture) {
		token := w.issue(login())
		p := w.process()
		p.Fail(broken)
		ctx := w.Context()
		_, err := p.Check(ctx, token)
		w.want("check", err, broken)
		_, _, _, err = p.Issue(ctx, login())
		w.want("issue", err, broken)
		w.want("revoke all", p.RevokeAll(ctx, token, ""), broken)
		_, err = p.User(ctx, testAppID, testOpenID)
		w.want("user", err, broken)
		p.Fail(store.ErrConflict)
		_, _, _, err = p.Issue(ctx, login())
		if err == nil {
			w.Error("Issue succeeded with a store that always refuses")
		}
	})
}
