package message

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What anybody can send, and the exact answer. Nothing of it reaches the store
// or the sink.
func TestHostile(t *testing.T) {
	w := newFixture(t)
	sealed := func(message string) func() *http.Request { return func() *http.Request { return w.sealed(message) } }
	enclosed := func(body string) func() *http.Request {
		return func() *http.Request { return w.post(w.signed(testToken, "x"), body) }
	}
	changed := func(change func(url.Values)) func() *http.Request {
		return func() *http.Request {
			encrypted := w.key(testKey).encrypt(make([]byte, 16), textMessage, testAppID)
			query := w.signed(testToken, encrypted)
			change(query)
			return w.post(query, "<xml><Encrypt>"+encrypted+"</Encrypt></xml>")
		}
	}
	at := func(d time.Duration) func() *http.Request {
		return func() *http.Request {
			now := w.now
			defer func() { w.now = now }()
			w.now = func() time.Time { return now().Add(d) }
			return w.sealed(textMessage)
		}
	}
	for _, c := range []struct {
		name    string
		request func() *http.Request
		status  int
		code    string
	}{
		{"nothing at all", func() *http.Request { return w.post(nil, "") }, 403, "push_refused"},
		{"no body", enclosed(""), 400, "push_malformed"},
		{"no Encrypt", enclosed("<xml><a>1</a></xml>"), 403, "push_refused"},
		{"an empty Encrypt", enclosed("<xml><Encrypt></Encrypt></xml>"), 403, "push_refused"},
		{"Encrypt twice", enclosed("<xml><Encrypt>x</Encrypt><Encrypt>y</Encrypt></xml>"), 400, "push_malformed"},
		{"Encrypt is an element", enclosed("<xml><Encrypt><a>x</a></Encrypt></xml>"), 403, "push_refused"},
		{"Encrypt is a JSON object", enclosed(`{"Encrypt":{"a":"x"}}`), 403, "push_refused"},
		{"a document type", enclosed(`<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><Encrypt>&a;</Encrypt></xml>`), 400, "push_malformed"},
		{"a billion laughs", enclosed(`<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>`), 400, "push_malformed"},
		{"deep", enclosed(strings.Repeat("<xml>", 10_000)), 400, "push_malformed"},
		{"deep JSON", enclosed(strings.Repeat(`{"a":`, 10_000)), 400, "push_malformed"},
		{"many elements", enclosed("<xml><a>" + strings.Repeat("<b/>", 15_000) + "</a></xml>"), 400, "push_malformed"},
		{"many names", enclosed(manyNames(7_000)), 400, "push_malformed"},
		{"64 KiB", enclosed("<xml><Encrypt>" + strings.Repeat("A", 64<<10-len("<xml><Encrypt></Encrypt></xml>")) + "</Encrypt></xml>"), 403, "push_refused"},
		{"and a byte", enclosed(strings.Repeat(" ", 64<<10) + "x"), 413, "body_too_large"},
		{"NUL bytes", enclosed("\x00\x00\x00\x00"), 400, "push_malformed"},
		{"not UTF-8", enclosed("\xff\xfe<\x00x\x00"), 400, "push_malformed"},
		{"compressed", enclosed("\x1f\x8b\x08\x00\x00\x00\x00\x00"), 400, "push_malformed"},
		{"another charset", enclosed(`<?xml version="1.0" encoding="utf-16"?><xml><Encrypt>x</Encrypt></xml>`), 400, "push_malformed"},
		{"two documents", enclosed("<xml><Encrypt>x</Encrypt></xml><xml/>"), 400, "push_malformed"},

		{"no msg_signature", changed(func(q url.Values) { q.Del("msg_signature") }), 403, "push_refused"},
		{"the URL's signature", changed(func(q url.Values) { q.Set("msg_signature", q.Get("signature")) }), 403, "push_refused"},
		{"in capital letters", changed(func(q url.Values) { q.Set("msg_signature", strings.ToUpper(q.Get("msg_signature"))) }), 403, "push_refused"},
		{"a longer one", changed(func(q url.Values) { q.Set("msg_signature", q.Get("msg_signature")+"0") }), 403, "push_refused"},
		{"another nonce", changed(func(q url.Values) { q.Set("nonce", "2") }), 403, "push_refused"},
		{"a digit moved from nonce to timestamp", changed(func(q url.Values) { q.Set("timestamp", q.Get("timestamp")+"1"); q.Set("nonce", q.Get("nonce")[1:]) }), 403, "push_refused"},
		{"msg_signature twice", changed(func(q url.Values) { q.Add("msg_signature", "x") }), 400, "parameter_repeated"},
		{"another account", changed(func(q url.Values) { q.Set("app", "nobody") }), 404, "app_unknown"},
		{"bad encoding", func() *http.Request { r := w.sealed(textMessage); r.URL.RawQuery += "&nonce=%zz"; return r }, 400, "query_malformed"},

		{"an hour old", at(-time.Hour), 403, "push_refused"},
		{"of a year to come", at(365 * 24 * time.Hour), 403, "push_refused"},
		{"another token", func() *http.Request {
			return w.sealedWith("wrong", w.key(testKey).encrypt(make([]byte, 16), textMessage, testAppID))
		}, 403, "push_refused"},
		{"another key", func() *http.Request {
			return w.sealedWith(testToken, w.key(otherKey).encrypt(make([]byte, 16), textMessage, testAppID))
		}, 403, "push_refused"},
		{"another AppID", func() *http.Request {
			return w.sealedWith(testToken, w.key(testKey).encrypt(make([]byte, 16), textMessage, "wx0000000000000000"))
		}, 403, "push_refused"},

		// From here on only who holds the secrets can.
		{"an empty message", sealed(""), 400, "push_malformed"},
		{"not a message", sealed("hello"), 400, "push_malformed"},
		{"a document type inside", sealed("<!DOCTYPE xml><xml><a>1</a></xml>"), 400, "push_malformed"},
		{"a field twice", sealed("<xml><MsgType>text</MsgType><MsgType>event</MsgType></xml>"), 400, "push_malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want(t, c.name, w.serve(c.request()), c.status, strconv.Quote(c.code))
		})
	}
	if reads, writes := w.store.Take().Count(); reads+writes+w.sink.calls > 0 {
		t.Errorf("%d reads, %d writes, %d deliveries", reads, writes, w.sink.calls)
	}
}

