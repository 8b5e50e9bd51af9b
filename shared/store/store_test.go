package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"wechatfn/shared/store"
)

func TestItemExpiresAtTheWholeSecondAfterItsTime(t *testing.T) {
	second := time.Unix(1_700_000_000, 0)
	for _, c := range []struct {
		name    string
		expires time.Time
		seconds int64     // as stored
		valid   time.Time // a time at which the item is valid
		expired time.Time // the first time at which it is not; zero: never
	}{
		{"never", time.Time{}, 0, second, time.Time{}},
		{"a whole second", second, second.Unix(), second.Add(-1), second},
		{"1 ns after a second", second.Add(1), second.Unix() + 1, second.Add(time.Second - 1), second.Add(time.Second)},
		{"1 ns before a second", second.Add(-1), second.Unix(), second.Add(-1), second},
		{"another time zone", second.In(time.FixedZone("CST", 8*3600)), second.Unix(), second.Add(-1), second},
		{"the Unix epoch", time.Unix(0, 0), 1, time.Unix(0, 0), time.Unix(1, 0)},
		{"before the Unix epoch", time.Unix(-9, 0), 1, time.Unix(0, 0), time.Unix(1, 0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			item := store.Item{ExpiresAt: c.expires}
			if got := item.ExpirySeconds(); got != c.seconds {
				t.Errorf("%d seconds, want %d", got, c.seconds)
			}
			if item.Expired(c.valid) {
				t.Errorf("expired at %v", c.valid)
			}
			if !c.expired.IsZero() && !item.Expired(c.expired) {
				t.Errorf("valid at %v", c.expired)
			}
			if again := (store.Item{ExpiresAt: store.ExpiryTime(c.seconds)}).ExpirySeconds(); again != c.seconds {
				t.Errorf("ExpiryTime makes %d seconds of %d", again, c.seconds)
			}
		})
	}
}

func TestValidateHoldsTheLimits(t *testing.T) {
	for _, c := range []struct {
		name string
		item store.Item
		want error
	}{
		{"the smallest item", store.Item{Key: "a"}, nil},
		{"the largest item", store.Item{Key: strings.Repeat("k", store.MaxKeyBytes), Value: []byte(strings.Repeat("v", store.MaxValueBytes))}, nil},
		{"no key", store.Item{Value: []byte("secret")}, store.ErrInvalid},
		{"a key too long", store.Item{Key: "kind#" + strings.Repeat("secret", store.MaxKeyBytes)}, store.ErrInvalid},
		{"a key that is not UTF-8", store.Item{Key: "kind#secret\xff"}, store.ErrInvalid},
		{"a value too long", store.Item{Key: "kind#secret", Value: []byte(strings.Repeat("secret", store.MaxValueBytes))}, store.ErrInvalid},
		{"a value that is not UTF-8", store.Item{Key: "kind#secret", Value: []byte("secret\xff")}, store.ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.item.Validate()
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error quotes the item: %v", err)
			}
		})
	}
}

func TestCheckRefusesInvalidItemsAndEndedContexts(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		key  string
		want error
	}{
		{"nothing is wrong", t.Context(), "kind#secret", nil},
		{"the item exceeds a limit", t.Context(), "", store.ErrInvalid},
		{"the context has ended", ended, "kind#secret", context.Canceled},
		{"both", ended, "", store.ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := store.Item{Key: c.key}.Check(c.ctx)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error quotes the key: %v", err)
			}
		})
	}
}

func TestKindEndsAtTheFirstHash(t *testing.T) {
	for _, c := range []struct{ name, key, want string }{
		{"two identifiers", "ticket#wx1234#jsapi", "ticket"},
		{"no identifier", "lease", "lease"},
		{"a hash alone", "#", ""},
		{"no key", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := store.Kind(c.key); got != c.want {
				t.Errorf("Kind(%q) = %q, want %q", c.key, got, c.want)
			}
		})
	}
}

func TestNewVersionsDiffer(t *testing.T) {
	const count = 1000
	seen := map[string]bool{}
	for range count {
		seen[store.NewVersion()] = true
	}
	if len(seen) != count {
		t.Errorf("%d of %d versions differ", len(seen), count)
	}
}

// refusingStore refuses writes and records the verb.
type refusingStore struct {
	store.Store
	called string
}

func (r *refusingStore) Create(context.Context, store.Item) (store.Item, error) {
	r.called = "create"
	return store.Item{Version: "current"}, store.ErrExists
}

func (r *refusingStore) Replace(context.Context, store.Item) (store.Item, error) {
	r.called = "replace"
	return store.Item{Version: "current"}, store.ErrConflict
}

func TestWriteCreatesWithoutVersionAndReplacesWithOne(t *testing.T) {
	for _, c := range []struct {
		name, version string
		want          string
		err           error
	}{
		{"no version", "", "create", store.ErrExists},
		{"a version", "v1", "replace", store.ErrConflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &refusingStore{}
			item, err := store.Write(t.Context(), s, store.Item{Key: "a", Version: c.version})
			if s.called != c.want || item.Version != "current" || err != c.err || !errors.Is(err, store.ErrConflict) {
				t.Errorf("called %s: %+v, %v", s.called, item, err)
			}
		})
	}
}
