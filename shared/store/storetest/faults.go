package storetest

import (
	"context"
	"errors"
	"strings"

	"wechatfn/shared/store"
)

// write is one of the three writes, with what stands before it and after it.
type write struct {
	name          string
	before, after string
	do            func(ctx context.Context, s store.Store, stands store.Item) (store.Item, error)
}

const oldValue, newValue = "old-canary", "new-canary"

var writes = []write{
	{"create", "", newValue, func(ctx context.Context, s store.Store, stands store.Item) (store.Item, error) {
		return s.Create(ctx, store.Item{Key: stands.Key, Value: []byte(newValue)})
	}},
	{"replace", oldValue, newValue, func(ctx context.Context, s store.Store, stands store.Item) (store.Item, error) {
		stands.Value = []byte(newValue)
		return s.Replace(ctx, stands)
	}},
	{"delete", oldValue, "", func(ctx context.Context, s store.Store, stands store.Item) (store.Item, error) {
		return store.Item{}, s.Delete(ctx, stands.Key, stands.Version)
	}},
}

// seed makes what w finds; the item has its key only where that is nothing.
func (s *suite) seed(w write, name string) store.Item {
	s.Helper()
	item := s.in("user#wx1234#"+name+"-"+w.name, w.before, 0)
	if w.before == "" {
		return item
	}
	return s.create(item)
}

// wantDone checks that w succeeded and returned what stands.
func (s *suite) wantDone(w write, seed, got store.Item, err error) {
	s.Helper()
	if err != nil {
		s.Errorf("%s: %v", w.name, err)
		return
	}
	if string(got.Value) != w.after {
		s.Errorf("%s returned %s, want value %q", w.name, describe(got), w.after)
	}
	s.wantStands(seed.Key, got)
}

// wantUndone checks that w failed, as no refusal, and that nothing has changed.
func (s *suite) wantUndone(w write, seed store.Item, err error) {
	s.Helper()
	if err == nil || errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrConflict) {
		s.Errorf("%s: error %v, want a failure that is no refusal", w.name, err)
	}
	if w.before == "" {
		seed = store.Item{Key: seed.Key}
		s.wantStands(seed.Key, store.Item{})
		return
	}
	s.wantStands(seed.Key, seed)
}

func cancelledBefore(s *suite) {
	for _, w := range writes {
		seed := s.seed(w, "before")
		calls := s.wire.count(func() {
			_, err := w.do(s.cancelled(), s.store, seed)
			s.wantError(w.name, err, context.Canceled)
		})
		if calls != 0 {
			s.Errorf("%s: %d engine calls, want none", w.name, calls)
		}
		s.wantUndone(w, seed, context.Canceled)
	}
	_, err := s.store.Get(s.cancelled(), key)
	s.wantError("get", err, context.Canceled)
}

func cancelledDuringRead(s *suite) {
	ctx, cancel := context.WithCancel(s.Context())
	s.create(s.in(key, "value", ttl))
	s.wire.breakReads(forever, func(func() error) error {
		cancel()
		return ctx.Err()
	})
	_, err := s.store.Get(ctx, key)
	s.wantError("get", err, context.Canceled)
}

func cancelledBeforeLanding(s *suite) {
	for _, w := range writes {
		seed := s.seed(w, "cancelled")
		ctx, cancel := context.WithCancel(s.Context())
		s.wire.breakWrites(forever, func(func() error) error {
			cancel()
			return ctx.Err()
		})
		_, err := w.do(ctx, s.store, seed)
		s.wire.heal()
		s.wantError(w.name, err, context.Canceled)
		s.wantUndone(w, seed, err)
	}
}

// cancelledAfterLanding: the context that ended is the caller's, and the
// read-back must not depend on it.
func cancelledAfterLanding(s *suite) {
	for _, w := range writes {
		seed := s.seed(w, "landed")
		ctx, cancel := context.WithCancel(s.Context())
		s.wire.breakWrites(1, func(call func() error) error {
			err := call()
			cancel()
			return errors.Join(err, ctx.Err())
		})
		got, err := w.do(ctx, s.store, seed)
		s.wire.heal()
		s.wantDone(w, seed, got, err)
	}
}

// landedThoughFailed loses one answer, which a client that retries meets as a
// refusal of its own write, and all answers, which only reading back settles.
func landedThoughFailed(s *suite) {
	for name, times := range map[string]int{"once": 1, "always": forever} {
		for _, w := range writes {
			seed := s.seed(w, name)
			s.wire.breakWrites(times, lost)
			got, err := w.do(s.Context(), s.store, seed)
			s.wire.heal()
			s.wantDone(w, seed, got, err)
		}
	}
}

