package wechat_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/wechat"
)

const okTicket = `{"errcode":0,"errmsg":"ok","ticket":"TICKET","expires_in":7200}`

// trip is a transport made of answers, one an attempt; the last one repeats.
type trip struct {
	answers []func(*http.Request) (*http.Response, error)
	seen    []*http.Request
	times   []time.Time
}

func (f *trip) RoundTrip(r *http.Request) (*http.Response, error) {
	f.seen, f.times = append(f.seen, r), append(f.times, time.Now())
	return f.answers[min(len(f.seen), len(f.answers))-1](r)
}

func body(status int, text string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) { return reader(status, strings.NewReader(text))(r) }
}

func reader(status int, b io.Reader) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(b), Request: r}, nil
	}
}

func broken(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }

func silent(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func clientOf(t *testing.T, answers ...func(*http.Request) (*http.Response, error)) (*wechat.Client, *trip) {
	t.Helper()
	f := &trip{answers: answers}
	c, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: &http.Client{Transport: f}})
	if err != nil {
		t.Fatal(err)
	}
	return c, f
}

// verbs are all calls, by name, with what may be repeated.
var verbs = []struct {
	name   string
	repeat bool
	call   func(context.Context, *wechat.Client) error
}{
	{"ticket", true, func(ctx context.Context, c *wechat.Client) error {
		_, err := c.Ticket(ctx, "TOKEN", wechat.JSAPI)
		return err
	}},
	{"stable", true, func(ctx context.Context, c *wechat.Client) error {
		_, err := c.StableToken(ctx, "wx1", "SECRET", false)
		return err
	}},
	{"forced", false, func(ctx context.Context, c *wechat.Client) error {
		_, err := c.StableToken(ctx, "wx1", "SECRET", true)
		return err
	}},
	{"classic", false, func(ctx context.Context, c *wechat.Client) error {
		_, err := c.ClassicToken(ctx, "wx1", "SECRET")
		return err
	}},
	{"clear quota", false, func(ctx context.Context, c *wechat.Client) error {
		return c.ClearQuota(ctx, "wx1", "SECRET")
	}},
	{"callback IPs", true, func(ctx context.Context, c *wechat.Client) error {
		_, err := c.CallbackIPs(ctx, "TOKEN")
		return err
	}},
	{"domain IPs", true, func(ctx context.Context, c *wechat.Client) error {
		_, err := c.APIDomainIPs(ctx, "TOKEN")
		return err
	}},
	{"exchange", false, func(ctx context.Context, c *wechat.Client) error {
		_, err := c.ExchangeCode(ctx, "wx1", "SECRET", "CODE")
		return err
	}},
	{"refresh user", true, func(ctx context.Context, c *wechat.Client) error {
		_, err := c.RefreshUserToken(ctx, "wx1", "REFRESH")
		return err
	}},
	{"user info", true, func(ctx context.Context, c *wechat.Client) error {
		_, err := c.UserInfo(ctx, "TOKEN", "OPENID", "")
		return err
	}},
	{"check user", true, func(ctx context.Context, c *wechat.Client) error {
		return c.CheckUserToken(ctx, "TOKEN", "OPENID")
	}},
	{"mini session", false, func(ctx context.Context, c *wechat.Client) error {
		_, err := c.CodeToSession(ctx, "wx1", "SECRET", "CODE")
		return err
	}},
	{"phone", false, func(ctx context.Context, c *wechat.Client) error {
		_, err := c.PhoneNumber(ctx, "TOKEN", "CODE", "OPENID")
		return err
	}},
	{"check session", true, func(ctx context.Context, c *wechat.Client) error {
		return c.CheckSessionKey(ctx, "TOKEN", "OPENID", "KEY")
	}},
	{"reset session", false, func(ctx context.Context, c *wechat.Client) error {
		_, err := c.ResetSessionKey(ctx, "TOKEN", "OPENID", "KEY")
		return err
	}},
}

