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
)

// P12: WeChat calls twice, with the same code or with another: one exchange, and
// both calls land with the same session.
func TestDoubledCallback(t *testing.T) {
	for _, second := range []string{"code-1", "code-2"} {
		w, b, state := underWay(t)
		w.grants("code-2", "user1")
		var tokens []string
		for _, code := range []string{"code-1", second} {
			got := b.callback(code, state)
			if got.Code != 303 || got.Header().Get("Location") != "https://api.example.com/a#" {
				t.Fatalf("%s: %d %s", code, got.Code, got.Body)
			}
			tokens = append(tokens, got.Result().Cookies()[0].Value)
		}
		if w.wechat.exchanges != 1 || tokens[0] != tokens[1] {
			t.Errorf("%s: %d exchanges, tokens %q", second, w.wechat.exchanges, tokens)
		}
	}
}

// A hundred at once: one exchange, and all land with the same session.
func TestCallbacksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b, state := underWay(t)
		w.wechat.slow = time.Second
		answers := make([]*httptest.ResponseRecorder, 100)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() { answers[i] = b.callback("code-1", state) })
		}
		wg.Wait()
		for _, got := range answers {
			if got.Code != 303 || got.Result().Cookies()[0].Value != answers[0].Result().Cookies()[0].Value {
				t.Fatalf("%d %s", got.Code, got.Body)
			}
		}
		w.wantAsked(1, 0)
	})
}

// The browser drops the first of its two calls, once the code is on its way: the second
// lands all the same.
func TestHungUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b, state := underWay(t)
		w.wechat.slow = time.Second
		ctx, hangUp := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, "GET", "https://api.example.com/oauth/callback?code=code-1&state="+state, nil)
		for _, cookie := range b.jar.Cookies(ours) {
			r.AddCookie(cookie)
		}
		var wg sync.WaitGroup
		wg.Go(func() { w.handler.ServeHTTP(httptest.NewRecorder(), r) })
		time.Sleep(w.wechat.slow / 2)
		hangUp()
		want(t, "the second call", b.callback("code-1", state), 303, "")
		wg.Wait()
		w.wantAsked(1, 0)
	})
}

// A flow is kept for a minute after its end, and for ten before.
func TestFlowsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, b, state := underWay(t)
		time.Sleep(10*time.Minute - time.Second)
		want(t, "just in time", b.callback("code-1", state), 303, "")
		time.Sleep(time.Minute - time.Second)
		want(t, "once more", b.callback("code-1", state), 303, "")
		time.Sleep(time.Second)
		want(t, "later", b.callback("code-1", state), 400, "login_unknown")
		state = b.begin("")
		time.Sleep(10 * time.Minute)
		want(t, "too late", b.callback("code-1", state), 400, "login_unknown")
	})
}

// While a version is rolled out or back, another may have written an outcome that
// this one does not know.
func TestOutcomeOfAnotherVersion(t *testing.T) {
	w, b, state := underWay(t)
	p, err := w.handler.findPending(t.Context(), state)
	if err == nil {
		err = w.handler.storeOutcome(t.Context(), p, outcome{Result: "login_of_tomorrow"})
	}
	if err != nil {
		t.Fatal(err)
	}
	want(t, "a person", b.callback("code-1", state), 400, "login_interrupted")
	want(t, "a program", b.program("/oauth/callback?code=code-1&state="+state), 400, "login_interrupted")
}

// Another browser's link logs nobody in: the victim begins anew, once, also one who
// has begun a login of his own.
func TestLostCookie(t *testing.T) {
	w := newWorld(t)
	attacker := w.browser()
	w.grants("code-1", "attacker")
	state := attacker.begin("return_to=/a")
	busy := w.browser()
	busy.begin("return_to=/b")
	for _, victim := range []*browser{w.browser(), busy} {
		got := victim.callback("code-1", state)
		to, _ := url.Parse(got.Header().Get("Location"))
		if got.Code != 302 || to.Host != "open.weixin.qq.com" || to.Query().Get("state") == state || w.wechat.exchanges != 0 {
			t.Fatalf("%d %s", got.Code, to)
		}
		jarless := w.browser()
		want(t, "again without a cookie", jarless.callback("code-1", to.Query().Get("state")), 400, "login_cookie_lost")
	}
	want(t, "the attacker's own", attacker.callback("code-1", state), 303, "")
}

// The login that begins anew is the same one: account, scope, language, page and what
// the page keeps for its ticket.
func TestRestartIsTheSameLogin(t *testing.T) {
	for query, sent := range map[string]string{
		"app=site&lang=en&return_to=/a": "scope=snsapi_login",
		"scope=snsapi_userinfo&lang=en&return_to=https://other.example.org/in" + challenge(): "scope=snsapi_userinfo",
	} {
		w := newWorld(t)
		first, b := w.browser(), w.browser()
		restarted := b.callback("code-0", first.begin(query)).Header().Get("Location")
		if !strings.Contains(restarted, sent) {
			t.Errorf("%s: leads to %s", query, restarted)
		}
		to, _ := url.Parse(restarted)
		w.grants("code-1", "user1")
		got := b.callback("code-1", to.Query().Get("state"))
		landed, err := url.Parse(got.Header().Get("Location"))
		if err != nil || got.Code != 303 || !slices.Equal(w.wechat.asked, []string{"en"}) {
			t.Fatalf("%d %s, profiles in %q", got.Code, got.Body, w.wechat.asked)
		}
		if ticket := landed.Query().Get("wechatfn_code"); ticket != "" {
			want(t, query, b.spend(spending(ticket)), 200, "user1")
		} else {
			want(t, query, b.do("GET", "/oauth/session", ""), 200, `"app":"site"`)
		}
	}
}

// Two tabs of one browser log in at once.
func TestTwoTabs(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	one, two := b.begin("return_to=/one"), b.begin("return_to=/two")
	for code, state := range map[string]string{"code-1": one, "code-2": two} {
		w.grants(code, "user1")
		want(t, code, b.callback(code, state), 303, "")
	}
}

// A callback that died with the flow in its hands: the next one waits for as long as
// it may have worked, and says so. What it might still write is remembered until then.
func TestDiedAtWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b, state := underWay(t)
		time.Sleep(pendingTTL - time.Second)
		p, err := w.handler.findPending(t.Context(), state)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = w.handler.claim(t.Context(), p, time.Now().Add(5*time.Second)); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		want(t, "the next one", b.callback("code-1", state), 400, "login_interrupted")
		if took := time.Since(began); took < 5*time.Second || took > 5*time.Second+pollInterval {
			t.Errorf("after %s", took)
		}
		w.wantAsked(0, 0)
	})
}

// A code that WeChat does not answer is not sent again, and the user is told the same
// as long as the browser asks.
func TestWeChatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b, state := underWay(t)
		w.wechat.slow = time.Hour
		for range 3 {
			want(t, "hanging", b.callback("code-1", state), 503, "login_unavailable")
		}
		w.wantAsked(1, 0)
	})
}