func neverLanded(s *suite) {
	for _, w := range writes {
		seed := s.seed(w, "dropped")
		s.wire.breakWrites(forever, dropped)
		_, err := w.do(s.Context(), s.store, seed)
		s.wire.heal()
		s.wantUndone(w, seed, err)

		got, err := w.do(s.Context(), s.store, seed)
		s.wantDone(w, seed, got, err)
	}
}

// refusalLost: whoever held the key before must not be taken for this writer.
func refusalLost(s *suite) {
	stands := s.create(s.in(key, oldValue, ttl))
	stale := stands
	stands = s.replace(stands)

	s.wire.breakWrites(1, lost)
	got, err := s.store.Create(s.Context(), s.in(key, newValue, ttl))
	s.wantRefusedOrFailed("create", got, err, store.ErrExists, stands)

	s.wire.breakWrites(1, lost)
	got, err = s.store.Replace(s.Context(), stale)
	s.wantRefusedOrFailed("replace", got, err, store.ErrConflict, stands)

	s.wire.heal()
	s.wantStands(key, stands)
}

// wantRefusedOrFailed: a client that retries learns of the refusal after all.
func (s *suite) wantRefusedOrFailed(verb string, got store.Item, err, refusal error, stands store.Item) {
	s.Helper()
	switch {
	case err == nil:
		s.Errorf("%s succeeded over an item of another's", verb)
	case errors.Is(err, refusal):
		s.wantItem(verb, got, stands)
	default:
		s.wantItem(verb, got, store.Item{})
	}
}

func unknownFate(s *suite) {
	for _, w := range writes {
		seed := s.seed(w, "unknown")
		s.wire.breakWrites(forever, dropped)
		s.wire.breakReads(forever, dropped)
		_, err := w.do(s.Context(), s.store, seed)
		s.wire.heal()
		s.wantUndone(w, seed, err)
	}
}

func errorsHoldNoSecrets(s *suite) {
	item := s.create(s.in("session#canary-key", oldValue, ttl))
	item.Value = []byte(newValue)
	s.wire.breakWrites(forever, dropped)
	s.wire.breakReads(forever, dropped)
	_, getErr := s.store.Get(s.Context(), item.Key)
	_, createErr := s.store.Create(s.Context(), item)
	_, replaceErr := s.store.Replace(s.Context(), item)
	deleteErr := s.store.Delete(s.Context(), item.Key, item.Version)
	s.wire.heal()
	for verb, err := range map[string]error{"get": getErr, "create": createErr, "replace": replaceErr, "delete": deleteErr} {
		if err == nil || !strings.Contains(err.Error(), verb) || !strings.Contains(err.Error(), "session") {
			s.Errorf("%s: error %v, want one that names the verb and the kind of key", verb, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			s.Errorf("%s: the error quotes the key or the value: %v", verb, err)
		}
	}
}

// engineCalls: each verb costs one call, refused or not.
func engineCalls(s *suite) {
	ctx, item := s.Context(), s.in(key, "value", ttl)
	stale := item
	stale.Version = store.NewVersion()
	steps := []struct {
		name string
		do   func() error
		want error
	}{
		{"get of nothing", func() error { _, err := s.store.Get(ctx, key); return err }, store.ErrNotFound},
		{"replace of nothing", func() error { _, err := s.store.Replace(ctx, stale); return err }, store.ErrConflict},
		{"delete of nothing", func() error { return s.store.Delete(ctx, key, stale.Version) }, store.ErrConflict},
		{"create", func() (err error) { item, err = s.store.Create(ctx, item); return err }, nil},
		{"get", func() error { _, err := s.store.Get(ctx, key); return err }, nil},
		{"refused create", func() error { _, err := s.store.Create(ctx, item); return err }, store.ErrExists},
		{"replace", func() (err error) { item, err = s.store.Replace(ctx, item); return err }, nil},
		{"refused replace", func() error { _, err := s.store.Replace(ctx, stale); return err }, store.ErrConflict},
		{"refused delete", func() error { return s.store.Delete(ctx, key, stale.Version) }, store.ErrConflict},
		{"get of an expired item", func() error { s.clock.advance(ttl); _, err := s.store.Get(ctx, key); return err }, store.ErrNotFound},
		{"replace of an expired item", func() error { _, err := s.store.Replace(ctx, item); return err }, store.ErrConflict},
		{"delete of an expired item", func() error { return s.store.Delete(ctx, key, item.Version) }, store.ErrConflict},
		{"create over an expired item", func() (err error) { item, err = s.store.Create(ctx, s.in(key, "value", ttl)); return err }, nil},
		{"delete", func() error { return s.store.Delete(ctx, key, item.Version) }, nil},
	}
	for _, step := range steps {
		var err error
		if calls := s.wire.count(func() { err = step.do() }); calls != 1 {
			s.Errorf("%s: %d engine calls, want 1", step.name, calls)
		}
		s.wantError(step.name, err, step.want)
	}
}
