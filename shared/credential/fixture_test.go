package credential

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/store"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/web/logtest"
	"wechatfn/shared/wechat"
)

const (
	testAppID  = "wx0123456789abcdef"
	testSecret = "canary-secret-0123456789abcdef"
	nextSecret = "canary-secret-two-0123456789abcd"
)

// world is an account in a simulated WeChat and a real store, all on one clock:
// the fake one of testing/synctest where the test runs in a bubble.
type world struct {
	t       testing.TB
	sim     *wechatsim.Sim
	store   *storetest.Recorder
	account account.Account
	secret  func(fresh bool) string
	classic bool
	log     *logtest.Buffer
}

func newWorld(t testing.TB, switches wechatsim.Switches) *world {
	t.Helper()
	sim, err := wechatsim.New(wechatsim.Config{
		Apps:     []wechatsim.App{{ID: testAppID, Secret: testSecret}},
		Switches: switches,
		Seed:     t.Name(),
	})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &world{
		t: t, sim: sim, store: &storetest.Recorder{Store: db}, log: new(logtest.Buffer),
		account: account.Account{Name: "shop", AppID: testAppID, Tickets: []wechat.TicketType{wechat.JSAPI}},
		secret:  func(bool) string { return testSecret },
	}
	t.Cleanup(w.searchForSecrets)
	return w
}

// searchForSecrets looks for planted and live secrets in all that was logged.
func (w *world) searchForSecrets() {
	ticket, _ := w.sim.CurrentTicket(testAppID, "jsapi")
	w.log.WantNoSecrets(w.t, testSecret, nextSecret, ticket, w.stored().Token.Value)
}

// cacheSecret makes the secret come from a cache that only a fresh look renews
// from what is stored.
func (w *world) cacheSecret(stored *string) {
	cached := testSecret
	w.secret = func(fresh bool) string {
		if fresh {
			cached = *stored
		}
		return cached
	}
}

func (w *world) client() *wechat.Client {
	c, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: w.sim.Client(), Classic: w.classic})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// keeper returns a refresher of its own, on the given store.
func (w *world) keeperOn(s store.Store) *Renewer {
	k, err := NewRenewer(RenewerConfig{
		Store: s, WeChat: w.client(), Accounts: account.List{w.account},
		Secrets: func(_ context.Context, _ account.Account, fresh bool) (secret.Secret, error) {
			return secret.New(w.secret(fresh)), nil
		},
		Jitter: func() float64 { return 0.5 },
		Logger: w.log.Text(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

func (w *world) keeper() *Renewer { return w.keeperOn(w.store) }

// reader returns a signature function of its own; onKick may be nil.
func (w *world) reader(onRefreshRequest func(string)) *Reader {
	r, err := NewReader(ReaderConfig{Store: w.store, OnRefreshRequest: onRefreshRequest, Logger: w.log.Text()})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) tick(k *Renewer) Record {
	w.t.Helper()
	record, err := k.Tick(w.t.Context(), w.account)
	if err != nil && !errors.Is(err, ErrBusy) {
		w.t.Fatalf("tick: %v", err)
	}
	return record
}

// report has somebody find the token dead and say so through the table, and k take
// the kick.
func (w *world) report(k *Renewer, token string) (Record, error) {
	w.reader(nil).reportInvalid(w.t.Context(), testAppID, Fingerprint(token))
	return k.HandleRefreshRequest(w.t.Context(), w.account)
}

// stored is the record in the table, without counting the read.
func (w *world) stored() Record {
	_, record, err := (&Renewer{RenewerConfig{Store: w.store.Store}}).read(context.Background(), testAppID)
	if err != nil {
		return Record{}
	}
	return record
}

func (w *world) calls() string {
	return fmt.Sprintf("%d token, %d ticket", w.tokenCalls(), w.sim.Calls(wechatsim.PathTicket))
}

func (w *world) tokenCalls() int {
	return w.sim.Calls(wechatsim.PathStableToken) + w.sim.Calls(wechatsim.PathToken)
}

func (w *world) wantCalls(token, ticket int) {
	w.t.Helper()
	if got, want := w.calls(), fmt.Sprintf("%d token, %d ticket", token, ticket); got != want {
		w.t.Errorf("WeChat was asked for %s; want %s", got, want)
	}
}

// wantStoreCalls checks the calls of the store since they were last taken.
func (w *world) wantStoreCalls(reads, writes int) {
	w.t.Helper()
	if r, n := w.store.Take().Count(); r != reads || n != writes {
		w.t.Errorf("%d store reads and %d writes; want %d and %d", r, n, reads, writes)
	}
}

// wantTicket asserts that the reader hands out a ticket that WeChat accepts.
func (w *world) wantTicket(r *Reader) string {
	w.t.Helper()
	value, end, err := r.Ticket(w.t.Context(), testAppID, wechat.JSAPI)
	if err != nil {
		w.t.Fatalf("no ticket: %v", err)
	}
	w.checkTicket(value, end)
	return value
}

func (w *world) checkTicket(value string, end time.Time) {
	w.t.Helper()
	if !w.sim.TicketAlive(testAppID, "jsapi", value) {
		w.t.Errorf("%s: a dead ticket was handed out", time.Now())
	}
	if left := time.Until(end); left <= Margin {
		w.t.Errorf("%s: a ticket was handed out %v before its end", time.Now(), left)
	}
}
