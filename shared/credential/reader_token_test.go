package credential

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/store"
)

func (w *world) wantToken(r *Reader, want string) {
	w.t.Helper()
	if got, err := r.Token(w.t.Context(), testAppID); got != want {
		w.t.Errorf("another token was handed out: %v", err)
	}
}

// A token is read once a minute, and never handed out within Margin of its end.
func TestReaderToken(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k, r := w.keeper(), w.reader(nil)
		token := w.tick(k).Token
		w.store.Take()
		for range 10 {
			w.wantToken(r, token.Value)
		}
		w.wantStoreCalls(1, 0)
		time.Sleep(time.Until(time.Unix(token.ExpiresAt, 0)) - Margin - time.Nanosecond)
		w.wantToken(r, token.Value)
		time.Sleep(time.Nanosecond)
		if _, err := r.Token(t.Context(), testAppID); !errors.Is(err, ErrNoToken) || strings.Contains(err.Error(), token.Value) {
			t.Error("handed out within Margin of its end")
		}
	})
}

// Without a token the refresher is kicked, once in ten seconds.
func TestReaderWithoutToken(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		var requested []string
		r := w.reader(func(appID string) { requested = append(requested, appID) })
		for range 9 {
			if _, err := r.Token(t.Context(), testAppID); !errors.Is(err, ErrNoToken) {
				t.Errorf("got %v", err)
			}
			time.Sleep(time.Second)
		}
		if len(requested) != 1 {
			t.Errorf("%d kicks", len(requested))
		}
	})
}

// A token that WeChat has ended: told to the refresher, and the next one is waited
// for, by however many miss it.
func TestReaderAnother(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k := w.keeper()
		old := w.tick(k).Token.Value
		r := w.reader(func(string) {
			go func() {
				time.Sleep(time.Second) // as the table's stream takes
				_, _ = k.HandleRefreshRequest(context.Background(), w.account)
			}()
		})
		w.wantToken(r, old)
		if err := w.sim.ForeignRefresh(testAppID); err != nil {
			t.Fatal(err)
		}
		w.sim.ResetCounts()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				got, err := r.Replacement(t.Context(), testAppID, old)
				if err != nil || !w.sim.TokenAlive(testAppID, got) {
					t.Errorf("no living token: %v", err)
				}
			})
		}
		wg.Wait()
		w.wantCalls(1, 0)

		// Who still holds the old one in memory finds the new one at once, and tells nobody.
		w.store.Take()
		if got, err := r.Replacement(t.Context(), testAppID, old); err != nil || got == old {
			t.Errorf("no other token: %v", err)
		}
		w.wantStoreCalls(1, 0)
	})
}

// hanging is a store that answers no read for a minute.
type hanging struct{ store.Store }

func (h hanging) Get(ctx context.Context, key string) (store.Item, error) {
	select {
	case <-ctx.Done():
		return store.Item{}, ctx.Err()
	case <-time.After(time.Minute):
		return h.Store.Get(ctx, key)
	}
}

// One that does not come is waited for no longer than the caller has time.
func TestReaderAnotherInVain(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"no refresher":     func(*world) {},
		"no table":         func(w *world) { w.store.Store = downed(w.store.Store) },
		"a table hangs":    func(w *world) { w.store.Store = hanging{w.store.Store} },
		"the mark is read": func(w *world) { w.markDead() },
	} {
		bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
			r := w.reader(nil)
			token := w.tick(w.keeper()).Token.Value
			w.wantToken(r, token)
			spoil(w)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			before := time.Now()
			_, err := r.Replacement(ctx, testAppID, token)
			if took := time.Since(before); !errors.Is(err, ErrNoToken) || took != 3*time.Second {
				t.Errorf("%s: %v after %v", name, err, took)
			}
			if strings.Contains(err.Error(), token) {
				t.Errorf("%s: the error holds the token", name)
			}
		})
	}
}

// markDead is what a refresher does that is told and then gets no answer.
func (w *world) markDead() {
	w.t.Helper()
	item, err := w.store.Get(w.t.Context(), tokenKey(testAppID))
	if err != nil {
		w.t.Fatal(err)
	}
	record := w.stored()
	record.Token.Dead = true
	item.Value = store.Encode(record)
	if _, err := w.store.Replace(w.t.Context(), item); err != nil {
		w.t.Fatal(err)
	}
}
