package jssdk

import (
	"errors"
	"net/url"
	"sync"
	"testing"
	"time"

	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/store/storetest"
)

func newTable(t testing.TB) *storetest.Recorder {
	t.Helper()
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:", Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &storetest.Recorder{Store: db}
}

// newCachingHandler returns a handler that caches signatures in the table.
func newCachingHandler(t *testing.T) (*Handler, *storetest.Recorder, *tickets) {
	table, tickets := newTable(t), &tickets{jsapi: "ticket-1", expiry: now.Add(time.Hour)}
	return newHandler(t, func(c *Config) { c.Table, c.Tickets = table, tickets }), table, tickets
}

var request = "/signature?url=" + url.QueryEscape(origin+"/a")

func TestRequestsForAPageShareTheCachedSignature(t *testing.T) {
	h, table, _ := newCachingHandler(t)
	first := signed(t, get(h, request))
	if reads, writes := table.Take().Count(); reads != 1 || writes != 1 {
		t.Errorf("first: %d reads, %d writes; want 1 and 1", reads, writes)
	}
	if again := signed(t, get(h, request)); again != first {
		t.Errorf("cached %+v, got %+v", first, again)
	}
	if reads, writes := table.Take().Count(); reads != 1 || writes != 0 {
		t.Errorf("again: %d reads, %d writes; want 1 and 0", reads, writes)
	}
	if other := signed(t, get(h, request+"2")); other.NonceStr == first.NonceStr {
		t.Error("two pages share a signature")
	}
}

func TestForcedSignatureReplacesTheCachedOne(t *testing.T) {
	h, _, _ := newCachingHandler(t)
	first := signed(t, get(h, request))
	forced := signed(t, get(h, request+"&force=true"))
	if forced.NonceStr == first.NonceStr {
		t.Error("force returned the cached signature")
	}
	if again := signed(t, get(h, request)); again != forced {
		t.Error("the forced signature was not cached")
	}
}

// A cached signature that is used after its ticket was replaced is the best-known bug of
// the library that wechatfn replaces.
func TestCachedSignatureExpiresWithItsTicket(t *testing.T) {
	h, table, tickets := newCachingHandler(t)
	first := signed(t, get(h, request))
	tickets.jsapi = "ticket-2"
	second := signed(t, get(h, request))
	if second.NonceStr == first.NonceStr || second.Signature != recompute("ticket-2", second) {
		t.Error("a signature of the previous ticket was returned")
	}
	item, err := table.Store.Get(t.Context(), signatureKey(appID, origin+"/a"))
	if err != nil || !item.ExpiresAt.Equal(tickets.expiry) {
		t.Errorf("the item expires at %v, the ticket at %v (%v)", item.ExpiresAt, tickets.expiry, err)
	}
}

func TestConcurrentFirstRequestsShareOneSignature(t *testing.T) {
	h, _, _ := newCachingHandler(t)
	var wg sync.WaitGroup
	all := make([]Signature, 50)
	for i := range all {
		wg.Go(func() { all[i] = signed(t, get(h, request)) })
	}
	wg.Wait()
	for _, s := range all {
		if s != all[0] {
			t.Fatalf("two signatures were returned: %+v and %+v", all[0], s)
		}
	}
}

func TestStoreFailureCostsNoSignature(t *testing.T) {
	h, table, _ := newCachingHandler(t)
	table.Fail(errors.New("throttled"))
	if s := signed(t, get(h, request)); s.Signature != recompute("ticket-1", s) {
		t.Error("the signature is wrong")
	}
}
