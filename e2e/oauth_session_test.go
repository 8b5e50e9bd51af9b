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

// With one device too many the oldest session is revoked. A logout of all devices revokes
// the sessions of this user only, and login codes too.
func TestDevices(t *testing.T) { onEachDriver(t, testDevices) }

func testDevices(t *testing.T, launch launcher) {
	fx := newLoginFixture(t, launch)
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
	code := shop.loginCodeOf(shop.visit(shop.beginAndApprove("return_to=" + url.QueryEscape(otherOrigin))))

	other := oauth.browser("ming").logIn("return_to=%2F")
	if a := devices[1].fetch(http.MethodDelete, "/oauth/session?all=true", ""); a.status != http.StatusNoContent {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	wantProblem(t, devices[2].fetch(http.MethodGet, "/oauth/session", ""), http.StatusUnauthorized, "session_revoked")
	other.session()
	wantProblem(t, shop.fetch(http.MethodPost, "/oauth/token", redeemBody(code)), http.StatusBadRequest, "login_ended")
}

// SESSION_TTL and SESSION_IDLE_TIMEOUT limit a session. It is written again only when less
// than half of the idle time is left.
func TestSessionTimes(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
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
	idle(10 * time.Minute)
	if s := b.session(); time.Until(time.Unix(s.ExpiresAt, 0)) < 29*time.Minute {
		t.Errorf("session %+v", s)
	}
	oauth.wantCalls(calls{"GetItem session": 1, "PutItem session": 1})
	idle(-time.Second)
	wantProblem(t, b.fetch(http.MethodGet, "/oauth/session", ""), http.StatusUnauthorized, "session_missing")
	authorizes(t, oauth, b.cookie(sessionCookie), false)
}

// If a token is used again after its rotation, somebody has a copy. The session is revoked
// for both.
func TestReusedTokenRevokesTheSession(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.start("oauth")
	for _, c := range []struct {
		name string
		use  func(b *browser)
	}{
		{"in a check", func(b *browser) {
			wantProblem(t, b.fetch(http.MethodGet, "/oauth/session", ""), http.StatusUnauthorized, "session_revoked")
		}},
		{"in a rotation", func(b *browser) {
			wantProblem(t, b.fetch(http.MethodPost, "/oauth/session/refresh", ""), http.StatusUnauthorized, "session_revoked")
		}},
		{"in an authorizer", func(b *browser) { authorizes(t, oauth, b.token, false) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			owner, thief := oauth.browser("hua").logIn("return_to=%2F"), oauth.browser("odd")
			thief.token = owner.cookie(sessionCookie)
			if a := owner.fetch(http.MethodPost, "/oauth/session/refresh", ""); a.status != http.StatusOK {
				t.Fatalf("answer %d %s", a.status, a.body)
			}
			owner.session()
			c.use(thief)
			wantProblem(t, owner.fetch(http.MethodGet, "/oauth/session", ""), http.StatusUnauthorized, "session_revoked")
			authorizes(t, oauth, owner.cookie(sessionCookie), false)
		})
	}
}

// The page of another site cannot change a session with the cookie alone.
func TestOtherPages(t *testing.T) { onEachDriver(t, testOtherPages) }

func testOtherPages(t *testing.T, launch launcher) {
	fx := newLoginFixture(t, launch)
	b := fx.start("oauth").browser("hua").logIn("return_to=%2F")
	for _, page := range []string{"https://evil.example.net", "null", "https://www.example.com.evil.example.net", ""} {
		t.Run("from "+page, func(t *testing.T) {
			b.page = page
			wantProblem(t, b.fetch(http.MethodDelete, "/oauth/session", ""), http.StatusForbidden, "origin_not_allowed")
			wantProblem(t, b.fetch(http.MethodPost, "/oauth/session/refresh", ""), http.StatusForbidden, "origin_not_allowed")
			if a := b.fetch(http.MethodGet, "/oauth/session", ""); a.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("the page may read the answer: %v", a.header)
			}
		})
	}
	b.page = origin
	b.session()
}

// Login CSRF: the callback of another user's login opens no session in this browser. It
// begins a login of this browser.
func TestStolenLink(t *testing.T) { onEachDriver(t, testStolenLink) }

func testStolenLink(t *testing.T, launch launcher) {
	fx := newLoginFixture(t, launch)
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
	thief.wantLoggedIn(thief.visit(link)) // the visits have not used the code
	if s := thief.session(); s.OpenID != fx.sim.OpenID(appID, "odd") {
		t.Errorf("session %+v", s)
	}
}

// If the cookie of a login is lost, the callback begins the login again, once.
func TestLostCookie(t *testing.T) { onEachDriver(t, testLostCookie) }

func testLostCookie(t *testing.T, launch launcher) {
	fx := newLoginFixture(t, launch)
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

// There is one line for the outcome of a login, and one for each request. They name the
// account, and no user.
func TestLogOfLogins(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
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
			t.Error("a session secret was not planted as a canary")
		}
	}
}

// stored returns a token of the only user in the table.
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
