package oauth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"wechatfn/shared/session"
)

// bearerOf logs a user in on a page of another site.
func (w *world) bearerOf(openid string) *browser {
	w.Helper()
	b, page := w.browser(), w.browser()
	w.grants("code-"+openid, openid)
	got := b.callback("code-"+openid, b.begin("scope=snsapi_userinfo&return_to=https://other.example.org/"+challenge()))
	ticket := strings.TrimSuffix(got.Header().Get("Location")[len("https://other.example.org/?wechatfn_code="):], "#")
	page.origin = "https://other.example.org"
	var grant Grant
	if err := json.Unmarshal(page.do("POST", "/oauth/token", spending(ticket)).Body.Bytes(), &grant); err != nil || grant.Token == "" {
		w.Fatalf("no token: %v", err)
	}
	page.bearer = grant.Token
	return page
}

func TestRefresh(t *testing.T) {
	w := newWorld(t)
	page := w.bearerOf("user1")
	old := page.bearer
	var grant Grant
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

	b := w.browser()
	b.logIn("user2")
	b.origin = "https://www.example.com"
	got = b.do("POST", "/oauth/session/refresh", "")
	if got.Code != 200 || len(got.Result().Cookies()) != 1 || json.Unmarshal(got.Body.Bytes(), &grant) != nil {
		t.Fatalf("cookie: %d %s", got.Code, got.Body)
	}
	want(t, "with the new cookie", b.do("GET", "/oauth/session", ""), 200, "user2")
}

func TestLogout(t *testing.T) {
	w := newWorld(t)
	one, two, page := w.browser(), w.browser(), w.bearerOf("user1")
	one.logIn("user1")
	two.logIn("user1")
	one.origin, two.origin = "https://api.example.com", "https://www.example.com"
	want(t, "out", one.do("DELETE", "/oauth/session", ""), 204, "")
	want(t, "after", one.do("GET", "/oauth/session", ""), 401, "session_missing")
	want(t, "the other one", two.do("GET", "/oauth/session", ""), 200, "user1")
	want(t, "bad", two.do("DELETE", "/oauth/session?all=maybe", ""), 400, "all_invalid")
	want(t, "all", two.do("DELETE", "/oauth/session?all=true", ""), 204, "")
	want(t, "bearer", page.do("GET", "/oauth/session", ""), 401, "logout_all")
	want(t, "nobody", w.browser().do("DELETE", "/oauth/session", ""), 401, "session_missing")
}

// A page of a stranger can have the cookie sent along, and it does not help it.
func TestCrossSite(t *testing.T) {
	_, b := loggedIn(t)
	for _, origin := range []string{"", "null", "https://evil.example", "https://www.example.com.evil.example", "http://www.example.com"} {
		b.origin = origin
		want(t, origin, b.do("POST", "/oauth/session/refresh", ""), 403, "origin_not_allowed")
		want(t, origin, b.do("DELETE", "/oauth/session", ""), 403, "origin_not_allowed")
		if got := b.do("GET", "/oauth/session", ""); got.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s may read who is logged in", origin)
		}
	}
	b.origin = "https://www.example.com"
	got := b.do("GET", "/oauth/session", "")
	if got.Code != 200 || got.Header().Get("Access-Control-Allow-Origin") != b.origin || got.Header().Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("%d %v", got.Code, got.Header())
	}
}

// A callback that comes again after the page went on: it does no harm, and says what
// is so.
func TestDoubledCallbackComesLate(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	w.grants("code-1", "user1")
	state := b.begin("return_to=/a")
	b.callback("code-1", state)
	b.origin = "https://api.example.com"
	want(t, "rotated", b.do("POST", "/oauth/session/refresh", ""), 200, "user1")
	b.origin = ""
	if got := b.callback("code-1", state); got.Code != 303 || len(got.Result().Cookies()) > 0 {
		t.Errorf("after a rotation: %d %s %v", got.Code, got.Body, got.Result().Cookies())
	}
	want(t, "still logged in", b.do("GET", "/oauth/session", ""), 200, "user1")
	b.origin = "https://api.example.com"
	want(t, "logged out", b.do("DELETE", "/oauth/session", ""), 204, "")
	b.origin = ""
	want(t, "after a logout", b.callback("code-1", state), 400, "login_ended")
}

// Refused, gone back, and agreed.
func TestRefusedAndThenAgreed(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	w.grants("code-1", "user1")
	state := b.begin("return_to=/a")
	want(t, "refused", b.callback("", state), 403, "login_refused")
	want(t, "agreed", b.callback("code-1", state), 303, "")
}

