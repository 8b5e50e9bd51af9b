package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"wechatfn/shared/store"
)

func handlesShareItems(s *suite) {
	ctx := s.Context()
	item := s.create(s.in(key, "first", ttl))
	s.wantStored(key, item)

	current, err := s.second.Create(ctx, s.in(key, "other", ttl))
	s.refused("create", current, err, store.ErrExists, item)
	item.Value = []byte("second")
	second, err := s.second.Replace(ctx, item)
	s.wantError("replace", err, nil)
	s.wantStored(key, second)

	current, err = s.store.Replace(ctx, item)
	s.refused("replace", current, err, store.ErrConflict, second)
	s.wantError("delete", s.second.Delete(ctx, key, second.Version), nil)
	s.wantStored(key, store.Item{})
}

// together runs n goroutines at the same time. Every second one uses the second handle.
func (s *suite) together(n int, do func(i int, handle store.Store)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(n)
	for i := range n {
		handle := s.store
		if i%2 == 1 {
			handle = s.second
		}
		done.Go(func() {
			ready.Done()
			<-start
			do(i, handle)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

const creators = 100

func oneCreator(s *suite) {
	s.raceToCreate()
}

func oneCreatorOverExpired(s *suite) {
	s.create(s.in(key, "old", ttl))
	s.clock.advance(ttl)
	s.raceToCreate()
}

// raceToCreate: the losers get the winner's item in the same call.
func (s *suite) raceToCreate() {
	var winners, losers collected
	s.together(creators, func(i int, handle store.Store) {
		item, err := handle.Create(s.Context(), s.in(key, strconv.Itoa(i), ttl))
		switch {
		case err == nil:
			winners.add(item)
		case errors.Is(err, store.ErrExists):
			losers.add(item)
		default:
			s.Errorf("create: %v", err)
		}
	})
	if len(winners.items) != 1 || len(losers.items) != creators-1 {
		s.Fatalf("%d winners and %d losers, want 1 and %d", len(winners.items), len(losers.items), creators-1)
	}
	for _, item := range losers.items {
		s.wantItem("a loser", item, winners.items[0])
	}
	s.wantStored(key, winners.items[0])
}

// oneReplacer: of writers with the same version one wins, with either verb.
func oneReplacer(s *suite) {
	const rounds, writers = 5, 40
	for round := range rounds {
		seed := s.create(s.in(fmt.Sprintf("lease#%d", round), "old", ttl))
		var winners collected
		s.together(writers, func(i int, handle store.Store) {
			item, err := seed, error(nil)
			if i%8 == 7 {
				item, err = store.Item{}, handle.Delete(s.Context(), seed.Key, seed.Version)
			} else {
				item.Value = []byte(strconv.Itoa(i))
				item, err = handle.Replace(s.Context(), item)
			}
			switch {
			case err == nil:
				winners.add(item)
			case !errors.Is(err, store.ErrConflict):
				s.Errorf("writer %d: %v", i, err)
			}
		})
		if len(winners.items) != 1 {
			s.Fatalf("%d winners, want 1", len(winners.items))
		}
		s.wantStored(seed.Key, winners.items[0])
	}
}

// counter continues with the item that a conflict returns, without another read.
func counter(s *suite) {
	const writers, each = 8, 20
	seed := s.create(s.in(key, "0", ttl))
	s.together(writers, func(_ int, handle store.Store) {
		item := seed
		for range each {
			var err error
			if item, err = increment(s, handle, item); err != nil {
				s.Errorf("increment: %v", err)
				return
			}
		}
	})
	item, err := s.store.Get(s.Context(), key)
	if want := strconv.Itoa(writers * each); err != nil || string(item.Value) != want {
		s.Errorf("counted %q (%v), want %s", item.Value, err, want)
	}
}

// increment gives up in the end: on a broken store it might never win.
func increment(s *suite, handle store.Store, item store.Item) (store.Item, error) {
	const tries = 10_000
	for range tries {
		n, err := strconv.Atoi(string(item.Value))
		if err != nil {
			return item, err
		}
		item.Value = []byte(strconv.Itoa(n + 1))
		item, err = handle.Replace(s.Context(), item)
		if !errors.Is(err, store.ErrConflict) {
			return item, err
		}
	}
	return item, errors.New("it never succeeds")
}

// collected are items from several goroutines.
type collected struct {
	mu    sync.Mutex
	items []store.Item
}

func (c *collected) add(item store.Item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items = append(c.items, item)
}

// historyTime is monotonic.
func historyTime(start time.Time) int64 { return time.Since(start).Nanoseconds() }
