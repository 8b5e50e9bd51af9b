package oauth

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/wechat"
)

// expire waits until the user's access token has expired.
func (b *browser) expire() { time.Sleep(2*time.Hour + time.Minute) }

// profiles asks for the profile so many times at once, and wants the same answer each time.
func (b *browser) profiles(n, status int, text string) {
	b.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { want(b, "userinfo", b.do("GET", "/oauth/userinfo", ""), status, text) })
	}
	wg.Wait()
}

// storedToken is the access token of the user that is stored.
func (f *fixture) storedToken(user string) string {
	f.Helper()
	u, err := f.sessions.User(f.Context(), shopID, f.openID(user))
	if err != nil {
		f.Fatal(err)
	}
	return u.Tokens.AccessToken
}

// A hundred pages at once ask with a token that has expired, or will soon. There is one
// refresh. WeChat extends a token that is valid, and replaces one that is not.
func TestUserinfoRefreshesOnceForAll(t *testing.T) {
	for _, c := range []struct {
		name     string
		after    time.Duration
		replaced bool
	}{
		{"expired", 2*time.Hour + time.Minute, true},
		{"about to expire", 2*time.Hour - minRemaining/2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, b := loggedIn(t)
				old := f.storedToken("user1")
				time.Sleep(c.after)
				f.slow(time.Second)
				b.profiles(100, 200, "小明")
				f.wantAsked(1, 1)
				if got := f.storedToken("user1") != old; got != c.replaced {
					t.Errorf("replaced: %v", got)
				}
			})
		})
	}
}

// WeChat can say that a token is invalid before it expires. There is one refresh; then
// the user has to log in again.
func TestUserinfoOfAnInvalidToken(t *testing.T) {
	end := func(f *fixture, errcode int) {
		f.Helper()
		if err := f.sim.EndUserTokens(shopID, "user1", errcode); err != nil {
			f.Fatal(err)
		}
	}
	for _, c := range []struct {
		name      string
		prepare   func(f *fixture)
		refreshes int
		status    int
		want      string
	}{
		{"42001, refreshed", func(f *fixture) { end(f, 42001) }, 1, 200, "小明"},
		{"40014, refreshed", func(f *fixture) { end(f, 40014) }, 1, 200, "小明"},
		{"refresh token invalid", func(f *fixture) {
			end(f, 42001)
			_ = f.sim.EndRefreshTokens(shopID, "user1", 40030)
		}, 1, 409, "login_again"},
		{"new token invalid", func(f *fixture) { f.refuse(wechatsim.PathUserInfo, 42001) }, 1, 409, "login_again"},
		{"password changed", func(f *fixture) { _ = f.sim.VoidUserTokens(shopID, "user1") }, 0, 409, "login_again"},
		{"password changed, said at the refresh", func(f *fixture) {
			end(f, 42001)
			f.refuse(wechatsim.PathRefreshUser, 42007)
		}, 1, 409, "login_again"},
		{"not granted", func(f *fixture) { f.refuse(wechatsim.PathUserInfo, 48001) }, 0, 403, "profile_not_granted"},
		{"WeChat is busy", func(f *fixture) { f.refuse(wechatsim.PathUserInfo, -1) }, 0, 503, "wechat_unavailable"},
		{"WeChat is busy at the refresh", func(f *fixture) {
			end(f, 42001)
			f.refuse(wechatsim.PathRefreshUser, -1)
		}, 1, 503, "wechat_unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, b := loggedIn(t)
				c.prepare(f)
				f.wechat.asked = nil
				want(t, "userinfo", b.do("GET", "/oauth/userinfo?lang=en", ""), c.status, c.want)
				if slices.ContainsFunc(f.wechat.asked, func(lang string) bool { return lang != "en" }) {
					t.Errorf("asked for %q", f.wechat.asked)
				}
				f.wantAsked(1, c.refreshes)
			})
		})
	}
}

func TestUserinfoRefuses(t *testing.T) {
	f, b := loggedIn(t)
	want(t, "nobody", f.browser().do("GET", "/oauth/userinfo", ""), 401, "session_missing")
	want(t, "language", b.do("GET", "/oauth/userinfo?lang=fr", ""), 400, "lang_invalid")
	silent := f.browser()
	state := silent.begin("")
	silent.callback(f.codeOf(shopID, "user3", wechat.ScopeBase), state)
	want(t, "a silent login", silent.do("GET", "/oauth/userinfo", ""), 403, "profile_not_granted")
}

