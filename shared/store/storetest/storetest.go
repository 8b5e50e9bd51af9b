// Package storetest is the conformance suite of the store's back-ends: a back-end
// conforms if [Run] passes on it. docs/store.md shows how to write one.
//
// For tests of what uses a store it has a [Recorder] of calls, and a [Process] that
// crashes or freezes at one of them.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"wechatfn/shared/store"
)

// Harness is one engine. It is empty when the harness is made.
type Harness struct {
	// Open returns a new handle on the items of the engine, as another process has
	// one, and has t.Cleanup close it. If a database exists in one handle alone, as one
	// in memory does, Open may return the same handle again.
	Open func(t testing.TB, env Env) store.Store
}

// Env is what a handle must use.
type Env struct {
	// Now is the clock.
	Now func() time.Time
	// Every call of the handle to its engine must pass through Wire: wrap the lowest
	// layer that there is, such as an http.RoundTripper or a driver.Conn.
	Wire *Wire
}

// Run tests a back-end. It calls start for each case.
func Run(t *testing.T, start func(t testing.TB) Harness) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(newSuite(t, start(t))) })
	}
}

// testCase has a function of the suite, and so of a testing.TB: the suite's own tests
// run it on broken stores and see it fail.
type testCase struct {
	name string
	run  func(*suite)
}

var cases = []testCase{
	{"round trip", roundTrip},
	{"odd keys and values", oddKeysAndValues},
	{"large and empty values", largeAndEmptyValues},
	{"limits", limits},
	{"create refuses an existing item", createRefusesExisting},
	{"replace refuses a stale version", replaceRefusesStale},
	{"replace refuses an absent item", replaceRefusesAbsent},
	{"delete refuses a wrong version", deleteRefusesWrongVersion},
	{"a recreated item is another one", recreatedIsAnother},
	{"versions are never reused", versionsAreUnique},

	{"an expired item is absent", expiredIsAbsent},
	{"expiry is exact to the second", expiryBoundary},
	{"expiry is rounded up", expiryRoundsUp},
	{"replace changes the expiry", replaceChangesExpiry},

	{"cancelled before the call", cancelledBefore},
	{"cancelled during a read", cancelledDuringRead},
	{"cancelled before a write is applied", cancelledBeforeApplied},
	{"cancelled after a write is applied", cancelledAfterApplied},
	{"a write that is applied though it fails", appliedThoughFailed},
	{"a write that is not applied", neverApplied},
	{"a refusal whose answer is lost", refusalLost},
	{"a write of unknown outcome", unknownOutcome},
	{"errors hold no secrets", errorsHoldNoSecrets},
	{"one engine call a verb", engineCalls},

	{"handles see each other's writes", handlesShareItems},
	{"one winner among 100 creators", oneCreator},
	{"one winner among 100 creators over an expired item", oneCreatorOverExpired},
	{"one winner among replacers and deleters", oneReplacer},
	{"concurrent increments all count", counter},
	{"linearizable", linearizable},
	{"random histories match the model", matchesModel},
}

// suite is what one case uses of a harness: two handles on the same items.
type suite struct {
	testing.TB
	clock         *clock
	wire          *Wire
	store, second store.Store
}

func newSuite(t testing.TB, h Harness) *suite {
	clock, wire := newClock(), &Wire{}
	return &suite{
		TB:     t,
		clock:  clock,
		wire:   wire,
		store:  h.Open(t, Env{Now: clock.Now, Wire: wire}),
		second: h.Open(t, Env{Now: clock.Now, Wire: &Wire{}}),
	}
}

// clock starts at the present time: an engine that removes expired items by its own
// clock must not remove one that is valid by this clock.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now().Truncate(time.Second)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// in is an item that expires after ttl; 0 means never.
func (s *suite) in(key, value string, ttl time.Duration) store.Item {
	item := store.Item{Key: key, Value: []byte(value)}
	if ttl != 0 {
		item.ExpiresAt = s.clock.Now().Add(ttl)
	}
	return item
}

// create creates an item that does not exist.
func (s *suite) create(item store.Item) store.Item {
	s.Helper()
	got, err := s.store.Create(s.Context(), item)
	if err != nil {
		s.Fatalf("create: %v", err)
	}
	s.wantWritten("create", got, item)
	return got
}

// replace replaces an item whose version is current.
func (s *suite) replace(item store.Item) store.Item {
	s.Helper()
	got, err := s.store.Replace(s.Context(), item)
	if err != nil {
		s.Fatalf("replace: %v", err)
	}
	s.wantWritten("replace", got, item)
	return got
}

func (s *suite) delete(item store.Item) {
	s.Helper()
	if err := s.store.Delete(s.Context(), item.Key, item.Version); err != nil {
		s.Fatalf("delete: %v", err)
	}
}

// wantWritten checks what a write returned against what it was given.
func (s *suite) wantWritten(verb string, got, given store.Item) {
	s.Helper()
	if got.Version == "" || got.Version == given.Version {
		s.Errorf("%s returned version %q for one given %q, want a new one", verb, got.Version, given.Version)
	}
	given.Version = got.Version
	given.ExpiresAt = store.ExpiryTime(given.ExpirySeconds())
	s.wantItem(verb, got, given)
}

func (s *suite) wantItem(what string, got, want store.Item) {
	s.Helper()
	if !equal(got, want) {
		s.Errorf("%s: got %s, want %s", what, describe(got), describe(want))
	}
}

// wantStored checks that both handles read want. The zero Item means that nothing is
// stored.
func (s *suite) wantStored(key string, want store.Item) {
	s.Helper()
	for _, handle := range []store.Store{s.store, s.second} {
		got, err := handle.Get(s.Context(), key)
		if absent := want.Version == ""; absent != errors.Is(err, store.ErrNotFound) || (err != nil && !absent) {
			s.Errorf("get: error %v, want item %s", err, describe(want))
		}
		s.wantItem("get", got, want)
	}
}

// wantError checks an error. That of Create is an ErrConflict too; that of the other
// verbs is no ErrExists.
func (s *suite) wantError(what string, got, want error) {
	s.Helper()
	existing := want == store.ErrConflict && errors.Is(got, store.ErrExists)
	if !errors.Is(got, want) || existing {
		s.Errorf("%s: error %v, want %v", what, got, want)
	}
}

// refused checks a refusal and the item that was returned with it.
func (s *suite) refused(verb string, got store.Item, err, want error, current store.Item) {
	s.Helper()
	s.wantError(verb, err, want)
	s.wantItem(verb, got, current)
}

func equal(a, b store.Item) bool {
	return a.Key == b.Key && bytes.Equal(a.Value, b.Value) && a.Version == b.Version && a.ExpiresAt.Equal(b.ExpiresAt)
}

// cancelled returns a context that has ended.
func (s *suite) cancelled() context.Context {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	return ctx
}
