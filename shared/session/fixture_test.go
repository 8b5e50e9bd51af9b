package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/store"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/store/storetest"
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
	table *storetest.Recorder // of all processes
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
	w := &world{TB: t, table: &storetest.Recorder{Store: db}, cfg: cfg}
	w.Sessions = w.sessionsOn(w.table)
	w.aside = w.sessionsOn(db)
	return w
}

// clear empties the table, for a new story in the same bubble: a database takes
// longer to open than most stories do.
func (w *world) clear() {
	w.Helper()
	keys := []string{userKey(testAppID, testOpenID), unionKey(testUnionID)}
	for id := range w.written() {
		keys = append(keys, sessionKey(id))
	}
	for _, key := range keys {
		if item, err := w.table.Store.Get(w.Context(), key); err == nil {
			err = w.table.Store.Delete(w.Context(), key, item.Version)
			w.want("clear", err, nil)
		}
	}
	w.table.Reset()
}

// written are the IDs of the sessions that were ever written.
func (w *world) written() map[string]bool {
	ids := map[string]bool{}
	for _, item := range w.table.Written() {
		if id, ok := strings.CutPrefix(item.Key, "session#"); ok {
			ids[id] = true
		}
	}
	return ids
}

// process is one process. A test may intercept its calls; after them those of all
// processes pass through the table.
type process struct {
	*Sessions
	*storetest.Recorder
}

func (w *world) process() *process {
	w.Helper()
	r := &storetest.Recorder{Store: w.table}
	return &process{w.sessionsOn(r), r}
}

func (w *world) sessionsOn(s store.Store) *Sessions {
	w.Helper()
	cfg := w.cfg
	cfg.Store = s
	sessions, err := New(cfg)
	if err != nil {
		w.Fatal(err)
	}
	return sessions
}

// beforeCall has something happen before the nth call of the process.
func (p *process) beforeCall(n int, happens func()) {
	p.Intercept(func(c storetest.Call, do func() error) error {
		if c.N == n {
			happens()
		}
		return do()
	})
}

// slowDown makes each call of every process take so long.
func (w *world) slowDown(latency time.Duration) {
	w.table.Intercept(func(_ storetest.Call, do func() error) error {
		time.Sleep(latency)
		return do()
	})
}

// wantCalls checks the calls since the last time.
func (w *world) wantCalls(name, want string) {
	w.Helper()
	wantCalls(w, name, w.table, want)
}

func wantCalls(t testing.TB, name string, r *storetest.Recorder, want string) {
	t.Helper()
	if got := r.Take().String(); got != want {
		t.Errorf("%s made the calls %q, want %q", name, got, want)
	}
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
	for id := range w.written() {
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
