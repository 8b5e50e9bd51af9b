package oauth

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/wechat"
)

// ticketOn is what a page of another site sends for its token.
func (b *browser) ticketOn(code string) string {
	b.Helper()
	got := b.callback(code, b.begin("scope=snsapi_userinfo&return_to=https://other.example.org/"+challenge()))
	to, err := url.Parse(got.Header().Get("Location"))
	if err != nil || got.Code != 303 {
		b.Fatalf("%d %s", got.Code, got.Body)
	}
	return spending(to.Query().Get("wechatfn_code"))
}

func (b *browser) spend(ticket string) *httptest.ResponseRecorder {
	b.Helper()
	page := b.browser()
	page.origin = "https://other.example.org"
	return page.do("POST", "/oauth/token", ticket)
}

// A ticket of a login before a logout of all devices is worth nothing after it, at
// the cost that it has anyway.
func TestTicketAfterLogoutOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := loggedIn(t)
		w.grants("code-1", "user1")
		w.grants("code-2", "user1")
		w.grants("code-3", "user1")
		before, other := b.ticketOn("code-1"), b.ticketOn("code-2")
		time.Sleep(time.Second)
		b.origin = "https://api.example.com"
		w.store.Take()
		want(t, "out", b.do("DELETE", "/oauth/session?all=true", ""), 204, "")
		wantCalls(t, w, "get session, get user, get session, replace session, replace user")
		want(t, "a ticket of before", b.spend(before), 400, "login_ended")
		wantCalls(t, w, "get code, replace code, create user")
		want(t, "once more", b.spend(before), 400, "wechatfn_code_invalid")
		time.Sleep(time.Second)
		b.origin = ""
		after := b.ticketOn("code-3")
		w.store.Take()
		want(t, "a ticket of after", b.spend(after), 200, "user1")
		wantCalls(t, w, "get code, replace code, create user, replace user, create session")
		want(t, "another of before", b.spend(other), 400, "login_ended")
	})
}

func wantCalls(t *testing.T, w *world, want string) {
	t.Helper()
	if got := w.store.Take().String(); got != want {
		t.Errorf("calls %s, want %s", got, want)
	}
}

// A callback that has sent its code when the user logs out of all devices ends
// without a session, and says so, also when it comes again.
func TestCallbackAmidLogoutOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.wechat.slow = 2 * time.Second
		other, b := w.browser(), w.browser()
		other.logIn("user1")
		w.grants("code-1", "user1")
		state := b.begin("return_to=/a")
		done := make(chan *httptest.ResponseRecorder)
		go func() { done <- b.callback("code-1", state) }()
		time.Sleep(time.Second)
		other.origin = "https://api.example.com"
		want(t, "out", other.do("DELETE", "/oauth/session?all=true", ""), 204, "")
		want(t, "under way", <-done, 400, "login_ended")
		want(t, "again", b.callback("code-1", state), 400, "login_ended")
		want(t, "nobody", b.do("GET", "/oauth/session", ""), 401, "session_missing")
		b.logIn("user1")
	})
}

// A cookie that opens nothing goes with the logout, whatever that answers, and with
// nothing else: the answer to a page that only asks may come after a new login's.
func TestDeadCookie(t *testing.T) {
	for name, c := range map[string]struct {
		die    func(w *world, b *browser)
		status int
	}{
		"expired":     {func(*world, *browser) { time.Sleep(testIdle) }, 401},
		"logged out":  {func(w *world, b *browser) { b.elsewhere("DELETE", "/oauth/session") }, 204},
		"rotated":     {func(w *world, b *browser) { b.elsewhere("POST", "/oauth/session/refresh") }, 401},
		"unknown":     {func(w *world, b *browser) { b.bake(strings.Repeat("Q", 64)) }, 401},
		"no token":    {func(w *world, b *browser) { b.bake("x") }, 401},
		"and alive":   {func(*world, *browser) {}, 204},
		"table fails": {func(w *world, b *browser) { w.store.Fail(fmt.Errorf("broken")) }, 500},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, b := loggedIn(t)
			c.die(w, b)
			b.origin = "https://evil.example"
			if got := b.do("DELETE", "/oauth/session", ""); got.Code != 403 || len(got.Result().Cookies()) > 0 {
				t.Errorf("%s: a stranger's page gets %d %v", name, got.Code, got.Result().Cookies())
			}
			b.origin = "https://api.example.com"
			asked := len(b.do("GET", "/oauth/session", "").Result().Cookies())
			got := b.do("DELETE", "/oauth/session", "")
			deleted := strings.HasPrefix(got.Header().Get("Set-Cookie"), "__Host-wechatfn-session=; Path=/; Max-Age=0;")
			if got.Code != c.status || deleted != (c.status < 500) || asked > 0 {
				t.Errorf("%s: %d %s %v, %d cookies before", name, got.Code, got.Body, got.Header(), asked)
			}
		})
	}
}

