package message

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestCheckIsAnsweredOnlyWhenSigned(t *testing.T) {
	w := newFixture(t)
	query := func(change func(url.Values)) url.Values {
		q := w.signed(testToken, "")
		q.Set("echostr", "4375120948345356249")
		if change != nil {
			change(q)
		}
		return q
	}
	sign := func(q url.Values) { q.Set("signature", Sign(testToken, q.Get("timestamp"), q.Get("nonce"))) }
	at := func(d time.Duration) func(url.Values) {
		return func(q url.Values) {
			q.Set("timestamp", strconv.FormatInt(w.now().Add(d).Unix(), 10))
			sign(q)
		}
	}
	now := time.Now()
	w.now = func() time.Time { return now }
	for _, c := range []struct {
		name   string
		change func(url.Values)
		status int
		part   string
	}{
		{"right", nil, 200, "4375120948345356249"},
		{"as a browser would open it", func(q url.Values) { clear(q) }, 403, `"signature_invalid"`},
		{"capital letters", func(q url.Values) { q.Set("signature", strings.ToUpper(q.Get("signature"))) }, 403, `"signature_invalid"`},
		{"another nonce", func(q url.Values) { q.Set("nonce", "2") }, 403, `"signature_invalid"`},
		{"a window ago", at(-10 * time.Minute), 200, "4375120948345356249"},
		{"a second earlier", at(-10*time.Minute - time.Second), 403, `"timestamp_stale"`},
		{"a window ahead", at(10 * time.Minute), 200, "4375120948345356249"},
		{"a second later", at(10*time.Minute + time.Second), 403, `"timestamp_stale"`},
		{"no number", func(q url.Values) { q.Set("timestamp", "now"); sign(q) }, 403, `"timestamp_stale"`},
		{"a number past all bounds", func(q url.Values) { q.Set("timestamp", "9223372036854775807"); sign(q) }, 403, `"timestamp_stale"`},
		{"one that would overflow", func(q url.Values) {
			q.Set("timestamp", strconv.FormatInt(math.MinInt64+w.now().Unix(), 10))
			sign(q)
		}, 403, `"timestamp_stale"`},
		{"and below", func(q url.Values) { q.Set("timestamp", "-9223372036854775808"); sign(q) }, 403, `"timestamp_stale"`},
		{"a long nonce", func(q url.Values) { q.Set("nonce", strings.Repeat("1", maxNonce+1)); sign(q) }, 403, `"timestamp_stale"`},
		{"markup", func(q url.Values) { q.Set("echostr", "<script>alert(1)</script>") }, 403, `"echostr_invalid"`},
		{"empty", func(q url.Values) { q.Del("echostr") }, 403, `"echostr_invalid"`},
		{"long", func(q url.Values) { q.Set("echostr", strings.Repeat("1", 257)) }, 403, `"echostr_invalid"`},
		{"twice", func(q url.Values) { q["nonce"] = []string{"1", "2"} }, 400, `"parameter_repeated"`},
		{"the other account's token", func(q url.Values) { q.Set("app", "nobody") }, 404, `"app_unknown"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			want(t, c.name, w.serve(w.get(query(c.change))), c.status, c.part)
		})
	}
	if reads, writes := w.store.Take().Count(); reads+writes+w.sink.calls > 0 {
		t.Errorf("%d reads, %d writes, %d deliveries for checks", reads, writes, w.sink.calls)
	}
}
