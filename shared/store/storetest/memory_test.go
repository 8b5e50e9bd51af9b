package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/shared/store"
)

// memory is the smallest back-end there is, correct unless its bug says
// otherwise: the suite must pass on the one and fail on the other.
type memory struct {
	env  Env
	data *shared
	bug  bug
}

// bug is what a back-end gets wrong.
type bug string

const none bug = ""

type shared struct {
	mu      sync.Mutex
	items   map[string]store.Item
	earlier map[string]store.Item // what stood before, for stale reads
	writes  map[string]int
	swapped chan struct{} // closed at the next swap
}

func newShared() *shared {
	return &shared{items: map[string]store.Item{}, earlier: map[string]store.Item{}, writes: map[string]int{}, swapped: make(chan struct{})}
}

func memoryHarness(b bug) Harness {
	data := newShared()
	return Harness{Open: func(_ testing.TB, env Env) store.Store {
		if b == "handles are separate" {
			data = newShared()
		}
		return &memory{env: env, data: data, bug: b}
	}}
}

func (m *memory) Get(ctx context.Context, key string) (store.Item, error) {
	if err := m.before(ctx, "get", store.Item{Key: key}); err != nil {
		return store.Item{}, err
	}
	item, err := m.read(ctx, key)
	switch {
	case err != nil && m.bug == "an unreadable item is absent":
		return store.Item{}, store.ErrNotFound
	case err != nil:
		return store.Item{}, m.wrap("get", store.Item{Key: key}, err)
	case item.Version == "" || (m.dead(item) && m.bug != "get serves the dead"):
		return store.Item{}, store.ErrNotFound
	}
	return item, nil
}

func (m *memory) Create(ctx context.Context, item store.Item) (store.Item, error) {
	refusal := store.ErrExists
	if m.bug == "create's refusal is no conflict" {
		refusal = existsAlone{}
	}
	return m.put(ctx, "create", item, refusal, func(stands store.Item) bool {
		switch m.bug {
		case "create overwrites":
			return true
		case "create ignores liveness":
			return stands.Version == ""
		}
		return stands.Version == "" || m.dead(stands)
	})
}

func (m *memory) Replace(ctx context.Context, item store.Item) (store.Item, error) {
	refusal := store.ErrConflict
	if m.bug == "replace says that the item exists" {
		refusal = store.ErrExists
	}
	return m.put(ctx, "replace", item, refusal, func(stands store.Item) bool {
		matches := stands.Version != "" && stands.Version == item.Version
		switch m.bug {
		case "replace ignores the version":
			return stands.Version != "" && !m.dead(stands)
		case "replace revives the dead":
			return matches
		case "replace creates":
			return (matches && !m.dead(stands)) || stands.Version == ""
		}
		return matches && !m.dead(stands)
	})
}

// existsAlone is an ErrExists that is no ErrConflict.
type existsAlone struct{}

func (existsAlone) Error() string        { return "exists" }
func (existsAlone) Is(target error) bool { return target == store.ErrExists }

// put writes item where may allows it over what stands.
func (m *memory) put(ctx context.Context, verb string, item store.Item, refusal error, may func(stands store.Item) bool) (store.Item, error) {
	if err := m.before(ctx, verb, item); err != nil {
		return store.Item{}, err
	}
	written := item
	written.Version, written.ExpiresAt = m.version(item), m.expiry(item)
	if m.has(verb, " cuts large values") {
		written.Value = written.Value[:min(len(written.Value), 64<<10)]
	}
	var stands store.Item
	err := m.env.Wire.Do(true, func() error {
		stands = m.swap(item.Key, written, may)
		return ctx.Err()
	})
	if err != nil {
		if stands, err = m.settle(ctx, verb, item, written.Version, err); err != nil {
			return store.Item{}, err
		}
	}
	if stands.Version == written.Version {
		return written, nil
	}
	if m.has(verb, " reads again after a refusal") {
		stands, _ = m.read(ctx, item.Key)
	}
	if m.has(verb, " hides what stands") || stands.Version == "" || (m.dead(stands) && !m.has(verb, " shows the dead")) {
		return store.Item{}, refusal
	}
	return stands, refusal
}

// swap is the engine's part of put: one atomic step.
func (m *memory) swap(key string, written store.Item, may func(store.Item) bool) store.Item {
	key = m.fold(key)
	m.data.mu.Lock()
	defer m.data.mu.Unlock()
	stands := m.data.items[key]
	if m.bug == "check, then write" {
		m.data.letOthersIn()
	}
	if !may(stands) {
		return stands
	}
	close(m.data.swapped)
	m.data.swapped = make(chan struct{})
	m.data.earlier[key] = stands
	m.data.items[key] = written
	return written
}

// letOthersIn opens the gap between a check and its write until another
// goroutine has written, or nobody comes for a while.
func (s *shared) letOthersIn() {
	const patience = 20 * time.Millisecond
	swapped := s.swapped
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-swapped:
	case <-time.After(patience):
	}
}

