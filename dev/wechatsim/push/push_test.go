package push

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestConfig(t *testing.T) {
	good := Config{URL: "http://dev.example.com:8080/verify?app=shop", Token: "t", EncodingAESKey: testKey, AppID: appID, Mode: Secure}
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.URL = "dev.example.com/verify" }, "needs http:// or https://"},
		{func(c *Config) { c.URL = "ftp://dev.example.com/" }, "needs http:// or https://"},
		{func(c *Config) { c.URL = "http://" }, "a host"},
		{func(c *Config) { c.URL = "http://%zz" }, "a host"},
		{func(c *Config) { c.Token = "" }, "needs a Token"},
		{func(c *Config) { c.AppID = "" }, "secure mode needs an AppID"},
		{func(c *Config) { c.EncodingAESKey = "" }, "43 letters and digits"},
		{func(c *Config) { c.EncodingAESKey = testKey[1:] }, "this one has 42"},
		{func(c *Config) { c.EncodingAESKey = testKey + "A" }, "this one has 44"},
		{func(c *Config) { c.EncodingAESKey = "+" + testKey[1:] }, "letters and digits"},
		{func(c *Config) { c.Mode = 3 }, "unknown Mode(3)"},
		{func(c *Config) { c.Mode = -1 }, "unknown Mode(-1)"},
	} {
		cfg := good
		c.change(&cfg)
		_, err := New(cfg)
		mustContain(t, err, c.want)
		if err != nil && cfg.EncodingAESKey != "" && strings.Contains(err.Error(), cfg.EncodingAESKey) {
			t.Errorf("the key is in %q", err)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
	if _, err := New(Config{URL: "http://dev.example.com", Token: "t"}); err != nil {
		t.Errorf("plain mode needs no more than a URL and a token: %v", err)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(echo string) (int, string)
		want   Verdict
		reason string
	}{
		{"right", func(e string) (int, string) { return 200, e }, Accepted, "echostr came back"},
		{"in quotes", func(e string) (int, string) { return 200, `"` + e + `"` }, Refused, "more than the echostr"},
		{"newline", func(e string) (int, string) { return 200, e + "\n" }, Refused, `\n`},
		{"byte order mark", func(e string) (int, string) { return 200, "\ufeff" + e }, Refused, "byte order mark"},
		{"other", func(string) (int, string) { return 200, "success" }, Refused, "not the echostr"},
		{"empty", func(string) (int, string) { return 200, "" }, Refused, "empty"},
		{"long", func(string) (int, string) { return 200, strings.Repeat("签", 100) }, Refused, strings.Repeat("签", 60) + "…"},
		{"status", func(e string) (int, string) { return 201, e }, Refused, "status 201 instead of 200"},
		{"redirect", func(e string) (int, string) { return 302, e }, Refused, "status 302 instead of 200"},
		{"forbidden", func(e string) (int, string) { return 403, e }, Refused, "status 403"},
	} {
		p := sender(t, func(_ *http.Request, q url.Values, _ string) (int, string, error) {
			status, body := c.answer(q.Get("echostr"))
			return status, body, nil
		})
		d, err := p.Check(t.Context())
		must(t, err)
		if d.Verdict != c.want || !strings.Contains(d.Reason, c.reason) {
			t.Errorf("%s: %v: %s", c.name, d.Verdict, d.Reason)
		}
	}
	d, err := sender(t, func(*http.Request, url.Values, string) (int, string, error) { return 0, "", errReset }).Check(t.Context())
	must(t, err)
	expectVerdict(t, d, Refused, "no answer: connection reset by peer")
}

func TestCheckRequest(t *testing.T) {
	seen := 0
	p := sender(t, func(r *http.Request, q url.Values, body string) (int, string, error) {
		seen++
		names := []string{}
		for name := range q {
			names = append(names, name)
		}
		slices.Sort(names)
		if r.Method != "GET" || body != "" || r.URL.Fragment != "" || strings.Join(names, " ") != "app echostr nonce signature timestamp" {
			t.Errorf("%s %v %q", r.Method, r.URL, body)
		}
		if q.Get("signature") != sign(testToken, q.Get("timestamp"), q.Get("nonce")) {
			t.Errorf("the signature does not fit: %v", r.URL)
		}
		return 200, q.Get("echostr"), nil
	}, secure, func(c *Config) { c.URL += "?app=shop#part" })
	for range 3 {
		d, err := p.Check(t.Context())
		must(t, err)
		expectVerdict(t, d, Accepted, "")
	}
	if seen != 3 {
		t.Error(seen)
	}
}

// TestRepeats counts deliveries: WeChat repeats where there is no answer or no 200, and nowhere
// else.
func TestRepeats(t *testing.T) {
	for _, c := range []struct {
		name       string
		retries    int
		answer     func(n int) (int, string, error)
		deliveries int
		accepted   bool
	}{
		{"at once", 0, func(int) (int, string, error) { return 200, "success", nil }, 1, true},
		{"empty", 0, func(int) (int, string, error) { return 200, "", nil }, 1, true},
		{"third", 0, func(n int) (int, string, error) {
			return map[int]int{1: 500, 2: 404}[n] + b2i(n > 2)*200, "", nil
		}, 3, true},
		{"last", 0, func(n int) (int, string, error) { return 200 + b2i(n < 4), "success", nil }, 4, true},
		{"never", 0, func(int) (int, string, error) { return 503, "", nil }, 4, false},
		{"never, the other reading", 2, func(int) (int, string, error) { return 503, "", nil }, 3, false},
		{"never, none", -1, func(int) (int, string, error) { return 503, "", nil }, 1, false},
		{"broken", 0, func(int) (int, string, error) { return 0, "", errReset }, 4, false},
		{"redirect", 0, func(int) (int, string, error) { return 307, "success", nil }, 4, false},
		{"no content", 0, func(int) (int, string, error) { return 204, "", nil }, 4, false},
		{"nonsense", 0, func(int) (int, string, error) { return 200, "ok", nil }, 1, false},
		{"nonsense later", 0, func(n int) (int, string, error) { return 200 + b2i(n == 1), "ok", nil }, 2, false},
	} {
		n := 0
		p := sender(t, func(*http.Request, url.Values, string) (int, string, error) { n++; return c.answer(n) },
			func(cfg *Config) { cfg.Retries = c.retries })
		o, err := p.Push(t.Context(), text(t))
		must(t, err)
		if n != c.deliveries || len(o.Deliveries) != n || o.Accepted != c.accepted || o.Notice == c.accepted {
			t.Errorf("%s: %d requests, %+v", c.name, n, o)
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		o, err := sender(t, hangs).Push(t.Context(), text(t))
		must(t, err)
		if took := time.Since(began); took != 20*time.Second || len(o.Deliveries) != 4 || !o.Notice {
			t.Errorf("%v, %+v", took, o)
		}
		for _, d := range o.Deliveries {
			expectVerdict(t, d, Repeat, "no whole answer within 5s")
			if d.Took != 5*time.Second {
				t.Error(d.Took)
			}
		}
	})
}

// TestCutOfSlowBodies: the cut is on the whole answer, not on its head.
func TestCutOfSlowBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			takes time.Duration
			want  Verdict
		}{{4999 * time.Millisecond, Accepted}, {5001 * time.Millisecond, Repeat}} {
			p := sender(t, nil, func(cfg *Config) { cfg.HTTPClient.Transport = slowBody(c.takes) })
			d := deliver(t, p)
			if d.Verdict != c.want {
				t.Errorf("%v: %v: %s", c.takes, d.Verdict, d.Reason)
			}
		}
	})
}

