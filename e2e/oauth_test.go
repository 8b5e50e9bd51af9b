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

// TestLogin goes the whole way, for each kind of account and scope: to WeChat,
// back, who am I, the profile, a new token, and out.
func TestLogin(t *testing.T) {
	for name, c := range map[string]struct{ query, page, appID, user, nickname string }{
		"silently":       {"return_to=%2Faccount", "/connect/oauth2/authorize", appID, "ming", ""},
		"with a profile": {"app=default&scope=snsapi_userinfo&return_to=%2Faccount", "/connect/oauth2/authorize", appID, "hua", "Li Hua"},
		"by QR code":     {"app=site&return_to=%2Faccount&lang=en", "/connect/qrconnect", websiteID, "hua", "Li Hua"},
		"no unionid":     {"app=second&scope=snsapi_userinfo&return_to=%2Faccount", "/connect/oauth2/authorize", secondID, "odd", `<b>"O'Odd" & Söhne</b>`},
	} {
		t.Run(name, func(t *testing.T) {
			fx := newLoginFixture(t)
			b := fx.start("oauth").browser(c.user)
			address := b.begin(c.query)
			if !strings.HasPrefix(address, weChat+c.page+"?appid="+c.appID+"&redirect_uri=https%3A%2F%2Fapi.example.com%2Foauth%2Fcallback&") {
				t.Errorf("WeChat's address is %s", address)
			}
			a := b.visit(b.answerAtWeChat(address, wechatsim.AnswerApprove))
			b.wantLoggedIn(a)
			if to := a.header.Get("Location"); to != api+"/account#" { // WeChat's own fragment ends there
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

// wantProfile asks WeChat for the profile; "" is the login without one.
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

// wantTableHolds reads the whole table: no token of ours stands in it.
func (fx *fixture) wantNoSessionSecretStored(secrets ...string) {
	fx.Helper()
	if text := fx.tableText(); fx.sessionSecrets.foundIn(text) {
		fx.Errorf("the table holds a token, a ticket, a state or a cookie:\n%s", text)
	}
	for _, secret := range secrets {
		if !fx.sessionSecrets.foundIn(secret) {
			fx.Error("a token was not planted as a canary")
		}
	}
}

// TestCookiesOnTheWire: payload 2.0 puts cookies apart, in events and in answers,
// and they are such that no other host, script or page gets hold of them.
func TestCookiesOnTheWire(t *testing.T) {
	fx := newLoginFixture(t)
	oauth := fx.start("oauth")
	type wire struct {
		StatusCode int
		Headers    map[string]string
		Cookies    []string
	}
	decode := func(payload []byte, err error) (a wire) {
		if err := json.Unmarshal(payload, &a); err != nil {
			t.Fatal(err)
		}
		if _, there := a.Headers["Set-Cookie"]; err != nil || there || len(a.Cookies) != 1 {
			t.Fatalf("answer %s, %v", payload, err)
		}
		return a
	}
	atHome := func(event []byte) []byte {
		return bytes.ReplaceAll(event, []byte("a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"), []byte(apiURL.Host))
	}
	begun := decode(oauth.invoke(atHome(recorded(t, "oauth"))))
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
	if err := json.Unmarshal(atHome(recorded(t, "oauth-session")), &event); err != nil {
		t.Fatal(err)
	}
	event["rawPath"], event["rawQueryString"] = "/oauth/callback", "code="+code+"&state="+to.Query().Get("state")
	event["cookies"] = []string{"lang=zh_CN", pair, "other=1"}
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	landed := decode(oauth.invoke(text))
	pair, attributes, _ = strings.Cut(landed.Cookies[0], "; ")
	if landed.StatusCode != http.StatusSeeOther || landed.Headers["Location"] != origin+"/account?tab=1#" || !strings.HasPrefix(pair, sessionCookie+"=") ||
		!strings.HasPrefix(attributes, "Path=/; Max-Age=2") || !strings.HasSuffix(attributes, "; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("answer %+v", landed)
	}
	payload, err := oauth.invoke(bytes.ReplaceAll(recorded(t, "oauth-session"), []byte(sessionCookie+"="+strings.Repeat("Q", 64)), []byte(pair)))
	if a := oauth.decode(payload); err != nil || a.status != http.StatusOK || !bytes.Contains(a.body, []byte(fx.sim.OpenID(appID, "ming"))) {
		t.Errorf("answer %s, %v", payload, err)
	}
}

// TestOtherSite: a page that our cookie does not reach gets a ticket, and for it a
// bearer token, once.
func TestOtherSite(t *testing.T) {
	fx := newLoginFixture(t)
	oauth := fx.start("oauth")
	b := oauth.browser("hua")
	b.page = otherOrigin
	callback := b.beginAndApprove("scope=snsapi_userinfo&return_to=" + url.QueryEscape(otherOrigin+"/basket?a=1#top"))
	a := b.visit(callback)
	ticket := b.loginCodeOf(a)
	if to := a.header.Get("Location"); to != otherOrigin+"/basket?a=1&wechatfn_code="+ticket+"#top" {
		t.Errorf("leads to %s", to)
	}
	if again := b.visit(callback); b.loginCodeOf(again) != ticket {
		t.Error("a callback that comes again carries another ticket")
	}
	body := redeemBody(ticket)
	wantProblem(t, b.fetch(http.MethodPost, "/oauth/token", strings.Replace(body, verifier, challenge, 1)), http.StatusBadRequest, "wechatfn_code_invalid")
	thief := oauth.browser("odd")
	thief.page = "https://evil.example.net"
	wantProblem(t, thief.fetch(http.MethodPost, "/oauth/token", body), http.StatusBadRequest, "wechatfn_code_invalid")
	thief.page = origin // ours, but not the one that it was for
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
	fx.wantNoSessionSecretStored(ticket, grant.Token)
}

// TestJSONForAPage: a page that draws the QR code itself asks for WeChat's address.
func TestJSONForAPage(t *testing.T) {
	fx := newLoginFixture(t)
	b := fx.start("oauth").browser("hua")
	a := b.fetch(http.MethodGet, "/oauth/authorize?app=site&return_to=%2F", "")
	var begun struct{ URL string }
	if err := json.Unmarshal(a.body, &begun); err != nil || a.status != http.StatusOK {
		t.Fatalf("answer %d %s, %v", a.status, a.body, err)
	}
	b.wantLoggedIn(b.visit(b.answerAtWeChat(begun.URL, wechatsim.AnswerApprove)))
}

// TestPublicURL: the configured address counts, whatever host was asked.
func TestPublicURL(t *testing.T) {
	fx := newLoginFixture(t)
	fx.settings["PUBLIC_URL"] = "https://login.example.com"
	fx.settings["WECHAT_OPEN_BASE"] = "https://weixin.example.net/open"
	a := fx.start("oauth").serve(recorded(t, "oauth"))
	if to := a.header.Get("Location"); !strings.HasPrefix(to, "https://weixin.example.net/open/connect/oauth2/authorize?appid="+appID+"&redirect_uri=https%3A%2F%2Flogin.example.com%2Foauth%2Fcallback&") {
		t.Errorf("leads to %s", to)
	}
}
