package storetest

import (
	"strconv"
	"sync/atomic"
	"time"

	"pgregory.net/rapid"

	"wechatfn/shared/store"
)

// matchesModel makes random calls of all verbs on both handles, and moves the clock. It
// compares every answer with that of a map.
func matchesModel(s *suite) {
	var run atomic.Int64
	rapid.Check(s.TB, func(t *rapid.T) {
		// Each run has its own keys: the engine is not emptied between runs.
		m := &model{suite: s, t: t, prefix: strconv.FormatInt(run.Add(1), 10) + "#", items: map[string]store.Item{}}
		t.Repeat(map[string]func(*rapid.T){
			"get":     m.get,
			"create":  m.create,
			"replace": m.replace,
			"delete":  m.delete,
			"wait":    m.wait,
		})
	})
}

type model struct {
	*suite
	t      *rapid.T
	prefix string
	items  map[string]store.Item // as last written, expired or not
	past   []string              // versions that were written
}

// valid is the item that the model has under the key, if it has not expired.
func (m *model) valid(key string) (store.Item, bool) {
	item, ok := m.items[key]
	if !ok || item.Expired(m.clock.Now()) {
		return store.Item{}, false
	}
	return item, true
}

func (m *model) get(t *rapid.T) {
	key := m.key(t)
	got, err := m.handle(t).Get(m.Context(), key)
	want, ok := m.valid(key)
	m.check(t, got, err, want, refusalUnless(ok, store.ErrNotFound))
}

func (m *model) create(t *rapid.T) {
	item := m.item(t)
	got, err := m.handle(t).Create(m.Context(), item)
	current, ok := m.valid(item.Key)
	m.checkWrite(t, item, got, err, current, refusalUnless(!ok, store.ErrExists))
}

func (m *model) replace(t *rapid.T) {
	item := m.item(t)
	got, err := m.handle(t).Replace(m.Context(), item)
	current, ok := m.valid(item.Key)
	m.checkWrite(t, item, got, err, current, refusalUnless(ok && current.Version == item.Version, store.ErrConflict))
}

func (m *model) delete(t *rapid.T) {
	item := m.item(t)
	err := m.handle(t).Delete(m.Context(), item.Key, item.Version)
	current, ok := m.valid(item.Key)
	matches := ok && current.Version == item.Version
	m.check(t, store.Item{}, err, store.Item{}, refusalUnless(matches, store.ErrConflict))
	if matches {
		delete(m.items, item.Key)
	}
}

func (m *model) wait(t *rapid.T) {
	const maxWait = 3 * time.Second
	m.clock.advance(time.Duration(rapid.Int64Range(1, int64(maxWait)).Draw(t, "wait")))
}

func refusalUnless(ok bool, refusal error) error {
	if ok {
		return nil
	}
	return refusal
}

// checkWrite checks a write, and writes it into the model if there is no refusal.
func (m *model) checkWrite(t *rapid.T, given, got store.Item, err error, current store.Item, refusal error) {
	if refusal != nil {
		m.check(t, got, err, current, refusal)
		return
	}
	for _, version := range m.past {
		if version == got.Version {
			t.Fatalf("version %q was used before", version)
		}
	}
	given.Version, given.ExpiresAt = got.Version, store.ExpiryTime(given.ExpirySeconds())
	m.check(t, got, err, given, nil)
	m.items[given.Key] = given
	m.past = append(m.past, given.Version)
}

func (m *model) check(t *rapid.T, got store.Item, err error, want store.Item, refusal error) {
	if sentinel(err) != refusal || (err != nil && refusal == nil) {
		t.Fatalf("error %v, want %v", err, refusal)
	}
	if !equal(got, want) {
		t.Fatalf("got %s, want %s", describe(got), describe(want))
	}
}

func (m *model) handle(t *rapid.T) store.Store {
	return rapid.SampledFrom([]store.Store{m.store, m.second}).Draw(t, "handle")
}

func (m *model) key(t *rapid.T) string {
	return m.prefix + rapid.SampledFrom([]string{"a", "a", "b"}).Draw(t, "key")
}

// item has the version that was written last, even if it has expired, or an older one.
func (m *model) item(t *rapid.T) store.Item {
	key := m.key(t)
	versions := []string{m.items[key].Version}
	if len(m.past) > 0 && rapid.SampledFrom([]bool{false, false, true}).Draw(t, "stale") {
		versions = m.past
	}
	item := store.Item{
		Key:     key,
		Value:   []byte(rapid.StringN(0, 8, -1).Draw(t, "value")),
		Version: rapid.SampledFrom(versions).Draw(t, "version"),
	}
	ttls := []time.Duration{0, time.Nanosecond, time.Second, 1500 * time.Millisecond}
	if ttl := rapid.SampledFrom(ttls).Draw(t, "ttl"); ttl != 0 {
		item.ExpiresAt = m.clock.Now().Add(ttl)
	}
	return item
}
