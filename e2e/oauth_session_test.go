package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestDevices: with one device too many the oldest login is over, and says why.
func TestDevices(t *testing.T) {
	fx := newLoginFixture(t)
	fx.settings["SESSION_DEVICES"] = "2"
	oauth := fx.start("oauth")
	var devices []*browser
	for range 3 {
		devices = append(devices, oauth.browser("hua").logIn("return_to=%2F"))
	}
	wantProblem(t, devices[0].fetch(http.MethodGet, "/oauth/session", ""), http.StatusUnauthorized, "session_revoked")
	devices[1].session()
	devices[2].session()

	shop := oauth.browser("hua")
	shop.page = otherOrigin
	ticket := shop.loginCodeOf(shop.visit(shop.beginAndApprove("return_to=" + url.QueryEscape(otherOrigin))))

	other := oauth.browser("ming").logIn("return_to=%2F")
	if a := devices[1].fetch(http.MethodDelete, "/oauth/session?all=true", ""); a.status != http.StatusNoContent {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	wantProblem(t, devices[2].fetch(http.MethodGet, "/oauth/session", ""), http.StatusUnauthorized, "session_revoked")
	other.session()
	wantProblem(t, shop.fetch(http.MethodPost, "/oauth/token", redeemBody(ticket)), http.StatusBadRequest, "login_ended")
}

// TestSessionTimes: how long a session lives, at most and unused, is configured.
func TestSessionTimes(t *testing.T) {
	fx := newLoginFixture(t)
	fx.settings["SESSION_TTL"], fx.settings["SESSION_IDLE_TIMEOUT"] = "2h", "30m"
	oauth := fx.start("oauth")
	b := oauth.browser("hua").logIn("return_to=%2F")
	s := b.session()
	if s.ExpiresAt-s.CreatedAt != 1800 || s.EndsAt-s.CreatedAt != 7200 {
		t.Errorf("session %+v", s)
	}
	oauth.table.take()
	idle := func(left time.Duration) {
		fx.rewrite("session", func(session map[string]any) { session["idleEnd"] = time.Now().Add(left).Unix() })
	}
	idle(20 * time.Minute)
	b.session()
	oauth.wantCalls(calls{"GetItem session": 1})
	idle(10 * time.Minute) // less than half of it is left
	if s := b.session(); time.Until(time.Unix(s.ExpiresAt, 0)) < 29*time.Minute {
		t.Errorf("session %+v", s)
	}
	oauth.wantCalls(calls{"GetItem session": 1, "PutItem session": 1})
	idle(-time.Second)
	wantProblem(t, b.fetch(http.MethodGet, "/oauth/session", ""), http.StatusUnauthorized, "session_missing")
	authorizes(t, oauth, b.cookie(sessionCookie), false)
}

// TestReusedToken: a token that was rotated away and comes back is a copy that
// somebody has: the session is over for both.
func TestReusedToken(t *testing.T) {
	fx := newLoginFixture(t)
	oauth := fx.start("oauth")
	for name, use := range map[string]func(b *browser){
		"in a check": func(b *browser) {
			wantProblem(t, b.fetch(http.MethodGet, "/oauth/session", ""), http.StatusUnauthorized, "session_revoked")
		},
		"in a rotation": func(b *browser) {
			wantProblem(t, b.fetch(http.MethodPost, "/oauth/session/refresh", ""), http.StatusUnauthorized, "session_revoked")
		},
		"in an authorizer": func(b *browser) { authorizes(t, oauth, b.token, false) },
	} {
		t.Run(name, func(t *testing.T) {
			owner, thief := oauth.browser("hua").logIn("return_to=%2F"), oauth.browser("odd")
			thief.token = owner.cookie(sessionCookie)
			if a := owner.fetch(http.MethodPost, "/oauth/session/refresh", ""); a.status != http.StatusOK {
				t.Fatalf("answer %d %s", a.status, a.body)
			}
			owner.session()
			use(thief)
			wantProblem(t, owner.fetch(http.MethodGet, "/oauth/session", ""), http.StatusUnauthorized, "session_revoked")
			authorizes(t, oauth, owner.cookie(sessionCookie), false)
		})
	}
}

// TestOtherPages: with the cookie alone nobody else's page can change anything.
func TestOtherPages(t *testing.T) {
	fx := newLoginFixture(t)
	b := fx.start("oauth").browser("hua").logIn("return_to=%2F")
	for _, page := range []string{"https://evil.example.net", "null", "https://www.example.com.evil.example.net", ""} {
		b.page = page
		wantProblem(t, b.fetch(http.MethodDelete, "/oauth/session", ""), http.StatusForbidden, "origin_not_allowed")
		wantProblem(t, b.fetch(http.MethodPost, "/oauth/session/refresh", ""), http.StatusForbidden, "origin_not_allowed")
		if a := b.fetch(http.MethodGet, "/oauth/session", ""); a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%q may read the answer: %v", page, a.header)
		}
	}
	b.page = origin
	b.session()
}

