package oauth

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/session"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/web/logtest"
	"wechatfn/shared/wechat"
)

const testIdle = 168 * time.Hour

// fixture is a handler for two accounts of a simulated WeChat, and a real store.
type fixture struct {
	testing.TB
	sim      *wechatsim.Sim
	wechat   *recordedClient
	store    *storetest.Recorder
	sessions *session.Sessions
	config   Config // of the handler, see configure
	handler  *Handler
	log      logtest.Buffer

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
	f := &fixture{TB: t, store: &storetest.Recorder{Store: db}, sim: newSimulator(t, change...), secret: secret.New(testSecret), planted: []string{testSecret}}
	client, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: f.sim.Client()})
	if err != nil {
		t.Fatal(err)
	}
	f.wechat = &recordedClient{Client: client, plant: f.plant}
	if f.sessions, err = session.New(session.Config{Store: f.store, TTL: 720 * time.Hour, IdleTimeout: testIdle, MaxDevices: 10}); err != nil {
		t.Fatal(err)
	}
	f.config = Config{
		Accounts: account.List{{Name: "shop", AppID: shopID, Kind: account.OfficialAccount}, {Name: "site", AppID: siteID, Kind: account.Website}},
		Origins:  []string{"https://www.example.com", "https://other.example.org"}, OpenURL: wechat.DefaultOpenURL,
		WeChat: f.wechat, Sessions: f.sessions, Store: f.store,
		Secrets: func(_ context.Context, _ account.Account, fresh bool) (secret.Secret, error) {
			if fresh {
				f.fresh++
			}
			return f.secret, nil
		},
		Logger: f.log.Text(),
	}
	f.configure(func(*Config) {})
	t.Cleanup(func() { f.log.WantNoSecrets(t, f.planted...) })
	return f
}

// plant makes a secret of a text: no log may contain it.
func (f *fixture) plant(secret string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.planted = append(f.planted, secret)
	return secret
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
	if got := f.store.Take().String(); got != want {
		f.Errorf("calls %s, want %s", got, want)
	}
}

func want(t testing.TB, name string, got *httptest.ResponseRecorder, status int, part string) {
	t.Helper()
	if got.Code != status || !strings.Contains(got.Body.String(), part) {
		t.Errorf("%s: %d %s, want %d and %s", name, got.Code, got.Body, status, part)
	}
}
