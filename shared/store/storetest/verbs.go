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
	s.wantStands(key, store.Item{})

	given := s.in(key, `{"n":1}`, ttl)
	given.Version = "a version that Create must ignore"
	created := s.create(given)
	s.wantStands(key, created)

	next := s.in(key, `{"n":2}`, 2*ttl)
	next.Version = created.Version
	replaced := s.replace(next)
	s.wantStands(key, replaced)

	s.delete(replaced)
	s.wantStands(key, store.Item{})
}

// oddKeysAndValues keeps apart keys that a case-folding, trimming, normalizing or
// pattern-matching engine would mix up.
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
		s.wantStands(item.Key, item)
	}
}

func largeAndEmptyValues(s *suite) {
	for kind, value := range map[string]string{
		"empty": "",
		"ascii": strings.Repeat("x", store.MaxValueBytes),
		"utf8":  strings.Repeat("微信", store.MaxValueBytes/6),
		// Escaping makes these six times as long on a wire that carries JSON.
		"control": strings.Repeat("\x01", store.MaxValueBytes),
	} {
		item := s.create(s.in(kind+"#1", value, ttl))
		s.wantStands(item.Key, item)

		stands, err := s.store.Create(s.Context(), item)
		s.refused("create "+kind, stands, err, store.ErrExists, item)

		item = s.replace(item)
		s.wantStands(item.Key, item)
		s.delete(item)
	}
}

func limits(s *suite) {
	const canary = "canary-value"
	bad := map[string]store.Item{
		"empty key":         {Key: ""},
		"long key":          {Key: strings.Repeat("k", store.MaxKeyBytes+1)},
		"key not UTF-8":     {Key: "a#\xff"},
		"long value":        {Key: key, Value: []byte(canary + strings.Repeat("x", store.MaxValueBytes))},
		"value not UTF-8":   {Key: key, Value: []byte(canary + "\xff")},
		"half a surrogate":  {Key: key, Value: []byte("\xed\xa0\x80")},
		"key and long text": {Key: "", Value: []byte(canary)},
	}
	for name, item := range bad {
		item.Version = store.NewVersion()
		calls := s.wire.count(func() {
			_, err := s.store.Create(s.Context(), item)
			s.wantInvalid("create: "+name, err, canary)
			_, err = s.store.Replace(s.Context(), item)
			s.wantInvalid("replace: "+name, err, canary)
			if item.Key == key {
				return
			}
			_, err = s.store.Get(s.Context(), item.Key)
			s.wantInvalid("get: "+name, err, canary)
			s.wantInvalid("delete: "+name, s.store.Delete(s.Context(), item.Key, item.Version), canary)
		})
		if calls != 0 {
			s.Errorf("%s: %d engine calls, want none", name, calls)
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

func createRefusesLive(s *suite) {
	for _, life := range []time.Duration{0, ttl} {
		item := s.in("token#"+life.String(), "first", life)
		first := s.create(item)
		item.Value = []byte("second")
		stands, err := s.store.Create(s.Context(), item)
		s.refused("create", stands, err, store.ErrExists, first)
		if !errors.Is(err, store.ErrConflict) {
			s.Errorf("create: error %v, want one that is an ErrConflict", err)
		}
		s.wantStands(item.Key, first)
	}
}

func replaceRefusesStale(s *suite) {
	first := s.create(s.in(key, "first", ttl))
	second := s.replace(first)
	for _, version := range []string{first.Version, "", "x", strings.ToLower(second.Version), second.Version + " "} {
		stale := s.in(key, "stale", ttl)
		stale.Version = version
		stands, err := s.store.Replace(s.Context(), stale)
		s.refused("replace", stands, err, store.ErrConflict, second)
	}
	s.wantStands(key, second)
}

func replaceRefusesAbsent(s *suite) {
	for _, version := range []string{"", store.NewVersion()} {
		item := s.in(key, "value", ttl)
		item.Version = version
		stands, err := s.store.Replace(s.Context(), item)
		s.refused("replace", stands, err, store.ErrConflict, store.Item{})
		s.wantError("delete", s.store.Delete(s.Context(), key, version), store.ErrConflict)
	}
	s.wantStands(key, store.Item{})
}

func deleteRefusesWrongVersion(s *suite) {
	first := s.create(s.in(key, "first", ttl))
	second := s.replace(first)
	for _, version := range []string{first.Version, "", "x"} {
		s.wantError("delete", s.store.Delete(s.Context(), key, version), store.ErrConflict)
	}
	s.wantStands(key, second)
	s.delete(second)
	s.wantError("delete again", s.store.Delete(s.Context(), key, second.Version), store.ErrConflict)
}

// recreatedIsAnother: the same key and value come back, and a writer who knew
// the first item must not take the new one for it.
func recreatedIsAnother(s *suite) {
	item := s.in(key, "same", ttl)
	first := s.create(item)
	s.delete(first)
	second := s.create(item)

	stands, err := s.store.Replace(s.Context(), first)
	s.refused("replace", stands, err, store.ErrConflict, second)
	s.wantError("delete", s.store.Delete(s.Context(), key, first.Version), store.ErrConflict)
	s.wantStands(key, second)
}

func versionsAreUnique(s *suite) {
	const rounds = 20
	seen := map[string]bool{}
	note := func(item store.Item) store.Item {
		if seen[item.Version] {
			s.Errorf("version %q was used before", item.Version)
		}
		seen[item.Version] = true
		return item
	}
	for range rounds {
		item := note(s.create(s.in(key, "same", time.Second)))
		note(s.replace(item))
		s.clock.advance(time.Second)
		item = note(s.create(s.in(key, "same", ttl)))
		item = note(s.replace(item))
		s.delete(item)
	}
}
