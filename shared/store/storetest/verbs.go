package storetest

import (
	"errors"
	"strings"
	"time"

	"wechatfn/shared/store"
)

const (
	key = "ticket#wx1234#jsapi"
	ttl = time.Hour
)

func roundTrip(s *suite) {
	s.wantStored(key, store.Item{})

	given := s.in(key, `{"n":1}`, ttl)
	given.Version = "a version that Create must ignore"
	created := s.create(given)
	s.wantStored(key, created)

	next := s.in(key, `{"n":2}`, 2*ttl)
	next.Version = created.Version
	replaced := s.replace(next)
	s.wantStored(key, replaced)

	s.delete(replaced)
	s.wantStored(key, store.Item{})
}

// oddKeysAndValues has keys that an engine would confuse if it folded case, trimmed,
// normalized or matched patterns.
func oddKeysAndValues(s *suite) {
	odd := []string{
		"a", "A", "a ", " a", "#", "##", "a#", "a#b#c", "%", "_", "a%", "a_", `"`, `'`, `\`, "?1", ":now", "$",
		"\n", "\t", "\x00", "a\x00", "a\x00b", "\x01\x1f\x7f", "\u2028", "\ufffd", "\U0001f600",
		"\u00e9", "e\u0301", "微信", "null", "0", "true", strings.Repeat("k", store.MaxKeyBytes),
	}
	items := make([]store.Item, len(odd))
	for i, text := range odd {
		items[i] = s.create(s.in(text, text, 0))
	}
	for _, item := range items {
		s.wantStored(item.Key, item)
	}
}

func largeAndEmptyValues(s *suite) {
	for _, c := range []struct{ kind, value string }{
		{"empty", ""},
		{"ascii", strings.Repeat("x", store.MaxValueBytes)},
		{"utf8", strings.Repeat("微信", store.MaxValueBytes/6)},
		// An engine that is sent JSON gets six characters for each of these.
		{"control", strings.Repeat("\x01", store.MaxValueBytes)},
	} {
		item := s.create(s.in(c.kind+"#1", c.value, ttl))
		s.wantStored(item.Key, item)

		current, err := s.store.Create(s.Context(), item)
		s.refused("create "+c.kind, current, err, store.ErrExists, item)

		item = s.replace(item)
		s.wantStored(item.Key, item)
		s.delete(item)
	}
}

func limits(s *suite) {
	const canary = "canary-value"
	for _, c := range []struct {
		name string
		item store.Item
	}{
		{"empty key", store.Item{Key: ""}},
		{"long key", store.Item{Key: strings.Repeat("k", store.MaxKeyBytes+1)}},
		{"key not UTF-8", store.Item{Key: "a#\xff"}},
		{"long value", store.Item{Key: key, Value: []byte(canary + strings.Repeat("x", store.MaxValueBytes))}},
		{"value not UTF-8", store.Item{Key: key, Value: []byte(canary + "\xff")}},
		{"half a surrogate", store.Item{Key: key, Value: []byte("\xed\xa0\x80")}},
		{"empty key with a value", store.Item{Key: "", Value: []byte(canary)}},
	} {
		item := c.item
		item.Version = store.NewVersion()
		calls := s.wire.count(func() {
			_, err := s.store.Create(s.Context(), item)
			s.wantInvalid("create: "+c.name, err, canary)
			_, err = s.store.Replace(s.Context(), item)
			s.wantInvalid("replace: "+c.name, err, canary)
			if item.Key == key {
				return
			}
			_, err = s.store.Get(s.Context(), item.Key)
			s.wantInvalid("get: "+c.name, err, canary)
			s.wantInvalid("delete: "+c.name, s.store.Delete(s.Context(), item.Key, item.Version), canary)
		})
		if calls != 0 {
			s.Errorf("%s: %d engine calls, want none", c.name, calls)
		}
	}
}

func (s *suite) wantInvalid(what string, err error, canary string) {
	s.Helper()
	s.wantError(what, err, store.ErrInvalid)
	if err != nil && strings.Contains(err.Error(), canary) {
		s.Errorf("%s: the error quotes the value", what)
	}
}

func createRefusesExisting(s *suite) {
	for _, ttl := range []time.Duration{0, ttl} {
		item := s.in("token#"+ttl.String(), "first", ttl)
		first := s.create(item)
		item.Value = []byte("second")
		current, err := s.store.Create(s.Context(), item)
		s.refused("create", current, err, store.ErrExists, first)
		if !errors.Is(err, store.ErrConflict) {
			s.Errorf("create: error %v, want one that is an ErrConflict", err)
		}
		s.wantStored(item.Key, first)
	}
}

func replaceRefusesStale(s *suite) {
	first := s.create(s.in(key, "first", ttl))
	second := s.replace(first)
	for _, version := range []string{first.Version, "", "x", strings.ToLower(second.Version), second.Version + " "} {
		stale := s.in(key, "stale", ttl)
		stale.Version = version
		current, err := s.store.Replace(s.Context(), stale)
		s.refused("replace", current, err, store.ErrConflict, second)
	}
	s.wantStored(key, second)
}

func replaceRefusesAbsent(s *suite) {
	for _, version := range []string{"", store.NewVersion()} {
		item := s.in(key, "value", ttl)
		item.Version = version
		current, err := s.store.Replace(s.Context(), item)
		s.refused("replace", current, err, store.ErrConflict, store.Item{})
		s.wantError("delete", s.store.Delete(s.Context(), key, version), store.ErrConflict)
	}
	s.wantStored(key, store.Item{})
}

func deleteRefusesWrongVersion(s *suite) {
	first := s.create(s.in(key, "first", ttl))
	second := s.replace(first)
	for _, version := range []string{first.Version, "", "x"} {
		s.wantError("delete", s.store.Delete(s.Context(), key, version), store.ErrConflict)
	}
	s.wantStored(key, second)
	s.delete(second)
	s.wantError("delete again", s.store.Delete(s.Context(), key, second.Version), store.ErrConflict)
}

// recreatedIsAnother: the same key and value are written again. A writer that has read
// the first item must not replace or delete the second one.
func recreatedIsAnother(s *suite) {
	item := s.in(key, "same", ttl)
	first := s.create(item)
	s.delete(first)
	second := s.create(item)

	current, err := s.store.Replace(s.Context(), first)
	s.refused("replace", current, err, store.ErrConflict, second)
	s.wantError("delete", s.store.Delete(s.Context(), key, first.Version), store.ErrConflict)
	s.wantStored(key, second)
}

func versionsAreUnique(s *suite) {
	const rounds = 20
	seen := map[string]bool{}
	unique := func(item store.Item) store.Item {
		if seen[item.Version] {
			s.Errorf("version %q was used before", item.Version)
		}
		seen[item.Version] = true
		return item
	}
	for range rounds {
		item := unique(s.create(s.in(key, "same", time.Second)))
		unique(s.replace(item))
		s.clock.advance(time.Second)
		item = unique(s.create(s.in(key, "same", ttl)))
		item = unique(s.replace(item))
		s.delete(item)
	}
}
