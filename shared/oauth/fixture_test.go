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

	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/session"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/wait"
	"wechatfn/shared/web/logtest"
	"wechatfn/shared/wechat"
)

const (
	testIdle   = 168 * time.Hour
	testAppID  = "wx0123456789abcdef"
	testSecret = "canary-secret"
)

// weChat is WeChat's API as far as the tests of this package need to steer it;
// the flows against the simulator are elsewhere.
type weChat struct {
	mu        sync.Mutex
	codes     map[string]wechat.UserToken
	fail      error // of the next exchanges
	exchanges int
	refreshes int
	infos     int
	asked     []string // what each profile or check was asked for: language, or openid
	unionID   string   // that a profile tells
	checks    int
	refresh   func() (wechat.UserToken, error)
	info      func(token string) error
	slow      time.Duration
	issue     func() wechat.UserToken // what each asking for tokens yields, instead of the above
	answering func()                  // happens before an answer with tokens
}

func (c *weChat) ExchangeCode(ctx context.Context, appID, secret, code string) (wechat.UserToken, error) {
	c.mu.Lock()
	c.exchanges++
	fail, slow := c.fail, c.slow
	token, ok := c.codes[code]
	delete(c.codes, code)
	if c.issue != nil {
		token, ok = c.issue(), true
	}
	answering := c.answering
	c.mu.Unlock()
	if answering != nil {
		answering()
	}
	if slow > 0 {
		if err := wait.For(ctx, slow); err != nil {
			return wechat.UserToken{}, err
		}
	}
	switch {
	case fail != nil:
		return wechat.UserToken{}, fail
	case secret != testSecret:
		return wechat.UserToken{}, &wechat.Error{Code: wechat.CodeInvalidSecret}
	case !ok:
		return wechat.UserToken{}, &wechat.Error{Op: "access_token", Code: wechat.CodeUsedCode}
	}
	return token, nil
}

func (c *weChat) RefreshUserToken(context.Context, string, string) (wechat.UserToken, error) {
	c.mu.Lock()
	c.refreshes++
	slow, answering, refresh := c.slow, c.answering, c.refresh
	if c.issue != nil {
		token := c.issue()
		refresh = func() (wechat.UserToken, error) { return token, nil }
	}
	c.mu.Unlock()
	time.Sleep(slow)
	if answering != nil {
		answering()
	}
	return refresh()
}

func (c *weChat) UserInfo(_ context.Context, token, openid, lang string) (wechat.UserInfo, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.infos++
	c.asked = append(c.asked, lang)
	if c.info != nil {
		if err := c.info(token); err != nil {
			return wechat.UserInfo{}, err
		}
	}
	return wechat.UserInfo{OpenID: openid, UnionID: c.unionID, Nickname: "小明", Sex: 1}, nil
}

func (c *weChat) CheckUserToken(_ context.Context, token, openid string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checks++
	c.asked = append(c.asked, openid)
	if c.info != nil {
		return c.info(token)
	}
	return nil
}