// TestPassingFaultsAreRetriedOnce: exactly one more attempt after a failure that may pass, for calls that may be
// repeated; none else.
func TestPassingFaultsAreRetriedOnce(t *testing.T) {
	for _, fault := range []struct {
		name   string
		passes bool
		answer func(*http.Request) (*http.Response, error)
	}{
		{"transport", true, broken},
		{"timeout", true, silent},
		{"body breaks off", true, reader(200, io.MultiReader(strings.NewReader("{"), failing{}))},
		{"HTTP 500", true, body(500, "")},
		{"HTTP 503", true, body(503, okTicket)},
		{"busy", true, body(200, `{"errcode":-1,"errmsg":"system error"}`)},
		{"HTTP 404", false, body(404, "")},
		{"redirect", false, body(302, "")},
		{"HTML page", false, body(200, "<html>")},
		{"secret", false, body(200, `{"errcode":40125,"errmsg":"x"}`)},
		{"quota", false, body(200, `{"errcode":45009,"errmsg":"x"}`)},
		{"minute quota", false, body(200, `{"errcode":45011,"errmsg":"x"}`)},
		{"invalid token", false, body(200, `{"errcode":40001,"errmsg":"x"}`)},
	} {
		t.Run(fault.name, func(t *testing.T) {
			for _, verb := range verbs {
				synctest.Test(t, func(t *testing.T) {
					c, f := clientOf(t, fault.answer)
					err := verb.call(t.Context(), c)
					want := 1
					if fault.passes && verb.repeat {
						want = 2
					}
					if err == nil || len(f.seen) != want {
						t.Errorf("%s, %s: %d attempts, want %d (%v)", fault.name, verb.name, len(f.seen), want, err)
					}
				})
			}
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestSecondAttemptWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 50 {
			c, f := clientOf(t, broken, body(200, okTicket))
			ticket, err := c.Ticket(t.Context(), "TOKEN", wechat.JSAPI)
			if err != nil || ticket.Value != "TICKET" || ticket.ExpiresIn != 2*time.Hour {
				t.Fatalf("%v, %v", ticket, err)
			}
			if pause := f.times[1].Sub(f.times[0]); pause < 100*time.Millisecond || pause > 300*time.Millisecond {
				t.Errorf("pause %v", pause)
			}
		}
	})
}

func TestAttemptEndsAfterFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, f := clientOf(t, silent)
		start := time.Now()
		_, err := c.ClassicToken(t.Context(), "wx1", "SECRET")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		var e *wechat.Error
		if !errors.As(err, &e) || e.Class() != wechat.ClassBusy || e.Status != 0 || e.Code != 0 {
			t.Errorf("%+v", e)
		}
		if _, err = c.Ticket(t.Context(), "TOKEN", wechat.JSAPI); len(f.seen) != 3 {
			t.Errorf("%d attempts: %v", len(f.seen), err)
		}
	})
}

// TestSlowBodyCountsAsTime: the five seconds cover the body too.
func TestSlowBodyCountsAsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := clientOf(t, func(r *http.Request) (*http.Response, error) { return reader(200, stuck{r.Context()})(r) })
		start := time.Now()
		_, err := c.ClassicToken(t.Context(), "wx1", "SECRET")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

type stuck struct{ ctx context.Context }

func (s stuck) Read([]byte) (int, error) { <-s.ctx.Done(); return 0, s.ctx.Err() }

// TestNoRetryWithoutTime: with less than the pause and a second left, a second attempt is not begun.
func TestNoRetryWithoutTime(t *testing.T) {
	for _, c := range []struct {
		left     time.Duration
		attempts int
	}{{50 * time.Millisecond, 1}, {1100*time.Millisecond - 1, 1}, {1300 * time.Millisecond, 2}, {time.Minute, 2}} {
		t.Run(c.left.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.left)
				defer cancel()
				start := time.Now()
				client, f := clientOf(t, broken)
				_, err := client.Ticket(ctx, "TOKEN", wechat.JSAPI)
				if err == nil || len(f.seen) != c.attempts {
					t.Errorf("%v left: %d attempts", c.left, len(f.seen))
				}
				if c.attempts == 1 && time.Since(start) != 0 {
					t.Errorf("%v left: waited %v for nothing", c.left, time.Since(start))
				}
			})
		})
	}
}

