package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/store"
	"wechatfn/shared/store/sqlite"
)

const (
	testAppID   = "wx0123456789abcdef"
	otherAppID  = "wxfedcba9876543210"
	testOpenID  = "oCanary_openid-1"
	testUnionID = "uCanary_unionid-1"
	day         = 24 * time.Hour
)

var testSeed = []byte("canary-seed-of-exactly-32-bytes!")

// world is a real store, and processes on it.
type world struct {
	testing.TB
	table *table
	*Sessions
	aside *Sessions // whose calls are not noted
	cfg   Config
}

// bubble runs f in a world on a fake clock.
func bubble(t *testing.T, cfg Config, f func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(newWorld(t, cfg)) })
}

func newWorld(t testing.TB, cfg Config) *world {
	t.Helper()
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	cfg = configured(cfg)
	w := &world{TB: t, table: &table{Store: db, sessions: map[string]bool{}}, cfg: cfg}
	w.Sessions = w.process().Sessions
	aside := cfg
	aside.Store = db
	if w.aside, err = New(aside); err != nil {
		t.Fatal(err)
	}
	return w
}

// clear empties the table, for a new story in the same bubble: a database takes
// longer to open than most stories do.
func (w *world) clear() {
	w.Helper()
	keys := []string{userKey(testAppID, testOpenID), unionKey(testUnionID)}
	for id := range w.table.sessions {
		keys = append(keys, sessionKey(id))
	}
	for _, key := range keys {
		if item, err := w.table.Store.Get(w.Context(), key); err == nil {
			err = w.table.Store.Delete(w.Context(), key, item.Version)
			w.want("clear", err, nil)
		}
	}
	w.table.calls, w.table.sessions = nil, map[string]bool{}
}

// process is one process, with all that it can reach. Before and after each of
// its calls something may befall it.
type process struct {
	*Sessions
	*table
	n     int // calls so far
	event func(n int, do func() error) error
}

func (w *world) process() *process {
	w.Helper()
	p := &process{table: w.table}
	cfg := w.cfg
	cfg.Store = p
	var err error
	if p.Sessions, err = New(cfg); err != nil {
		w.Fatal(err)
	}
	return p
}

func (p *process) call(do func() error) error {
	if p.event == nil { // several goroutines may share it then
		return do()
	}
	p.n++
	return p.event(p.n, do)
}

func (p *process) Get(ctx context.Context, key string) (item store.Item, err error) {
	err = p.call(func() error { item, err = p.table.Get(ctx, key); return err })
	return item, err
}

func (p *process) Create(ctx context.Context, in store.Item) (item store.Item, err error) {
	err = p.call(func() error { item, err = p.table.Create(ctx, in); return err })
	return item, err
}

func (p *process) Replace(ctx context.Context, in store.Item) (item store.Item, err error) {
	err = p.call(func() error { item, err = p.table.Replace(ctx, in); return err })
	return item, err
}

func (p *process) Delete(context.Context, string, string) error { return errors.New("not granted") }

// table notes the calls and the sessions that were ever made; a call may take time.
type table struct {
	store.Store
	latency time.Duration

	mu       sync.Mutex
	calls    []string
	sessions map[string]bool
}

func (t *table) note(verb, key string) {
	time.Sleep(t.latency)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = append(t.calls, verb+" "+store.Kind(key))
	if id, ok := strings.CutPrefix(key, "session#"); ok && verb != "get" {
		t.sessions[id] = true
	}
}

func (t *table) Get(ctx context.Context, key string) (store.Item, error) {
	t.note("get", key)
	return t.Store.Get(ctx, key)
}

func (t *table) Create(ctx context.Context, item store.Item) (store.Item, error) {
	t.note("create", item.Key)
	return t.Store.Create(ctx, item)
}

func (t *table) Replace(ctx context.Context, item store.Item) (store.Item, error) {
	t.note("replace", item.Key)
	return t.Store.Replace(ctx, item)
}

// wantCalls checks the calls since the last time.
func (w *world) wantCalls(name, want string) {
	w.Helper()
	if got := strings.Join(w.table.calls, ", "); got != want {
		w.Errorf("%s made the calls %q, want %q", name, got, want)
	}
	w.table.calls = nil
}

func login() Login { return Login{App: "shop", AppID: testAppID, OpenID: testOpenID, Device: "phone"} }

func seeded(l Login) Login { l.Seed = testSeed; return l }

func (w *world) issue(l Login) string {
	w.Helper()
	token, _, _, err := w.Issue(w.Context(), l)
	if err != nil {
		w.Fatalf("issue: %v", err)
	}
	return token
}

func (w *world) rotate(token string) string {
	w.Helper()
	next, _, err := w.Rotate(w.Context(), token)
	if err != nil {
		w.Fatalf("rotate: %v", err)
	}
	return next
}

// want checks an error: a sentinel, a *RevokedError of that reason, or nil.
func (w *world) want(name string, err, want error) {
	w.Helper()
	if reason, ok := errors.AsType[*RevokedError](want); ok {
		got, ok := errors.AsType[*RevokedError](err)
		if !ok || got.Reason != reason.Reason {
			w.Errorf("%s: %v, want %v", name, err, want)
		}
		return
	}
	if !errors.Is(err, want) {
		w.Errorf("%s: %v, want %v", name, err, want)
	}
}

func revoked(why Reason) error { return &RevokedError{Reason: why} }

// wantCheck checks what Check says, without noting the calls.
func (w *world) wantCheck(name, token string, want error) {
	w.Helper()
	_, err := w.aside.Check(context.Background(), token)
	w.want(name, err, want)
}

// stored is the user, without noting the call; the zero User where there is none.
func (w *world) stored() User {
	w.Helper()
	u, err := w.aside.User(context.Background(), testAppID, testOpenID)
	if err != nil && !errors.Is(err, ErrNoUser) {
		w.Fatal(err)
	}
	return u
}

func (w *world) lists(id string) bool {
	return slices.ContainsFunc(w.stored().Devices, func(d Device) bool { return d.ID == id })
}

// living are the sessions that live, whether listed or not, as a list would have them.
func (w *world) living() (devices []Device) {
	w.Helper()
	for id := range w.table.sessions {
		item, err := w.table.Store.Get(context.Background(), sessionKey(id))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		r, err := readRecord(item)
		if err != nil {
			w.Fatal(err)
		}
		if r.Revoked == "" && time.Now().Unix() < r.expiry() {
			devices = append(devices, r.device(id))
		}
	}
	return devices
}

func (w *world) alive() (ids []string) {
	w.Helper()
	for _, d := range w.living() {
		ids = append(ids, d.ID)
	}
	return ids
}

// wantListed: what lives is listed as it is, whatever happened.
func (w *world) wantListed(name string) {
	w.Helper()
	listed := w.stored().Devices
	for _, d := range w.living() {
		if !slices.Contains(listed, d) {
			w.Errorf("%s: a session lives that is not listed: %+v", name, d)
		}
	}
}

func (w *world) wantAlive(name string, tokens ...string) {
	w.Helper()
	alive := w.alive()
	for i, text := range tokens {
		if t, ok := parse(text); !ok || !slices.Contains(alive, t.id()) {
			w.Errorf("%s: session %d of %d is dead", name, i, len(tokens))
		}
	}
}

func idOf(text string) string { t, _ := parse(text); return t.id() }

func label(parts ...any) string { return strings.TrimSpace(fmt.Sprintln(parts...)) }
