package credential

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
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

// fixture is an account, a simulated WeChat and a real store. All use the same
// clock: in a bubble it is the simulated one of testing/synctest.
type fixture struct {
	t       testing.TB
	sim     *wechatsim.Sim
	store   *storetest.Recorder
	account account.Account
	secret  func(fresh bool) string
	classic bool
	log     *logtest.Buffer
}

func newFixture(t testing.TB, switches wechatsim.Switches) *fixture {
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
	f := &fixture{
		t: t, sim: sim, store: &storetest.Recorder{Store: db}, log: new(logtest.Buffer),
		account: account.Account{Name: "shop", AppID: testAppID, Tickets: []wechat.TicketType{wechat.JSAPI}},
		secret:  func(bool) string { return testSecret },
	}
	t.Cleanup(f.searchForSecrets)
	return f
}

// bubble runs test with a fixture on a simulated clock.
func bubble(t *testing.T, switches wechatsim.Switches, test func(t *testing.T, f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newFixture(t, switches)) })
}

// searchForSecrets fails the test if a secret was logged.
func (f *fixture) searchForSecrets() {
	ticket, _ := f.sim.CurrentTicket(testAppID, "jsapi")
	f.log.WantNoSecrets(f.t, testSecret, nextSecret, ticket, f.record().Token.Value)
}

// cacheSecret caches the secret: *current is read only if a fresh secret is asked
// for.
func (f *fixture) cacheSecret(current *string) {
	cached := testSecret
	f.secret = func(fresh bool) string {
		if fresh {
			cached = *current
		}
		return cached
	}
}

func (f *fixture) client() *wechat.Client {
	c, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: f.sim.Client(), Classic: f.classic})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// renewerOn returns a new Renewer on the given store.
func (f *fixture) renewerOn(s store.Store) *Renewer {
	renewer, err := NewRenewer(RenewerConfig{
		Store: s, WeChat: f.client(),
		Secrets: func(_ context.Context, _ account.Account, fresh bool) (secret.Secret, error) {
			return secret.New(f.secret(fresh)), nil
		},
		Jitter: func() float64 { return 0.5 },
		Logger: f.log.Text(),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return renewer
}

func (f *fixture) renewer() *Renewer { return f.renewerOn(f.store) }

// reader returns a new Reader, with nothing cached. onRefreshRequest may be nil.
func (f *fixture) reader(onRefreshRequest func(string)) *Reader {
	reader, err := NewReader(ReaderConfig{Store: f.store, OnRefreshRequest: onRefreshRequest, Logger: f.log.Text()})
	if err != nil {
		f.t.Fatal(err)
	}
	return reader
}

func (f *fixture) tick(renewer *Renewer) Record {
	f.t.Helper()
	record, err := renewer.Tick(f.t.Context(), f.account)
	if err != nil && !errors.Is(err, ErrBusy) {
		f.t.Fatalf("tick: %v", err)
	}
	return record
}

// report has a new Reader report the token as invalid, and the renewer handle that
// refresh request.
func (f *fixture) report(renewer *Renewer, token string) (Record, error) {
	f.reader(nil).reportInvalid(f.t.Context(), testAppID, fingerprint(token))
	return renewer.HandleRefreshRequest(f.t.Context(), f.account)
}

// record is the record in the table. This read is not counted.
func (f *fixture) record() Record {
	s, err := (&Renewer{store: f.store.Store}).read(context.Background(), testAppID)
	if err != nil {
		return Record{}
	}
	return s.Record
}

// publishedExpiry is the expiry of the published ticket.
func (f *fixture) publishedExpiry(t testing.TB) time.Time {
	t.Helper()
	ticket, err := f.reader(nil).read(t.Context(), ticketKey(testAppID, wechat.JSAPI))
	if err != nil {
		t.Fatal(err)
	}
	return ticket.expiresAt
}

// publish writes a ticket as a Renewer does, in place of the one that is published.
func (f *fixture) publish(value string, ttl time.Duration) {
	f.t.Helper()
	key := ticketKey(testAppID, wechat.JSAPI)
	item := publishedTicket{Ticket: value, ExpiresAt: time.Now().Add(ttl).Unix(), Epoch: 1}.item(key)
	existing, err := f.store.Create(f.t.Context(), item)
	if errors.Is(err, store.ErrExists) {
		item.Version = existing.Version
		_, err = f.store.Replace(f.t.Context(), item)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) calls() string {
	return fmt.Sprintf("%d token, %d ticket", f.tokenCalls(), f.sim.Calls(wechatsim.PathTicket))
}

func (f *fixture) tokenCalls() int {
	return f.sim.Calls(wechatsim.PathStableToken) + f.sim.Calls(wechatsim.PathToken)
}

func (f *fixture) wantCalls(token, ticket int) {
	f.t.Helper()
	if got, want := f.calls(), fmt.Sprintf("%d token, %d ticket", token, ticket); got != want {
		f.t.Errorf("WeChat was asked for %s; want %s", got, want)
	}
}

// wantStoreCalls checks the calls of the store since they were last taken.
func (f *fixture) wantStoreCalls(reads, writes int) {
	f.t.Helper()
	if r, w := f.store.Take().Count(); r != reads || w != writes {
		f.t.Errorf("%d store reads and %d writes; want %d and %d", r, w, reads, writes)
	}
}

// wantTicket fails the test if the reader does not hand out a ticket that WeChat
// accepts.
func (f *fixture) wantTicket(reader *Reader) string {
	f.t.Helper()
	value, expiry, err := reader.Ticket(f.t.Context(), testAppID, wechat.JSAPI)
	if err != nil {
		f.t.Fatalf("no ticket: %v", err)
	}
	if !f.sim.TicketValid(testAppID, "jsapi", value) {
		f.t.Errorf("%s: an invalid ticket was handed out", time.Now())
	}
	if left := time.Until(expiry); left <= Margin {
		f.t.Errorf("%s: a ticket was handed out %v before its expiry", time.Now(), left)
	}
	return value
}