func TestCancelledWhilePausing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c, f := clientOf(t, broken)
		time.AfterFunc(50*time.Millisecond, cancel)
		start := time.Now()
		if _, err := c.Ticket(ctx, "TOKEN", wechat.JSAPI); err == nil || len(f.seen) != 1 {
			t.Errorf("%d attempts: %v", len(f.seen), err)
		}
		if time.Since(start) != 50*time.Millisecond {
			t.Errorf("returned after %v", time.Since(start))
		}
	})
}

func TestCancelledContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, verb := range verbs {
		c, f := clientOf(t, silent)
		if err := verb.call(ctx, c); !errors.Is(err, context.Canceled) || len(f.seen) > 1 {
			t.Errorf("%s: %d attempts, %v", verb.name, len(f.seen), err)
		}
	}
}

// TestUnexpectedAnswers: what is not WeChat's protocol is busy, not a credential.
func TestUnexpectedAnswers(t *testing.T) {
	for _, row := range []struct {
		name string
		text string
	}{
		{"empty", ""},
		{"no credential", `{"errcode":0,"errmsg":"ok","expires_in":7200}`},
		{"empty values", `{"access_token":"","ticket":"","ip_list":[],"expires_in":7200}`},
		{"no lifetime", `{"access_token":"T","ticket":"T"}`},
		{"zero lifetime", `{"access_token":"T","ticket":"T","expires_in":0}`},
		{"negative lifetime", `{"access_token":"T","ticket":"T","expires_in":-1}`},
		{"more than a day", `{"access_token":"T","ticket":"T","expires_in":86401}`},
		{"absurd lifetime", `{"access_token":"T","ticket":"T","expires_in":9223372036854775807}`},
		{"too large", fmt.Sprintf(`{"access_token":"T","ticket":"T","expires_in":7200,"x":"%s"}`, strings.Repeat("x", 64<<10))},
		{"padded", `{"access_token":"T","ticket":"T","expires_in":7200}` + strings.Repeat(" ", 64<<10)},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, verb := range verbs {
				if verb.name == "clear quota" && row.text != "" && len(row.text) < 64<<10 || strings.HasPrefix(verb.name, "check ") && row.name == "no credential" {
					continue // it needs no credential in the answer
				}
				c, _ := clientOf(t, body(200, row.text))
				err := verb.call(t.Context(), c)
				var e *wechat.Error
				if !errors.As(err, &e) || e.Class() != wechat.ClassBusy || e.Code != 0 || e.Status != 200 {
					t.Errorf("%s, %s: %v", row.name, verb.name, err)
				}
			}
		})
	}
}

func TestLongestAnswerAndLifetimeAreAccepted(t *testing.T) {
	const head = `{"ticket":"T","expires_in":86400,"x":"`
	c, _ := clientOf(t, body(200, head+strings.Repeat("x", 64<<10-len(head)-2)+`"}`))
	ticket, err := c.Ticket(t.Context(), "TOKEN", wechat.WXCard)
	if err != nil || ticket.ExpiresIn != 24*time.Hour {
		t.Errorf("%v, %v", ticket, err)
	}
}

func TestFailureCarriesNoCredential(t *testing.T) {
	c, _ := clientOf(t, body(200, `{"access_token":"T","ticket":"T","expires_in":0}`))
	if token, err := c.ClassicToken(t.Context(), "wx1", "SECRET"); err == nil || token.Value != "" {
		t.Error("a token along with an error")
	}
	if ticket, err := c.Ticket(t.Context(), "TOKEN", wechat.JSAPI); err == nil || ticket.Value != "" {
		t.Error("a ticket along with an error")
	}
}