// With check=true WeChat is asked whether the profile could be read, and not for it.
func TestUserinfoCheckReadsNoProfile(t *testing.T) {
	f, b := loggedIn(t)
	f.wechat.profiles = 0
	want(t, "valid", b.do("GET", "/oauth/userinfo?check=true", ""), 200, `{"valid":true}`)
	want(t, "bad parameter", b.do("GET", "/oauth/userinfo?check=maybe", ""), 400, "check_invalid")
	if err := f.sim.EndUserTokens(shopID, "user1", 40014); err != nil {
		t.Fatal(err)
	}
	if err := f.sim.EndRefreshTokens(shopID, "user1", 40030); err != nil {
		t.Fatal(err)
	}
	want(t, "invalid", b.do("GET", "/oauth/userinfo?check=true", ""), 409, "login_again")
	openID := f.openID("user1")
	if f.wechat.checks != 2 || f.wechat.profiles != 0 || !slices.Equal(f.wechat.asked[1:], []string{openID, openID}) {
		t.Errorf("%d checks, %d profiles, asked for %q", f.wechat.checks, f.wechat.profiles, f.wechat.asked)
	}
}

// A silent login later does not take the profile away. What was granted counts, not what
// was asked for.
func TestSilentLoginLeavesTheProfile(t *testing.T) {
	for _, c := range []struct{ name, asked string }{{"profile not asked for", "snsapi_base"}, {"profile asked for", "snsapi_userinfo"}} {
		t.Run(c.name, func(t *testing.T) {
			f, b := loggedIn(t)
			state := b.begin("scope=" + c.asked)
			if got := b.callback(f.codeOf(shopID, "user1", wechat.ScopeBase), state); got.Code != 303 || f.wechat.profiles != 1 {
				t.Fatalf("%d %s, %d profiles", got.Code, got.Body, f.wechat.profiles)
			}
			want(t, "userinfo", b.do("GET", "/oauth/userinfo", ""), 200, "小明")
		})
	}
}

// WeChat refuses a refresh token for good. It is asked once; then the user has to log in
// again.
func TestInvalidRefreshTokenIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, b := loggedIn(t)
		b.expire()
		f.slow(time.Second)
		if err := f.sim.EndRefreshTokens(shopID, "user1", 40030); err != nil {
			t.Fatal(err)
		}
		b.profiles(50, 409, "login_again")
		f.wantAsked(1, 1)
	})
}

// A token that WeChat refuses just after it was refreshed is not refreshed again.
func TestUserinfoRefreshesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, b := loggedIn(t)
		b.expire()
		f.refuse(wechatsim.PathUserInfo, 42001)
		want(t, "invalid at once", b.do("GET", "/oauth/userinfo", ""), 409, "login_again")
		f.wantAsked(1, 1)
		if f.wechat.profiles != 2 { // one of them by the login
			t.Errorf("%d profiles", f.wechat.profiles)
		}
	})
}

// WeChat does not answer. Those that wait do not ask it one after the other; one of them
// asks it every other second.
func TestUserinfoWhileWeChatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, b := loggedIn(t)
		b.expire()
		f.refuse(wechatsim.PathRefreshUser, -1)
		b.profiles(100, 503, "wechat_unavailable")
		if most := 1 + int(defaultBudget/refreshBackoff); f.wechat.refreshes > most {
			t.Errorf("%d refreshes, want %d at most", f.wechat.refreshes, most)
		}
	})
}

// Tokens that come after the request's time are stored all the same: WeChat has replaced
// the old ones.
func TestLateTokensAreStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, b := loggedIn(t)
		b.expire()
		f.wechat.answered = func() { time.Sleep(defaultBudget + time.Second) }
		b.do("GET", "/oauth/userinfo", "")
		f.wechat.answered = nil
		want(t, "the next request", b.do("GET", "/oauth/userinfo", ""), 200, "小明")
		f.wantAsked(1, 1)
	})
}
