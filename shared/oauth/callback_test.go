package oauth

import (
	"context"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/wechat"
)

// WeChat's clients have been seen to call twice, with the same code or with another one.
// There is one exchange, and both calls end with the same session.
func TestCallbackTwiceOpensOneSession(t *testing.T) {
	for _, c := range []struct {
		name     string
		sameCode bool
	}{{"same code", true}, {"other code", false}} {
		t.Run(c.name, func(t *testing.T) {
			f, b, state := begun(t)
			codes := []string{f.code("user1"), f.code("user1")}
			if c.sameCode {
				codes[1] = codes[0]
			}
			var tokens []string
			for _, code := range codes {
				got := b.callback(code, state)
				if got.Code != 303 || got.Header().Get("Location") != "https://api.example.com/a#" {
					t.Fatalf("%d %s", got.Code, got.Body)
				}
				tokens = append(tokens, got.Result().Cookies()[0].Value)
			}
			if tokens[0] != tokens[1] {
				t.Errorf("tokens %q", tokens)
			}
			f.wantAsked(1, 0)
		})
	}
}

func TestHundredCallbacksOpenOneSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, b, state := begun(t)
		f.slow(time.Second)
		code := f.code("user1")
		answers := make([]*httptest.ResponseRecorder, 100)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() { answers[i] = b.callback(code, state) })
		}
		wg.Wait()
		for _, got := range answers {
			if got.Code != 303 || got.Result().Cookies()[0].Value != answers[0].Result().Cookies()[0].Value {
				t.Fatalf("%d %s", got.Code, got.Body)
			}
		}
		f.wantAsked(1, 0)
	})
}

// The browser drops the first of its two calls while WeChat has the code. The second one
// ends on the page all the same.
func TestCallbackGoesOnWhenTheBrowserHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, b, state := begun(t)
		f.slow(time.Second)
		code := f.code("user1")
		ctx, hangUp := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, "GET", "https://api.example.com/oauth/callback?code="+code+"&state="+state, nil)
		for _, cookie := range b.jar.Cookies(ours) {
			r.AddCookie(cookie)
		}
		var wg sync.WaitGroup
		wg.Go(func() { f.handler.ServeHTTP(httptest.NewRecorder(), r) })
		time.Sleep(time.Second / 2)
		hangUp()
		want(t, "the second call", b.callback(code, state), 303, "")
		wg.Wait()
		f.wantAsked(1, 0)
	})
}

// A pending login is stored for ten minutes, and for one minute after its end.
func TestPendingLoginExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, b, state := begun(t)
		time.Sleep(10*time.Minute - time.Second)
		code := f.code("user1")
		want(t, "just in time", b.callback(code, state), 303, "")
		time.Sleep(time.Minute - time.Second)
		want(t, "once more", b.callback(code, state), 303, "")
		time.Sleep(time.Second)
		want(t, "later", b.callback(code, state), 400, "login_unknown")
		state = b.begin("")
		time.Sleep(10 * time.Minute)
		want(t, "too late", b.callback(f.code("user1"), state), 400, "login_unknown")
	})
}

// While versions are exchanged, another one can have stored an outcome that this one does
// not know.
func TestUnknownOutcomeIsAnInterruptedLogin(t *testing.T) {
	f, b, state := begun(t)
	p, err := f.handler.findPending(t.Context(), state)
	if err == nil {
		err = f.handler.storeOutcome(t.Context(), p, outcome{Result: "login_of_tomorrow"})
	}
	if err != nil {
		t.Fatal(err)
	}
	code := f.code("user1")
	want(t, "a person", b.callback(code, state), 400, "login_interrupted")
	want(t, "a program", b.program("/oauth/callback?code="+code+"&state="+state), 400, "login_interrupted")
}

// Nobody is logged in by the link of another browser. The browser that opens it begins
// a login of its own, once.
func TestLinkOfAnotherBrowserLogsNobodyIn(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(victim *browser)
	}{
		{"a browser without cookies", func(*browser) {}},
		{"a browser with a login of its own", func(victim *browser) { victim.begin("return_to=/b") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			attacker, victim := f.browser(), f.browser()
			code, state := f.code("attacker"), attacker.begin("return_to=/a")
			c.prepare(victim)
			got := victim.callback(code, state)
			to, _ := url.Parse(got.Header().Get("Location"))
			if got.Code != 302 || to.Host != "open.weixin.qq.com" || to.Query().Get("state") == state {
				t.Fatalf("%d %s", got.Code, to)
			}
			f.wantAsked(0, 0)
			want(t, "again without a cookie", f.browser().callback(code, to.Query().Get("state")), 400, "login_cookie_lost")
			f.wantAsked(0, 0)
			want(t, "the attacker's own", attacker.callback(code, state), 303, "")
		})
	}
}