// slowBody answers at once with the first half of a body; the rest comes after that time.
type slowBody time.Duration

func (s slowBody) RoundTrip(r *http.Request) (*http.Response, error) {
	rest := &slowRest{Reader: strings.NewReader("cess"), ctx: r.Context(), after: time.Duration(s)}
	body := io.NopCloser(io.MultiReader(strings.NewReader("suc"), rest))
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: body}, nil
}

type slowRest struct {
	*strings.Reader
	ctx   context.Context
	after time.Duration
}

func (r *slowRest) Read(p []byte) (int, error) {
	if err := wait(r.ctx, r.after); err != nil {
		return 0, err
	}
	r.after = 0
	return r.Reader.Read(p)
}

func TestGapAndTimeoutSwitches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p := sender(t, hangs, func(c *Config) { c.Timeout, c.Retries, c.RetryGap = 2*time.Second, 2, 7*time.Second })
		o, err := p.Push(t.Context(), text(t))
		must(t, err)
		if took := time.Since(began); took != (3*2+2*7)*time.Second || len(o.Deliveries) != 3 {
			t.Errorf("%v, %d deliveries", took, len(o.Deliveries))
		}
	})
}

// TestEndsWithItsContext, which is not the developer's fault: no verdict, no repeat.
func TestEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		o, err := sender(t, hangs).Push(ctx, text(t))
		if !errors.Is(err, context.DeadlineExceeded) || len(o.Deliveries) != 1 {
			t.Errorf("%v, %+v", err, o)
		}
	})
	if _, err := sender(t, hangs).Check(ended(t)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	p := sender(t, says(500, ""), func(c *Config) { c.RetryGap = time.Hour })
	if _, err := p.Push(ended(t), text(t)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNonces(t *testing.T) {
	for _, same := range []bool{false, true} {
		var urls, bodies []string
		now := start
		p := sender(t, func(r *http.Request, _ url.Values, body string) (int, string, error) {
			urls, bodies = append(urls, r.URL.String()), append(bodies, body)
			return 500, "", nil
		}, secure, func(c *Config) {
			c.SameNonce = same
			c.Now = func() time.Time { now = now.Add(time.Second); return now }
		})
		o, err := p.Push(t.Context(), text(t))
		must(t, err)
		distinct := map[string]bool{}
		for _, d := range o.Deliveries {
			distinct[d.Nonce] = true
			distinct[d.Timestamp] = true
		}
		want, wantURLs := 8, 4
		if same {
			want, wantURLs = 2, 1
		}
		slices.Sort(urls)
		slices.Sort(bodies)
		if len(distinct) != want || len(slices.Compact(urls)) != wantURLs || len(slices.Compact(bodies)) != wantURLs {
			t.Errorf("SameNonce %v: %d nonces and timestamps, %d URLs", same, len(distinct), len(slices.Compact(urls)))
		}
	}
}

// TestOverASocket: what a server sees of it, redirects included.
func TestOverASocket(t *testing.T) {
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type"))
		if r.ContentLength != int64(len(body)) {
			t.Errorf("a length of %d for %d bytes", r.ContentLength, len(body))
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	p, err := New(Config{URL: server.URL + "/verify", Token: "t", Retries: -1})
	must(t, err)
	o, err := p.Push(t.Context(), text(t))
	must(t, err)
	expectVerdict(t, o.Deliveries[0], Repeat, "status 307")
	if strings.Join(seen, ",") != "POST /verify text/xml" {
		t.Error(seen)
	}
	if http.DefaultClient.CheckRedirect != nil {
		t.Error("the default client was changed")
	}
	server.Close()
	o, err = p.Push(t.Context(), text(t))
	must(t, err)
	expectVerdict(t, o.Deliveries[0], Repeat, "no answer: dial tcp")
}
