package oauth

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/session"
)

func TestRefresh(t *testing.T) {
	f := newFixture(t)
	page := f.bearerOf("user1")
	old := page.bearer
	var grant tokenAnswer
	got := page.do("POST", "/oauth/session/refresh", "")
	if err := json.Unmarshal(got.Body.Bytes(), &grant); err != nil || got.Code != 200 || grant.Token == old {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	page.bearer = grant.Token
	want(t, "new", page.do("GET", "/oauth/session", ""), 200, `"generation":1`)
	page.bearer = old
	want(t, "old", page.do("GET", "/oauth/session", ""), 401, "session_revoked")
	page.bearer = grant.Token
	want(t, "its family", page.do("GET", "/oauth/session", ""), 401, "reused")

	b := f.browser()
	b.logIn("user2")
	b.origin = "https://www.example.com"
	got = b.do("POST", "/oauth/session/refresh", "")
	if got.Code != 200 || len(got.Result().Cookies()) != 1 || json.Unmarshal(got.Body.Bytes(), &grant) != nil {
		t.Fatalf("cookie: %d %s", got.Code, got.Body)
	}
	want(t, "with the new cookie", b.do("GET", "/oauth/session", ""), 200, f.openID("user2"))
}

func TestLogout(t *testing.T) {
	f := newFixture(t)
	one, two, page := f.browser(), f.browser(), f.bearerOf("user1")
	one.logIn("user1")
	two.logIn("user1")
	one.origin, two.origin = "https://api.example.com", "https://www.example.com"
	want(t, "out", one.do("DELETE", "/oauth/session", ""), 204, "")
	want(t, "after", one.do("GET", "/oauth/session", ""), 401, "session_missing")
	want(t, "the other one", two.do("GET", "/oauth/session", ""), 200, f.openID("user1"))
	want(t, "bad", two.do("DELETE", "/oauth/session?all=maybe", ""), 400, "all_invalid")
	want(t, "all", two.do("DELETE", "/oauth/session?all=true", ""), 204, "")
	want(t, "bearer", page.do("GET", "/oauth/session", ""), 401, "logout_all")
	want(t, "nobody", f.browser().do("DELETE", "/oauth/session", ""), 401, "session_missing")
}

// A logout deletes the cookie of a session that has ended, whatever the logout answers.
// Nothing else deletes it: the answer to GET /oauth/session can come after that of a new
// login.
func TestLogoutAloneDeletesTheCookie(t *testing.T) {
	for _, c := range []struct {
		name   string
		end    func(f *fixture, b *browser)
		status int
	}{
		{"expired", func(*fixture, *browser) { time.Sleep(testIdle) }, 401},
		{"logged out", func(_ *fixture, b *browser) { b.inOtherTab("DELETE", "/oauth/session") }, 204},
		{"rotated", func(_ *fixture, b *browser) { b.inOtherTab("POST", "/oauth/session/refresh") }, 401},
		{"unknown token", func(_ *fixture, b *browser) { b.replaceSession(strings.Repeat("Q", 64)) }, 401},
		{"malformed token", func(_ *fixture, b *browser) { b.replaceSession("x") }, 401},
		{"valid", func(*fixture, *browser) {}, 204},
		{"store fails", func(f *fixture, _ *browser) { f.store.Fail(errors.New("broken")) }, 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, b := loggedIn(t)
				c.end(f, b)
				b.origin = "https://evil.example"
				if got := b.do("DELETE", "/oauth/session", ""); got.Code != 403 || len(got.Result().Cookies()) > 0 {
					t.Errorf("a stranger's page gets %d %v", got.Code, got.Result().Cookies())
				}
				b.origin = "https://api.example.com"
				asked := len(b.do("GET", "/oauth/session", "").Result().Cookies())
				got := b.do("DELETE", "/oauth/session", "")
				deleted := strings.HasPrefix(got.Header().Get("Set-Cookie"), "__Host-wechatfn-session=; Path=/; Max-Age=0;")
				if got.Code != c.status || deleted != (c.status < 500) || asked > 0 {
					t.Errorf("%d %s %v, %d cookies before", got.Code, got.Body, got.Header(), asked)
				}
			})
		})
	}
}

// inOtherTab makes a request with a copy of this browser's cookies, which stay as they are.
func (b *browser) inOtherTab(method, target string) {
	b.Helper()
	tab := b.browser()
	tab.jar.SetCookies(ours, b.jar.Cookies(ours))
	tab.origin = "https://api.example.com"
	if got := tab.do(method, target, ""); got.Code >= 300 {
		b.Fatalf("%d %s", got.Code, got.Body)
	}
}

// replaceSession puts another token into the session's cookie.
func (b *browser) replaceSession(token string) {
	for _, cookie := range b.jar.Cookies(ours) {
		if strings.HasSuffix(cookie.Name, sessionCookie) {
			cookie.Value, cookie.Secure, cookie.Path = token, true, "/"
			b.jar.SetCookies(ours, append(b.jar.Cookies(ours)[:0], cookie))
		}
	}
}

