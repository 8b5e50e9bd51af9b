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

// memory is a small back-end in memory. Without a bug the suite must pass on it, and with
// one it must fail.
type memory struct {
	env  Env
	data *shared
	bug  bug
}

// bug is what a back-end does wrong.
type bug string

const none bug = ""

type shared struct {
	mu      sync.Mutex
	items   map[string]store.Item
	earlier map[string]store.Item // as it was before the last write, for stale reads
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
	case item.Version == "" || (m.expired(item) && m.bug != "get returns an expired item"):
		return store.Item{}, store.ErrNotFound
	}
	return item, nil
}

func (m *memory) Create(ctx context.Context, item store.Item) (store.Item, error) {
	refusal := store.ErrExists
	if m.bug == "create's refusal is no conflict" {
		refusal = existsAlone{}
	}
	return m.put(ctx, "create", item, refusal, func(current store.Item) bool {
		switch m.bug {
		case "create overwrites":
			return true
		case "create ignores the expiry":
			return current.Version == ""
		}
		return current.Version == "" || m.expired(current)
	})
}

func (m *memory) Replace(ctx context.Context, item store.Item) (store.Item, error) {
	refusal := store.ErrConflict
	if m.bug == "replace says that the item exists" {
		refusal = store.ErrExists
	}
	return m.put(ctx, "replace", item, refusal, func(current store.Item) bool {
		matches := current.Version != "" && current.Version == item.Version
		switch m.bug {
		case "replace ignores the version":
			return current.Version != "" && !m.expired(current)
		case "replace revives an expired item":
			return matches
		case "replace creates":
			return (matches && !m.expired(current)) || current.Version == ""
		}
		return matches && !m.expired(current)
	})
}

// existsAlone is an ErrExists that is no ErrConflict.
type existsAlone struct{}

func (existsAlone) Error() string        { return "exists" }
func (existsAlone) Is(target error) bool { return target == store.ErrExists }

// put writes the item if may allows it over the current item.
func (m *memory) put(ctx context.Context, verb string, item store.Item, refusal error, may func(current store.Item) bool) (store.Item, error) {
	if err := m.before(ctx, verb, item); err != nil {
		return store.Item{}, err
	}
	written := item
	written.Version, written.ExpiresAt = m.version(item), m.expiry(item)
	if m.has(verb, " cuts large values") {
		written.Value = written.Value[:min(len(written.Value), 64<<10)]
	}
	var current store.Item
	err := m.env.Wire.Do(true, func() error {
		current = m.swap(item.Key, written, may)
		return ctx.Err()
	})
	if err != nil {
		if current, err = m.resolve(ctx, verb, item, written.Version, err); err != nil {
			return store.Item{}, err
		}
	}
	if current.Version == written.Version {
		return written, nil
	}
	if m.has(verb, " reads again after a refusal") {
		current, _ = m.read(ctx, item.Key)
	}
	if m.has(verb, " hides the current item") || current.Version == "" || (m.expired(current) && !m.has(verb, " returns an expired item")) {
		return store.Item{}, refusal
	}
	return current, refusal
}

// swap is what the engine does of put, in one atomic step.
func (m *memory) swap(key string, written store.Item, may func(store.Item) bool) store.Item {
	key = m.fold(key)
	m.data.mu.Lock()
	defer m.data.mu.Unlock()
	current := m.data.items[key]
	if m.bug == "check, then write" {
		m.data.letOthersWrite()
	}
	if !may(current) {
		return current
	}
	close(m.data.swapped)
	m.data.swapped = make(chan struct{})
	m.data.earlier[key] = current
	m.data.items[key] = written
	return written
}

// letOthersWrite releases the lock between a check and its write until another goroutine
// has written, or for a short time.
func (s *shared) letOthersWrite() {
	const timeout = 20 * time.Millisecond
	swapped := s.swapped
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-swapped:
	case <-time.After(timeout):
	}
}

// resolve reads back after a failed write.
func (m *memory) resolve(ctx context.Context, verb string, item store.Item, version string, err error) (store.Item, error) {
	if m.bug != "read-back under the caller's context" {
		ctx = context.WithoutCancel(ctx)
	}
	current, readErr := m.read(ctx, item.Key)
	switch {
	case m.has(verb, " is never read back"):
		return store.Item{}, m.wrap(verb, item, err)
	case m.bug == "failures are refusals" && verb == "create":
		return store.Item{}, store.ErrExists
	case m.bug == "failures are refusals":
		return store.Item{}, store.ErrConflict
	case m.bug == "failures are successes":
		return store.Item{Version: version}, nil
	case readErr == nil && m.bug == "any item that is read back passes for ours" && current.Version != "":
		return store.Item{Version: version}, nil
	case readErr != nil || current.Version != version:
		return store.Item{}, m.wrap(verb, item, err)
	}
	return current, nil
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
		return m.resolveDelete(ctx, key, version, err)
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
	current := m.data.items[key]
	matches := current.Version == version || m.bug == "delete ignores the version"
	if current.Version == "" || !matches || (m.expired(current) && m.bug != "delete ignores the expiry") {
		return false
	}
	m.data.earlier[key] = current
	delete(m.data.items, key)
	if m.bug == "versions restart after a delete" {
		m.data.writes[key] = 0
	}
	return true
}

func (m *memory) resolveDelete(ctx context.Context, key, version string, err error) error {
	if m.bug != "read-back under the caller's context" {
		ctx = context.WithoutCancel(ctx)
	}
	current, readErr := m.read(ctx, key)
	switch {
	case m.bug == "failures are successes":
		return nil
	case m.bug == "failures are refusals":
		return store.ErrConflict
	case readErr != nil || current.Version == version || m.bug == "delete is never read back":
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
	if err := ctx.Err(); err != nil && m.bug != "the context is not checked" {
		return m.wrap(verb, item, err)
	}
	return nil
}

func (m *memory) expired(item store.Item) bool {
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
	case "versions are used again":
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

// has reports whether the bug is this one of this verb.
func (m *memory) has(verb, flaw string) bool { return string(m.bug) == verb+flaw }
