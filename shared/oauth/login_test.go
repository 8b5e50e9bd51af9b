package oauth

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/wechat"
)

func TestLoginStoreCalls(t *testing.T) {
	f, b := loggedIn(t)
	f.wantCalls("create state, get state, replace state, create user, create session, replace state")
	want(t, "session", b.do("GET", "/oauth/session", ""), 200, `"openid":"`+f.openID("user1")+`"`)
	f.wantCalls("get session")
	b.logIn("user1")
	if got := f.store.Take(); len(got)-1 > 6 {
		t.Errorf("calls of a login again: %q", got)
	}
	f.wantAsked(2, 0)
	if f.wechat.profiles != 2 {
		t.Errorf("%d profiles", f.wechat.profiles)
	}
	f.store.Take()
	want(t, "userinfo", b.do("GET", "/oauth/userinfo", ""), 200, `"nickname":"小明","headimgurl":"","sex":1,"province":"","city":"","country":"","privilege":[]`)
	f.wantCalls("get session, get user")
	if f.wechat.profiles != 3 {
		t.Errorf("%d profiles", f.wechat.profiles)
	}
}

// A browser that has a session of the user reuses it, so that logging in again and again
// does not push the user's other devices out.
func TestLoginReusesTheSessionOfTheBrowser(t *testing.T) {
	f := newFixture(t)
	b, other := f.browser(), f.browser()
	other.logIn("user1")
	b.logIn("user1")
	first := b.do("GET", "/oauth/session", "").Body.String()
	for range 12 {
		f.store.Take()
		code, state := f.code("user1"), b.begin("scope=snsapi_userinfo&return_to=/a")
		for range 2 {
			got := b.callback(code, state)
			if got.Code != 303 || len(got.Result().Cookies()) > 0 {
				t.Fatalf("%d %v", got.Code, got.Result().Cookies())
			}
		}
		if got := f.store.Take(); len(got)-1-1 > 6 { // without the beginning, and the second call's read
			t.Errorf("%d calls: %q", len(got), got)
		}
	}
	if again := b.do("GET", "/oauth/session", "").Body.String(); again != first {
		t.Errorf("%s, and then %s", first, again)
	}
	want(t, "the other device", other.do("GET", "/oauth/session", ""), 200, f.openID("user1"))
	b.logIn("user2")
	want(t, "another user", b.do("GET", "/oauth/session", ""), 200, f.openID("user2"))
}

// A login is a use of the session that it reuses: the session does not expire just after
// the user logged in.
func TestReusedSessionIsExtended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, b := loggedIn(t)
		time.Sleep(testIdle - time.Minute)
		f.store.Take()
		b.logIn("user1")
		f.wantCalls("create state, get state, replace state, get session, replace session, get user, replace user, replace state")
		time.Sleep(testIdle - time.Minute)
		want(t, "later", b.do("GET", "/oauth/session", ""), 200, f.openID("user1"))
	})
}

// Somebody deleted the item of a user, though not the session. The login creates it again.
func TestLoginOfADeletedUser(t *testing.T) {
	f, b := loggedIn(t)
	user, err := f.store.Store.Get(t.Context(), "user#"+shopID+"#"+f.openID("user1"))
	if err == nil {
		err = f.store.Store.Delete(t.Context(), user.Key, user.Version)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.logIn("user1")
	want(t, "the profile", b.do("GET", "/oauth/userinfo", ""), 200, f.openID("user1"))
}

func TestCookieAttributes(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	sent := b.do("GET", "/oauth/authorize?return_to=/x", "")
	to, _ := url.Parse(sent.Header().Get("Location"))
	finished := b.callback(f.code("user1"), to.Query().Get("state"))
	for _, c := range []struct {
		name   string
		answer *httptest.ResponseRecorder
	}{{"__Host-wechatfn-login", sent}, {"__Host-wechatfn-session", finished}} {
		t.Run(c.name, func(t *testing.T) {
			cookies := c.answer.Result().Cookies()
			if len(cookies) != 1 || cookies[0].Name != c.name || !cookies[0].HttpOnly || !cookies[0].Secure || cookies[0].SameSite != http.SameSiteLaxMode || cookies[0].Path != "/" || cookies[0].Domain != "" || cookies[0].MaxAge <= 0 {
				t.Errorf("%+v", cookies)
			}
		})
	}
	f.configure(func(c *Config) { c.Insecure = true })
	cookies := f.browser().do("GET", "/oauth/authorize", "").Result().Cookies()
	if len(cookies) != 1 || cookies[0].Secure || strings.HasPrefix(cookies[0].Name, "__Host-") {
		t.Errorf("on plain http: %+v", cookies)
	}
}

// An openid belongs to one account: the same text at another account is another user.
func TestOpenIDBelongsToOneAccount(t *testing.T) {
	f, b := loggedIn(t)
	f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathExchange, AppID: siteID, Body: `{"access_token":"` + f.plant("site-access-token") + `","expires_in":7200,
		"refresh_token":"` + f.plant("site-refresh-token") + `","openid":"` + f.openID("user1") + `","scope":"snsapi_login"}`})
	state := b.begin("app=site")
	want(t, "at the website", b.callback(f.codeOf(siteID, "user1", wechat.ScopeLogin), state), 303, "")
	want(t, "session", b.do("GET", "/oauth/session", ""), 200, `"app":"site"`)
}

