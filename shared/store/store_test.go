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
	for name, c := range map[string]struct {
		expires time.Time
		seconds int64
		lives   time.Time // zero: never dies
		dies    time.Time
	}{
		"never":            {time.Time{}, 0, second, time.Time{}},
		"whole second":     {second, second.Unix(), second.Add(-1), second},
		"one ns past":      {second.Add(1), second.Unix() + 1, second.Add(time.Second - 1), second.Add(time.Second)},
		"one ns before":    {second.Add(-1), second.Unix(), second.Add(-1), second},
		"another zone":     {second.In(time.FixedZone("CST", 8*3600)), second.Unix(), second.Add(-1), second},
		"the epoch":        {time.Unix(0, 0), 1, time.Unix(0, 0), time.Unix(1, 0)},
		"before the epoch": {time.Unix(-9, 0), 1, time.Unix(0, 0), time.Unix(1, 0)},
	} {
		item := store.Item{ExpiresAt: c.expires}
		if got := item.ExpirySeconds(); got != c.seconds {
			t.Errorf("%s: %d seconds, want %d", name, got, c.seconds)
		}
		if item.Expired(c.lives) {
			t.Errorf("%s: expired at %v", name, c.lives)
		}
		if !c.dies.IsZero() && !item.Expired(c.dies) {
			t.Errorf("%s: alive at %v", name, c.dies)
		}
		if again := (store.Item{ExpiresAt: store.ExpiryTime(c.seconds)}).ExpirySeconds(); again != c.seconds {
			t.Errorf("%s: %d seconds come back as %d", name, c.seconds, again)
		}
	}
}

func TestValidate(t *testing.T) {
	for name, item := range map[string]store.Item{
		"smallest": {Key: "a"},
		"largest":  {Key: strings.Repeat("k", store.MaxKeyBytes), Value: []byte(strings.Repeat("v", store.MaxValueBytes))},
	} {
		if err := item.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, item := range map[string]store.Item{
		"no key":          {Value: []byte("secret")},
		"long key":        {Key: "kind#" + strings.Repeat("secret", store.MaxKeyBytes)},
		"bad key":         {Key: "kind#secret\xff"},
		"long value":      {Key: "kind#secret", Value: []byte(strings.Repeat("secret", store.MaxValueBytes))},
		"value not UTF-8": {Key: "kind#secret", Value: []byte("secret\xff")},
	} {
		err := item.Validate()
		if !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: error %v, want %v", name, err, store.ErrInvalid)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error quotes the item: %v", name, err)
		}
	}
}

func TestKind(t *testing.T) {
	for key, want := range map[string]string{"ticket#wx1234#jsapi": "ticket", "lease": "lease", "#": "", "": ""} {
		if got := store.Kind(key); got != want {
			t.Errorf("Kind(%q) = %q, want %q", key, got, want)
		}
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
