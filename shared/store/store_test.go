package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"wechatfn/shared/store"
)

func TestExpiry(t *testing.T) {
	second := time.Unix(1_700_000_000, 0)
	for _, c := range []struct {
		name string

		expires time.Time
		seconds int64
		lives   time.Time // zero: never dies
		dies    time.Time
	}{
		{"never", time.Time{}, 0, second, time.Time{}},
		{"whole second", second, second.Unix(), second.Add(-1), second},
		{"one ns past", second.Add(1), second.Unix() + 1, second.Add(time.Second - 1), second.Add(time.Second)},
		{"one ns before", second.Add(-1), second.Unix(), second.Add(-1), second},
		{"another zone", second.In(time.FixedZone("CST", 8*3600)), second.Unix(), second.Add(-1), second},
		{"the epoch", time.Unix(0, 0), 1, time.Unix(0, 0), time.Unix(1, 0)},
		{"before the epoch", time.Unix(-9, 0), 1, time.Unix(0, 0), time.Unix(1, 0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			item := store.Item{ExpiresAt: c.expires}
			if got := item.ExpirySeconds(); got != c.seconds {
				t.Errorf("%s: %d seconds, want %d", c.name, got, c.seconds)
			}
			if item.Expired(c.lives) {
				t.Errorf("%s: expired at %v", c.name, c.lives)
			}
			if !c.dies.IsZero() && !item.Expired(c.dies) {
				t.Errorf("%s: alive at %v", c.name, c.dies)
			}
			if again := (store.Item{ExpiresAt: store.ExpiryTime(c.seconds)}).ExpirySeconds(); again != c.seconds {
				t.Errorf("%s: %d seconds come back as %d", c.name, c.seconds, again)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name string
		item store.Item
	}{
		{"smallest", store.Item{Key: "a"}},
		{"largest", store.Item{Key: strings.Repeat("k", store.MaxKeyBytes), Value: []byte(strings.Repeat("v", store.MaxValueBytes))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.item.Validate(); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		})
	}
	for _, c := range []struct {
		name string
		item store.Item
	}{
		{"no key", store.Item{Value: []byte("secret")}},
		{"long key", store.Item{Key: "kind#" + strings.Repeat("secret", store.MaxKeyBytes)}},
		{"bad key", store.Item{Key: "kind#secret\xff"}},
		{"long value", store.Item{Key: "kind#secret", Value: []byte(strings.Repeat("secret", store.MaxValueBytes))}},
		{"value not UTF-8", store.Item{Key: "kind#secret", Value: []byte("secret\xff")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.item.Validate()
			if !errors.Is(err, store.ErrInvalid) {
				t.Errorf("%s: error %v, want %v", c.name, err, store.ErrInvalid)
			} else if strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: the error quotes the item: %v", c.name, err)
			}
		})
	}
}

func TestKind(t *testing.T) {
	for _, c := range []struct {
		key  string
		want string
	}{{"ticket#wx1234#jsapi", "ticket"}, {"lease", "lease"}, {"#", ""}, {"", ""}} {
		t.Run(c.key, func(t *testing.T) {
			if got := store.Kind(c.key); got != c.want {
				t.Errorf("Kind(%q) = %q, want %q", c.key, got, c.want)
			}
		})
	}
}

func TestVersionsDiffer(t *testing.T) {
	const enough = 1000
	seen := map[string]bool{}
	for range enough {
		seen[store.NewVersion()] = true
	}
	if len(seen) != enough {
		t.Errorf("%d of %d versions differ", len(seen), enough)
	}
}

// verbs is a store that tells which of its writing verbs was called.
type verbs struct {
	store.Store
	called string
}

func (v *verbs) Create(context.Context, store.Item) (store.Item, error) {
	v.called = "create"
	return store.Item{Version: "current"}, store.ErrExists
}

func (v *verbs) Replace(context.Context, store.Item) (store.Item, error) {
	v.called = "replace"
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
			v := &verbs{}
			item, err := store.Write(t.Context(), v, store.Item{Key: "a", Version: c.version})
			if v.called != c.want || item.Version != "current" || err != c.err || !errors.Is(err, store.ErrConflict) {
				t.Errorf("called %s: %+v, %v", v.called, item, err)
			}
		})
	}
}