// WeChat gives the unionid with the profile only.
func TestUnionIDOfTheProfileIsStored(t *testing.T) {
	f := newFixture(t, func(c *wechatsim.Config) { c.Apps[0].OpenPlatform = "example" })
	f.wechat.noUnionID = true
	b := f.browser()
	b.logIn("user1")
	want(t, "session", b.do("GET", "/oauth/session", ""), 200, `"unionid":"`+f.sim.UnionID(shopID, "user1")+`"`)
}

// An AppSecret that WeChat refuses is read again, so that the next login has the new one.
// Nothing else is a reason to.
func TestRefusedSecretIsReadAgain(t *testing.T) {
	for _, c := range []struct {
		name    string
		errcode int
		reads   int
	}{
		{"AppSecret refused, 40125", 40125, 1},
		{"AppSecret refused, 40001", 40001, 1},
		{"AppID refused", 40013, 0},
		{"code refused", 40029, 0},
		{"busy", -1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, b, state := begun(t)
			f.refuse(wechatsim.PathExchange, c.errcode)
			b.callback(f.code("user1"), state)
			f.wantAsked(1, 0)
			if f.fresh != c.reads {
				t.Errorf("%d reads past the cache, want %d", f.fresh, c.reads)
			}
		})
	}
}

// Each way in which a login can fail has an answer of its own, in two languages. A
// callback that comes again gets the same answer.
func TestFailures(t *testing.T) {
	refusing := func(errcode int) func(*fixture) string {
		return func(f *fixture) string {
			f.refuse(wechatsim.PathExchange, errcode)
			return f.code("user1")
		}
	}
	for _, c := range []struct {
		name      string
		prepare   func(*fixture) (code string)
		exchanges int
		status    int
		problem   string
	}{
		{"refused", func(*fixture) string { return "" }, 0, 403, "login_refused"},
		{"snapshot", (*fixture).snapshotCode, 1, 403, "login_snapshot"},
		{"bad code", refusing(40029), 1, 400, "login_code_invalid"},
		{"used code", refusing(40163), 1, 400, "login_code_used"},
		{"no code", refusing(41008), 1, 400, "login_code_invalid"},
		{"expired code", refusing(42003), 1, 400, "login_code_expired"},
		{"AppSecret", refusing(40125), 1, 500, "login_misconfigured"},
		{"AppID", refusing(40013), 1, 500, "login_misconfigured"},
		{"whitelist", refusing(40164), 1, 500, "login_misconfigured"},
		{"scope", refusing(48001), 1, 500, "login_misconfigured"},
		{"user blocked", refusing(40226), 1, 500, "login_misconfigured"},
		{"minute quota", refusing(45011), 1, 503, "login_unavailable"},
		{"busy", refusing(-1), 1, 503, "login_unavailable"},
		{"unreachable", func(f *fixture) string {
			f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathExchange, DropBefore: true})
			return f.code("user1")
		}, 1, 503, "login_unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			b := f.browser()
			state := b.begin("return_to=/a&scope=snsapi_userinfo")
			code := c.prepare(f)
			for range 2 {
				got := b.callback(code, state)
				want(t, "callback", got, c.status, c.problem)
				body := got.Body.String()
				for _, part := range []string{"<html lang=\"zh-CN\">", `lang="en"`, `href="/oauth/authorize?app=shop&amp;return_to=https%3A%2F%2Fapi.example.com%2Fa&amp;scope=snsapi_userinfo"`, `href="https://api.example.com/a"`} {
					if !strings.Contains(body, part) {
						t.Errorf("no %s in\n%s", part, body)
					}
				}
				if strings.Contains(body, "told by WeChat") || len(got.Result().Cookies()) > 0 {
					t.Errorf("%s %v", body, got.Result().Cookies())
				}
			}
			f.wantAsked(c.exchanges, 0)
		})
	}
}

// snapshotCode is the code of a user who previews a page. WeChat makes that user up.
func (f *fixture) snapshotCode() string {
	f.Helper()
	code, err := f.sim.IssueCode(shopID, "user1", wechat.ScopeUserInfo, true)
	if err != nil {
		f.Fatal(err)
	}
	return f.plant(code)
}

// The source of the AppSecret is asked by the name of the account.
func TestSecretOfTheAccountIsRead(t *testing.T) {
	f := newFixture(t)
	var read []string
	f.configure(func(c *Config) {
		c.Secrets = func(_ context.Context, a account.Account, _ bool) (secret.Secret, error) {
			read = append(read, a.Name)
			return f.secret, nil
		}
	})
	b := f.browser()
	state := b.begin("app=site")
	want(t, "website", b.callback(f.codeOf(siteID, "user1", wechat.ScopeLogin), state), 303, "")
	if len(read) != 1 || read[0] != "site" {
		t.Errorf("%q", read)
	}
}
