package storetest

import (
	"time"

	"wechatfn/shared/store"
)

// expiredIsAbsent: engines remove expired items late or never, so every verb has to
// compare the time.
func expiredIsAbsent(s *suite) {
	old := s.create(s.in(key, "old", ttl))
	s.clock.advance(ttl)
	s.wantStored(key, store.Item{})

	current, err := s.store.Replace(s.Context(), old)
	s.refused("replace", current, err, store.ErrConflict, store.Item{})
	stale := old
	stale.Version = store.NewVersion()
	current, err = s.store.Replace(s.Context(), stale)
	s.refused("replace", current, err, store.ErrConflict, store.Item{})
	s.wantError("delete", s.store.Delete(s.Context(), key, old.Version), store.ErrConflict)

	fresh := s.create(s.in(key, "fresh", 0))
	s.wantStored(key, fresh)
	current, err = s.store.Replace(s.Context(), old)
	s.refused("replace", current, err, store.ErrConflict, fresh)
	s.wantError("delete", s.store.Delete(s.Context(), key, old.Version), store.ErrConflict)

	const century = 100 * 365 * 24 * time.Hour
	s.clock.advance(century)
	s.wantStored(key, fresh)
}

func expiryBoundary(s *suite) {
	item := s.create(s.in(key, "value", ttl))
	s.clock.advance(ttl - time.Nanosecond)
	s.wantStored(key, item)
	current, err := s.store.Create(s.Context(), item)
	s.refused("create", current, err, store.ErrExists, item)
	item = s.replace(item)

	s.clock.advance(time.Nanosecond)
	s.wantStored(key, store.Item{})
	current, err = s.store.Replace(s.Context(), item)
	s.refused("replace", current, err, store.ErrConflict, store.Item{})
	s.create(s.in(key, "value", ttl))
}

func expiryRoundsUp(s *suite) {
	for _, fraction := range []time.Duration{time.Nanosecond, time.Millisecond, time.Second - time.Nanosecond} {
		item := s.create(s.in(key, "value", ttl+fraction))
		if want := s.clock.Now().Add(ttl + time.Second); !item.ExpiresAt.Equal(want) {
			s.Errorf("%v past the second: expires at %v, want %v", fraction, item.ExpiresAt, want)
		}
		s.clock.advance(ttl + time.Second - time.Nanosecond)
		s.wantStored(key, item)
		s.clock.advance(time.Nanosecond)
		s.wantStored(key, store.Item{})
	}
	// The Unix epoch must not be taken for "never".
	for i, past := range []time.Time{time.Unix(0, 0), time.Unix(-5, 0), time.Unix(1, 0)} {
		expired := store.Item{Key: key + "#" + string(rune('a'+i)), ExpiresAt: past}
		s.create(expired)
		s.wantStored(expired.Key, store.Item{})
	}
}

func replaceChangesExpiry(s *suite) {
	item := s.create(s.in(key, "value", ttl))

	item.ExpiresAt = s.clock.Now().Add(3 * ttl)
	item = s.replace(item)
	s.clock.advance(2 * ttl)
	s.wantStored(key, item)

	item.ExpiresAt = time.Time{}
	item = s.replace(item)
	s.clock.advance(2 * ttl)
	s.wantStored(key, item)

	item.ExpiresAt = s.clock.Now().Add(ttl)
	item = s.replace(item)
	s.wantStored(key, item)
	s.clock.advance(ttl)
	s.wantStored(key, store.Item{})
}
