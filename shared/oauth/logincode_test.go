package oauth

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/login"
)

// testVerifier is what a page of another site stores while its user logs in.
const testVerifier = "a-verifier-of-a-page-of-another-site-1234567890"

func challenge() string { return "&challenge=" + login.Digest(testVerifier) }

// redemption is the body with which a page of another site redeems its login code.
func redemption(code string) string {
	return `{"code":"` + code + `","verifier":"` + testVerifier + `"}`
}

// page is a page of another site.
func (f *fixture) page() *browser {
	page := f.browser()
	page.origin = "https://other.example.org"
	return page
}

// logInPage logs the user in for a page of another site, and returns what the page sends
// for its token.
func (b *browser) logInPage(user string) string {
	b.Helper()
	state := b.begin("scope=snsapi_userinfo&return_to=" + url.QueryEscape("https://other.example.org/in?a=b#c") + challenge())
	got := b.callback(b.code(user), state)
	to, err := url.Parse(got.Header().Get("Location"))
	if err != nil || got.Code != 303 || to.Host != "other.example.org" || to.Fragment != "c" || to.Query().Get("a") != "b" || len(got.Result().Cookies()) > 0 {
		b.Fatalf("%d %s %v", got.Code, to, got.Header())
	}
	return redemption(b.plant(to.Query().Get("wechatfn_code")))
}

// redeem is a page of another site that redeems a login code.
func (b *browser) redeem(body string) *httptest.ResponseRecorder {
	b.Helper()
	return b.page().do("POST", "/oauth/token", body)
}

// bearerOf is a page of another site with a bearer token of the user.
func (f *fixture) bearerOf(user string) *browser {
	f.Helper()
	page := f.page()
	var grant tokenAnswer
	if err := json.Unmarshal(page.do("POST", "/oauth/token", f.browser().logInPage(user)).Body.Bytes(), &grant); err != nil || grant.Token == "" {
		f.Fatalf("no token: %v", err)
	}
	page.bearer = f.plant(grant.Token)
	return page
}

// A login code is worth a token once, and to the page that it was given to.
func TestLoginCodeIsRedeemedOnce(t *testing.T) {
	f := newFixture(t)
	page, thief := f.page(), f.browser()
	thief.origin = "https://www.example.com"
	code := f.browser().logInPage("user1")
	want(t, "without the verifier", page.do("POST", "/oauth/token", strings.Replace(code, testVerifier, testVerifier+"x", 1)), 400, "wechatfn_code_invalid")
	want(t, "another page", thief.do("POST", "/oauth/token", code), 400, "wechatfn_code_invalid")
	got := page.do("POST", "/oauth/token", code)
	var grant tokenAnswer
	if err := json.Unmarshal(got.Body.Bytes(), &grant); err != nil || got.Code != 200 || grant.TokenType != "Bearer" || grant.ExpiresIn <= 0 || grant.Session.OpenID != f.openID("user1") || got.Header().Get("Access-Control-Allow-Origin") != page.origin {
		t.Fatalf("%d %s %v", got.Code, got.Body, got.Header())
	}
	want(t, "used", page.do("POST", "/oauth/token", code), 400, "wechatfn_code_invalid")
	page.bearer = grant.Token
	want(t, "session", page.do("GET", "/oauth/session", ""), 200, `"openid":"`+f.openID("user1")+`"`)
}

// The item of a login code has the user and WeChat's tokens until it is redeemed, and not
// longer.
func TestUsedLoginCodeHoldsNoTokens(t *testing.T) {
	f := newFixture(t)
	body := f.browser().logInPage("user1")
	token := f.wechat.last.AccessToken
	stored := func() string {
		item, err := f.store.Get(t.Context(), codeKey(strings.Split(body, `"`)[3]))
		if err != nil {
			t.Fatal(err)
		}
		return string(item.Value)
	}
	if value := stored(); token == "" || !strings.Contains(value, token) || !strings.Contains(value, f.openID("user1")) {
		t.Errorf("before: %s", value)
	}
	want(t, "redeemed", f.browser().redeem(body), 200, "")
	if value := stored(); strings.Contains(value, token) || strings.Contains(value, f.wechat.last.RefreshToken) || strings.Contains(value, f.openID("user1")) {
		t.Errorf("afterwards: %s", value)
	}
}

func TestLoginCodeExpiresAfterAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFixture(t).browser()
		code := b.logInPage("user1")
		time.Sleep(time.Minute)
		want(t, "late", b.redeem(code), 400, "wechatfn_code_invalid")
		code = b.logInPage("user1")
		time.Sleep(time.Minute - time.Second)
		want(t, "in time", b.redeem(code), 200, "")
	})
}

func TestRedeemRefuses(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct{ name, body, code string }{
		{"no body", "", "body_invalid"},
		{"an empty object", "{}", "body_invalid"},
		{"a number", `{"code":5}`, "body_invalid"},
		{"a form", "code=x", "body_invalid"},
		{"an empty code", `{"code":""}`, "body_invalid"},
		{"no verifier", `{"code":"x"}`, "body_invalid"},
		{"no code", `{"verifier":"x"}`, "body_invalid"},
		{"an unknown code", redemption("x"), "wechatfn_code_invalid"},
	} {
		t.Run(c.name, func(t *testing.T) { want(t, c.body, f.page().do("POST", "/oauth/token", c.body), 400, c.code) })
	}
}

// A login code of a login before a logout of all devices opens nothing after it. The
// store calls are the same as always.
func TestLoginCodeFromBeforeALogoutOfAllDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, b := loggedIn(t)
		before, other := b.logInPage("user1"), b.logInPage("user1")
		time.Sleep(time.Second)
		b.origin = "https://api.example.com"
		f.store.Take()
		want(t, "out", b.do("DELETE", "/oauth/session?all=true", ""), 204, "")
		f.wantCalls("get session, get user, get session, replace session, replace user")
		want(t, "a login code from before", b.redeem(before), 400, "login_ended")
		f.wantCalls("get code, replace code, create user")
		want(t, "once more", b.redeem(before), 400, "wechatfn_code_invalid")
		time.Sleep(time.Second)
		b.origin = ""
		after := b.logInPage("user1")
		f.store.Take()
		want(t, "a login code from after", b.redeem(after), 200, f.openID("user1"))
		f.wantCalls("get code, replace code, create user, replace user, create session")
		want(t, "another from before", b.redeem(other), 400, "login_ended")
	})
}
