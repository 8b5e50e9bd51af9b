package storetest

import (
	"errors"
	"fmt"
	"sync"

	"wechatfn/shared/store"
)

// errWire is the error of a broken wire. It is none of the store's errors.
var errWire = errors.New("storetest: the connection broke")

// fault is how a wire fails. It decides whether the call is made.
type fault func(call func() error) error

// dropRequest fails without the call.
func dropRequest(func() error) error { return errWire }

// loseAnswer makes the call and loses its answer.
func loseAnswer(call func() error) error {
	_ = call()
	return errWire
}

// forever is more faults than a test has calls.
const forever = 1 << 30

// Wire is between a back-end and its engine. It counts calls, and has them fail as a
// case demands. It is safe for concurrent use.
type Wire struct {
	mu            sync.Mutex
	calls         int
	reads, writes faults
}

type faults struct {
	next fault
	left int
}

func (f *faults) take() fault {
	if f.left == 0 {
		return nil
	}
	f.left--
	return f.next
}

// Do makes one call to the engine. write says whether the call can change anything. If
// Do returns an error that call did not return, the back-end must get that error instead
// of the engine's answer.
func (w *Wire) Do(write bool, call func() error) error {
	if broken := w.next(write); broken != nil {
		return broken(call)
	}
	return call()
}

func (w *Wire) next(write bool) fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if write {
		return w.writes.take()
	}
	return w.reads.take()
}

// breakWrites has the next n writes fail, breakReads the next n reads.
func (w *Wire) breakWrites(n int, f fault) { w.set(&w.writes, faults{f, n}) }
func (w *Wire) breakReads(n int, f fault)  { w.set(&w.reads, faults{f, n}) }

func (w *Wire) repair() {
	w.breakReads(0, nil)
	w.breakWrites(0, nil)
}

func (w *Wire) set(which *faults, to faults) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*which = to
}

// count returns how many engine calls verb makes.
func (w *Wire) count(verb func()) int {
	before := w.total()
	verb()
	return w.total() - before
}

func (w *Wire) total() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls
}

// describe shortens large values.
func describe(i store.Item) string {
	if i.Version == "" && i.Key == "" {
		return "none"
	}
	const enough = 40
	value := string(i.Value)
	if len(value) > enough {
		value = fmt.Sprintf("%s... (%d bytes)", value[:enough], len(i.Value))
	}
	return fmt.Sprintf("{%q %q version %q expires %d}", i.Key, value, i.Version, i.ExpirySeconds())
}