var ours = &url.URL{Scheme: "https", Host: "api.example.com"}

// elsewhere does something with this browser's cookie, which stays as it is.
func (b *browser) elsewhere(method, target string) {
	b.Helper()
	copied := b.browser()
	copied.jar.SetCookies(ours, b.jar.Cookies(ours))
	copied.origin = "https://api.example.com"
	if got := copied.do(method, target, ""); got.Code >= 300 {
		b.Fatalf("%d %s", got.Code, got.Body)
	}
}

// bake puts another session's token into the cookie.
func (b *browser) bake(token string) {
	for _, cookie := range b.jar.Cookies(ours) {
		if strings.HasSuffix(cookie.Name, sessionCookie) {
			cookie.Value, cookie.Secure, cookie.Path = token, true, "/"
			b.jar.SetCookies(ours, append(b.jar.Cookies(ours)[:0], cookie))
		}
	}
}

// What writes a user's tokens: a login in a new browser, one in a browser that stays
// logged in, a ticket of a login before, and a refresh.
var writers = map[string]func(w *world, b *browser, ticket string){
	"login":        func(w *world, _ *browser, _ string) { w.browser().logIn("user1") },
	"kept session": func(w *world, b *browser, _ string) { b.logIn("user1") },
	"ticket":       func(_ *world, b *browser, ticket string) { b.spend(ticket) },
	"refresh":      func(_ *world, b *browser, _ string) { b.do("GET", "/oauth/userinfo", "") },
}

// Any of them, whole, before each call of any other, and while that waits for
// the AppSecret or for WeChat's answer: the tokens that WeChat was asked for last are those that stay.
func TestNewestTokensStay(t *testing.T) {
	for outer := range writers {
		for inner := range writers {
			for call, ran := 1, true; ran; call++ {
				synctest.Test(t, func(t *testing.T) { ran = crossTokens(t, outer, inner, call) })
				if t.Failed() {
					t.Fatalf("%s, before call %d of %s", inner, call, outer)
				}
			}
		}
	}
}

func crossTokens(t *testing.T, outer, inner string, call int) (ran bool) {
	w, b := loggedIn(t)
	time.Sleep(time.Minute)
	asked := 0
	w.wechat.issue = func() wechat.UserToken { // each asking yields other tokens; the last ones are good
		asked++
		return wechat.UserToken{
			AccessToken: fmt.Sprint("access-", asked), RefreshToken: fmt.Sprint("refresh-", asked),
			OpenID: "user1", Scope: wechat.ScopeUserInfo, ExpiresIn: 2 * time.Hour,
		}
	}
	w.wechat.info = func(token string) error { // all are dead but the last one
		if token == fmt.Sprint("access-", asked) {
			return nil
		}
		return &wechat.Error{Op: "userinfo", Code: 42001}
	}
	b.grants("code-0", "user1")
	ticket := b.ticketOn("code-0")
	time.Sleep(time.Second)
	n := 0
	step := func() {
		time.Sleep(time.Millisecond) // no two things happen at once
		if n++; n == call {
			ran = true
			writers[inner](w, b, ticket)
			time.Sleep(time.Millisecond)
		}
	}
	w.store.Intercept(func(_ storetest.Call, do func() error) error { step(); return do() })
	w.wechat.answering = step
	secrets := w.handler.Secrets
	w.handler.Secrets = func(ctx context.Context, a account.Account, fresh bool) (secret.Secret, error) {
		step()
		return secrets(ctx, a, fresh)
	}
	writers[outer](w, b, ticket)
	w.store.Intercept(nil)
	w.wechat.answering = nil
	user, err := w.handler.Sessions.User(t.Context(), testAppID, "user1")
	if err != nil || user.Tokens.AccessToken != fmt.Sprint("access-", asked) {
		newest := strings.TrimPrefix(user.Tokens.AccessToken, "access-")
		t.Errorf("the tokens of asking %s stay, of %d; %v", newest, asked, err)
	}
	return ran
}