// A login that begins again is the same login: account, scope, language, page and the
// challenge of the page.
func TestRestartIsTheSameLogin(t *testing.T) {
	for _, c := range []struct{ name, query, appID, scope string }{
		{"of a website", "app=site&lang=en&return_to=/a", siteID, wechat.ScopeLogin},
		{"for a page of another site", "scope=snsapi_userinfo&lang=en&return_to=https://other.example.org/in" + challenge(), shopID, wechat.ScopeUserInfo},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			first, b := f.browser(), f.browser()
			restarted := b.callback("code-of-another", first.begin(c.query)).Header().Get("Location")
			if !strings.Contains(restarted, "scope="+c.scope) {
				t.Errorf("leads to %s", restarted)
			}
			to, _ := url.Parse(restarted)
			got := b.callback(f.codeOf(c.appID, "user1", c.scope), to.Query().Get("state"))
			page, err := url.Parse(got.Header().Get("Location"))
			if err != nil || got.Code != 303 || !slices.Equal(f.wechat.asked, []string{"en"}) {
				t.Fatalf("%d %s, profiles in %q", got.Code, got.Body, f.wechat.asked)
			}
			if code := page.Query().Get("wechatfn_code"); code != "" {
				want(t, "redeemed", b.redeem(redemption(code)), 200, f.openID("user1"))
			} else {
				want(t, "session", b.do("GET", "/oauth/session", ""), 200, `"app":"site"`)
			}
		})
	}
}

func TestTwoTabsLogInAtTheSameTime(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	one, two := b.begin("return_to=/one"), b.begin("return_to=/two")
	want(t, "the first tab", b.callback(f.code("user1"), one), 303, "")
	want(t, "the second tab", b.callback(f.code("user1"), two), 303, "")
}

// A callback crashed after it claimed the login. The next one waits for as long as the
// first could have worked, and then says that the login was interrupted. Until then the
// pending login is stored.
func TestCallbackAfterACrashIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, b, state := begun(t)
		time.Sleep(pendingTTL - time.Second)
		p, err := f.handler.findPending(t.Context(), state)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = f.handler.claim(t.Context(), p, time.Now().Add(5*time.Second)); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		want(t, "the next one", b.callback(f.code("user1"), state), 400, "login_interrupted")
		if took := time.Since(began); took < 5*time.Second || took > 5*time.Second+pollInterval {
			t.Errorf("after %s", took)
		}
		f.wantAsked(0, 0)
	})
}

// WeChat does not answer. The code is not sent again, and the user gets the same answer
// as often as the browser asks.
func TestHangingExchangeIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, b, state := begun(t)
		f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathExchange, Delay: time.Hour})
		code := f.code("user1")
		for range 3 {
			want(t, "hanging", b.callback(code, state), 503, "login_unavailable")
		}
		f.wantAsked(1, 0)
		if n := f.sim.Calls(wechatsim.PathExchange); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

// A callback comes again after the page has used the session. It does no harm, and says
// what has happened.
func TestRepeatedCallbackAfterARotationOrLogout(t *testing.T) {
	f, b, state := begun(t)
	code := f.code("user1")
	b.callback(code, state)
	b.origin = "https://api.example.com"
	want(t, "rotated", b.do("POST", "/oauth/session/refresh", ""), 200, f.openID("user1"))
	b.origin = ""
	if got := b.callback(code, state); got.Code != 303 || len(got.Result().Cookies()) > 0 {
		t.Errorf("after a rotation: %d %s %v", got.Code, got.Body, got.Result().Cookies())
	}
	want(t, "still logged in", b.do("GET", "/oauth/session", ""), 200, f.openID("user1"))
	b.origin = "https://api.example.com"
	want(t, "logged out", b.do("DELETE", "/oauth/session", ""), 204, "")
	b.origin = ""
	want(t, "after a logout", b.callback(code, state), 400, "login_ended")
}

// A callback has sent its code when the user logs out of all devices. It opens no
// session, and says so, also when it comes again.
func TestLogoutOfAllDevicesEndsACallbackInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.slow(2 * time.Second)
		other, b := f.browser(), f.browser()
		other.logIn("user1")
		code, state := f.code("user1"), b.begin("return_to=/a")
		done := make(chan *httptest.ResponseRecorder)
		go func() { done <- b.callback(code, state) }()
		time.Sleep(time.Second)
		other.origin = "https://api.example.com"
		want(t, "out", other.do("DELETE", "/oauth/session?all=true", ""), 204, "")
		want(t, "in progress", <-done, 400, "login_ended")
		want(t, "again", b.callback(code, state), 400, "login_ended")
		want(t, "nobody", b.do("GET", "/oauth/session", ""), 401, "session_missing")
		b.logIn("user1")
	})
}

func TestRefusedAndThenAgreed(t *testing.T) {
	f, b, state := begun(t)
	want(t, "refused", b.callback("", state), 403, "login_refused")
	want(t, "agreed", b.callback(f.code("user1"), state), 303, "")
}

// Some of WeChat's clients come back without any parameter.
func TestCallbackWithoutParametersIsARefusal(t *testing.T) {
	b := newFixture(t).browser()
	want(t, "bare", b.do("GET", "/oauth/callback", ""), 403, "login_refused")
}
