package e2e_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
)

// This counts the calls for logins and sessions.
func TestCallsOfALogin(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.start("oauth")
	b := oauth.browser("hua")
	address := b.begin("scope=snsapi_userinfo&return_to=%2F")
	oauth.wantCalls(calls{"PutItem state": 1})
	fx.secrets.wantReads(0)

	callback := b.answerAtWeChat(address, wechatsim.AnswerApprove)
	fx.sim.ResetCounts()
	b.wantLoggedIn(b.visit(callback))
	oauth.wantCalls(calls{"GetItem state": 1, "PutItem state": 2, "PutItem user": 1, "PutItem session": 1, "PutItem union": 1})
	fx.wantLoginCalls(1, 0, 1)
	fx.secrets.wantReads(1)

	b.wantLoggedIn(b.visit(callback)) // a second time, as WeChat's clients do
	oauth.wantCalls(calls{"GetItem state": 1, "PutItem user refused": 1, "PutItem union refused": 1, "PutItem user": 1, "PutItem session refused": 1})
	fx.wantLoginCalls(0, 0, 0)

	b.session()
	b.session()
	oauth.wantCalls(calls{"GetItem session": 2})
	b.wantProfile("Li Hua")
	oauth.wantCalls(calls{"GetItem session": 1, "GetItem user": 1})
	fx.wantLoginCalls(0, 0, 1)

	if a := b.fetch(http.MethodGet, "/oauth/userinfo?check=true", ""); a.status != http.StatusOK || fx.sim.Calls(wechatsim.PathCheckUser) != 1 {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	oauth.wantCalls(calls{"GetItem session": 1, "GetItem user": 1})
	fx.wantLoginCalls(0, 0, 0)

	fx.setTokenExpiry(-time.Minute)
	b.wantProfile("Li Hua")
	oauth.wantCalls(calls{"GetItem session": 1, "GetItem user": 3, "PutItem user": 2})
	fx.wantLoginCalls(0, 1, 1)

	b.fetch(http.MethodPost, "/oauth/session/refresh", "")
	oauth.wantCalls(calls{"GetItem session": 1, "PutItem session": 1})
	authorizes(t, oauth, b.cookie(sessionCookie), true)
	oauth.wantCalls(calls{"GetItem session": 1})
	b.fetch(http.MethodDelete, "/oauth/session", "")
	oauth.wantCalls(calls{"GetItem session": 1, "PutItem session": 1, "GetItem user": 1, "PutItem user": 1})
	fx.wantLoginCalls(0, 0, 0)
	fx.secrets.wantReads(0)
}

// A login of a user who has logged in before takes 6 calls of the table and 2 of WeChat at
// most. The second login takes 7, because it checks that the unionid is linked.
func TestCallsOfLaterLogins(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.start("oauth")
	for i := range 4 {
		b := oauth.browser("hua")
		callback := b.beginAndApprove("scope=snsapi_userinfo&return_to=%2F")
		oauth.table.take()
		fx.sim.ResetCounts()
		b.wantLoggedIn(b.visit(callback))
		used, total := oauth.table.take(), 0
		for _, n := range used {
			total += n
		}
		if total > 6 && (i != 1 || total > 7) {
			t.Errorf("login %d took %d calls of the table: %v", i+1, total, used)
		}
		fx.wantLoginCalls(1, 0, 1)
	}
}

// This counts the calls for a login on a page of another site.
func TestCallsOfALoginCode(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.start("oauth")
	b := oauth.browser("ming")
	b.page = otherOrigin
	callback := b.beginAndApprove("return_to=" + url.QueryEscape(otherOrigin))
	oauth.table.take()
	fx.sim.ResetCounts()
	code := b.loginCodeOf(b.visit(callback))
	oauth.wantCalls(calls{"GetItem state": 1, "PutItem state": 2, "PutItem code": 1})
	fx.wantLoginCalls(1, 0, 0)
	if a := b.fetch(http.MethodPost, "/oauth/token", redeemBody(code)); a.status != http.StatusOK {
		t.Errorf("answer %d %s", a.status, a.body)
	}
	oauth.wantCalls(calls{"GetItem code": 1, "PutItem code": 1, "PutItem user": 1, "PutItem session": 1, "PutItem union": 1})
	fx.wantLoginCalls(0, 0, 0)
}

// A request that is refused causes one read at most.
func TestCallsOfRefusedRequests(t *testing.T) { onEachDriver(t, testCallsOfRefusedRequests) }

func testCallsOfRefusedRequests(t *testing.T, launch launcher) {
	fx := newLoginFixture(t, launch)
	oauth := fx.start("oauth")
	b := oauth.browser("ming")
	for _, c := range []struct {
		target string
		want   calls
	}{
		{"/oauth/session", calls{}},
		{"/oauth/userinfo", calls{}},
		{"/oauth/callback", calls{}},
		{"/oauth/callback?code=x&state=guessed", calls{}},
		{"/oauth/callback?state=" + strings.Repeat("0f", 16), calls{"GetItem state": 1}},
		{"/oauth/authorize?app=third", calls{}},
		{"/oauth/authorize?return_to=https%3A%2F%2Fevil.example.net", calls{}},
		{"/oauth/health", calls{}},
	} {
		t.Run(c.target, func(t *testing.T) {
			b.fetch(http.MethodGet, c.target, "")
			if got := oauth.table.take(); !maps.Equal(got, c.want) {
				t.Errorf("calls of the table: %v, want %v", got, c.want)
			}
		})
	}
	b.token = strings.Repeat("Q", 64)
	for range 2 {
		wantProblem(t, b.fetch(http.MethodGet, "/oauth/session", ""), http.StatusUnauthorized, "session_missing")
	}
	oauth.wantCalls(calls{"GetItem session": 2})
	fx.wantLoginCalls(0, 0, 0)
	fx.secrets.wantReads(0)
}

// WeChat's clients sometimes open the callback twice, with one code or with two, and each
// call reaches another process. Both get the same session.
func TestDoubledCallback(t *testing.T) { onEachDriver(t, testDoubledCallback) }

func testDoubledCallback(t *testing.T, launch launcher) {
	for _, c := range []struct {
		name      string
		otherCode bool
	}{{"the same code", false}, {"another code", true}} {
		t.Run(c.name, func(t *testing.T) {
			fx := newLoginFixture(t, launch)
			one, other := fx.start("oauth"), fx.start("oauth")
			b := one.browser("ming")
			address := b.begin("return_to=%2F")
			first := b.answerAtWeChat(address, wechatsim.AnswerApprove)
			second := first
			if c.otherCode {
				second = b.answerAtWeChat(address, wechatsim.AnswerApprove)
			}
			fx.sim.ResetCounts()
			b.wantLoggedIn(b.visit(first))
			cookie := b.cookie(sessionCookie)
			b.wantLoggedIn(b.at(other).visit(second))
			if b.cookie(sessionCookie) != cookie {
				t.Error("the second call got another cookie")
			}
			fx.wantLoginCalls(1, 0, 0)
			b.session()
			if n := len(fx.keys("session")); n != 1 {
				t.Errorf("%d sessions", n)
			}
		})
	}
}

// Of a hundred concurrent callbacks with one code, one exchanges it, and all get the same
// cookie.
func TestConcurrentCallbacksOpenOneSession(t *testing.T) {
	const callbacks, processes = 100, 10
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.startMany("oauth", processes)
	b := oauth.browser("ming")
	callback := b.beginAndApprove("return_to=%2F")
	fx.sim.ResetCounts()
	cookies := map[string]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range callbacks {
		wg.Go(func() {
			a := b.visit(callback)
			mu.Lock()
			defer mu.Unlock()
			for _, c := range (&http.Response{Header: a.header}).Cookies() {
				cookies[c.Value]++
			}
		})
	}
	wg.Wait()
	fx.wantLoginCalls(1, 0, 0)
	if len(cookies) != 1 || cookies[b.cookie(sessionCookie)] != callbacks || len(fx.keys("session")) != 1 {
		t.Errorf("%d callbacks, cookies: %v", callbacks, cookies)
	}
	b.session()
}

// A hundred concurrent requests need a user's access token that has expired, and one renews
// it. The same is true if only WeChat knows that it has expired, and if it expires soon:
// then WeChat extends the same token.
func TestConcurrentProfilesRenewTheTokenOnce(t *testing.T) {
	const requests, processes = 100, 10
	for _, c := range []struct {
		name     string
		end      func(*fixture)
		profiles int // calls of WeChat for a profile, at most
	}{
		{"expired", func(fx *fixture) { fx.expireEverywhere(-time.Minute) }, requests},
		{"expired at WeChat", func(fx *fixture) { fx.expireAtWeChat() }, 2 * requests},
		{"expires soon", func(fx *fixture) { fx.setTokenExpiry(20 * time.Second) }, requests},
	} {
		t.Run(c.name, func(t *testing.T) {
			fx := newLoginFixture(t, runtimeAPI)
			oauth := fx.startMany("oauth", processes)
			b := oauth.browser("hua").logIn("scope=snsapi_userinfo&return_to=%2F")
			c.end(fx)
			fx.sim.ResetCounts()
			var wg sync.WaitGroup
			for range requests {
				wg.Go(func() { b.wantProfile("Li Hua") })
			}
			wg.Wait()
			if n := fx.sim.Calls(wechatsim.PathRefreshUser); n != 1 {
				t.Errorf("the token was refreshed %d times", n)
			}
			if n := fx.sim.Calls(wechatsim.PathUserInfo); n < requests || n > c.profiles {
				t.Errorf("WeChat was asked for %d profiles", n)
			}
		})
	}
}

func (fx *fixture) expireAtWeChat() {
	fx.Helper()
	if err := fx.sim.EndUserTokens(appID, "hua", 42001); err != nil {
		fx.Fatal(err)
	}
}

func (fx *fixture) expireEverywhere(in time.Duration) {
	fx.Helper()
	fx.setTokenExpiry(in)
	fx.expireAtWeChat()
}

// Of many concurrent requests that redeem one login code, one gets a token.
func TestConcurrentRedemptionsGiveOneToken(t *testing.T) {
	const pages = 20
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.startMany("oauth", 4)
	b := oauth.browser("ming")
	b.page = otherOrigin
	body, err := json.Marshal(map[string]string{"verifier": verifier, "code": b.loginCodeOf(b.visit(b.beginAndApprove("return_to=" + url.QueryEscape(otherOrigin))))})
	if err != nil {
		t.Fatal(err)
	}
	granted := make(chan int, pages)
	var wg sync.WaitGroup
	for range pages {
		wg.Go(func() { granted <- b.fetch(http.MethodPost, "/oauth/token", string(body)).status })
	}
	wg.Wait()
	close(granted)
	statuses := map[int]int{}
	for status := range granted {
		statuses[status]++
	}
	if statuses[http.StatusOK] != 1 || statuses[http.StatusBadRequest] != pages-1 {
		t.Errorf("answers by status: %v", statuses)
	}
}