// The same for an account without a key.
func TestHostileInPlainText(t *testing.T) {
	w := newFixture(t)
	w.plain()
	changed := func(change func(url.Values)) *http.Request {
		query := w.signed(testToken, "")
		change(query)
		return w.post(query, textMessage)
	}
	for _, c := range []struct {
		name string
		r    *http.Request
	}{
		{"no signature", changed(func(q url.Values) { q.Del("signature") })},
		{"another token", w.post(w.signed("wrong", ""), textMessage)},
		{"another nonce", changed(func(q url.Values) { q.Set("nonce", "2") })},
		{"another timestamp", changed(func(q url.Values) { q.Set("timestamp", strconv.FormatInt(w.now().Unix()-1, 10)) })},
		{"msg_signature", changed(func(q url.Values) { q.Set("msg_signature", q.Get("signature")); q.Del("signature") })},
		{"junk, unsigned", w.post(nil, "junk")},
	} {
		t.Run(c.name, func(t *testing.T) {
			want(t, c.name, w.serve(c.r), 403, `"push_refused"`)
		})
	}
	for _, c := range []struct {
		name string
		body string
	}{
		{"nothing", ""}, {"junk", "junk"}, {"a field twice", "<xml><a>1</a><a>2</a></xml>"}, {"a document type", "<!DOCTYPE xml><xml><a>1</a></xml>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want(t, c.name, w.serve(w.post(w.signed(testToken, ""), c.body)), 400, `"push_malformed"`)
		})
	}
	if reads, writes := w.store.Take().Count(); reads+writes+w.sink.calls > 0 {
		t.Errorf("%d reads, %d writes, %d deliveries", reads, writes, w.sink.calls)
	}
	if n := strings.Count(w.log.String(), `level=ERROR msg="push malformed" account=shop cause=`); n != 4 {
		t.Errorf("%d of 4 messages that are lost were logged as an error:\n%s", n, w.log.String())
	}
}

