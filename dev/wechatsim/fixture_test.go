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

// fixture is a simulator, its clock, and methods that call it without the product's client.
type fixture struct {
	*Sim
	t  *testing.T
	mu sync.Mutex
	at time.Time
}

func newFixture(t *testing.T, change ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, at: start}
	cfg := Config{Now: f.clock, Apps: []App{{ID: appID, Secret: secret}, {ID: other, Secret: "secret-2"}}}
	for _, apply := range change {
		apply(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.Sim = s
	return f
}

func with(change func(*Switches)) func(*Config) { return func(c *Config) { change(&c.Switches) } }

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (f *fixture) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = f.at.Add(d)
}

func (f *fixture) advanceTo(t time.Time) { f.advance(t.Sub(f.clock())) }

// reply is a JSON answer; code is -2 when the answer was none.
type reply struct {
	status      int
	contentType string
	text        string
	code        int
	message     string
	token       string
	ticket      string
	expiresIn   int
}

func (f *fixture) ask(method, path string, query url.Values, body any) reply {
	f.t.Helper()
	res, err := f.try(context.Background(), method, path, query, body)
	if err != nil {
		f.t.Fatal(err)
	}
	return res
}

func (f *fixture) try(ctx context.Context, method, path string, query url.Values, body any) (reply, error) {
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
	res, err := f.Client().Do(req)
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
		Code      any    `json:"errcode"`
		Message   string `json:"errmsg"`
		Token     string `json:"access_token"`
		Ticket    string `json:"ticket"`
		ExpiresIn int    `json:"expires_in"`
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

func (f *fixture) classic() reply {
	f.t.Helper()
	return f.ask("GET", PathToken, url.Values{"grant_type": {"client_credential"}, "appid": {appID}, "secret": {secret}}, nil)
}

func (f *fixture) stable(force bool) reply {
	f.t.Helper()
	return f.ask("POST", PathStableToken, nil, map[string]any{
		"grant_type": "client_credential", "appid": appID, "secret": secret, "force_refresh": force,
	})
}

func (f *fixture) fetchTicket(token, typ string) reply {
	f.t.Helper()
	return f.ask("GET", PathTicket, url.Values{"access_token": {token}, "type": {typ}}, nil)
}

// ticket fetches a jsapi ticket with a valid token.
func (f *fixture) ticket() string {
	f.t.Helper()
	r := f.fetchTicket(f.stable(false).token, "jsapi")
	if r.ticket == "" {
		f.t.Fatalf("no ticket: %+v", r)
	}
	return r.ticket
}

func (r reply) expect(t *testing.T, code int) {
	t.Helper()
	if r.code != code || code != 0 && (r.status != 200 || r.message == "" || r.token+r.ticket != "") {
		t.Errorf("want errcode %d: %+v", code, r)
	}
}

func (f *fixture) expectToken(token string, want bool) {
	f.t.Helper()
	if f.TokenValid(appID, token) != want {
		f.t.Errorf("token valid: %v, want %v", !want, want)
	}
	code := f.ask("GET", PathCallbackIPs, url.Values{"access_token": {token}}, nil).code
	if (code == 0) != want {
		f.t.Errorf("a call with the token: errcode %d, want it to pass: %v", code, want)
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