type world struct {
	testing.TB
	wechat  *weChat
	store   *storetest.Recorder
	handler *Handler
	log     logtest.Buffer
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &world{TB: t, store: &storetest.Recorder{Store: db}, wechat: &weChat{codes: map[string]wechat.UserToken{}}}
	sessions, err := session.New(session.Config{Store: w.store, TTL: 720 * time.Hour, IdleTimeout: testIdle, MaxDevices: 10})
	if err != nil {
		t.Fatal(err)
	}
	w.handler, err = New(Config{
		Accounts: account.List{{Name: "shop", AppID: testAppID, Kind: account.OfficialAccount}, {Name: "site", AppID: "wxfedcba9876543210", Kind: account.Website}},
		Origins:  []string{"https://www.example.com", "https://other.example.org"}, OpenURL: wechat.DefaultOpenURL,
		WeChat: w.wechat, Sessions: sessions, Store: w.store,
		Secrets: func(context.Context, account.Account, bool) (secret.Secret, error) {
			return secret.New(testSecret), nil
		},
		Logger: w.log.Text(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.log.WantNoSecrets(t, "canary", "code-", "access-", "refresh-") })
	return w
}

// grants lets WeChat take a code, once.
func (w *world) grants(code, openid string) {
	w.wechat.mu.Lock()
	defer w.wechat.mu.Unlock()
	w.wechat.codes[code] = wechat.UserToken{
		AccessToken: "access-" + openid, RefreshToken: "refresh-" + openid, OpenID: openid, Scope: wechat.ScopeUserInfo, ExpiresIn: 2 * time.Hour,
	}
}

// refreshYields sets how WeChat answers who asks for fresh tokens.
func (w *world) refreshYields(token wechat.UserToken, err error) {
	w.wechat.refresh = func() (wechat.UserToken, error) { return token, err }
}

// browser keeps cookies.
type browser struct {
	*world
	jar    http.CookieJar
	origin string
	bearer string
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	return &browser{world: w, jar: jar}
}

func (b *browser) do(method, target, body string) *httptest.ResponseRecorder {
	b.Helper()
	u, err := url.Parse("https://api.example.com")
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body)).WithContext(b.Context())
	r.Host = u.Host
	r.Header.Set("Accept", "text/html")
	if b.origin != "" {
		r.Header.Set("Origin", b.origin)
		r.Header.Set("Accept", "*/*")
	}
	if b.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+b.bearer)
	} else {
		for _, cookie := range b.jar.Cookies(u) {
			r.AddCookie(cookie)
		}
	}
	answer := httptest.NewRecorder()
	b.handler.ServeHTTP(answer, r)
	b.jar.SetCookies(u, answer.Result().Cookies())
	if answer.Header().Get("Cache-Control") != "no-store" || answer.Header().Get("Referrer-Policy") != "no-referrer" {
		b.Errorf("%s %s: headers %v", method, target, answer.Header())
	}
	return answer
}

// What a page of another site keeps, and what it sends along.
const testVerifier = "a-verifier-of-a-page-of-another-site-1234567890"

func challenge() string { return "&challenge=" + digest(testVerifier) }

func spending(ticket string) string {
	return `{"code":"` + ticket + `","verifier":"` + testVerifier + `"}`
}

// profiles asks for the profile so many times at once, and wants the same answer each time.
func (b *browser) profiles(n, status int, text string) {
	b.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { want(b, "userinfo", b.do("GET", "/oauth/userinfo", ""), status, text) })
	}
	wg.Wait()
}

// wantAsked checks how often WeChat was asked for the tokens of a code, and for fresh ones.
func (w *world) wantAsked(exchanges, refreshes int) {
	w.Helper()
	if w.wechat.exchanges != exchanges || w.wechat.refreshes != refreshes {
		w.Errorf("%d exchanges and %d refreshes, want %d and %d", w.wechat.exchanges, w.wechat.refreshes, exchanges, refreshes)
	}
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

// logIn goes the whole way to a cookie.
func (b *browser) logIn(openid string) {
	b.Helper()
	b.grants("code-"+openid, openid)
	if got := b.callback("code-"+openid, b.begin("scope=snsapi_userinfo&return_to=/account")); got.Code != 303 || got.Header().Get("Location") != "https://api.example.com/account#" {
		b.Fatalf("%d %s %v", got.Code, got.Body, got.Header())
	}
}

// loggedIn is a world with a browser that user1 has logged in with.
func loggedIn(t testing.TB) (*world, *browser) {
	t.Helper()
	w := newWorld(t)
	b := w.browser()
	b.logIn("user1")
	return w, b
}

// underWay is a world with a browser that has gone to WeChat, where code-1 stands for
// user1, and the state that it took along.
func underWay(t testing.TB) (*world, *browser, string) {
	t.Helper()
	w := newWorld(t)
	w.grants("code-1", "user1")
	b := w.browser()
	return w, b, b.begin("return_to=/a")
}

func want(t testing.TB, name string, got *httptest.ResponseRecorder, status int, part string) {
	t.Helper()
	if got.Code != status || !strings.Contains(got.Body.String(), part) {
		t.Errorf("%s: %d %s, want %d and %s", name, got.Code, got.Body, status, part)
	}
}
