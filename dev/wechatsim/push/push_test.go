package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim/wait"
)

func TestNewChecksTheConfig(t *testing.T) {
	good := Config{URL: "http://dev.example.com:8080/verify?app=shop", Token: "t", EncodingAESKey: testKey, AppID: appID, Mode: Secure}
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"URL without a scheme", func(c *Config) { c.URL = "dev.example.com/verify" }, "needs http:// or https://"},
		{"ftp URL", func(c *Config) { c.URL = "ftp://dev.example.com/" }, "needs http:// or https://"},
		{"URL without a host", func(c *Config) { c.URL = "http://" }, "a host"},
		{"broken URL", func(c *Config) { c.URL = "http://%zz" }, "a host"},
		{"no token", func(c *Config) { c.Token = "" }, "needs a Token"},
		{"no appid", func(c *Config) { c.AppID = "" }, "secure mode needs an AppID"},
		{"no key", func(c *Config) { c.EncodingAESKey = "" }, "43 letters and digits"},
		{"short key", func(c *Config) { c.EncodingAESKey = testKey[1:] }, "this one has 42"},
		{"long key", func(c *Config) { c.EncodingAESKey = testKey + "A" }, "this one has 44"},
		{"key with a plus", func(c *Config) { c.EncodingAESKey = "+" + testKey[1:] }, "letters and digits"},
		{"mode 3", func(c *Config) { c.Mode = 3 }, "unknown Mode(3)"},
		{"mode -1", func(c *Config) { c.Mode = -1 }, "unknown Mode(-1)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := good
			c.change(&cfg)
			_, err := New(cfg)
			mustContain(t, err, c.want)
			if err != nil && cfg.EncodingAESKey != "" && strings.Contains(err.Error(), cfg.EncodingAESKey) {
				t.Errorf("the key is in %q", err)
			}
		})
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
	if _, err := New(Config{URL: "http://dev.example.com", Token: "t"}); err != nil {
		t.Errorf("plain mode needs no more than a URL and a token: %v", err)
	}
}

func TestCheckOfAnswers(t *testing.T) {
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
		t.Run(c.name, func(t *testing.T) {
			p := newSender(t, func(_ *http.Request, q url.Values, _ string) (int, string, error) {
				status, body := c.answer(q.Get("echostr"))
				return status, body, nil
			})
			d, err := p.Check(t.Context())
			must(t, err)
			if d.Verdict != c.want || !strings.Contains(d.Reason, c.reason) {
				t.Errorf("%v: %s", d.Verdict, d.Reason)
			}
		})
	}
}

func TestCheckWithoutAnAnswer(t *testing.T) {
	d, err := newSender(t, func(*http.Request, url.Values, string) (int, string, error) { return 0, "", errReset }).Check(t.Context())
	must(t, err)
	expectVerdict(t, d, Refused, "no answer: connection reset by peer")
}

