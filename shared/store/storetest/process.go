package storetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"wechatfn/shared/store"
)

// ErrCrashed is what a [Process] that has crashed gets from its calls.
var ErrCrashed = errors.New("storetest: the process has crashed")

// When says whether a process stops before a call is applied or after it.
type When int

// The two moments at which a process can stop at a call.
const (
	Before When = iota
	After
)

func (w When) String() string { return [...]string{"before", "after"}[w] }

// Process is one process with all its calls to the outside: those of stores (see
// Process.Store) and any others (see Process.Do). It stops at one of them. It is
// safe for concurrent use.
type Process struct {
	call   int
	when   When
	freeze time.Duration // 0: it crashes

	mu      sync.Mutex
	calls   int
	crashed bool
}

// CrashAt is a process that crashes at its nth call: before that is applied, or after
// it, so that the result is lost. No later call is applied. With n zero it runs on.
func CrashAt(n int, when When) *Process { return &Process{call: n, when: when} }

// FreezeAt is a process that stops for d at its nth call, before or after that is
// applied, as Lambda can stop a function between two events. Then it continues.
func FreezeAt(n int, when When, d time.Duration) *Process {
	return &Process{call: n, when: when, freeze: d}
}

// Crashed reports whether the process has crashed.
func (p *Process) Crashed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.crashed
}

// Do makes one call to the outside. It returns the error of the call, or ErrCrashed.
func (p *Process) Do(call func() error) error {
	stops, crashed := p.next()
	if crashed {
		if stops && p.when == After {
			_ = call()
		}
		return ErrCrashed
	}
	if stops && p.when == Before {
		time.Sleep(p.freeze)
	}
	err := call()
	if stops && p.when == After {
		time.Sleep(p.freeze)
	}
	return err
}

// next counts a call: whether the process stops at it, and whether it crashes then or
// has before.
func (p *Process) next() (stops, crashed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	stops = p.calls == p.call
	p.crashed = p.crashed || stops && p.freeze == 0
	return stops, p.crashed
}

// Store is s as the process reaches it.
func (p *Process) Store(s store.Store) store.Store { return processStore{p, s} }

type processStore struct {
	process *Process
	store   store.Store
}

func (s processStore) Get(ctx context.Context, key string) (store.Item, error) {
	return s.do(func() (store.Item, error) { return s.store.Get(ctx, key) })
}

func (s processStore) Create(ctx context.Context, item store.Item) (store.Item, error) {
	return s.do(func() (store.Item, error) { return s.store.Create(ctx, item) })
}

func (s processStore) Replace(ctx context.Context, item store.Item) (store.Item, error) {
	return s.do(func() (store.Item, error) { return s.store.Replace(ctx, item) })
}

func (s processStore) Delete(ctx context.Context, key, version string) error {
	return s.process.Do(func() error { return s.store.Delete(ctx, key, version) })
}

// do returns no item of a call after which the process crashed.
func (s processStore) do(call func() (store.Item, error)) (item store.Item, err error) {
	err = s.process.Do(func() error { item, err = call(); return err })
	if errors.Is(err, ErrCrashed) {
		return store.Item{}, err
	}
	return item, err
}
