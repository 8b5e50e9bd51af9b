package e2e_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
)

// A login that fails ends on a page that says what to do, and opens no session. A second
// callback gets the same page, without a call of WeChat.
func TestFailedLogins(t *testing.T) { onEachDriver(t, testFailedLogins) }

func testFailedLogins(t *testing.T, launch launcher) {
	type step func(b *browser) (callback string)
	withCode := func(code func(*fixture) string) step {
		return func(b *browser) string {
			to, err := url.Parse(b.begin("return_to=%2F"))
			if err != nil {
				b.f.fx.Fatal(err)
			}
			issued := code(b.f.fx)
			b.f.fx.canaries.plant(issued)
			return "/oauth/callback?code=" + issued + "&state=" + to.Query().Get("state")
		}
	}
	failing := func(f wechatsim.Fault) step {
		return func(b *browser) string {
			f.Path, f.Times = wechatsim.PathExchange, 1
			b.f.fx.sim.Fail(f)
			return b.beginAndApprove("return_to=%2F")
		}
	}
	for _, c := range []struct {
		name      string
		login     step // until the callback
		status    int
		code      string
		exchanges int
	}{
		{"refused", func(b *browser) string { return b.answerAtWeChat(b.begin("return_to=%2F"), wechatsim.AnswerRefuse) }, http.StatusForbidden, "login_refused", 0},
		{"a snapshot", func(b *browser) string { return b.answerAtWeChat(b.begin("return_to=%2F"), wechatsim.AnswerSnapshot) }, http.StatusForbidden, "login_snapshot", 1},
		{"a wrong code", withCode(func(*fixture) string { return "c4nary-code" }), http.StatusBadRequest, "login_code_invalid", 1},
		{"a code of another account", withCode(func(fx *fixture) string { return fx.code(secondID) }), http.StatusBadRequest, "login_code_invalid", 1},
		{"a used code", withCode(func(fx *fixture) string {
			code := fx.code(appID)
			fx.exchangeElsewhere(code)
			return code
		}), http.StatusBadRequest, "login_code_used", 1},
		{"an old code", failing(wechatsim.Fault{ErrCode: 42003}), http.StatusBadRequest, "login_code_expired", 1},
		{"WeChat is busy", failing(wechatsim.Fault{ErrCode: -1}), http.StatusServiceUnavailable, "login_unavailable", 1},
		{"over a quota", failing(wechatsim.Fault{ErrCode: 45011}), http.StatusServiceUnavailable, "login_unavailable", 1},
		{"a broken gateway", failing(wechatsim.Fault{Status: 502, Body: "<html>c4nary-page"}), http.StatusServiceUnavailable, "login_unavailable", 1},
		{"a broken connection", failing(wechatsim.Fault{DropAfter: true}), http.StatusServiceUnavailable, "login_unavailable", 1},
		{"not whitelisted", failing(wechatsim.Fault{ErrCode: 40164}), http.StatusInternalServerError, "login_misconfigured", 1},
		{"a wrong AppID", failing(wechatsim.Fault{ErrCode: 40013}), http.StatusInternalServerError, "login_misconfigured", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			fx := newLoginFixture(t, launch)
			fx.canaries.plant("c4nary-page")
			b := fx.start("oauth").browser("hua")
			callback := c.login(b)
			fx.sim.ResetCounts()
			for range 3 {
				wantPage(t, b.visit(callback), c.status, c.code)
			}
			if a := b.fetch(http.MethodGet, callback, ""); a.status != c.status || !strings.Contains(string(a.body), `"code":"`+c.code+`"`) {
				t.Errorf("answer %d %s, want %d %s", a.status, a.body, c.status, c.code)
			}
			fx.wantLoginCalls(c.exchanges, 0, 0)
			if b.cookie(sessionCookie) != "" || len(fx.keys("session"))+len(fx.keys("user")) != 0 {
				t.Errorf("the table holds %q", fx.keys(""))
			}
			fx.sim.ClearFaults()
			b.logIn("return_to=%2F")
		})
	}
}

func (fx *fixture) code(appID string) string {
	fx.Helper()
	code, err := fx.sim.IssueCode(appID, "hua", "snsapi_base", false)
	if err != nil {
		fx.Fatal(err)
	}
	return code
}

// exchangeElsewhere exchanges a code, and our functions do not know.
func (fx *fixture) exchangeElsewhere(code string) {
	fx.Helper()
	response, err := fx.sim.Client().Get("https://api.weixin.qq.com" + wechatsim.PathExchange + "?appid=" + appID + "&secret=" + appSecret + "&code=" + code + "&grant_type=authorization_code")
	if err != nil {
		fx.Fatal(err)
	}
	response.Body.Close()
}

// The callback of a login that did not begin here, or has expired, causes no call of WeChat.
func TestUnknownLogins(t *testing.T) { onEachDriver(t, testUnknownLogins) }

