package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/wechat"
)

func TestLogin(t *testing.T) {
	w, b := loggedIn(t)
	if got := w.store.Take().String(); got != "create state, get state, replace state, create user, create session, replace state" {
		t.Errorf("calls of a first login: %q", got)
	}
	want(t, "session", b.do("GET", "/oauth/session", ""), 200, `"openid":"user1"`)
	if got := w.store.Take().String(); got != "get session" {
		t.Errorf("calls of a check: %q", got)
	}
	b.logIn("user1")
	if got := w.store.Take(); len(got)-1 > 6 {
		t.Errorf("calls of a login again: %q", got)
	}
	if w.wechat.exchanges != 2 || w.wechat.infos != 2 {
		t.Errorf("%d exchanges, %d profiles", w.wechat.exchanges, w.wechat.infos)
	}
	w.store.Take()
	want(t, "userinfo", b.do("GET", "/oauth/userinfo", ""), 200, `"nickname":"小明","headimgurl":"","sex":1,"province":"","city":"","country":"","privilege":[]`)
	if got := w.store.Take().String(); got != "get session, get user" || w.wechat.infos != 3 {
		t.Errorf("calls of userinfo: %q, %d profiles", got, w.wechat.infos)
	}
}

// A browser that has a session of the user keeps it, so that logging in again and
// again does not push the user's other devices out.
func TestSessionIsKept(t *testing.T) {
	w := newWorld(t)
	b, other := w.browser(), w.browser()
	other.logIn("user1")
	b.logIn("user1")
	first := b.do("GET", "/oauth/session", "").Body.String()
	for range 12 {
		w.store.Take()
		w.grants("code-2", "user1")
		state := b.begin("scope=snsapi_userinfo&return_to=/a")
		for range 2 {
			got := b.callback("code-2", state)
			if got.Code != 303 || len(got.Result().Cookies()) > 0 {
				t.Fatalf("%d %v", got.Code, got.Result().Cookies())
			}
		}
		if got := w.store.Take(); len(got)-1-1 > 6 { // with the beginning, and the second call's read
			t.Errorf("%d calls: %q", len(got), got)
		}
	}
	if again := b.do("GET", "/oauth/session", "").Body.String(); again != first {
		t.Errorf("%s, and then %s", first, again)
	}
	want(t, "the other device", other.do("GET", "/oauth/session", ""), 200, "user1")
	b.logIn("user2")
	want(t, "somebody else", b.do("GET", "/oauth/session", ""), 200, "user2")
}

// A login is a use of the session that is kept: it does not end under who has just
// logged in.
func TestKeptSessionIsInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := loggedIn(t)
		time.Sleep(testIdle - time.Minute)
		w.store.Take()
		b.logIn("user1")
		wantCalls(t, w, "create state, get state, replace state, get session, replace session, get user, replace user, replace state")
		time.Sleep(testIdle - time.Minute)
		want(t, "later", b.do("GET", "/oauth/session", ""), 200, "user1")
	})
}