// settle reads back after a failed write.
func (m *memory) settle(ctx context.Context, verb string, item store.Item, version string, err error) (store.Item, error) {
	if m.bug != "read-back under the caller's context" {
		ctx = context.WithoutCancel(ctx)
	}
	stands, readErr := m.read(ctx, item.Key)
	switch {
	case m.has(verb, " is never read back"):
		return store.Item{}, m.wrap(verb, item, err)
	case m.bug == "failures are refusals" && verb == "create":
		return store.Item{}, store.ErrExists
	case m.bug == "failures are refusals":
		return store.Item{}, store.ErrConflict
	case m.bug == "failures are successes":
		return store.Item{Version: version}, nil
	case readErr == nil && m.bug == "any item read back is ours" && stands.Version != "":
		return store.Item{Version: version}, nil
	case readErr != nil || stands.Version != version:
		return store.Item{}, m.wrap(verb, item, err)
	}
	return stands, nil
}

func (m *memory) Delete(ctx context.Context, key, version string) error {
	if err := m.before(ctx, "delete", store.Item{Key: key}); err != nil {
		return err
	}
	removed := false
	err := m.env.Wire.Do(true, func() error {
		removed = m.remove(key, version)
		return ctx.Err()
	})
	if err != nil {
		return m.settleDelete(ctx, key, version, err)
	}
	if !removed && m.bug != "delete always succeeds" {
		return store.ErrConflict
	}
	return nil
}

func (m *memory) remove(key, version string) bool {
	key = m.fold(key)
	m.data.mu.Lock()
	defer m.data.mu.Unlock()
	stands := m.data.items[key]
	matches := stands.Version == version || m.bug == "delete ignores the version"
	if stands.Version == "" || !matches || (m.dead(stands) && m.bug != "delete ignores liveness") {
		return false
	}
	m.data.earlier[key] = stands
	delete(m.data.items, key)
	if m.bug == "versions restart after a delete" {
		m.data.writes[key] = 0
	}
	return true
}

func (m *memory) settleDelete(ctx context.Context, key, version string, err error) error {
	if m.bug != "read-back under the caller's context" {
		ctx = context.WithoutCancel(ctx)
	}
	stands, readErr := m.read(ctx, key)
	switch {
	case m.bug == "failures are successes":
		return nil
	case m.bug == "failures are refusals":
		return store.ErrConflict
	case readErr != nil || stands.Version == version || m.bug == "delete is never read back":
		return m.wrap("delete", store.Item{Key: key}, err)
	}
	return nil
}

// read is one engine call.
func (m *memory) read(ctx context.Context, key string) (item store.Item, err error) {
	key = m.fold(key)
	if err := ctx.Err(); err != nil {
		return store.Item{}, err
	}
	err = m.env.Wire.Do(false, func() error {
		m.data.mu.Lock()
		defer m.data.mu.Unlock()
		item = m.data.items[key]
		if m.bug == "reads lag one write" {
			item = m.data.earlier[key]
		}
		return nil
	})
	if err != nil {
		return store.Item{}, err
	}
	return item, nil
}

func (m *memory) before(ctx context.Context, verb string, item store.Item) error {
	if err := item.Validate(); err != nil && m.bug != "limits are not checked" {
		return err
	}
	if err := ctx.Err(); err != nil && m.bug != "the context is not looked at" {
		return m.wrap(verb, item, err)
	}
	return nil
}

func (m *memory) dead(item store.Item) bool {
	if m.bug == "expiry is a second late" && !item.ExpiresAt.IsZero() {
		item.ExpiresAt = item.ExpiresAt.Add(time.Second)
	}
	return item.Expired(m.env.Now())
}

func (m *memory) expiry(item store.Item) time.Time {
	switch m.bug {
	case "expiry is rounded down":
		return item.ExpiresAt.Truncate(time.Second)
	case "expiry is not rounded":
		return item.ExpiresAt
	case "expiry is forgotten":
		return time.Time{}
	}
	return store.ExpiryTime(item.ExpirySeconds())
}

// version makes versions in one good and several bad ways.
func (m *memory) version(item store.Item) string {
	m.data.mu.Lock()
	defer m.data.mu.Unlock()
	m.data.writes[item.Key]++
	switch m.bug {
	case "versions restart after a delete":
		return fmt.Sprint(m.data.writes[item.Key])
	case "versions are made from the value":
		return fmt.Sprintf("%x", item.Value)
	case "replace keeps the version":
		if item.Version != "" {
			return item.Version
		}
	case "versions come round again":
		return fmt.Sprint(m.data.writes[item.Key] % 7)
	}
	return store.NewVersion()
}

func (m *memory) fold(key string) string {
	if m.bug == "keys are folded" {
		return strings.ToLower(key)
	}
	return key
}

func (m *memory) wrap(verb string, item store.Item, err error) error {
	if m.bug == "errors quote the item" {
		return fmt.Errorf("%s %s %s: %w", verb, item.Key, item.Value, err)
	}
	if m.bug == "errors hide their cause" {
		return errors.New(verb + " " + store.Kind(item.Key))
	}
	return fmt.Errorf("%s %s: %w", verb, store.Kind(item.Key), err)
}

// has reports whether the bug is this flaw of this verb.
func (m *memory) has(verb, flaw string) bool { return string(m.bug) == verb+flaw }
