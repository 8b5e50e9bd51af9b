package storetest

import (
	"errors"
	"fmt"
	"sync"

	"wechatfn/shared/store"
)

// errWire is what a broken wire reports: not a sentinel of the store's.
var errWire = errors.New("storetest: the connection broke")

// fault is a wire that misbehaves; it decides whether the call is carried out.
type fault func(call func() error) error

// dropped fails without carrying out the call.
func dropped(func() error) error { return errWire }

// lost carries out the call and loses the answer.
func lost(call func() error) error {
	_ = call()
	return errWire
}

// forever is a number of faults that no test outlives.
const forever = 1 << 30

// Wire stands between a back-end and its engine: it counts calls, and breaks them
// as a case demands. It is safe for concurrent use.
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

// Do carries out one call to the engine; write says whether the call can change
// anything. Where Do returns an error that call did not, the back-end must see
// that error in place of the engine's answer.
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

// breakWrites breaks the next n writes, breakReads the next n reads.
func (w *Wire) breakWrites(n int, f fault) { w.set(&w.writes, faults{f, n}) }
func (w *Wire) breakReads(n int, f fault)  { w.set(&w.reads, faults{f, n}) }

func (w *Wire) heal() {
	w.breakReads(0, nil)
	w.breakWrites(0, nil)
}

func (w *Wire) set(which *faults, to faults) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*which = to
}

// count returns how many engine calls verb made.
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