// A stranger's page can make the browser send the cookie, but that does not help it.
func TestPagesOfStrangersChangeNothing(t *testing.T) {
	_, b := loggedIn(t)
	for _, c := range []struct{ name, origin string }{
		{"no origin", ""}, {"null", "null"}, {"another host", "https://evil.example"},
		{"our host as a prefix", "https://www.example.com.evil.example"}, {"plain http", "http://www.example.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.origin = c.origin
			want(t, "refresh", b.do("POST", "/oauth/session/refresh", ""), 403, "origin_not_allowed")
			want(t, "logout", b.do("DELETE", "/oauth/session", ""), 403, "origin_not_allowed")
			if got := b.do("GET", "/oauth/session", ""); got.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Error("it may read who is logged in")
			}
		})
	}
	b.origin = "https://www.example.com"
	got := b.do("GET", "/oauth/session", "")
	if got.Code != 200 || got.Header().Get("Access-Control-Allow-Origin") != b.origin || got.Header().Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("%d %v", got.Code, got.Header())
	}
}

// The routes of other functions are protected from pages of strangers as well.
func TestAuthorizeRequestChecksTheOrigin(t *testing.T) {
	f := newFixture(t)
	b, page := f.browser(), f.bearerOf("user2")
	b.logIn("user1")
	for _, c := range []struct {
		name, method, origin string
		bearer               bool
		ok                   bool
	}{
		{"a stranger reads", "GET", "https://evil.example", false, true}, // and cannot see the answer
		{"our page writes", "POST", "https://www.example.com", false, true},
		{"a stranger writes", "POST", "https://evil.example", false, false},
		{"a page in a sandbox deletes", "DELETE", "null", false, false},
		{"a program writes with a cookie", "PUT", "", false, false},
		{"a stranger writes with a bearer token", "POST", "https://evil.example", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "https://api.example.com/orders", nil)
			r.Header.Set("Origin", c.origin)
			if c.bearer {
				r.Header.Set("Authorization", "Bearer "+page.bearer)
			} else {
				for _, cookie := range b.jar.Cookies(r.URL) {
					r.AddCookie(cookie)
				}
			}
			if _, err := f.handler.AuthorizeRequest(t.Context(), r); (err == nil) != c.ok {
				t.Errorf("%v", err)
			}
		})
	}
}

// A session of one product opens nothing of another one, wherever it is used.
func TestSessionBelongsToOneProduct(t *testing.T) {
	f := newFixture(t)
	login := session.Login{App: "mini", AppID: "wx3333333333333333", OpenID: "oMini", SKU: "shop", Device: "phone"}
	issue := func(sku string) *browser {
		t.Helper()
		login.SKU = sku
		token, _, _, err := f.sessions.Issue(t.Context(), login)
		if err != nil {
			t.Fatal(err)
		}
		b := f.browser()
		b.bearer = token
		return b
	}
	shop, news := issue("shop"), issue("news")
	want(t, "its own", shop.do("GET", "/oauth/session?sku=shop", ""), 200, `"openid":"oMini","sku":"shop","device":"phone"`)
	want(t, "any", shop.do("GET", "/oauth/session?sku=", ""), 200, `"sku":"shop"`)
	for _, c := range []struct{ name, method, target string }{
		{"check", "GET", "/oauth/session?sku=news"},
		{"refresh", "POST", "/oauth/session/refresh?sku=news"},
		{"logout", "DELETE", "/oauth/session?sku=news"},
		{"logout of all devices", "DELETE", "/oauth/session?sku=news&all=true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want(t, "of the other product", shop.do(c.method, c.target, ""), 403, "session_other_product")
			want(t, "of both", shop.do(c.method, c.target+"&sku=shop", ""), 400, "parameter_repeated")
		})
	}
	want(t, "afterwards", shop.do("GET", "/oauth/session", ""), 200, "")

	var grant tokenAnswer
	if err := json.Unmarshal(shop.do("POST", "/oauth/session/refresh?sku=shop", "").Body.Bytes(), &grant); err != nil || grant.Session.SKU != "shop" {
		t.Fatalf("%+v, %v", grant, err)
	}
	shop.bearer = grant.Token
	second := issue("shop")
	want(t, "everywhere, of the product", second.do("DELETE", "/oauth/session?all=1&sku=shop", ""), 204, "")
	want(t, "gone", shop.do("GET", "/oauth/session", ""), 401, "logout_all")
	want(t, "the other product", news.do("GET", "/oauth/session", ""), 200, "")
	want(t, "logged out again", second.do("DELETE", "/oauth/session?sku=shop", ""), 204, "")
	want(t, "of this product", news.do("DELETE", "/oauth/session?sku=news", ""), 204, "")
}

// A refresh takes the current token. An openid refreshes nothing, and harms nobody.
func TestOpenIDRefreshesNothing(t *testing.T) {
	f := newFixture(t)
	victim := f.bearerOf("user1")
	openID := f.openID("user1")
	for _, c := range []struct{ name, token string }{
		{"no token", ""}, {"the openid", openID}, {"the openid with more", openID + "|shop|0"}, {"64 characters", strings.Repeat("u", 64)},
	} {
		t.Run(c.name, func(t *testing.T) {
			thief := f.browser()
			thief.bearer = c.token
			for _, body := range []string{"", `{"userId":"` + openID + `"}`, `{"openid":"` + openID + `","token":"x"}`} {
				want(t, body, thief.do("POST", "/oauth/session/refresh?userId="+openID+"&openid="+openID, body), 401, "session_missing")
			}
		})
	}
	want(t, "the victim", victim.do("GET", "/oauth/session", ""), 200, `"generation":0`)
}