// TestStolenLink: a link that ends another's login does nothing in this browser
// but begin one of its own (login CSRF).
func TestStolenLink(t *testing.T) {
	fx := newLoginFixture(t)
	oauth := fx.start("oauth")
	thief, victim := oauth.browser("odd"), oauth.browser("hua")
	link := thief.beginAndApprove("return_to=" + url.QueryEscape(origin+"/account"))
	fx.sim.ResetCounts()
	for _, b := range []*browser{victim, oauth.browser("ming").logIn("return_to=%2F")} {
		if a := b.visit(link); a.status != http.StatusFound || a.header.Get("Location")[:len(weChat)] != weChat {
			t.Errorf("answer %d %s %v", a.status, a.body, a.header)
		}
	}
	if victim.cookie(sessionCookie) != "" {
		t.Error("the link opened a session")
	}
	thief.wantLoggedIn(thief.visit(link)) // nor did the visits spend anything
	if s := thief.session(); s.OpenID != fx.sim.OpenID(appID, "odd") {
		t.Errorf("session %+v", s)
	}
}

// TestLostCookie: a browser that comes back without its cookie begins anew, once.
func TestLostCookie(t *testing.T) {
	fx := newLoginFixture(t)
	oauth := fx.start("oauth")
	one, other := oauth.browser("hua"), oauth.browser("hua")
	restarted := other.visit(one.beginAndApprove("return_to=%2Faccount"))
	if restarted.status != http.StatusFound {
		t.Fatalf("answer %d %s", restarted.status, restarted.body)
	}
	fx.sim.ResetCounts()
	callback := other.answerAtWeChat(restarted.header.Get("Location"), "approve")
	wantPage(t, oauth.browser("hua").visit(callback), http.StatusBadRequest, "login_cookie_lost")
	fx.wantLoginCalls(0, 0, 0)
	other.wantLoggedIn(other.visit(callback))
}

// TestOAuthsLog: one line of what became of a login, and one of each request. They
// name the account, and nobody.
func TestOAuthsLog(t *testing.T) {
	fx := newLoginFixture(t)
	oauth := fx.start("oauth")
	b := oauth.browser("hua")
	callback := b.beginAndApprove("scope=snsapi_userinfo&return_to=%2F")
	b.wantLoggedIn(b.visit(callback))
	b.wantLoggedIn(b.visit(callback))
	b.visit(b.answerAtWeChat(b.begin("app=second&return_to=%2F"), "refuse"))
	b.visit("/oauth/callback?code=c4nary-code&state=guessed")
	b.fetch(http.MethodPost, "/oauth/session/refresh", "")
	b.wantProfile("Li Hua")
	oauth.Close()
	var got []string
	for _, text := range oauth.Logs() {
		var line struct{ Level, Msg, Account, Outcome, Path, Code string }
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got = append(got, strings.Join([]string{line.Level, line.Msg, line.Account, line.Outcome, line.Path, line.Code}, ","))
	}
	want := []string{
		"INFO,request,,,/oauth/authorize,",
		"INFO,login,default,session,,", "INFO,request,,,/oauth/callback,",
		"INFO,request,,,/oauth/callback,",
		"INFO,request,,,/oauth/authorize,",
		"INFO,login,second,login_refused,,", "INFO,request,,,/oauth/callback,login_refused",
		"INFO,request,,,/oauth/callback,login_unknown",
		"INFO,request,,,/oauth/session/refresh,",
		"INFO,request,,,/oauth/userinfo,",
	}
	if !slices.Equal(got, want) {
		t.Errorf("logged\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, secret := range []string{fx.stored("accessToken"), fx.stored("refreshToken"), websiteSecret, strings.Split(callback, "=")[1][:32]} {
		if !fx.canaries.foundIn("a line with " + secret + " in it") {
			t.Error("a secret was not planted as a canary")
		}
	}
	for _, secret := range []string{b.cookie(loginCookie), b.cookie(sessionCookie), callback[strings.LastIndex(callback, "=")+1:]} {
		if !fx.sessionSecrets.foundIn("a line with "+secret+" in it") || !fx.private.foundIn(secret) {
			t.Error("a token was not planted as a canary")
		}
	}
}

// stored is a token of the one user in the table.
func (fx *fixture) stored(name string) (token string) {
	fx.Helper()
	fx.rewrite("user", func(user map[string]any) {
		token, _ = user["tokens"].(map[string]any)[name].(string)
	})
	if token == "" {
		fx.Errorf("no %s in the table", name)
	}
	return token
}