func TestCheckRequest(t *testing.T) {
	seen := 0
	p := newSender(t, func(r *http.Request, q url.Values, body string) (int, string, error) {
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

// WeChat repeats a push only if there is no answer, or another status than 200.
func TestRepeats(t *testing.T) {
	for _, c := range []struct {
		name       string
		retries    int
		answer     func(n int) (int, string, error)
		deliveries int
		accepted   bool
	}{
		{"accepted at once", 0, func(int) (int, string, error) { return 200, "success", nil }, 1, true},
		{"empty answer", 0, func(int) (int, string, error) { return 200, "", nil }, 1, true},
		{"accepted at the third delivery", 0, func(n int) (int, string, error) {
			return map[int]int{1: 500, 2: 404}[n] + toInt(n > 2)*200, "", nil
		}, 3, true},
		{"accepted at the last delivery", 0, func(n int) (int, string, error) { return 200 + toInt(n < 4), "success", nil }, 4, true},
		{"never accepted", 0, func(int) (int, string, error) { return 503, "", nil }, 4, false},
		{"never accepted, two retries", 2, func(int) (int, string, error) { return 503, "", nil }, 3, false},
		{"never accepted, no retries", -1, func(int) (int, string, error) { return 503, "", nil }, 1, false},
		{"broken connection", 0, func(int) (int, string, error) { return 0, "", errReset }, 4, false},
		{"redirect", 0, func(int) (int, string, error) { return 307, "success", nil }, 4, false},
		{"no content", 0, func(int) (int, string, error) { return 204, "", nil }, 4, false},
		{"wrong answer", 0, func(int) (int, string, error) { return 200, "ok", nil }, 1, false},
		{"wrong answer at the second delivery", 0, func(n int) (int, string, error) { return 200 + toInt(n == 1), "ok", nil }, 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			p := newSender(t, func(*http.Request, url.Values, string) (int, string, error) { n++; return c.answer(n) },
				func(cfg *Config) { cfg.Retries = c.retries })
			o, err := p.Push(t.Context(), text(t))
			must(t, err)
			if n != c.deliveries || len(o.Deliveries) != n || o.Accepted != c.accepted || o.Notice == c.accepted {
				t.Errorf("%d requests, %+v", n, o)
			}
		})
	}
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		o, err := newSender(t, neverAnswers).Push(t.Context(), text(t))
		must(t, err)
		if took := time.Since(start); took != 20*time.Second || len(o.Deliveries) != 4 || !o.Notice {
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

// The timeout is for the whole answer, not for its header.
func TestTimeoutOfSlowBodies(t *testing.T) {
	for _, c := range []struct {
		takes time.Duration
		want  Verdict
	}{{4999 * time.Millisecond, Accepted}, {5001 * time.Millisecond, Repeat}} {
		t.Run(c.takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newSender(t, nil, func(cfg *Config) { cfg.HTTPClient.Transport = slowBody(c.takes) })
				if d := deliver(t, p); d.Verdict != c.want {
					t.Errorf("%v: %s", d.Verdict, d.Reason)
				}
			})
		})
	}
}

// slowBody answers the first half of a body at once, and the rest after that time.
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
	if err := wait.For(r.ctx, r.after); err != nil {
		return 0, err
	}
	r.after = 0
	return r.Reader.Read(p)
}

func TestTimeoutAndRetrySwitches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := newSender(t, neverAnswers, func(c *Config) { c.Timeout, c.Retries, c.RetryGap = 2*time.Second, 2, 7*time.Second })
		o, err := p.Push(t.Context(), text(t))
		must(t, err)
		if took := time.Since(start); took != (3*2+2*7)*time.Second || len(o.Deliveries) != 3 {
			t.Errorf("%v, %d deliveries", took, len(o.Deliveries))
		}
	})
}

// When the context ends there is no verdict and no repeat: the developer's server did not fail.
func TestPushEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		o, err := newSender(t, neverAnswers).Push(ctx, text(t))
		if !errors.Is(err, context.DeadlineExceeded) || len(o.Deliveries) != 1 {
			t.Errorf("%v, %+v", err, o)
		}
	})
	if _, err := newSender(t, neverAnswers).Check(cancelledContext(t)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	p := newSender(t, answers(500, ""), func(c *Config) { c.RetryGap = time.Hour })
	if _, err := p.Push(cancelledContext(t), text(t)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNoncesOfRepeats(t *testing.T) {
	for _, same := range []bool{false, true} {
		t.Run(fmt.Sprintf("SameNonce=%v", same), func(t *testing.T) {
			var urls, bodies []string
			now := start
			p := newSender(t, func(r *http.Request, _ url.Values, body string) (int, string, error) {
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
				t.Errorf("%d nonces and timestamps, %d URLs", len(distinct), len(slices.Compact(urls)))
			}
		})
	}
}

// A server gets one request for a delivery, and redirects are not followed.
func TestPushOverASocket(t *testing.T) {
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
