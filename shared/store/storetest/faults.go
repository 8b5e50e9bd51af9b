package storetest

import (
	"context"
	"errors"
	"strings"

	"wechatfn/shared/store"
)

// write is one of the three writing verbs, with the value that is stored before it and
// after it.
type write struct {
	name          string
	before, after string
	do            func(ctx context.Context, s store.Store, current store.Item) (store.Item, error)
}

const oldValue, newValue = "old-canary", "new-canary"

var writes = []write{
	{"create", "", newValue, func(ctx context.Context, s store.Store, current store.Item) (store.Item, error) {
		return s.Create(ctx, store.Item{Key: current.Key, Value: []byte(newValue)})
	}},
	{"replace", oldValue, newValue, func(ctx context.Context, s store.Store, current store.Item) (store.Item, error) {
		current.Value = []byte(newValue)
		return s.Replace(ctx, current)
	}},
	{"delete", oldValue, "", func(ctx context.Context, s store.Store, current store.Item) (store.Item, error) {
		return store.Item{}, s.Delete(ctx, current.Key, current.Version)
	}},
}

// seed stores what w needs before it. Where that is nothing, it returns the key alone.
func (s *suite) seed(w write, name string) store.Item {
	s.Helper()
	item := s.in("user#wx1234#"+name+"-"+w.name, w.before, 0)
	if w.before == "" {
		return item
	}
	return s.create(item)
}

// wantDone checks that w succeeded and returned the stored item.
func (s *suite) wantDone(w write, seed, got store.Item, err error) {
	s.Helper()
	if err != nil {
		s.Errorf("%s: %v", w.name, err)
		return
	}
	if string(got.Value) != w.after {
		s.Errorf("%s returned %s, want value %q", w.name, describe(got), w.after)
	}
	s.wantStored(seed.Key, got)
}

// wantUndone checks that w failed, not by a refusal, and changed nothing.
func (s *suite) wantUndone(w write, seed store.Item, err error) {
	s.Helper()
	if err == nil || errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrConflict) {
		s.Errorf("%s: error %v, want a failure that is not a refusal", w.name, err)
	}
	if w.before == "" {
		seed = store.Item{Key: seed.Key}
		s.wantStored(seed.Key, store.Item{})
		return
	}
	s.wantStored(seed.Key, seed)
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

func cancelledBeforeApplied(s *suite) {
	for _, w := range writes {
		seed := s.seed(w, "cancelled")
		ctx, cancel := context.WithCancel(s.Context())
		s.wire.breakWrites(forever, func(func() error) error {
			cancel()
			return ctx.Err()
		})
		_, err := w.do(ctx, s.store, seed)
		s.wire.repair()
		s.wantError(w.name, err, context.Canceled)
		s.wantUndone(w, seed, err)
	}
}

// cancelledAfterApplied: the caller's context has ended, so the read-back must not use
// it.
func cancelledAfterApplied(s *suite) {
	for _, w := range writes {
		seed := s.seed(w, "applied")
		ctx, cancel := context.WithCancel(s.Context())
		s.wire.breakWrites(1, func(call func() error) error {
			err := call()
			cancel()
			return errors.Join(err, ctx.Err())
		})
		got, err := w.do(ctx, s.store, seed)
		s.wire.repair()
		s.wantDone(w, seed, got, err)
	}
}

// appliedThoughFailed loses one answer: a client that retries is then refused by its own
// write. And it loses all answers: then only a read-back finds out.
func appliedThoughFailed(s *suite) {
	for _, c := range []struct {
		name  string
		times int
	}{{"once", 1}, {"always", forever}} {
		for _, w := range writes {
			seed := s.seed(w, c.name)
			s.wire.breakWrites(c.times, loseAnswer)
			got, err := w.do(s.Context(), s.store, seed)
			s.wire.repair()
			s.wantDone(w, seed, got, err)
		}
	}
}

func neverApplied(s *suite) {
	for _, w := range writes {
		seed := s.seed(w, "dropped")
		s.wire.breakWrites(forever, dropRequest)
		_, err := w.do(s.Context(), s.store, seed)
		s.wire.repair()
		s.wantUndone(w, seed, err)

		got, err := w.do(s.Context(), s.store, seed)
		s.wantDone(w, seed, got, err)
	}
}

// refusalLost: the stored item must not be taken for the one that this writer sent.
func refusalLost(s *suite) {
	current := s.create(s.in(key, oldValue, ttl))
	stale := current
	current = s.replace(current)

	s.wire.breakWrites(1, loseAnswer)
	got, err := s.store.Create(s.Context(), s.in(key, newValue, ttl))
	s.wantRefusedOrFailed("create", got, err, store.ErrExists, current)

	s.wire.breakWrites(1, loseAnswer)
	got, err = s.store.Replace(s.Context(), stale)
	s.wantRefusedOrFailed("replace", got, err, store.ErrConflict, current)

	s.wire.repair()
	s.wantStored(key, current)
}

// wantRefusedOrFailed: a client that retries gets the refusal after all.
func (s *suite) wantRefusedOrFailed(verb string, got store.Item, err, refusal error, current store.Item) {
	s.Helper()
	switch {
	case err == nil:
		s.Errorf("%s succeeded over the item of another writer", verb)
	case errors.Is(err, refusal):
		s.wantItem(verb, got, current)
	default:
		s.wantItem(verb, got, store.Item{})
	}
}

func unknownOutcome(s *suite) {
	for _, w := range writes {
		seed := s.seed(w, "unknown")
		s.wire.breakWrites(forever, dropRequest)
		s.wire.breakReads(forever, dropRequest)
		_, err := w.do(s.Context(), s.store, seed)
		s.wire.repair()
		s.wantUndone(w, seed, err)
	}
}

func errorsHoldNoSecrets(s *suite) {
	item := s.create(s.in("session#canary-key", oldValue, ttl))
	item.Value = []byte(newValue)
	s.wire.breakWrites(forever, dropRequest)
	s.wire.breakReads(forever, dropRequest)
	_, getErr := s.store.Get(s.Context(), item.Key)
	_, createErr := s.store.Create(s.Context(), item)
	_, replaceErr := s.store.Replace(s.Context(), item)
	deleteErr := s.store.Delete(s.Context(), item.Key, item.Version)
	s.wire.repair()
	for _, c := range []struct {
		verb string
		err  error
	}{{"get", getErr}, {"create", createErr}, {"replace", replaceErr}, {"delete", deleteErr}} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.verb) || !strings.Contains(c.err.Error(), "session") {
			s.Errorf("%s: error %v, want one that names the verb and the kind of key", c.verb, c.err)
		}
		if c.err != nil && strings.Contains(c.err.Error(), "canary") {
			s.Errorf("%s: the error quotes the key or the value: %v", c.verb, c.err)
		}
	}
}

// engineCalls: each verb makes one call, refused or not.
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
