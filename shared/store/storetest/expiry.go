package storetest

import (
	"time"

	"wechatfn/shared/store"
)

// expiredIsAbsent: engines sweep late or never, so every verb has to look.
func expiredIsAbsent(s *suite) {
	old := s.create(s.in(key, "old", ttl))
	s.clock.advance(ttl)
	s.wantStands(key, store.Item{})

	stands, err := s.store.Replace(s.Context(), old)
	s.refused("replace", stands, err, store.ErrConflict, store.Item{})
	stale := old
	stale.Version = store.NewVersion()
	stands, err = s.store.Replace(s.Context(), stale)
	s.refused("replace", stands, err, store.ErrConflict, store.Item{})
	s.wantError("delete", s.store.Delete(s.Context(), key, old.Version), store.ErrConflict)

	young := s.create(s.in(key, "young", 0))
	s.wantStands(key, young)
	stands, err = s.store.Replace(s.Context(), old)
	s.refused("replace", stands, err, store.ErrConflict, young)
	s.wantError("delete", s.store.Delete(s.Context(), key, old.Version), store.ErrConflict)

	const century = 100 * 365 * 24 * time.Hour
	s.clock.advance(century)
	s.wantStands(key, young)
}

func expiryBoundary(s *suite) {
	item := s.create(s.in(key, "value", ttl))
	s.clock.advance(ttl - time.Nanosecond)
	s.wantStands(key, item)
	stands, err := s.store.Create(s.Context(), item)
	s.refused("create", stands, err, store.ErrExists, item)
	item = s.replace(item)

	s.clock.advance(time.Nanosecond)
	s.wantStands(key, store.Item{})
	stands, err = s.store.Replace(s.Context(), item)
	s.refused("replace", stands, err, store.ErrConflict, store.Item{})
	s.create(s.in(key, "value", ttl))
}

func expiryRoundsUp(s *suite) {
	for _, fraction := range []time.Duration{time.Nanosecond, time.Millisecond, time.Second - time.Nanosecond} {
		item := s.create(s.in(key, "value", ttl+fraction))
		if want := s.clock.Now().Add(ttl + time.Second); !item.ExpiresAt.Equal(want) {
			s.Errorf("%v past the second: expires at %v, want %v", fraction, item.ExpiresAt, want)
		}
		s.clock.advance(ttl + time.Second - time.Nanosecond)
		s.wantStands(key, item)
		s.clock.advance(time.Nanosecond)
		s.wantStands(key, store.Item{})
	}
	// The epoch itself must not be taken for "never".
	for i, past := range []time.Time{time.Unix(0, 0), time.Unix(-5, 0), time.Unix(1, 0)} {
		dead := store.Item{Key: key + "#" + string(rune('a'+i)), ExpiresAt: past}
		s.create(dead)
		s.wantStands(dead.Key, store.Item{})
	}
}

func replaceChangesExpiry(s *suite) {
	item := s.create(s.in(key, "value", ttl))

	item.ExpiresAt = s.clock.Now().Add(3 * ttl)
	item = s.replace(item)
	s.clock.advance(2 * ttl)
	s.wantStands(key, item)

	item.ExpiresAt = time.Time{}
	item = s.replace(item)
	s.clock.advance(2 * ttl)
	s.wantStands(key, item)

	item.ExpiresAt = s.clock.Now().Add(ttl)
	item = s.replace(item)
	s.wantStands(key, item)
	s.clock.advance(ttl)
	s.wantStands(key, store.Item{})
}
