package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"wechatfn/shared/store"
)

type verb int

const (
	get verb = iota
	create
	replace
	remove
	verbCount
)

// input is one call on the key of a history.
type input struct {
	key            string
	verb           verb
	value, version string
}

// output is what a call returned: item is zero if there was none, err is one of the
// store's errors or nil.
type output struct {
	item register
	err  error
}

// register is the sequential store. Its version is empty if nothing is stored.
type register struct{ value, version string }

// linearizable records histories of concurrent calls. For each it searches an order of
// the calls in which a sequential store gives the same answers. A broken store can pass
// one history by chance, above all on a busy machine, but not several.
func linearizable(s *suite) {
	const histories = 5
	for n := range histories {
		linearizableHistory(s, fmt.Sprintf("%s#%d", key, n))
	}
}

func linearizableHistory(s *suite, key string) {
	const clients, calls, timeout = 8, 40, 20 * time.Second
	h := history{start: time.Now()}
	s.together(clients, func(id int, handle store.Store) {
		random := rand.New(rand.NewPCG(1, uint64(id)))
		for n := range calls {
			in := input{key: key, verb: verb(random.IntN(int(verbCount))), value: fmt.Sprintf("%d-%d", id, n), version: h.known(random)}
			h.record(s, id, in, handle)
		}
	})
	if got := porcupine.CheckOperationsTimeout(sequential, h.operations, timeout); got != porcupine.Ok {
		s.Errorf("the history of %d calls is %s, want %s", len(h.operations), got, porcupine.Ok)
	}
}

// sequential is the contract for one call after the other.
var sequential = porcupine.Model{
	Init: func() any { return register{} },
	Step: func(state, in, out any) (bool, any) {
		want, next := step(state.(register), in.(input), out.(output).item)
		return out.(output) == want, next
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
}

// step gets the returned item to know which new version the store has made.
func step(state register, in input, returned register) (want output, next register) {
	written := register{value: in.value, version: returned.version}
	current, matches := state.version != "", state.version != "" && state.version == in.version
	fresh := returned.version != "" && returned.version != state.version
	switch {
	case in.verb == get && current:
		return output{item: state}, state
	case in.verb == get:
		return output{err: store.ErrNotFound}, state
	case in.verb == create && current:
		return output{item: state, err: store.ErrExists}, state
	case in.verb == remove && matches:
		return output{}, register{}
	case in.verb == remove:
		return output{err: store.ErrConflict}, state
	case in.verb == replace && !matches:
		return output{item: state, err: store.ErrConflict}, state
	case !fresh:
		return output{err: errors.New("no new version")}, state
	default:
		return output{item: written}, written
	}
}

// history is the calls of several clients, and the versions that they got.
type history struct {
	start      time.Time
	mu         sync.Mutex
	operations []porcupine.Operation
	versions   []string
}

// known returns one of the last versions that a client got.
func (h *history) known(random *rand.Rand) string {
	const recent = 2
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.versions) == 0 {
		return "none"
	}
	return h.versions[max(0, len(h.versions)-1-random.IntN(recent))]
}

// record makes the call and records it with its times.
func (h *history) record(s *suite, client int, in input, handle store.Store) {
	called := historyTime(h.start)
	item, err := in.send(s, handle)
	returned := historyTime(h.start)

	out := output{item: register{string(item.Value), item.Version}, err: sentinel(err)}
	if err != nil && out.err == nil {
		s.Errorf("%+v: %v", in, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, porcupine.Operation{ClientId: client, Input: in, Call: called, Output: out, Return: returned})
	if item.Version != "" {
		h.versions = append(h.versions, item.Version)
	}
}

func (in input) send(s *suite, handle store.Store) (store.Item, error) {
	item := store.Item{Key: in.key, Value: []byte(in.value), Version: in.version}
	switch in.verb {
	case get:
		return handle.Get(s.Context(), in.key)
	case create:
		return handle.Create(s.Context(), item)
	case replace:
		return handle.Replace(s.Context(), item)
	default:
		return store.Item{}, handle.Delete(s.Context(), in.key, in.version)
	}
}

// sentinel is the error of the store that err is, or nil.
func sentinel(err error) error {
	for _, s := range []error{store.ErrNotFound, store.ErrExists, store.ErrConflict} {
		if errors.Is(err, s) {
			return s
		}
	}
	return nil
}
