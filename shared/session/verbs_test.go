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

func TestCheck(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
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

func TestOtherSKU(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		ctx, l := w.Context(), login()
		l.SKU = "coffee"
		token := w.issue(l)
		for _, c := range []struct {
			skus []string
			want error
		}{{nil, nil}, {[]string{"coffee"}, nil}, {[]string{"tea", "coffee"}, nil}, {[]string{"tea"}, ErrOtherSKU}, {[]string{""}, ErrOtherSKU}} {
			_, err := w.Check(ctx, token, c.skus...)
			w.want("check", err, c.want)
			_, err = w.Touch(ctx, token, c.skus...)
			w.want("touch", err, c.want)
			if c.want != nil {
				_, _, err = w.Rotate(ctx, token, c.skus...)
				w.want("rotate", err, c.want)
			}
		}
		w.wantCheck("after refusals", token, nil)
		w.wantListed("after refusals")
		w.want("logout", w.Revoke(ctx, token), nil)
		if n := len(w.stored().Devices); n != 0 {
			w.Errorf("%d are listed still", n)
		}
	})
}

// Rotation kills the old token, and using that kills the family: from whichever
// verb, and for the holder of the new one too.
func TestReuse(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(*world, string) error{
		"check":      func(w *world, old string) error { _, err := w.Check(w.Context(), old); return err },
		"touch":      func(w *world, old string) error { _, err := w.Touch(w.Context(), old); return err },
		"rotate":     func(w *world, old string) error { _, _, err := w.Rotate(w.Context(), old); return err },
		"revoke":     func(w *world, old string) error { return w.Revoke(w.Context(), old) },
		"revoke all": func(w *world, old string) error { return w.RevokeAll(w.Context(), old, "") },
		"forged": func(w *world, old string) error {
			t, _ := parse(old)
			t[tokenBytes-1] ^= 1
			_, err := w.Check(w.Context(), t.text())
			return err
		},
		"other product": func(w *world, old string) error { _, err := w.Check(w.Context(), old, "tea"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(w *world) {
				other, old := w.issue(login()), w.issue(login())
				current := w.rotate(w.rotate(old))
				w.want("old token", use(w, old), revoked(ReasonReused))
				w.wantCheck("current token", current, revoked(ReasonReused))
				w.wantCheck("old token again", old, revoked(ReasonReused))
				w.wantAlive("another device", other)
				if w.lists(idOf(old)) {
					w.Error("it is listed still")
				}
				time.Sleep(DefaultTTL - time.Second)
				w.wantCheck("until the absolute end", current, revoked(ReasonReused))
				time.Sleep(time.Second)
				w.wantCheck("from then on", current, ErrNoSession)
			})
		})
	}
}

// Two rotations at once: one wins at most, and then the family dies of the other.
func TestRotateTwiceAtOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		bubble(t, Config{}, func(w *world) {
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

// A rotation that a touch crosses is no reuse.
func TestRotateThroughTouch(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
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

// family is what a model knows of a session. Times are Unix seconds.
type family struct {
	tokens        []string // the last one is current
	idle, end     int64
	revoked, gone bool
}

func (f *family) verdict(token string) error {
	now := time.Now().Unix()
	switch {
	case f.gone || !f.revoked && now >= f.idle || now >= f.end:
		f.gone = true
		return ErrNoSession
	case f.revoked || token != f.tokens[len(f.tokens)-1]:
		f.revoked = true
		return revoked(ReasonReused)
	}
	return nil
}

// Any sequence of uses, with any tokens of the family at any times, goes as the
// model says.
func TestRotationModel(t *testing.T) {
	t.Parallel()
	const idle, life = 100, 1000
	for seed := range 30 {
		bubble(t, Config{IdleTimeout: idle * time.Second, TTL: life * time.Second}, func(w *world) {
			random := rand.New(rand.NewPCG(uint64(seed), 1))
			now := time.Now().Unix()
			f := &family{tokens: []string{w.issue(login())}, idle: now + idle, end: now + life}
			for step := range 40 {
				time.Sleep(time.Duration(random.IntN(idle*2/3)) * time.Second)
				token := f.tokens[len(f.tokens)-1]
				if random.IntN(40) == 0 {
					token = f.tokens[random.IntN(len(f.tokens))]
				}
				want, now := f.verdict(token), time.Now().Unix()
				var s Session
				var err error
				switch random.IntN(3) {
				case 0:
					s, err = w.Check(w.Context(), token)
				case 1:
					if s, err = w.Touch(w.Context(), token); want == nil && 2*(f.idle-now) < idle {
						f.idle = min(now+idle, f.end)
					}
				case 2:
					var next string
					if next, s, err = w.Rotate(w.Context(), token); want == nil {
						f.tokens, f.idle = append(f.tokens, next), min(now+idle, f.end)
					}
				}
				w.want(label("seed", seed, "step", step), err, want)
				if err == nil && (s.ExpiresAt != f.idle || s.EndsAt != f.end || s.Generation != len(f.tokens)-1) {
					w.Errorf("seed %d step %d: %+v, want %+v", seed, step, s, f)
				}
				if w.Failed() {
					w.FailNow()
				}
			}
		})
	}
}

// The ends, to the second, whether the store has swept what is over or not.
func TestEnds(t *testing.T) {
	for _, late := range []time.Duration{0, time.Hour} {
		cfg := Config{
			IdleTimeout: 100 * time.Second, TTL: 250 * time.Second,
			Now: func() time.Time { return time.Now().Add(late) }, // the store's clock is late
		}
		bubble(t, cfg, func(w *world) {
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
		})
		bubble(t, cfg, func(w *world) {
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
		})
	}
}

// Touch writes when less than half of the idle life is left, and not at half.
func TestTouchHalf(t *testing.T) {
	bubble(t, Config{IdleTimeout: 100 * time.Second}, func(w *world) {
		token := w.issue(login())
		begun := time.Now().Unix()
		for _, c := range []struct{ at, end int64 }{{50, 100}, {51, 151}, {101, 151}, {102, 202}} {
			time.Sleep(time.Until(time.Unix(begun+c.at, 0)))
			s, err := w.Touch(w.Context(), token)
			if err != nil || s.ExpiresAt-begun != c.end {
				w.Errorf("at %d s: ends at %d s, want %d; %v", c.at, s.ExpiresAt-begun, c.end, err)
			}
		}
	})
}

// Of many touches at once one writes, and none fails.
func TestTouchAtOnce(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
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
			w.Error("nobody extended it")
		}
	})
}

// An item that cannot be read is an error that quotes nothing, and a logout of
// all devices ends it all the same.
func TestUnreadable(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		token := w.issue(login())
		item, _ := w.table.Store.Get(w.Context(), sessionKey(idOf(token)))
		item.Value = []byte(`{"secret":"canary`)
		if _, err := w.table.Store.Replace(w.Context(), item); err != nil {
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
	bubble(t, Config{}, func(w *world) {
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
			w.Error("a store that always refuses ends in nothing")
		}
	})
}
