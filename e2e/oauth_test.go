package e2e_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"wechatfn/dev/wechatsim"
)

// TestLogin does a whole login for each kind of account and scope: WeChat's page, the
// callback, the session, the profile, a new token, and the logout.
func TestLogin(t *testing.T) { onEachDriver(t, testLogin) }

func testLogin(t *testing.T, launch launcher) {
	for _, c := range []struct {
		name                               string
		query, page, appID, user, nickname string
	}{
		{"silently", "return_to=%2Faccount", "/connect/oauth2/authorize", appID, "ming", ""},
		{"with a profile", "app=default&scope=snsapi_userinfo&return_to=%2Faccount", "/connect/oauth2/authorize", appID, "hua", "Li Hua"},
		{"by QR code", "app=site&return_to=%2Faccount&lang=en", "/connect/qrconnect", websiteID, "hua", "Li Hua"},
		{"no unionid", "app=second&scope=snsapi_userinfo&return_to=%2Faccount", "/connect/oauth2/authorize", secondID, "odd", `<b>"O'Odd" & Söhne</b>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			fx := newLoginFixture(t, launch)
			b := fx.start("oauth").browser(c.user)
			address := b.begin(c.query)
			if !strings.HasPrefix(address, weChat+c.page+"?appid="+c.appID+"&redirect_uri=https%3A%2F%2Fapi.example.com%2Foauth%2Fcallback&") {
				t.Errorf("WeChat's address is %s", address)
			}
			a := b.visit(b.answerAtWeChat(address, wechatsim.AnswerApprove))
			b.wantLoggedIn(a)
			if to := a.header.Get("Location"); to != api+"/account#" { // which removes the fragment that WeChat adds
				t.Errorf("leads to %s", to)
			}
			s := b.session()
			if s.AppID != c.appID || s.OpenID != fx.sim.OpenID(c.appID, c.user) || (s.UnionID != "") != (c.appID != secondID) || s.Generation != 0 {
				t.Errorf("session %+v", s)
			}
			b.wantProfile(c.nickname)

			before := b.cookie(sessionCookie)
			if a := b.fetch(http.MethodPost, "/oauth/session/refresh", ""); a.status != http.StatusOK || b.cookie(sessionCookie) == before {
				t.Errorf("refresh: answer %d %s", a.status, a.body)
			}
			if next := b.session(); next.Generation != 1 || next.ID != s.ID || next.EndsAt != s.EndsAt {
				t.Errorf("session %+v after %+v", next, s)
			}
			after := b.cookie(sessionCookie)
			if a := b.fetch(http.MethodDelete, "/oauth/session", ""); a.status != http.StatusNoContent || b.cookie(sessionCookie) != "" {
				t.Errorf("logout: answer %d %s %v", a.status, a.body, a.header)
			}
			wantProblem(t, b.fetch(http.MethodGet, "/oauth/session", ""), http.StatusUnauthorized, "session_missing")
			b.token = after
			wantProblem(t, b.fetch(http.MethodGet, "/oauth/session", ""), http.StatusUnauthorized, "session_revoked")
			fx.wantNoSessionSecretStored(before, after)
		})
	}
}

// wantProfile asks for the profile. If nickname is empty, the user has not granted it.
func (b *browser) wantProfile(nickname string) {
	b.f.fx.Helper()
	a := b.fetch(http.MethodGet, "/oauth/userinfo", "")
	if nickname == "" {
		wantProblem(b.f.fx, a, http.StatusForbidden, "profile_not_granted")
		return
	}
	var profile struct{ Nickname string }
	if err := json.Unmarshal(a.body, &profile); err != nil || a.status != http.StatusOK || profile.Nickname != nickname {
		b.f.fx.Errorf("answer %d %s, %v", a.status, a.body, err)
	}
}

// wantNoSessionSecretStored reads the whole table: it holds no session secret, such as
// those that are passed.
func (fx *fixture) wantNoSessionSecretStored(secrets ...string) {
	fx.Helper()
	if text := fx.tableText(); fx.sessionSecrets.foundIn(text) {
		fx.Errorf("the table holds a token, a login code, a state or a cookie:\n%s", text)
	}
	for _, secret := range secrets {
		if !fx.sessionSecrets.foundIn(secret) {
			fx.Error("a session secret was not planted as a canary")
		}
	}
}

// Payload format 2.0 has a field for cookies, in events and in answers. No other host, no
// script and no other page can read ours.
func TestCookiesInEventsAndAnswers(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.start("oauth")
	type rawAnswer struct {
		StatusCode int
		Headers    map[string]string
		Cookies    []string
	}
	decodeRaw := func(payload []byte, err error) (a rawAnswer) {
		if err := json.Unmarshal(payload, &a); err != nil {
			t.Fatal(err)
		}
		if _, there := a.Headers["Set-Cookie"]; err != nil || there || len(a.Cookies) != 1 {
			t.Fatalf("answer %s, %v", payload, err)
		}
		return a
	}
	toAPI := func(event []byte) []byte {
		return bytes.ReplaceAll(event, []byte("a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"), []byte(apiURL.Host))
	}
	begun := decodeRaw(oauth.invoke(toAPI(recorded(t, "oauth"))))
	pair, attributes, _ := strings.Cut(begun.Cookies[0], "; ")
	if !strings.HasPrefix(pair, loginCookie+"=") || attributes != "Path=/; Max-Age=660; HttpOnly; Secure; SameSite=Lax" {
		t.Errorf("cookie %s", begun.Cookies[0])
	}
	to, err := url.Parse(begun.Headers["Location"])
	if err != nil || begun.StatusCode != http.StatusFound {
		t.Fatalf("answer %+v, %v", begun, err)
	}
	code, err := fx.sim.IssueCode(appID, "ming", "snsapi_userinfo", false)
	if err != nil {
		t.Fatal(err)
	}
	var event map[string]any
	if err := json.Unmarshal(toAPI(recorded(t, "oauth-session")), &event); err != nil {
		t.Fatal(err)
	}
	event["rawPath"], event["rawQueryString"] = "/oauth/callback", "code="+code+"&state="+to.Query().Get("state")
	event["cookies"] = []string{"lang=zh_CN", pair, "other=1"}
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	loggedIn := decodeRaw(oauth.invoke(text))
	pair, attributes, _ = strings.Cut(loggedIn.Cookies[0], "; ")
	if loggedIn.StatusCode != http.StatusSeeOther || loggedIn.Headers["Location"] != origin+"/account?tab=1#" || !strings.HasPrefix(pair, sessionCookie+"=") ||
		!strings.HasPrefix(attributes, "Path=/; Max-Age=2") || !strings.HasSuffix(attributes, "; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("answer %+v", loggedIn)
	}
	payload, err := oauth.invoke(bytes.ReplaceAll(recorded(t, "oauth-session"), []byte(sessionCookie+"="+strings.Repeat("Q", 64)), []byte(pair)))
	if a := oauth.decode(payload); err != nil || a.status != http.StatusOK || !bytes.Contains(a.body, []byte(fx.sim.OpenID(appID, "ming"))) {
		t.Errorf("answer %s, %v", payload, err)
	}
}

// A page of another site, which does not get our cookie, gets a login code. It redeems the
// code for a bearer token, once.
func TestOtherSite(t *testing.T) { onEachDriver(t, testOtherSite) }

func testOtherSite(t *testing.T, launch launcher) {
	fx := newLoginFixture(t, launch)
	oauth := fx.start("oauth")
	b := oauth.browser("hua")
	b.page = otherOrigin
	callback := b.beginAndApprove("scope=snsapi_userinfo&return_to=" + url.QueryEscape(otherOrigin+"/basket?a=1#top"))
	a := b.visit(callback)
	code := b.loginCodeOf(a)
	if to := a.header.Get("Location"); to != otherOrigin+"/basket?a=1&wechatfn_code="+code+"#top" {
		t.Errorf("leads to %s", to)
	}
	if again := b.visit(callback); b.loginCodeOf(again) != code {
		t.Error("the second callback passes another login code")
	}
	body := redeemBody(code)
	wantProblem(t, b.fetch(http.MethodPost, "/oauth/token", strings.Replace(body, verifier, challenge, 1)), http.StatusBadRequest, "wechatfn_code_invalid")
	thief := oauth.browser("odd")
	thief.page = "https://evil.example.net"
	wantProblem(t, thief.fetch(http.MethodPost, "/oauth/token", body), http.StatusBadRequest, "wechatfn_code_invalid")
	thief.page = origin // of ours, but the code is for another one
	wantProblem(t, thief.fetch(http.MethodPost, "/oauth/token", body), http.StatusBadRequest, "wechatfn_code_invalid")

	a = b.fetch(http.MethodPost, "/oauth/token", body)
	var grant struct {
		Token, TokenType string
		ExpiresIn        int64
		Session          sessionAnswer
	}
	if err := json.Unmarshal(a.body, &grant); err != nil || a.status != http.StatusOK || grant.TokenType != "Bearer" || grant.ExpiresIn < 604000 || grant.Session.OpenID != fx.sim.OpenID(appID, "hua") {
		t.Fatalf("answer %d %s, %v", a.status, a.body, err)
	}
	if a.header.Get("Access-Control-Allow-Origin") != otherOrigin || len(a.header["Set-Cookie"]) != 0 {
		t.Errorf("headers %v", a.header)
	}
	wantProblem(t, b.fetch(http.MethodPost, "/oauth/token", body), http.StatusBadRequest, "wechatfn_code_invalid")

	b.token = grant.Token
	b.wantProfile("Li Hua")
	a = b.fetch(http.MethodPost, "/oauth/session/refresh", "")
	if err := json.Unmarshal(a.body, &grant); err != nil || a.status != http.StatusOK || grant.Token == b.token || len(a.header["Set-Cookie"]) != 0 {
		t.Errorf("answer %d %s, %v", a.status, a.body, err)
	}
	b.token = grant.Token
	if s := b.session(); s.Generation != 1 {
		t.Errorf("session %+v", s)
	}
	if a := b.fetch(http.MethodDelete, "/oauth/session", ""); a.status != http.StatusNoContent {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	wantProblem(t, b.fetch(http.MethodGet, "/oauth/session", ""), http.StatusUnauthorized, "session_revoked")
	fx.wantNoSessionSecretStored(code, grant.Token)
}

// A page that shows the QR code itself asks for the address of WeChat's page.
func TestAuthorizeAnswersAPageWithJSON(t *testing.T) {
	onEachDriver(t, testAuthorizeAnswersAPageWithJSON)
}

func testAuthorizeAnswersAPageWithJSON(t *testing.T, launch launcher) {
	fx := newLoginFixture(t, launch)
	b := fx.start("oauth").browser("hua")
	a := b.fetch(http.MethodGet, "/oauth/authorize?app=site&return_to=%2F", "")
	var begun struct{ URL string }
	if err := json.Unmarshal(a.body, &begun); err != nil || a.status != http.StatusOK {
		t.Fatalf("answer %d %s, %v", a.status, a.body, err)
	}
	b.wantLoggedIn(b.visit(b.answerAtWeChat(begun.URL, wechatsim.AnswerApprove)))
}

// The callback is at PUBLIC_URL, whatever host the request is for.
func TestPublicURL(t *testing.T) { onEachDriver(t, testPublicURL) }

func testPublicURL(t *testing.T, launch launcher) {
	fx := newLoginFixture(t, launch)
	fx.settings["PUBLIC_URL"] = "https://login.example.com"
	fx.settings["WECHAT_OPEN_BASE"] = "https://weixin.example.net/open"
	a := fx.start("oauth").serve(recorded(t, "oauth"))
	if to := a.header.Get("Location"); !strings.HasPrefix(to, "https://weixin.example.net/open/connect/oauth2/authorize?appid="+appID+"&redirect_uri=https%3A%2F%2Flogin.example.com%2Foauth%2Fcallback&") {
		t.Errorf("leads to %s", to)
	}
}