func testUnknownLogins(t *testing.T, launch launcher) {
	fx := newLoginFixture(t, launch)
	b := fx.start("oauth").browser("hua")
	expired := b.beginAndApprove("return_to=%2F")
	fx.rewrite("state", func(flow map[string]any) { flow["!"] = time.Now().Add(-time.Second) })
	fx.sim.ResetCounts()
	for _, c := range []struct{ name, callback string }{
		{"expired", expired},
		{"no state", "/oauth/callback?code=c4nary-code"},
		{"a malformed state", "/oauth/callback?code=c4nary-code&state=c4nary"},
		{"a guessed state", "/oauth/callback?code=c4nary-code&state=" + strings.Repeat("0f", 16)},
		{"a long state", "/oauth/callback?state=" + strings.Repeat("0", 4000)},
	} {
		t.Run(c.name, func(t *testing.T) { wantPage(t, b.visit(c.callback), http.StatusBadRequest, "login_unknown") })
	}
	wantPage(t, b.visit("/oauth/callback"), http.StatusForbidden, "login_refused") // some clients open this address when the user refuses
	fx.wantLoginCalls(0, 0, 0)
}

// A new AppSecret works as soon as it is stored. The login that finds the old one refused
// fails, and the next one succeeds.
func TestLoginsWithANewAppSecret(t *testing.T) {
	const renewed = "ffeeddccbbaa99887766554433221100"
	fx := newLoginFixture(t, runtimeAPI)
	fx.canaries.plant(renewed)
	b := fx.start("oauth").browser("hua").logIn("return_to=%2F")
	fx.secrets.wantReads(1)
	if err := fx.sim.SetSecret(appID, renewed); err != nil {
		t.Fatal(err)
	}
	wantPage(t, b.visit(b.beginAndApprove("return_to=%2F")), http.StatusInternalServerError, "login_misconfigured")
	fx.secrets.wantReads(1)
	fx.secrets.put(map[string]string{"default": renewed})
	wantPage(t, b.visit(b.beginAndApprove("return_to=%2F")), http.StatusInternalServerError, "login_misconfigured")
	fx.secrets.wantReads(1)
	b.logIn("return_to=%2F")
	fx.secrets.wantReads(0)
}

// Without an AppSecret nobody can log in, and sessions are still valid.
func TestLoginsWithoutAnAppSecret(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	b := fx.start("oauth").browser("hua")
	for _, value := range []any{nil, "text"} {
		fx.secrets.put(value)
		callback := b.beginAndApprove("return_to=%2F")
		fx.sim.ResetCounts()
		wantPage(t, b.visit(callback), http.StatusInternalServerError, "login_misconfigured")
		fx.wantLoginCalls(0, 0, 0)
	}
	fx.secrets.put(map[string]string{"default": appSecret})
	b.logIn("return_to=%2F")
	fx.secrets.put(nil)
	b.session()
}

// An AppSecret that is added to the secret works in a process that has read the secret
// before.
func TestLoginsWithAnAddedAppSecret(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	fx.secrets.put(map[string]string{"default": appSecret})
	b := fx.start("oauth").browser("hua").logIn("return_to=%2F")
	wantPage(t, b.visit(b.beginAndApprove("app=second&return_to=%2F")), http.StatusInternalServerError, "login_misconfigured")
	fx.secrets.put(map[string]string{"default": appSecret, "second": secondSecret})
	b.visit(b.beginAndApprove("app=second&return_to=%2F")) // the login that finds it missing may fail
	b.logIn("app=second&return_to=%2F")
}

// If the profile cannot be read, the login succeeds all the same.
func TestLoginWithoutAProfile(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	b := fx.start("oauth").browser("hua")
	fx.sim.Fail(wechatsim.Fault{Path: wechatsim.PathUserInfo, ErrCode: -1})
	b.logIn("scope=snsapi_userinfo&return_to=%2F")
	wantProblem(t, b.fetch(http.MethodGet, "/oauth/userinfo", ""), http.StatusServiceUnavailable, "wechat_unavailable")
	fx.sim.ClearFaults()
	b.wantProfile("Li Hua")
	if err := fx.sim.VoidUserTokens(appID, "hua"); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, b.fetch(http.MethodGet, "/oauth/userinfo", ""), http.StatusConflict, "login_again")
	b.session()
}

