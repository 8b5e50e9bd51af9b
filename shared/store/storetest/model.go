package storetest

import (
	"strconv"
	"sync/atomic"
	"time"

	"pgregory.net/rapid"

	"wechatfn/shared/store"
)

// matchesModel plays random histories of all verbs and the clock on both handles,
// and compares every answer with that of a map.
func matchesModel(s *suite) {
	var run atomic.Int64
	rapid.Check(s.TB, func(t *rapid.T) {
		// Keys of its own for each run: the engine is not emptied in between.
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
	items  map[string]store.Item // what was last written, live or not
	past   []string              // versions that were written
}

// live is the item that stands in the model.
func (m *model) live(key string) (store.Item, bool) {
	item, ok := m.items[key]
	if !ok || item.Expired(m.clock.Now()) {
		return store.Item{}, false
	}
	return item, true
}

func (m *model) get(t *rapid.T) {
	key := m.key(t)
	got, err := m.handle(t).Get(m.Context(), key)
	want, ok := m.live(key)
	m.check(t, got, err, want, refusalUnless(ok, store.ErrNotFound))
}

func (m *model) create(t *rapid.T) {
	item := m.item(t)
	got, err := m.handle(t).Create(m.Context(), item)
	stands, ok := m.live(item.Key)
	m.checkWrite(t, item, got, err, stands, refusalUnless(!ok, store.ErrExists))
}

func (m *model) replace(t *rapid.T) {
	item := m.item(t)
	got, err := m.handle(t).Replace(m.Context(), item)
	stands, ok := m.live(item.Key)
	m.checkWrite(t, item, got, err, stands, refusalUnless(ok && stands.Version == item.Version, store.ErrConflict))
}

func (m *model) delete(t *rapid.T) {
	item := m.item(t)
	err := m.handle(t).Delete(m.Context(), item.Key, item.Version)
	stands, ok := m.live(item.Key)
	matches := ok && stands.Version == item.Version
	m.check(t, store.Item{}, err, store.Item{}, refusalUnless(matches, store.ErrConflict))
	if matches {
		delete(m.items, item.Key)
	}
}

func (m *model) wait(t *rapid.T) {
	const longest = 3 * time.Second
	m.clock.advance(time.Duration(rapid.Int64Range(1, int64(longest)).Draw(t, "wait")))
}

func refusalUnless(ok bool, refusal error) error {
	if ok {
		return nil
	}
	return refusal
}

// checkWrite takes a write that may win into the model.
func (m *model) checkWrite(t *rapid.T, given, got store.Item, err error, stands store.Item, refusal error) {
	if refusal != nil {
		m.check(t, got, err, stands, refusal)
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

// item carries the version last written, which may have expired, or an older one.
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
	lives := []time.Duration{0, time.Nanosecond, time.Second, 1500 * time.Millisecond}
	if ttl := rapid.SampledFrom(lives).Draw(t, "ttl"); ttl != 0 {
		item.ExpiresAt = m.clock.Now().Add(ttl)
	}
	return item
}
