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

// TestFailedLogins: each ends on a page that says what to do, costs WeChat what it
// must, opens nothing, and says the same when it is asked again.
func TestFailedLogins(t *testing.T) {
	type step func(b *browser) (callback string)
	withCode := func(code func(*fixture) string) step {
		return func(b *browser) string {
			to, err := url.Parse(b.begin("return_to=%2F"))
			if err != nil {
				b.f.fx.Fatal(err)
			}
			made := code(b.f.fx)
			b.f.fx.canaries.plant(made)
			return "/oauth/callback?code=" + made + "&state=" + to.Query().Get("state")
		}
	}
	failing := func(f wechatsim.Fault) step {
		return func(b *browser) string {
			f.Path, f.Times = wechatsim.PathExchange, 1
			b.f.fx.sim.Fail(f)
			return b.beginAndApprove("return_to=%2F")
		}
	}
	for name, c := range map[string]struct {
		come      step
		status    int
		code      string
		exchanges int
	}{
		"refused":        {func(b *browser) string { return b.answerAtWeChat(b.begin("return_to=%2F"), wechatsim.AnswerRefuse) }, http.StatusForbidden, "login_refused", 0},
		"a snapshot":     {func(b *browser) string { return b.answerAtWeChat(b.begin("return_to=%2F"), wechatsim.AnswerSnapshot) }, http.StatusForbidden, "login_snapshot", 1},
		"a wrong code":   {withCode(func(*fixture) string { return "c4nary-code" }), http.StatusBadRequest, "login_code_invalid", 1},
		"another's code": {withCode(func(fx *fixture) string { return fx.code(secondID) }), http.StatusBadRequest, "login_code_invalid", 1},
		"a used code": {withCode(func(fx *fixture) string {
			code := fx.code(appID)
			fx.exchangeElsewhere(code)
			return code
		}), http.StatusBadRequest, "login_code_used", 1},
		"an old code":      {failing(wechatsim.Fault{ErrCode: 42003}), http.StatusBadRequest, "login_code_expired", 1},
		"WeChat is busy":   {failing(wechatsim.Fault{ErrCode: -1}), http.StatusServiceUnavailable, "login_unavailable", 1},
		"over a quota":     {failing(wechatsim.Fault{ErrCode: 45011}), http.StatusServiceUnavailable, "login_unavailable", 1},
		"a broken gateway": {failing(wechatsim.Fault{Status: 502, Body: "<html>c4nary-page"}), http.StatusServiceUnavailable, "login_unavailable", 1},
		"a cut connection": {failing(wechatsim.Fault{DropAfter: true}), http.StatusServiceUnavailable, "login_unavailable", 1},
		"not whitelisted":  {failing(wechatsim.Fault{ErrCode: 40164}), http.StatusInternalServerError, "login_misconfigured", 1},
		"a wrong AppID":    {failing(wechatsim.Fault{ErrCode: 40013}), http.StatusInternalServerError, "login_misconfigured", 1},
	} {
		t.Run(name, func(t *testing.T) {
			fx := newLoginFixture(t)
			fx.canaries.plant("c4nary-page")
			b := fx.start("oauth").browser("hua")
			callback := c.come(b)
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

// spend exchanges a code behind our back.
func (fx *fixture) exchangeElsewhere(code string) {
	fx.Helper()
	response, err := fx.sim.Client().Get("https://api.weixin.qq.com" + wechatsim.PathExchange + "?appid=" + appID + "&secret=" + appSecret + "&code=" + code + "&grant_type=authorization_code")
	if err != nil {
		fx.Fatal(err)
	}
	response.Body.Close()
}

// TestUnknownLogins: what never began here, or has ended, costs WeChat nothing.
func TestUnknownLogins(t *testing.T) {
	fx := newLoginFixture(t)
	b := fx.start("oauth").browser("hua")
	old := b.beginAndApprove("return_to=%2F")
	fx.rewrite("state", func(flow map[string]any) { flow["!"] = time.Now().Add(-time.Second) })
	fx.sim.ResetCounts()
	for _, callback := range []string{
		old, "/oauth/callback?code=c4nary-code", "/oauth/callback?code=c4nary-code&state=c4nary",
		"/oauth/callback?code=c4nary-code&state=" + strings.Repeat("0f", 16), "/oauth/callback?state=" + strings.Repeat("0", 4000),
	} {
		wantPage(t, b.visit(callback), http.StatusBadRequest, "login_unknown")
	}
	wantPage(t, b.visit("/oauth/callback"), http.StatusForbidden, "login_refused") // as some clients come back after a no
	fx.wantLoginCalls(0, 0, 0)
}

// TestLoginsNewAppSecret: an AppSecret that was reset works as soon as it is stored, from
// the login on after the one that finds the old one refused.
func TestLoginsNewAppSecret(t *testing.T) {
	const renewed = "ffeeddccbbaa99887766554433221100"
	fx := newLoginFixture(t)
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

// TestLoginsNoAppSecret: without one nobody logs in, and who is in stays in.
func TestLoginsNoAppSecret(t *testing.T) {
	fx := newLoginFixture(t)
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

// TestLoginsAccountAdded: the AppSecret of an account that is added to those stored
// works in a process that has read them before.
func TestLoginsAccountAdded(t *testing.T) {
	fx := newLoginFixture(t)
	fx.secrets.put(map[string]string{"default": appSecret})
	b := fx.start("oauth").browser("hua").logIn("return_to=%2F")
	wantPage(t, b.visit(b.beginAndApprove("app=second&return_to=%2F")), http.StatusInternalServerError, "login_misconfigured")
	fx.secrets.put(map[string]string{"default": appSecret, "second": secondSecret})
	b.visit(b.beginAndApprove("app=second&return_to=%2F")) // the one that finds it missing may fail
	b.logIn("app=second&return_to=%2F")
}

// TestProfileFails: a profile that cannot be read is no reason to refuse a login.
func TestProfileFails(t *testing.T) {
	fx := newLoginFixture(t)
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

// TestLoginsAnswerInTime: whatever hangs, the browser has an answer before Lambda
// would end the function. All cases run at once, because each takes its seconds.
func TestLoginsAnswerInTime(t *testing.T) {
	t.Parallel()
	hanging := func(path string) func(*fixture, *function) {
		return func(fx *fixture, _ *function) { fx.sim.Fail(wechatsim.Fault{Path: path, Delay: time.Hour}) }
	}
	table := func(from string) func(*fixture, *function) {
		return func(_ *fixture, f *function) { f.table.hang(from) }
	}
	type request func(b *browser, callback string) answer
	callback := func(b *browser, callback string) answer {
		a := b.visit(callback)
		if a.status != http.StatusSeeOther {
			wantPage(t, a, a.status, "登录未完成")
		}
		return a
	}
	fetch := func(method, target string) request {
		return func(b *browser, _ string) answer { return b.fetch(method, target, "") }
	}
	var wg sync.WaitGroup
	for name, c := range map[string]struct {
		hang   func(*fixture, *function)
		ask    request
		status int
	}{
		"WeChat, of a code":         {hanging(wechatsim.PathExchange), callback, http.StatusServiceUnavailable},
		"WeChat, of a profile":      {hanging(wechatsim.PathUserInfo), callback, http.StatusSeeOther},
		"WeChat, when asked":        {hanging(wechatsim.PathUserInfo), fetch(http.MethodGet, "/oauth/userinfo"), http.StatusServiceUnavailable},
		"Secrets Manager":           {func(fx *fixture, _ *function) { fx.secrets.hang() }, callback, 0},
		"the table, at a beginning": {table("PutItem state"), fetch(http.MethodGet, "/oauth/authorize"), http.StatusServiceUnavailable},
		"the table, at a state":     {table("GetItem state"), callback, http.StatusServiceUnavailable},
		"the table, at a claim":     {table("PutItem state"), callback, http.StatusServiceUnavailable},
		"the table, at a user":      {table("PutItem user"), callback, http.StatusServiceUnavailable},
		"the table, at a session":   {table("GetItem session"), callback, http.StatusServiceUnavailable},
		"the table, at a check":     {table("GetItem session"), fetch(http.MethodGet, "/oauth/session"), http.StatusServiceUnavailable},
		"the table, at a rotation":  {table("PutItem session"), fetch(http.MethodPost, "/oauth/session/refresh"), http.StatusServiceUnavailable},
		"the table, at a logout":    {table("PutItem session"), fetch(http.MethodDelete, "/oauth/session"), http.StatusServiceUnavailable},
	} {
		fx := newLoginFixture(t)
		oauth := fx.start("oauth")
		b := oauth.browser("hua").logIn("scope=snsapi_userinfo&return_to=%2F")
		if strings.HasPrefix(name, "Secrets") {
			oauth = fx.start("oauth") // one that does not know them yet
		}
		to := b.beginAndApprove("scope=snsapi_userinfo&return_to=%2F")
		fx.sim.ResetCounts()
		c.hang(fx, oauth)
		wg.Go(func() {
			a := c.ask(b.at(oauth), to)
			if a.status != c.status && (c.status != 0 || a.status < 500) {
				t.Errorf("%s hangs: answer %d %.500s, want %d", name, a.status, a.body, c.status)
			}
			if n := fx.sim.Calls(wechatsim.PathExchange); n > 1 {
				t.Errorf("%s hangs: %d exchanges", name, n)
			}
			if n := len(oauth.ColdStarts()); n != 1 {
				t.Errorf("%s hangs: %d processes", name, n)
			}
		})
	}
	wg.Wait()
}

// TestHangingCode: a code that WeChat did not answer is not tried again, and the
// user is told the same as long as the browser asks.
func TestHangingCode(t *testing.T) {
	t.Parallel()
	fx := newLoginFixture(t)
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

// TestLoginsWithoutTheTable: nobody is told more than that, and WeChat is not asked.
func TestLoginsWithoutTheTable(t *testing.T) {
	fx := newLoginFixture(t)
	oauth := fx.start("oauth")
	b := oauth.browser("hua").logIn("return_to=%2F")
	callback := b.beginAndApprove("return_to=%2F")
	fx.sim.ResetCounts()
	oauth.table.Close()
	for name, a := range map[string]answer{
		"authorize": b.fetch(http.MethodGet, "/oauth/authorize", ""),
		"callback":  b.fetch(http.MethodGet, callback, ""),
		"session":   b.fetch(http.MethodGet, "/oauth/session", ""),
		"refresh":   b.fetch(http.MethodPost, "/oauth/session/refresh", ""),
		"logout":    b.fetch(http.MethodDelete, "/oauth/session", ""),
		"userinfo":  b.fetch(http.MethodGet, "/oauth/userinfo", ""),
		"token":     b.fetch(http.MethodPost, "/oauth/token", redeemBody("c4nary")),
	} {
		var problem struct{ Code string }
		if a.status < 500 || json.Unmarshal(a.body, &problem) != nil || problem.Code == "" {
			t.Errorf("%s: answer %d %s", name, a.status, a.body)
		}
	}
	wantPage(t, b.visit(callback), http.StatusInternalServerError, "internal")
	fx.wantLoginCalls(0, 0, 0)
	if b.cookie(sessionCookie) == "" {
		t.Error("the cookie is gone, and the session is not")
	}
}