// Whatever does not answer, the browser gets an answer before Lambda ends the function. All
// cases run at the same time, because each takes some seconds.
func TestLoginsAnswerInTime(t *testing.T) {
	t.Parallel()
	weChat := func(path string) func(*fixture, *function) {
		return func(fx *fixture, _ *function) { fx.sim.Fail(wechatsim.Fault{Path: path, Delay: time.Hour}) }
	}
	table := func(call string) func(*fixture, *function) {
		return func(_ *fixture, f *function) { f.table.hang(call) }
	}
	secrets := func(fx *fixture, _ *function) { fx.secrets.hang() }
	cases := []struct {
		name           string
		hang           func(*fixture, *function)
		cold           bool   // in a process that has not read the secret
		method, target string // of the request; empty: the callback
		status         int    // 0: any from 500 on
	}{
		{"WeChat exchanges a code", weChat(wechatsim.PathExchange), false, "", "", http.StatusServiceUnavailable},
		{"WeChat reads a profile in a login", weChat(wechatsim.PathUserInfo), false, "", "", http.StatusSeeOther},
		{"WeChat reads a profile", weChat(wechatsim.PathUserInfo), false, http.MethodGet, "/oauth/userinfo", http.StatusServiceUnavailable},
		{"Secrets Manager", secrets, true, "", "", 0},
		{"the table writes a new state", table("PutItem state"), false, http.MethodGet, "/oauth/authorize", http.StatusServiceUnavailable},
		{"the table reads a state", table("GetItem state"), false, "", "", http.StatusServiceUnavailable},
		{"the table writes a state", table("PutItem state"), false, "", "", http.StatusServiceUnavailable},
		{"the table writes a user", table("PutItem user"), false, "", "", http.StatusServiceUnavailable},
		{"the table reads a session in a login", table("GetItem session"), false, "", "", http.StatusServiceUnavailable},
		{"the table reads a session", table("GetItem session"), false, http.MethodGet, "/oauth/session", http.StatusServiceUnavailable},
		{"the table rotates a session", table("PutItem session"), false, http.MethodPost, "/oauth/session/refresh", http.StatusServiceUnavailable},
		{"the table revokes a session", table("PutItem session"), false, http.MethodDelete, "/oauth/session", http.StatusServiceUnavailable},
	}
	var wg sync.WaitGroup
	answers, exchanges := make([]answer, len(cases)), make([]int, len(cases))
	for i, c := range cases {
		fx := newLoginFixture(t, runtimeAPI)
		oauth := fx.start("oauth")
		b := oauth.browser("hua").logIn("scope=snsapi_userinfo&return_to=%2F")
		if c.cold {
			oauth = fx.start("oauth")
		}
		callback := b.beginAndApprove("scope=snsapi_userinfo&return_to=%2F")
		fx.sim.ResetCounts()
		c.hang(fx, oauth)
		wg.Go(func() {
			if c.target == "" {
				answers[i] = b.at(oauth).visit(callback)
			} else {
				answers[i] = b.at(oauth).fetch(c.method, c.target, "")
			}
			exchanges[i] = fx.sim.Calls(wechatsim.PathExchange)
			oauth.wantProcesses(1)
		})
	}
	wg.Wait()
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := answers[i]
			if a.status != c.status && (c.status != 0 || a.status < 500) {
				t.Errorf("answer %d %.500s, want %d", a.status, a.body, c.status)
			}
			if c.target == "" && a.status != http.StatusSeeOther {
				wantPage(t, a, a.status, "登录未完成")
			}
			if exchanges[i] > 1 {
				t.Errorf("%d exchanges", exchanges[i])
			}
		})
	}
}

// If WeChat did not answer, its code is not exchanged again, and each further callback gets
// the same page.
func TestCodeThatWeChatDidNotAnswer(t *testing.T) {
	t.Parallel()
	fx := newLoginFixture(t, runtimeAPI)
	b := fx.start("oauth").browser("hua")
	fx.sim.Fail(wechatsim.Fault{Path: wechatsim.PathExchange, Delay: time.Hour, Times: 1})
	callback := b.beginAndApprove("return_to=%2F")
	fx.sim.ResetCounts()
	for range 2 {
		wantPage(t, b.visit(callback), http.StatusServiceUnavailable, "login_unavailable")
	}
	fx.wantLoginCalls(1, 0, 0)
	b.logIn("return_to=%2F")
}

// Without the table all requests fail with a problem, and WeChat is not called.
func TestLoginsWithoutTheTable(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.start("oauth")
	b := oauth.browser("hua").logIn("return_to=%2F")
	callback := b.beginAndApprove("return_to=%2F")
	fx.sim.ResetCounts()
	oauth.table.Close()
	for _, c := range []struct {
		name   string
		answer answer
	}{
		{"authorize", b.fetch(http.MethodGet, "/oauth/authorize", "")},
		{"callback", b.fetch(http.MethodGet, callback, "")},
		{"session", b.fetch(http.MethodGet, "/oauth/session", "")},
		{"refresh", b.fetch(http.MethodPost, "/oauth/session/refresh", "")},
		{"logout", b.fetch(http.MethodDelete, "/oauth/session", "")},
		{"userinfo", b.fetch(http.MethodGet, "/oauth/userinfo", "")},
		{"token", b.fetch(http.MethodPost, "/oauth/token", redeemBody("c4nary"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			var problem struct{ Code string }
			if c.answer.status < 500 || json.Unmarshal(c.answer.body, &problem) != nil || problem.Code == "" {
				t.Errorf("answer %d %s", c.answer.status, c.answer.body)
			}
		})
	}
	wantPage(t, b.visit(callback), http.StatusInternalServerError, "internal")
	fx.wantLoginCalls(0, 0, 0)
	if b.cookie(sessionCookie) == "" {
		t.Error("the cookie was deleted, and the session was not")
	}
}