// TestRequests: what goes over the wire, with values that have to be escaped.
func TestRequests(t *testing.T) {
	const odd = "a+b&c=d %2F\"é<"
	ctx := t.Context()
	for _, c := range []struct {
		name, method, path string
		query              map[string]string
		body               string
		call               func(*wechat.Client)
	}{
		{"stable", "POST", "/cgi-bin/stable_token", nil,
			`{"grant_type":"client_credential","appid":"wx1","secret":"a+b\u0026c=d %2F\"é\u003c","force_refresh":false}`,
			func(c *wechat.Client) { _, _ = c.StableToken(ctx, "wx1", odd, false) }},
		{"forced", "POST", "/cgi-bin/stable_token", nil,
			`{"grant_type":"client_credential","appid":"wx1","secret":"s","force_refresh":true}`,
			func(c *wechat.Client) { _, _ = c.StableToken(ctx, "wx1", "s", true) }},
		{"classic", "GET", "/cgi-bin/token", map[string]string{"grant_type": "client_credential", "appid": "wx1", "secret": odd}, "",
			func(c *wechat.Client) { _, _ = c.ClassicToken(ctx, "wx1", odd) }},
		{"ticket", "GET", "/cgi-bin/ticket/getticket", map[string]string{"access_token": odd, "type": "wx_card"}, "",
			func(c *wechat.Client) { _, _ = c.Ticket(ctx, odd, wechat.WXCard) }},
		{"clear", "POST", "/cgi-bin/clear_quota/v2", nil, `{"appid":"wx1","appsecret":"s"}`,
			func(c *wechat.Client) { _ = c.ClearQuota(ctx, "wx1", "s") }},
		{"callback", "GET", "/cgi-bin/getcallbackip", map[string]string{"access_token": odd}, "",
			func(c *wechat.Client) { _, _ = c.CallbackIPs(ctx, odd) }},
		{"domain", "GET", "/cgi-bin/get_api_domain_ip", map[string]string{"access_token": odd}, "",
			func(c *wechat.Client) { _, _ = c.APIDomainIPs(ctx, odd) }},
		{"exchange", "GET", "/sns/oauth2/access_token",
			map[string]string{"appid": "wx1", "secret": odd, "code": odd, "grant_type": "authorization_code"}, "",
			func(c *wechat.Client) { _, _ = c.ExchangeCode(ctx, "wx1", odd, odd) }},
		{"refresh user", "GET", "/sns/oauth2/refresh_token",
			map[string]string{"appid": "wx1", "grant_type": "refresh_token", "refresh_token": odd}, "",
			func(c *wechat.Client) { _, _ = c.RefreshUserToken(ctx, "wx1", odd) }},
		{"user info", "GET", "/sns/userinfo", map[string]string{"access_token": odd, "openid": "o", "lang": "zh_CN"}, "",
			func(c *wechat.Client) { _, _ = c.UserInfo(ctx, odd, "o", "") }},
		{"user info in English", "GET", "/sns/userinfo", map[string]string{"access_token": odd, "openid": odd, "lang": "en"}, "",
			func(c *wechat.Client) { _, _ = c.UserInfo(ctx, odd, odd, "en") }},
		{"check user", "GET", "/sns/auth", map[string]string{"access_token": odd, "openid": odd}, "",
			func(c *wechat.Client) { _ = c.CheckUserToken(ctx, odd, odd) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sent string
			client, f := clientOf(t, func(r *http.Request) (*http.Response, error) {
				b, _ := io.ReadAll(r.Body)
				sent = string(b)
				return body(200, "{}")(r)
			})
			c.call(client)
			r := f.seen[0]
			if r.Method != c.method || r.URL.Path != c.path || r.URL.Host != "api.weixin.qq.com" || r.URL.Scheme != "https" || sent != c.body {
				t.Errorf("%s: %s %s %s", c.name, r.Method, r.URL, sent)
			}
			if len(r.URL.Query()) != len(c.query) {
				t.Errorf("%s: query %v", c.name, r.URL.Query())
			}
			for k, v := range c.query {
				if r.URL.Query().Get(k) != v {
					t.Errorf("%s: %s is %q", c.name, k, r.URL.Query().Get(k))
				}
			}
		})
	}
}
