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

// fixture is a real store, and processes that use it.
type fixture struct {
	testing.TB
	recorder *storetest.Recorder // of the calls of all processes
	*Sessions
	unrecorded *Sessions // on the store itself
	cfg        Config
}

// bubble runs f with a fixture on a fake clock.
func bubble(t *testing.T, cfg Config, f func(*fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(newFixture(t, cfg)) })
}

func newFixture(t testing.TB, cfg Config) *fixture {
	t.Helper()
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	cfg = configured(cfg)
	w := &fixture{TB: t, recorder: &storetest.Recorder{Store: db}, cfg: cfg}
	w.Sessions = w.sessionsOn(w.recorder)
	w.unrecorded = w.sessionsOn(db)
	return w
}

// with is the fixture in a subtest.
func (w *fixture) with(t testing.TB) *fixture {
	sub := *w
	sub.TB = t
	return &sub
}

// deleteAll empties the store for another run in the same bubble: to open a database takes
// longer than most runs.
func (w *fixture) deleteAll() {
	w.Helper()
	keys := []string{userKey(testAppID, testOpenID), unionKey(testUnionID)}
	for id := range w.written() {
		keys = append(keys, sessionKey(id))
	}
	for _, key := range keys {
		if item, err := w.recorder.Store.Get(w.Context(), key); err == nil {
			err = w.recorder.Store.Delete(w.Context(), key, item.Version)
			w.want("clear", err, nil)
		}
	}
	w.recorder.Reset()
}

// written are the IDs of all sessions that were written since the last deleteAll.
func (w *fixture) written() map[string]bool {
	ids := map[string]bool{}
	for _, item := range w.recorder.Written() {
		if id, ok := strings.CutPrefix(item.Key, "session#"); ok {
			ids[id] = true
		}
	}
	return ids
}

// process is one process. A test can intercept its calls. They are recorded with those of
// all processes, too.
type process struct {
	*Sessions
	*storetest.Recorder
}

func (w *fixture) process() *process {
	w.Helper()
	r := &storetest.Recorder{Store: w.recorder}
	return &process{w.sessionsOn(r), r}
}

func (w *fixture) sessionsOn(s store.Store) *Sessions {
	w.Helper()
	cfg := w.cfg
	cfg.Store = s
	sessions, err := New(cfg)
	if err != nil {
		w.Fatal(err)
	}
	return sessions
}

// beforeCall runs f before the nth call of the process.
func (p *process) beforeCall(n int, f func()) {
	p.Intercept(func(ctx context.Context, c storetest.Call, do func(context.Context) error) error {
		if c.N == n {
			f()
		}
		return do(ctx)
	})
}

// slowDown delays each call of every process.
func (w *fixture) slowDown(latency time.Duration) {
	w.recorder.Intercept(func(ctx context.Context, _ storetest.Call, do func(context.Context) error) error {
		time.Sleep(latency)
		return do(ctx)
	})
}

// wantCalls checks the calls of all processes since they were last taken.
func (w *fixture) wantCalls(name, want string) {
	w.Helper()
	wantCalls(w, name, w.recorder, want)
}

func wantCalls(t testing.TB, name string, r *storetest.Recorder, want string) {
	t.Helper()
	if got := r.Take().String(); got != want {
		t.Errorf("%s made the calls %q, want %q", name, got, want)
	}
}

func login() Login { return Login{App: "shop", AppID: testAppID, OpenID: testOpenID, Device: "phone"} }

func seeded(l Login) Login { l.Seed = testSeed; return l }

func (w *fixture) issue(l Login) string {
	w.Helper()
	token, _, _, err := w.Issue(w.Context(), l)
	if err != nil {
		w.Fatalf("issue: %v", err)
	}
	return token
}

func (w *fixture) rotate(token string) string {
	w.Helper()
	next, _, err := w.Rotate(w.Context(), token)
	if err != nil {
		w.Fatalf("rotate: %v", err)
	}
	return next
}

// want checks an error: for a *RevokedError it compares the reason.
func (w *fixture) want(name string, err, want error) {
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

// wantCheck checks the error of Check. The call is not recorded.
func (w *fixture) wantCheck(name, token string, want error) {
	w.Helper()
	_, err := w.unrecorded.Check(context.Background(), token)
	w.want(name, err, want)
}

// stored is the user, or the zero User if there is none. The call is not recorded.
func (w *fixture) stored() User {
	w.Helper()
	u, err := w.unrecorded.User(context.Background(), testAppID, testOpenID)
	if err != nil && !errors.Is(err, ErrNoUser) {
		w.Fatal(err)
	}
	return u
}

func (w *fixture) isListed(id string) bool {
	return slices.ContainsFunc(w.stored().Devices, func(d Device) bool { return d.ID == id })
}

// valid are all valid sessions, listed or not, as they are listed.
func (w *fixture) valid() (devices []Device) {
	w.Helper()
	for id := range w.written() {
		item, err := w.recorder.Store.Get(context.Background(), sessionKey(id))
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

func (w *fixture) validIDs() (ids []string) {
	w.Helper()
	for _, d := range w.valid() {
		ids = append(ids, d.ID)
	}
	return ids
}

// wantListed checks that all valid sessions are listed.
func (w *fixture) wantListed(name string) {
	w.Helper()
	listed := w.stored().Devices
	for _, d := range w.valid() {
		if !slices.Contains(listed, d) {
			w.Errorf("%s: a valid session is not listed: %+v", name, d)
		}
	}
}

func (w *fixture) wantValid(name string, tokens ...string) {
	w.Helper()
	valid := w.validIDs()
	for i, text := range tokens {
		if t, ok := parse(text); !ok || !slices.Contains(valid, t.id()) {
			w.Errorf("%s: session %d of %d is not valid", name, i, len(tokens))
		}
	}
}

func idOf(text string) string { t, _ := parse(text); return t.id() }

func label(parts ...any) string { return strings.TrimSpace(fmt.Sprintln(parts...)) }