// A user whose item was deleted by hand, though the session was not, is made anew.
func TestLoginOfADeletedUser(t *testing.T) {
	w, b := loggedIn(t)
	user, err := w.store.Store.Get(t.Context(), "user#"+testAppID+"#user1")
	if err == nil {
		err = w.store.Store.Delete(t.Context(), user.Key, user.Version)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.logIn("user1")
	want(t, "the profile", b.do("GET", "/oauth/userinfo", ""), 200, "user1")
}

// What the browser is told about its cookies.
func TestCookies(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	w.grants("code-1", "user1")
	sent := b.do("GET", "/oauth/authorize?return_to=/x", "")
	to, _ := url.Parse(sent.Header().Get("Location"))
	landed := b.callback("code-1", to.Query().Get("state"))
	for name, answer := range map[string]*httptest.ResponseRecorder{"__Host-wechatfn-login": sent, "__Host-wechatfn-session": landed} {
		cookies := answer.Result().Cookies()
		if len(cookies) != 1 || cookies[0].Name != name || !cookies[0].HttpOnly || !cookies[0].Secure || cookies[0].SameSite != http.SameSiteLaxMode || cookies[0].Path != "/" || cookies[0].Domain != "" || cookies[0].MaxAge <= 0 {
			t.Errorf("%s: %+v", name, cookies)
		}
	}
	w.handler.Insecure = true
	for _, cookie := range w.browser().do("GET", "/oauth/authorize", "").Result().Cookies() {
		if cookie.Secure || strings.HasPrefix(cookie.Name, "__Host-") {
			t.Errorf("on plain http: %+v", cookie)
		}
	}
}

// An openid is one of an account: the same text of another account is somebody else.
func TestSameOpenIDElsewhere(t *testing.T) {
	w, b := loggedIn(t)
	w.grants("code-2", "user1")
	want(t, "at the website", b.callback("code-2", b.begin("app=site")), 303, "")
	want(t, "session", b.do("GET", "/oauth/session", ""), 200, `"app":"site"`)
}

// A unionid that the profile alone tells is kept.
func TestUnionIDOfTheProfile(t *testing.T) {
	w := newWorld(t)
	w.wechat.unionID = "union1"
	b := w.browser()
	b.logIn("user1")
	want(t, "session", b.do("GET", "/oauth/session", ""), 200, `"unionid":"union1"`)
}

// An AppSecret that WeChat refuses is read anew, so that the next login has the new
// one; nothing else is a reason to.
func TestWrongSecretIsReadAnew(t *testing.T) {
	for code, want := range map[int]int{40125: 1, 40001: 1, 40013: 0, 40029: 0, -1: 0} {
		w := newWorld(t)
		reads := 0
		w.handler.Secrets = func(_ context.Context, _ account.Account, fresh bool) (secret.Secret, error) {
			if fresh {
				reads++
			}
			return secret.New(testSecret), nil
		}
		w.wechat.fail = &wechat.Error{Op: "access_token", Code: code}
		b := w.browser()
		b.callback("code-1", b.begin(""))
		if reads != want {
			t.Errorf("%d: %d reads", code, reads)
		}
	}
}

// Each way in which a login can fail has an answer of its own, in two languages,
// and is told again to a call that comes again.
func TestFailures(t *testing.T) {
	failed := func(code int) error { return &wechat.Error{Op: "access_token", Code: code, Message: "told by WeChat"} }
	for name, c := range map[string]struct {
		code   string
		set    func(*world)
		status int
		want   string
	}{
		"refused":      {"", nil, 403, "login_refused"},
		"snapshot":     {"code-s", func(w *world) { w.wechat.codes["code-s"] = wechat.UserToken{OpenID: "x", Snapshot: true} }, 403, "login_snapshot"},
		"bad code":     {"code-1", func(w *world) { w.wechat.fail = failed(40029) }, 400, "login_code_invalid"},
		"used code":    {"code-1", func(w *world) { w.wechat.fail = failed(40163) }, 400, "login_code_used"},
		"no code":      {"code-1", func(w *world) { w.wechat.fail = failed(41008) }, 400, "login_code_invalid"},
		"expired code": {"code-1", func(w *world) { w.wechat.fail = failed(42003) }, 400, "login_code_expired"},
		"AppSecret":    {"code-1", func(w *world) { w.wechat.fail = failed(40125) }, 500, "login_misconfigured"},
		"AppID":        {"code-1", func(w *world) { w.wechat.fail = failed(40013) }, 500, "login_misconfigured"},
		"whitelist":    {"code-1", func(w *world) { w.wechat.fail = failed(40164) }, 500, "login_misconfigured"},
		"scope":        {"code-1", func(w *world) { w.wechat.fail = failed(48001) }, 500, "login_misconfigured"},
		"busy":         {"code-1", func(w *world) { w.wechat.fail = failed(-1) }, 503, "login_unavailable"},
		"unreachable":  {"code-1", func(w *world) { w.wechat.fail = &wechat.Error{Err: errors.New("no route")} }, 503, "login_unavailable"},
	} {
		w := newWorld(t)
		if c.set != nil {
			c.set(w)
		}
		b := w.browser()
		state := b.begin("return_to=/a&scope=snsapi_userinfo")
		for range 2 {
			got := b.callback(c.code, state)
			want(t, name, got, c.status, c.want)
			body := got.Body.String()
			for _, part := range []string{"<html lang=\"zh-CN\">", `lang="en"`, `href="/oauth/authorize?app=shop&amp;return_to=https%3A%2F%2Fapi.example.com%2Fa&amp;scope=snsapi_userinfo"`, `href="https://api.example.com/a"`} {
				if !strings.Contains(body, part) {
					t.Errorf("%s: no %s in\n%s", name, part, body)
				}
			}
			if strings.Contains(body, "told by WeChat") || len(got.Result().Cookies()) > 0 {
				t.Errorf("%s: %s %v", name, body, got.Result().Cookies())
			}
		}
		if w.wechat.exchanges > 1 {
			t.Errorf("%s: %d exchanges", name, w.wechat.exchanges)
		}
	}
}

// A page of another site gets a ticket, which is worth a token once, for a minute,
// and to that page.
func TestTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		land := func(code string) string {
			b := w.browser()
			w.grants(code, "user1")
			got := b.callback(code, b.begin("return_to="+url.QueryEscape("https://other.example.org/in?a=b#c")+challenge()))
			to, err := url.Parse(got.Header().Get("Location"))
			if err != nil || got.Code != 303 || to.Host != "other.example.org" || to.Fragment != "c" || to.Query().Get("a") != "b" || len(got.Result().Cookies()) > 0 {
				t.Fatalf("%d %s %v", got.Code, to, got.Header())
			}
			return spending(to.Query().Get("wechatfn_code"))
		}
		page := w.browser()
		page.origin = "https://other.example.org"
		ticket := land("code-1")
		thief := w.browser()
		thief.origin = "https://www.example.com"
		want(t, "without the verifier", page.do("POST", "/oauth/token", strings.Replace(ticket, testVerifier, testVerifier+"x", 1)), 400, "wechatfn_code_invalid")
		want(t, "another page", thief.do("POST", "/oauth/token", ticket), 400, "wechatfn_code_invalid")
		got := page.do("POST", "/oauth/token", ticket)
		var grant Grant
		if err := json.Unmarshal(got.Body.Bytes(), &grant); err != nil || got.Code != 200 || grant.TokenType != "Bearer" || grant.ExpiresIn <= 0 || grant.Session.OpenID != "user1" || got.Header().Get("Access-Control-Allow-Origin") != page.origin {
			t.Fatalf("%d %s %v", got.Code, got.Body, got.Header())
		}
		want(t, "spent", page.do("POST", "/oauth/token", ticket), 400, "wechatfn_code_invalid")
		if item, err := w.store.Get(t.Context(), key("code", strings.Split(ticket, `"`)[3])); err != nil || strings.Contains(string(item.Value), "access-") {
			t.Errorf("of a spent ticket stays %s, %v", item.Value, err)
		}
		for _, body := range []string{"", "{}", `{"code":5}`, "ticket=x", `{"code":""}`, `{"code":"x"}`, `{"verifier":"x"}`} {
			want(t, body, page.do("POST", "/oauth/token", body), 400, "body_invalid")
		}
		want(t, "unknown", page.do("POST", "/oauth/token", spending("x")), 400, "wechatfn_code_invalid")

		page.bearer = grant.Token
		want(t, "session", page.do("GET", "/oauth/session", ""), 200, `"openid":"user1"`)
		late := land("code-2")
		time.Sleep(time.Minute)
		page.bearer = ""
		want(t, "late", page.do("POST", "/oauth/token", late), 400, "wechatfn_code_invalid")
	})
}
