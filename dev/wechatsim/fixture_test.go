package wechatsim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	appID  = "wx0000000000000001"
	other  = "wx0000000000000002"
	secret = "secret-1"
)

// start is noon in China, on a point of the ticket grid.
var start = time.Unix(1714536000, 0)

// world is a simulator, its clock, and ways to ask it without the client under test elsewhere.
type fixture struct {
	*Sim
	t  *testing.T
	mu sync.Mutex
	at time.Time
}

func newFixture(t *testing.T, change ...func(*Config)) *fixture {
	t.Helper()
	w := &fixture{t: t, at: start}
	cfg := Config{Now: w.clock, Apps: []App{{ID: appID, Secret: secret}, {ID: other, Secret: "secret-2"}}}
	for _, f := range change {
		f(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.Sim = s
	return w
}

func with(f func(*Switches)) func(*Config) { return func(c *Config) { f(&c.Switches) } }

func (w *fixture) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *fixture) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func (w *fixture) advanceTo(t time.Time) { w.advance(t.Sub(w.clock())) }

// reply is a JSON answer; code is -2 when there was none.
type reply struct {
	status      int
	contentType string
	text        string
	code        int
	message     string
	token       string
	ticket      string
	expiresIn        int
}

func (w *fixture) ask(method, path string, query url.Values, body any) reply {
	w.t.Helper()
	res, err := w.try(context.Background(), method, path, query, body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res
}

func (w *fixture) try(ctx context.Context, method, path string, query url.Values, body any) (reply, error) {
	var b bytes.Buffer
	if s, raw := body.(string); raw {
		b.WriteString(s)
	} else if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			return reply{}, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "https://api.weixin.qq.com"+path+"?"+query.Encode(), &b)
	if err != nil {
		return reply{}, err
	}
	res, err := w.Client().Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, err
	}
	return read(res, text), nil
}

func read(res *http.Response, text []byte) reply {
	var f struct {
		Code    any    `json:"errcode"`
		Message string `json:"errmsg"`
		Token   string `json:"access_token"`
		Ticket  string `json:"ticket"`
		ExpiresIn    int    `json:"expires_in"`
	}
	r := reply{status: res.StatusCode, contentType: res.Header.Get("Content-Type"), text: string(text), code: -2}
	if json.Unmarshal(text, &f) == nil {
		r.message, r.token, r.ticket, r.expiresIn, r.code = f.Message, f.Token, f.Ticket, f.ExpiresIn, 0
		if n, ok := f.Code.(float64); ok {
			r.code = int(n)
		}
	}
	return r
}

func (w *fixture) classic() reply {
	w.t.Helper()
	return w.ask("GET", PathToken, url.Values{"grant_type": {"client_credential"}, "appid": {appID}, "secret": {secret}}, nil)
}

func (w *fixture) stable(force bool) reply {
	w.t.Helper()
	return w.ask("POST", PathStableToken, nil, map[string]any{
		"grant_type": "client_credential", "appid": appID, "secret": secret, "force_refresh": force,
	})
}

func (w *fixture) fetchTicket(token, typ string) reply {
	w.t.Helper()
	return w.ask("GET", PathTicket, url.Values{"access_token": {token}, "type": {typ}}, nil)
}

// ticket fetches a jsapi ticket with a token that is good.
func (w *fixture) ticket() string {
	w.t.Helper()
	r := w.fetchTicket(w.stable(false).token, "jsapi")
	if r.ticket == "" {
		w.t.Fatalf("no ticket: %+v", r)
	}
	return r.ticket
}

func (r reply) expect(t *testing.T, code int) {
	t.Helper()
	if r.code != code || code != 0 && (r.status != 200 || r.message == "" || r.token+r.ticket != "") {
		t.Errorf("want errcode %d: %+v", code, r)
	}
}

func (w *fixture) expectToken(token string, want bool) {
	w.t.Helper()
	if w.TokenValid(appID, token) != want {
		w.t.Errorf("token alive: %v, want %v", !want, want)
	}
	code := w.ask("GET", PathCallbackIPs, url.Values{"access_token": {token}}, nil).code
	if (code == 0) != want {
		w.t.Errorf("a call with the token: errcode %d, want it to pass: %v", code, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustContain(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}
