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

func keeping(t *testing.T) (*Handler, *storetest.Recorder, *tickets) {
	c, f := newTable(t), &tickets{jsapi: "ticket-1", end: now.Add(time.Hour)}
	return newHandler(t, func(config *Config) { config.Table, config.Tickets = c, f }), c, f
}

var request = "/signature?url=" + url.QueryEscape(origin+"/a")

func TestKeptSignatureIsOneForAll(t *testing.T) {
	h, c, _ := keeping(t)
	first := signed(t, get(h, request))
	if reads, writes := c.Take().Count(); reads != 1 || writes != 1 {
		t.Errorf("first: %d reads, %d writes; want 1 and 1", reads, writes)
	}
	if again := signed(t, get(h, request)); again != first {
		t.Errorf("kept %+v, got %+v", first, again)
	}
	if reads, writes := c.Take().Count(); reads != 1 || writes != 0 {
		t.Errorf("again: %d reads, %d writes; want 1 and 0", reads, writes)
	}
	if other := signed(t, get(h, request+"2")); other.NonceStr == first.NonceStr {
		t.Error("two pages share a signature")
	}
}

func TestForcedSignatureTakesTheKeptOnesPlace(t *testing.T) {
	h, _, _ := keeping(t)
	first := signed(t, get(h, request))
	forced := signed(t, get(h, request+"&force=true"))
	if forced.NonceStr == first.NonceStr {
		t.Error("force gave the kept signature")
	}
	if again := signed(t, get(h, request)); again != forced {
		t.Error("the forced signature was not kept")
	}
}

// The best-known bug of the library this replaces: a signature that outlives its
// ticket.
func TestKeptSignatureNeverOutlivesItsTicket(t *testing.T) {
	h, c, f := keeping(t)
	first := signed(t, get(h, request))
	f.jsapi = "ticket-2"
	second := signed(t, get(h, request))
	if second.NonceStr == first.NonceStr || second.Signature != recompute("ticket-2", second) {
		t.Error("a signature of the last ticket was served")
	}
	item, err := c.Store.Get(t.Context(), keptKey(appID, origin+"/a"))
	if err != nil || !item.ExpiresAt.Equal(f.end) {
		t.Errorf("kept until %v, the ticket ends %v (%v)", item.ExpiresAt, f.end, err)
	}
}

func TestConcurrentFirstRequestsShareOneSignature(t *testing.T) {
	h, _, _ := keeping(t)
	var wg sync.WaitGroup
	all := make([]Signature, 50)
	for i := range all {
		wg.Go(func() { all[i] = signed(t, get(h, request)) })
	}
	wg.Wait()
	for _, s := range all {
		if s != all[0] {
			t.Fatalf("two signatures were given out: %+v and %+v", all[0], s)
		}
	}
}

func TestStoreFailureCostsTheKeepingOnly(t *testing.T) {
	h, c, _ := keeping(t)
	c.Fail(errors.New("throttled"))
	if s := signed(t, get(h, request)); s.Signature != recompute("ticket-1", s) {
		t.Error("the signature does not hold")
	}
}