// A nonce may look like a time to come. Then, a year later, an old push whose
// nonce and timestamp have changed places is signed rightly, and fresh.
func TestSwappedTimestamp(t *testing.T) {
	w := newFixture(t)
	now := time.Unix(1_771_000_000, 0)
	w.now = func() time.Time { return now }
	message := strings.Replace(textMessage, "1714112445", "1771000000", 1)
	encrypted := w.key(testKey).encrypt(make([]byte, 16), message, testAppID)
	push := func(timestamp, nonce string) *http.Request {
		return w.post(url.Values{"timestamp": {timestamp}, "nonce": {nonce}, "msg_signature": {Sign(testToken, timestamp, nonce, encrypted)}}, "<xml><Encrypt>"+encrypted+"</Encrypt></xml>")
	}
	want(t, "then", w.serve(push("1771000000", "1802000000")), 200, "success")
	now = time.Unix(1_802_000_000, 0)
	want(t, "a year later", w.serve(push("1802000000", "1771000000")), 403, `"push_refused"`)
	want(t, "an old message, made new", w.serve(push("1802000000", "5")), 200, "success")
	w.sink.taken = w.sink.taken[:1]
	w.sink.only(t)
}

func manyNames(n int) string {
	var b strings.Builder
	b.WriteString("<xml>")
	for i := range n {
		b.WriteString("<a" + strconv.Itoa(i) + "/>")
	}
	return b.String()
}

// All refusals read the same, so that no check can be probed on its own.
func TestRefusalsLookAlike(t *testing.T) {
	w := newFixture(t)
	key := w.key(testKey)
	broken := key.raw(make([]byte, 64))
	var first string
	for _, c := range []struct {
		name string
		r    *http.Request
	}{
		{"signature", w.sealedWith("wrong", key.encrypt(make([]byte, 16), textMessage, testAppID))},
		{"padding", w.sealedWith(testToken, broken)},
		{"appid", w.sealedWith(testToken, key.encrypt(make([]byte, 16), textMessage, "wx0000000000000000"))},
		{"base64", w.sealedWith(testToken, "!")},
		{"plain", w.post(w.signed(testToken, ""), textMessage)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := w.serve(c.r)
			if first == "" {
				first = got.Body.String()
			}
			if got.Code != 403 || got.Body.String() != first {
				t.Errorf("%s: %d %s", c.name, got.Code, got.Body)
			}
		})
	}
	for _, check := range []string{"signature", "padding", "appid", "base64", `"not encrypted"`} {
		if !strings.Contains(w.log.String(), "check="+check) {
			t.Errorf("the log does not name %s:\n%s", check, w.log.String())
		}
	}
}

// endless is a body that counts how much of it was read.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '<'
	}
	e.read += len(p)
	return len(p), nil
}

func (e *endless) Close() error { return nil }

// A body that is too large is not read past the limit, and not at all where its
// length is known.
func TestTooLarge(t *testing.T) {
	for _, c := range []struct {
		name   string
		length int64
		most   int // bytes that may be read
	}{
		{"length unknown", -1, 64<<10 + 1},
		{"length known", 2 << 20, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newFixture(t)
			body := new(endless)
			r := w.post(w.signed(testToken, "x"), "")
			r.Body, r.ContentLength = body, c.length
			want(t, "2 MB", w.serve(r), 413, `"body_too_large"`)
			if body.read > c.most {
				t.Errorf("%d bytes were read", body.read)
			}
		})
	}
}

// What a hostile body can make us allocate is bounded by the limit of the body.
func TestMemoryIsBounded(t *testing.T) {
	body := []byte("<xml><a>" + strings.Repeat("<b/>", maxBody/4-10) + "</a></xml>")
	names := []byte(manyNames(maxBody / 8))
	for _, c := range []struct {
		name string
		body []byte
	}{{"elements", body}, {"names", names}} {
		t.Run(c.name, func(t *testing.T) {
			got := testing.Benchmark(func(b *testing.B) {
				for b.Loop() {
					if _, _, err := parse(c.body); err == nil {
						b.Fatal("accepted")
					}
				}
			})
			if got.AllocedBytesPerOp() > 16*maxBody {
				t.Errorf("%s: %d bytes for a body of %d", c.name, got.AllocedBytesPerOp(), len(c.body))
			}
		})
	}
}
