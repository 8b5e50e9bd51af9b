package oauth

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/session"
	"wechatfn/shared/store"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/wechat"
)

// counted counts the calls of a store. Something may happen before one of them.
type counted struct {
	store.Store
	mu     sync.Mutex
	calls  []string
	before func(call string) error
}

func (c *counted) note(call, key string) error {
	call += " " + store.Kind(key)
	c.mu.Lock()
	c.calls = append(c.calls, call)
	before := c.before
	c.mu.Unlock()
	if before == nil {
		return nil
	}
	return before(call)
}

func (c *counted) Get(ctx context.Context, key string) (store.Item, error) {
	if err := c.note("Get", key); err != nil {
		return store.Item{}, err
	}
	return c.Store.Get(ctx, key)
}

func (c *counted) Create(ctx context.Context, item store.Item) (store.Item, error) {
	if err := c.note("Create", item.Key); err != nil {
		return store.Item{}, err
	}
	return c.Store.Create(ctx, item)
}

func (c *counted) Replace(ctx context.Context, item store.Item) (store.Item, error) {
	if err := c.note("Replace", item.Key); err != nil {
		return store.Item{}, err
	}
	return c.Store.Replace(ctx, item)
}

func (c *counted) Delete(context.Context, string, string) error { return errors.New("not granted") }

func (c *counted) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = nil
	return calls
}

// fixture is a handler for two accounts of a simulated WeChat, and a real store.
type fixture struct {
	testing.TB
	sim      *wechatsim.Sim
	wechat   *recordedClient
	store    *counted
	sessions *session.Sessions
	config   Config // of the handler, see configure
	handler  *Handler
	log      bytes.Buffer // slog writes one line at a time

	secret secret.Secret
	fresh  int // reads of the AppSecret past the cache

	mu      sync.Mutex
	planted []string // what must never be logged
}

func newFixture(t testing.TB, change ...func(*wechatsim.Config)) *fixture {
	t.Helper()
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	f := &fixture{TB: t, store: &counted{Store: db}, sim: newSimulator(t, change...), secret: secret.New(testSecret), planted: []string{testSecret}}
	client, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: f.sim.Client()})
	if err != nil {
		t.Fatal(err)
	}
	f.wechat = &recordedClient{Client: client, plant: f.plant}
	if f.sessions, err = session.New(session.Config{Store: f.store}); err != nil {
		t.Fatal(err)
	}
	f.config = Config{
		Accounts: account.List{{Name: "shop", AppID: shopID, Kind: account.OfficialAccount}, {Name: "site", AppID: siteID, Kind: account.Website}},
		Origins:  []string{"https://www.example.com", "https://other.example.org"},
		WeChat:   f.wechat, Sessions: f.sessions, Store: f.store,
		Secrets: func(_ context.Context, _ account.Account, fresh bool) (secret.Secret, error) {
			if fresh {
				f.fresh++
			}
			return f.secret, nil
		},
		Logger: slog.New(slog.NewTextHandler(&f.log, nil)),
	}
	f.configure(func(*Config) {})
	t.Cleanup(f.wantNothingLogged)
	return f
}

// plant makes a secret of a text: no log may contain it.
func (f *fixture) plant(secret string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.planted = append(f.planted, secret)
	return secret
}

func (f *fixture) wantNothingLogged() {
	for _, secret := range f.planted {
		if secret != "" && strings.Contains(f.log.String(), secret) {
			f.Errorf("the secret %s was logged:\n%s", secret, f.log.String())
		}
	}
}

// configure builds the handler again, with a changed configuration.
func (f *fixture) configure(change func(*Config)) {
	f.Helper()
	change(&f.config)
	handler, err := New(f.config)
	if err != nil {
		f.Fatal(err)
	}
	f.handler = handler
}

// browser stores cookies.
type browser struct {
	*fixture
	jar    http.CookieJar
	origin string // of the page that makes the requests; "" is a person who follows a link
	bearer string
}

func (f *fixture) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		f.Fatal(err)
	}
	return &browser{fixture: f, jar: jar}
}

// ours is our own address.
var ours = &url.URL{Scheme: "https", Host: "api.example.com"}

func (b *browser) do(method, target, body string) *httptest.ResponseRecorder {
	b.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body)).WithContext(b.Context())
	r.Host = ours.Host
	r.Header.Set("Accept", "text/html")
	if b.origin != "" {
		r.Header.Set("Origin", b.origin)
		r.Header.Set("Accept", "*/*")
	}
	if b.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+b.bearer)
	} else {
		for _, cookie := range b.jar.Cookies(ours) {
			r.AddCookie(cookie)
		}
	}
	answer := httptest.NewRecorder()
	b.handler.ServeHTTP(answer, r)
	b.jar.SetCookies(ours, answer.Result().Cookies())
	if answer.Header().Get("Cache-Control") != "no-store" || answer.Header().Get("Referrer-Policy") != "no-referrer" {
		b.Errorf("%s %s: headers %v", method, target, answer.Header())
	}
	return answer
}

// program makes a request as a program does, which is not shown pages.
func (b *browser) program(target string) *httptest.ResponseRecorder {
	b.Helper()
	b.origin = "https://api.example.com"
	defer func() { b.origin = "" }()
	return b.do("GET", target, "")
}

// begin goes to WeChat, and returns the state that it takes along.
func (b *browser) begin(query string) string {
	b.Helper()
	answer := b.do("GET", "/oauth/authorize?"+query, "")
	to, err := url.Parse(answer.Header().Get("Location"))
	if err != nil || answer.Code != 302 || to.Host != "open.weixin.qq.com" {
		b.Fatalf("%d %s %v", answer.Code, answer.Body, answer.Header())
	}
	return to.Query().Get("state")
}

func (b *browser) callback(code, state string) *httptest.ResponseRecorder {
	b.Helper()
	return b.do("GET", "/oauth/callback?"+url.Values{"code": {code}, "state": {state}}.Encode(), "")
}

// logIn goes the whole way to a session in a cookie.
func (b *browser) logIn(user string) {
	b.Helper()
	state := b.begin("scope=snsapi_userinfo&return_to=/account")
	if got := b.callback(b.code(user), state); got.Code != 303 || got.Header().Get("Location") != "https://api.example.com/account#" {
		b.Fatalf("%d %s %v", got.Code, got.Body, got.Header())
	}
}

// loggedIn is a fixture with a browser in which user1 has logged in.
func loggedIn(t testing.TB) (*fixture, *browser) {
	t.Helper()
	f := newFixture(t)
	b := f.browser()
	b.logIn("user1")
	return f, b
}

// begun is a fixture with a browser that has gone to WeChat, and the state that it took
// along.
func begun(t testing.TB) (*fixture, *browser, string) {
	t.Helper()
	f := newFixture(t)
	b := f.browser()
	return f, b, b.begin("return_to=/a")
}

// wantCalls checks the store calls since the last check.
func (f *fixture) wantCalls(want string) {
	f.Helper()
	if got := strings.Join(f.store.take(), ", "); got != want {
		f.Errorf("calls %s, want %s", got, want)
	}
}

func want(t testing.TB, name string, got *httptest.ResponseRecorder, status int, part string) {
	t.Helper()
	if got.Code != status || !strings.Contains(got.Body.String(), part) {
		t.Errorf("%s: %d %s, want %d and %s", name, got.Code, got.Body, status, part)
	}
}
