package e2e_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/e2e/lambdatest"
)

var withProfile = func() map[string]any { return map[string]any{"rawData": true, "sku": "shop", "device": "phone"} }

// TestMiniProgram makes all requests of a mini-program: the login, decryption, a phone
// number, a new token, and a logout by another device. It counts the calls of each.
func TestMiniProgram(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	fx.start("refresher").tick()
	oauth := fx.start("oauth")
	fx.sim.ResetCounts()
	fx.secrets.drain()
	m, other := oauth.mini("hua"), oauth.mini("hua")

	began := time.Now()
	g := m.grant(withProfile())
	passed := time.Now().Unix() - began.Unix() // in whole seconds
	oauth.wantCalls(calls{"PutItem user": 1, "PutItem session": 1, "PutItem union": 1})
	fx.wantMiniCalls(1, 0, 0)
	fx.secrets.wantReads(1)
	if g.ExpiresIn > 259200 || g.ExpiresIn < 259200-passed || !g.NewUser || g.OpenID != fx.sim.OpenID(miniID, "hua") || g.UnionID != fx.sim.UnionID(miniID, "hua") {
		t.Errorf("%+v", g)
	}
	if other.grant(map[string]any{"sku": "shop", "device": "tablet"}).NewUser {
		t.Error("the second login has a new user, too")
	}
	oauth.wantCalls(calls{"PutItem user refused": 1, "PutItem union refused": 1, "PutItem user": 1, "PutItem session": 1})
	fx.wantMiniCalls(1, 0, 0)

	if a := m.post("/miniprogram/decrypt", m.data()); a.status != http.StatusOK || !strings.Contains(string(a.body), `"nickName":"Li Hua"`) {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	oauth.wantCalls(calls{"GetItem session": 1, "GetItem user": 1})
	fx.wantMiniCalls(0, 0, 0)

	fx.wantPhoneNumber(m.post("/miniprogram/phone", m.phoneCode()))
	oauth.wantCalls(calls{"GetItem session": 1, "GetItem token": 1})
	fx.wantPhoneNumber(m.post("/miniprogram/phone", m.phoneCode()))
	oauth.wantCalls(calls{"GetItem session": 1})
	fx.wantMiniCalls(0, 2, 0)

	if a := m.get("/miniprogram/session?sku=shop"); a.status != http.StatusOK || string(a.body) != `{"valid":true}`+"\n" {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	oauth.wantCalls(calls{"GetItem session": 1, "GetItem user": 1})
	fx.wantMiniCalls(0, 0, 1)

	a := m.post("/oauth/session/refresh?sku=shop", nil)
	var fresh miniGrant
	if err := json.Unmarshal(a.body, &fresh); err != nil || fresh.Token == "" || fresh.Token == m.token {
		t.Fatalf("answer %d %s", a.status, a.body)
	}
	m.token = fresh.Token
	if got := authorizes(t, oauth, m.token, true); got["sku"] != "shop" || got["device"] != "phone" || got["app"] != "mini" {
		t.Errorf("context %v", got)
	}
	wantProblem(t, m.get("/oauth/session?sku=news"), http.StatusForbidden, "session_other_product")

	if a := other.send(http.MethodDelete, "/oauth/session?all=true", nil); a.status != http.StatusNoContent {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	wantProblem(t, m.post("/miniprogram/decrypt", m.data()), http.StatusUnauthorized, "session_revoked")
	wantProblem(t, m.post("/miniprogram/phone", m.phoneCode()), http.StatusUnauthorized, "session_revoked")
	wantProblem(t, m.get("/miniprogram/session"), http.StatusUnauthorized, "session_revoked")
	fx.wantMiniCalls(0, 0, 0)
	m.logIn(nil)
	oauth.table.take()
	m.logIn(nil) // with the token of its session, which it gets again
	oauth.wantCalls(calls{"GetItem session": 1, "GetItem user": 1, "PutItem user": 1})
}

// wantPhoneNumber checks that the answer has a phone number, which may be in no log.
func (fx *fixture) wantPhoneNumber(a answer) {
	fx.Helper()
	var p struct{ PhoneNumber, PurePhoneNumber, CountryCode string }
	if err := json.Unmarshal(a.body, &p); err != nil || a.status != http.StatusOK || len(p.PurePhoneNumber) != 11 || p.CountryCode != "86" {
		fx.Fatalf("answer %d %s", a.status, a.body)
	}
	fx.private.plant(p.PhoneNumber, p.PurePhoneNumber)
}

// The access token was invalidated elsewhere. The function writes a refresh request, waits
// for a new token, and calls WeChat once more.
func TestPhoneWithAnInvalidToken(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	refresher, oauth := fx.start("refresher"), fx.start("oauth")
	refresher.tick()
	m := oauth.mini("hua").logIn(nil)
	fx.wantPhoneNumber(m.post("/miniprogram/phone", m.phoneCode()))
	if err := fx.sim.ForeignRefresh(miniID); err != nil {
		t.Fatal(err)
	}
	fx.sim.ResetCounts()
	var wg sync.WaitGroup
	wg.Go(func() { fx.wantPhoneNumber(m.post("/miniprogram/phone", m.phoneCode())) })
	for len(fx.keys("refresh_request")) == 0 { // the table's stream waits for one too
		if t.Context().Err() != nil {
			return
		}
	}
	refresher.report(fx.streamEvent("INSERT"))
	wg.Wait()
	fx.wantTokenCalls(1, 0)
	fx.wantPhoneNumber(m.post("/miniprogram/phone", m.phoneCode()))
	fx.wantMiniCalls(0, 1, 0)
	oauth.wantProcesses(1)
}

// If the refresher does not run, the function answers in time, with a Retry-After.
func TestPhoneWithoutARefresher(t *testing.T) {
	t.Parallel()
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.start("oauth")
	m := oauth.mini("hua").logIn(nil)
	a := m.post("/miniprogram/phone", m.phoneCode())
	wantProblem(t, a, http.StatusServiceUnavailable, "token_unavailable")
	if a.header.Get("Retry-After") == "" || len(fx.keys("refresh_request")) != 1 {
		t.Errorf("%v, refresh requests %q", a.header, fx.keys("refresh_request"))
	}
	fx.start("refresher").tick()
	if err := fx.sim.ForeignRefresh(miniID); err != nil {
		t.Fatal(err)
	}
	warm := fx.start("oauth")
	m.f = warm
	wantProblem(t, m.post("/miniprogram/phone", m.phoneCode()), http.StatusServiceUnavailable, "token_unavailable")
	warm.wantProcesses(1)
}

// A hundred concurrent logins of one user, in many processes, all succeed. They end no
// session of the user's other device.
func TestHundredConcurrentMiniLogins(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.startMany("oauth", 10)
	tablet := oauth.mini("hua").logIn(map[string]any{"device": "tablet"})
	oauth.browser("hua").logIn("return_to=%2F") // to another account, so the user has another item
	var mu sync.Mutex
	tokens := map[string]bool{}
	var wg sync.WaitGroup
	turns := make(chan struct{}, 10)
	for range 99 { // WeChat lets a user log in a hundred times a minute
		wg.Go(func() {
			turns <- struct{}{}
			g := oauth.mini("hua").grant(map[string]any{"device": "phone"})
			<-turns
			mu.Lock()
			defer mu.Unlock()
			tokens[g.Token] = true
		})
	}
	wg.Wait()
	if len(tokens) != 99 {
		t.Errorf("%d tokens", len(tokens))
	}
	if a := tablet.get("/oauth/session"); a.status != http.StatusOK {
		t.Errorf("the tablet: answer %d %s", a.status, a.body)
	}
	valid := 0
	for token := range tokens {
		m := oauth.mini("hua")
		if m.token = token; m.get("/oauth/session").status == http.StatusOK {
			valid++
		}
	}
	if valid != 9 {
		t.Errorf("%d sessions are valid beside that of the tablet, want 9", valid)
	}
}

// A login that fails opens no session, and its answer tells no secret.
func TestMiniLoginsThatFail(t *testing.T) { onEachDriver(t, testMiniLoginsThatFail) }

func testMiniLoginsThatFail(t *testing.T, launch launcher) {
	fx := newLoginFixture(t, launch)
	oauth := fx.start("oauth")
	m := oauth.mini("hua")
	code := m.code()
	body := map[string]any{"code": code}
	if a := m.post("/miniprogram/login", body); a.status != http.StatusOK {
		t.Fatalf("answer %d %s", a.status, a.body)
	}
	wantProblem(t, m.post("/miniprogram/login", body), http.StatusBadRequest, "login_code_used")
	for _, c := range []struct {
		name   string
		fault  wechatsim.Fault
		status int
		code   string
	}{
		{"an invalid code", wechatsim.Fault{ErrCode: 40029}, http.StatusBadRequest, "login_code_invalid"},
		{"a blocked user", wechatsim.Fault{ErrCode: 40226}, http.StatusForbidden, "login_blocked"},
		{"WeChat is busy", wechatsim.Fault{ErrCode: -1}, http.StatusServiceUnavailable, "login_unavailable"},
		{"too many logins", wechatsim.Fault{ErrCode: 45011}, http.StatusTooManyRequests, "login_too_often"},
		{"not whitelisted", wechatsim.Fault{ErrCode: 40164}, http.StatusInternalServerError, "login_misconfigured"},
		{"a broken connection", wechatsim.Fault{DropAfter: true}, http.StatusServiceUnavailable, "login_unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.fault.Path, c.fault.Times = wechatsim.PathCodeToSession, 1
			fx.sim.Fail(c.fault)
			fx.sim.ResetCounts()
			wantProblem(t, m.login(nil), c.status, c.code)
			fx.wantMiniCalls(1, 0, 0)
		})
	}
	wantProblem(t, m.post("/miniprogram/login", map[string]any{"code": "x", "app": "default"}), http.StatusBadRequest, "app_unknown")
	oauth.wantErrors("request failed")
}

// If WeChat does not answer, the function answers before Lambda ends it.
func TestMiniLoginAnswersInTime(t *testing.T) {
	t.Parallel()
	fx := newLoginFixture(t, runtimeAPI)
	fx.timeout = 2 * time.Second
	oauth := fx.start("oauth")
	fx.sim.Fail(wechatsim.Fault{Path: wechatsim.PathCodeToSession, Delay: time.Hour, Times: 1})
	m := oauth.mini("hua")
	wantProblem(t, m.login(nil), http.StatusServiceUnavailable, "login_unavailable")
	m.logIn(nil)
	oauth.wantProcesses(1)
}

// An operator has the right to invoke the function, and can read and end a user's
// sessions. Through the gateway nobody can.
func TestOperatorOfLogins(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	fx.start("refresher").tick()
	oauth := fx.start("oauth")
	shop, news := oauth.mini("hua").logIn(withProfile()), oauth.mini("hua").logIn(map[string]any{"sku": "news"})
	openid := fx.sim.OpenID(miniID, "hua")
	operate := func(action, more string) (string, error) {
		answer, err := oauth.operate(`{"action":"` + action + `","app":"mini","openid":"` + openid + `"` + more + `}`)
		if fx.sessionSecrets.foundIn(string(answer)) {
			t.Errorf("%s tells a token: %s", action, answer)
		}
		return string(answer), err
	}
	if user, err := operate("user", ""); err != nil || !strings.Contains(user, "Li Hua") || strings.Count(user, `"createdAt"`) != 2 {
		t.Errorf("answer %s, %v", user, err)
	}
	person := `{"` + miniID + `":"` + openid + `"}`
	if answer, err := oauth.operate(`{"action":"openids","unionid":"` + fx.sim.UnionID(miniID, "hua") + `"}`); err != nil || string(answer) != person {
		t.Errorf("answer %s, %v, want %s", answer, err, person)
	}
	before, _ := fx.sim.SessionKey(miniID, "hua")
	if answer, err := operate("reset_session_key", ""); err != nil {
		t.Errorf("answer %s, %v", answer, err)
	}
	if after, _ := fx.sim.SessionKey(miniID, "hua"); before == after {
		t.Error("the session_key is the same")
	} else {
		fx.canaries.plant(after)
	}
	if a := shop.post("/miniprogram/decrypt", shop.data()); a.status != http.StatusOK {
		t.Errorf("with the new one: answer %d %s", a.status, a.body)
	}
	if _, err := operate("logout", `,"sku":"shop"`); err != nil {
		t.Error(err)
	}
	wantProblem(t, shop.get("/oauth/session"), http.StatusUnauthorized, "session_revoked")
	if a := news.get("/oauth/session"); a.status != http.StatusOK {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	for _, event := range []string{`{"action":"forget","app":"mini","openid":"x"}`, `{"action":"user","app":"mini","openid":"x","requestContext":{}}`, `{"action":{}}`} {
		if answer, err := oauth.operate(event); err == nil {
			t.Errorf("%s: answer %s", event, answer)
		} else if _, failed := err.(*lambdatest.FunctionError); !failed {
			t.Errorf("%s: %v", event, err)
		}
	}
	inBody := map[string]any{"action": "logout", "app": "mini", "openid": openid}
	for _, target := range []string{"/miniprogram/login", "/oauth/session/refresh", "/oauth/token"} {
		if a := oauth.mini("odd").post(target, inBody); a.status < 400 {
			t.Errorf("%s: answer %d %s", target, a.status, a.body)
		}
	}
	news.get("/oauth/session?action=logout&app=mini&openid=" + openid)
	if a := news.get("/oauth/session"); a.status != http.StatusOK {
		t.Errorf("answer %d %s", a.status, a.body)
	}
}

// The session_key is stored in the user's item, and in no session.
func TestMiniSessionKeyIsStoredOnce(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.start("oauth")
	oauth.mini("hua").logIn(withProfile())
	key, err := fx.sim.SessionKey(miniID, "hua")
	if err != nil || fx.stored("sessionKey") != key {
		t.Errorf("another session_key is stored, %v", err)
	}
	fx.rewrite("session", func(session map[string]any) {
		if text, _ := json.Marshal(session); strings.Contains(string(text), key) {
			t.Error("the session holds session_key")
		}
	})
}
