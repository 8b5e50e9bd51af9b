package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/store"
)

// outside is what a process reaches: a store, and something else.
type outside struct {
	store.Store
	applied string // a letter for each call that was applied
}

func (o *outside) Get(_ context.Context, key string) (store.Item, error) {
	o.applied += "g"
	return store.Item{Key: key}, nil
}

func (o *outside) Create(_ context.Context, item store.Item) (store.Item, error) {
	o.applied += "c"
	return item, nil
}

func (o *outside) Replace(_ context.Context, item store.Item) (store.Item, error) {
	o.applied += "r"
	return item, nil
}

func (o *outside) Delete(context.Context, string, string) error {
	o.applied += "d"
	return nil
}

func (o *outside) other() error {
	o.applied += "o"
	return nil
}

func TestProcessCrashes(t *testing.T) {
	const all = "gcrdo"
	for n := range len(all) + 2 {
		for _, when := range []When{Before, After} {
			t.Run(fmt.Sprintf("%s call %d", when, n), func(t *testing.T) {
				applied := len(all)
				if 0 < n && n <= len(all) {
					applied = n
					if when == Before {
						applied--
					}
				}
				o, p := &outside{}, CrashAt(n, when)
				crashes(t, p, o, n)
				if o.applied != all[:applied] {
					t.Errorf("applied %q, want %q", o.applied, all[:applied])
				}
				if want := 0 < n && n <= len(all); p.Crashed() != want {
					t.Errorf("crashed: %v, want %v", p.Crashed(), want)
				}
			})
		}
	}
}

// crashes makes one call of each kind, of which the nth and all later ones must fail.
func crashes(t *testing.T, p *Process, o *outside, n int) {
	t.Helper()
	ctx, s, in := t.Context(), p.Store(o), store.Item{Key: "user#1"}
	for i, call := range []func() (store.Item, error){
		func() (store.Item, error) { return s.Get(ctx, in.Key) },
		func() (store.Item, error) { return s.Create(ctx, in) },
		func() (store.Item, error) { return s.Replace(ctx, in) },
		func() (store.Item, error) { return in, s.Delete(ctx, in.Key, "") },
		func() (store.Item, error) { return in, p.Do(o.other) },
	} {
		item, err := call()
		want := 0 < n && n <= i+1
		if errors.Is(err, ErrCrashed) != want || (err == nil) == want {
			t.Errorf("call %d: %v, want a crash: %v", i+1, err, want)
		}
		if got := item.Key != ""; i < 3 && got == want {
			t.Errorf("call %d returned %s", i+1, describe(item))
		}
	}
}

func TestProcessFreezes(t *testing.T) {
	for _, when := range []When{Before, After} {
		t.Run(when.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin, broken := time.Now(), errors.New("broken")
				p := FreezeAt(2, when, time.Hour)
				for n := 1; n <= 3; n++ {
					var at time.Duration
					if err := p.Do(func() error { at = time.Since(begin); return broken }); err != broken {
						t.Errorf("call %d: %v", n, err)
					}
					want := time.Duration(0)
					if n == 3 || n == 2 && when == Before {
						want = time.Hour
					}
					if at != want {
						t.Errorf("call %d is applied after %v, want %v", n, at, want)
					}
				}
				if took := time.Since(begin); took != time.Hour || p.Crashed() {
					t.Errorf("took %v, crashed: %v", took, p.Crashed())
				}
			})
		})
	}
}