// What guards a team's own routes looks at where a request comes from, too.
func TestAdmit(t *testing.T) {
	w := newWorld(t)
	b, page := w.browser(), w.bearerOf("user2")
	b.logIn("user1")
	for _, c := range []struct {
		method, origin string
		bearer         bool
		ok             bool
	}{
		{"GET", "https://evil.example", false, true}, // which the page cannot read
		{"POST", "https://www.example.com", false, true},
		{"POST", "https://evil.example", false, false},
		{"DELETE", "null", false, false},
		{"PUT", "", false, false},
		{"POST", "https://evil.example", true, true},
	} {
		r := httptest.NewRequest(c.method, "https://api.example.com/orders", nil)
		r.Header.Set("Origin", c.origin)
		if c.bearer {
			r.Header.Set("Authorization", "Bearer "+page.bearer)
		} else {
			for _, cookie := range b.jar.Cookies(r.URL) {
				r.AddCookie(cookie)
			}
		}
		if _, err := w.handler.Admit(t.Context(), r); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// Some of WeChat's clients come back with nothing at all.
func TestBareRefusal(t *testing.T) {
	b := newWorld(t).browser()
	want(t, "bare", b.do("GET", "/oauth/callback", ""), 403, "login_refused")
}

func TestAuthorizeRefuses(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	for query, code := range map[string]string{
		"app=nobody":                           "app_unknown",
		"scope=snsapi_login":                   "scope_invalid",
		"app=site&scope=snsapi_base":           "scope_invalid",
		"lang=fr":                              "lang_invalid",
		"return_to=//evil.com":                 "return_to_invalid",
		"return_to=https://evil.com":           "return_to_not_allowed",
		"return_to=https://other.example.org/": "challenge_invalid",
		"return_to=https://other.example.org/&challenge=short": "challenge_invalid",
		"return_to=/a&return_to=/b":                            "parameter_repeated",
		"return_to=%zz":                                        "query_malformed",
	} {
		got := b.do("GET", "/oauth/authorize?"+query, "")
		if got.Code < 400 || got.Code > 403 || len(got.Result().Cookies()) > 0 {
			t.Errorf("%s: %d", query, got.Code)
		}
		want(t, query, got, got.Code, code)
	}
	if calls := w.store.Take(); len(calls) > 0 {
		t.Errorf("calls: %q", calls)
	}
}

// A page that draws its own QR code asks for the address.
func TestAuthorizeInJSON(t *testing.T) {
	w := newWorld(t)
	r := httptest.NewRequest(http.MethodGet, "https://api.example.com/oauth/authorize?app=site&lang=en", nil)
	r.Header.Set("Accept", "application/json")
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	want(t, "website", answer, 200, `{"url":"https://open.weixin.qq.com/connect/qrconnect?appid=wxfedcba9876543210&redirect_uri=https%3A%2F%2Fapi.example.com%2Foauth%2Fcallback&response_type=code&scope=snsapi_login&state=`)
	want(t, "website", answer, 200, `&lang=en#wechat_redirect"}`)

	b := w.browser() // WeChat's page knows cn and en; what else the profile may be in is not for it
	for _, lang := range []string{"", "zh_CN", "zh_TW"} {
		if to := b.do("GET", "/oauth/authorize?app=site&lang="+lang, "").Header().Get("Location"); !strings.Contains(to, "/connect/qrconnect?") || strings.Contains(to, "lang=") {
			t.Errorf("%s: %s", lang, to)
		}
	}
}

// A session of one product is none of another's, wherever it is used.
func TestProducts(t *testing.T) {
	w := newWorld(t)
	login := session.Login{App: "mini", AppID: "wx3333333333333333", OpenID: "oMini", SKU: "shop", Device: "phone"}
	issue := func(sku string) *browser {
		t.Helper()
		login.SKU = sku
		token, _, _, err := w.handler.Sessions.Issue(t.Context(), login)
		if err != nil {
			t.Fatal(err)
		}
		b := w.browser()
		b.bearer = token
		return b
	}
	shop, news := issue("shop"), issue("news")
	want(t, "its own", shop.do("GET", "/oauth/session?sku=shop", ""), 200, `"openid":"oMini","sku":"shop","device":"phone"`)
	want(t, "any", shop.do("GET", "/oauth/session?sku=", ""), 200, `"sku":"shop"`)
	for _, target := range []string{"GET /oauth/session?sku=news", "POST /oauth/session/refresh?sku=news", "DELETE /oauth/session?sku=news", "DELETE /oauth/session?sku=news&all=true"} {
		method, path, _ := strings.Cut(target, " ")
		want(t, target, shop.do(method, path, ""), 403, "session_other_product")
		want(t, "twice", shop.do(method, path+"&sku=shop", ""), 400, "parameter_repeated")
	}
	want(t, "afterwards", shop.do("GET", "/oauth/session", ""), 200, "")

	var grant Grant
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

// A refresh takes the current token; an openid refreshes nothing, and harms nobody.
func TestRefreshByOpenID(t *testing.T) {
	w := newWorld(t)
	victim := w.bearerOf("user1")
	for _, token := range []string{"", "user1", "user1|shop|0", strings.Repeat("u", 64)} {
		thief := w.browser()
		thief.bearer = token
		for _, body := range []string{"", `{"userId":"user1"}`, `{"openid":"user1","token":"x"}`} {
			want(t, token, thief.do("POST", "/oauth/session/refresh?userId=user1&openid=user1", body), 401, "session_missing")
		}
	}
	want(t, "the victim", victim.do("GET", "/oauth/session", ""), 200, `"generation":0`)
}
