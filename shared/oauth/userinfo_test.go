package oauth

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/wechat"
)

// expire has the user's access token at WeChat end.
func (b *browser) expire() { time.Sleep(2*time.Hour + time.Minute) }

// A hundred pages at once on a token that has ended, or is about to: one refresh.
// WeChat prolongs a token that is alive still rather than replace it.
func TestUserinfoRefreshes(t *testing.T) {
	for after, token := range map[time.Duration]string{
		2*time.Hour + time.Minute: "new",
		2*time.Hour - minRemaining/2:   "user1",
	} {
		synctest.Test(t, func(t *testing.T) {
			w, b := loggedIn(t)
			time.Sleep(after)
			w.wechat.slow = time.Second
			w.refreshYields(wechat.UserToken{AccessToken: "access-" + token, RefreshToken: "refresh-" + token, OpenID: "user1", Scope: wechat.ScopeUserInfo, ExpiresIn: 2 * time.Hour}, nil)
			b.profiles(100, 200, "小明")
			w.wantAsked(1, 1)
		})
	}
}

// WeChat may call a token dead before its end: one refresh, then the user has to
// log in again.
func TestUserinfoOfADeadToken(t *testing.T) {
	dead := func(code int) error { return &wechat.Error{Op: "userinfo", Code: code} }
	for name, c := range map[string]struct {
		info    func(string) error
		refresh error
		status  int
		want    string
	}{
		"42001, refreshed":       {func(token string) error { return only(token == "access-user1", dead(42001)) }, nil, 200, "小明"},
		"40014, refreshed":       {func(token string) error { return only(token == "access-user1", dead(40014)) }, nil, 200, "小明"},
		"refresh token is dead":  {func(string) error { return dead(42001) }, &wechat.Error{Op: "refresh_token", Code: 40030}, 409, "login_again"},
		"and so is the new one":  {func(string) error { return dead(42001) }, nil, 409, "login_again"},
		"the password changed":   {func(string) error { return dead(42001) }, &wechat.Error{Op: "refresh_token", Code: 42007}, 409, "login_again"},
		"not granted":            {func(string) error { return dead(48001) }, nil, 403, "profile_not_granted"},
		"WeChat is busy":         {func(string) error { return dead(-1) }, nil, 503, "wechat_unavailable"},
		"the refresh meets that": {func(string) error { return dead(42001) }, &wechat.Error{Op: "refresh_token", Code: -1}, 503, "wechat_unavailable"},
	} {
		w, b := loggedIn(t)
		w.wechat.info = c.info
		w.refreshYields(wechat.UserToken{AccessToken: "access-new", OpenID: "user1", ExpiresIn: time.Hour}, c.refresh)
		w.wechat.asked = nil
		want(t, name, b.do("GET", "/oauth/userinfo?lang=en", ""), c.status, c.want)
		if slices.ContainsFunc(w.wechat.asked, func(lang string) bool { return lang != "en" }) {
			t.Errorf("%s: asked for %q", name, w.wechat.asked)
		}
		if w.wechat.refreshes > 1 {
			t.Errorf("%s: %d refreshes", name, w.wechat.refreshes)
		}
	}
}

func only(when bool, err error) error {
	if when {
		return err
	}
	return nil
}

func TestUserinfoRefused(t *testing.T) {
	w := newWorld(t)
	want(t, "nobody", w.browser().do("GET", "/oauth/userinfo", ""), 401, "session_missing")
	b := w.browser()
	b.logIn("user1")
	want(t, "language", b.do("GET", "/oauth/userinfo?lang=fr", ""), 400, "lang_invalid")
	silent := w.browser()
	w.wechat.codes["code-s"] = wechat.UserToken{AccessToken: "access-s", OpenID: "user3", Scope: wechat.ScopeBase, ExpiresIn: time.Hour}
	silent.callback("code-s", silent.begin(""))
	want(t, "a silent login", silent.do("GET", "/oauth/userinfo", ""), 403, "profile_not_granted")
}

// Whether the profile could be read, without reading it.
func TestUserinfoCheck(t *testing.T) {
	w, b := loggedIn(t)
	w.wechat.infos = 0
	want(t, "good", b.do("GET", "/oauth/userinfo?check=true", ""), 200, `{"valid":true}`)
	want(t, "bad", b.do("GET", "/oauth/userinfo?check=maybe", ""), 400, "check_invalid")
	w.wechat.info = func(string) error { return &wechat.Error{Op: "auth", Code: 40014} }
	w.refreshYields(wechat.UserToken{}, &wechat.Error{Op: "refresh_token", Code: 40030})
	want(t, "dead", b.do("GET", "/oauth/userinfo?check=true", ""), 409, "login_again")
	if w.wechat.checks != 2 || w.wechat.infos != 0 || !slices.Equal(w.wechat.asked[1:], []string{"user1", "user1"}) {
		t.Errorf("%d checks, %d profiles, asked for %q", w.wechat.checks, w.wechat.infos, w.wechat.asked)
	}
}

// A silent login later does not take the profile away.
func TestSilentLoginKeepsTheProfile(t *testing.T) {
	w, b := loggedIn(t)
	w.grants("code-2", "user1")
	if got := b.callback("code-2", b.begin("scope=snsapi_base")); got.Code != 303 {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	want(t, "userinfo", b.do("GET", "/oauth/userinfo", ""), 200, "小明")
}

// What was granted counts, not what was asked for.
func TestGrantedLessThanAsked(t *testing.T) {
	w, b := loggedIn(t)
	w.wechat.codes["code-2"] = wechat.UserToken{AccessToken: "access-2", OpenID: "user1", Scope: wechat.ScopeBase, ExpiresIn: time.Hour}
	if got := b.callback("code-2", b.begin("scope=snsapi_userinfo")); got.Code != 303 || w.wechat.infos != 1 {
		t.Fatalf("%d %s, %d profiles", got.Code, got.Body, w.wechat.infos)
	}
	want(t, "userinfo", b.do("GET", "/oauth/userinfo", ""), 200, "小明")
}

// WeChat that refuses for good is asked once; then the user has to log in again.
func TestDeadRefreshTokenIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := loggedIn(t)
		b.expire()
		w.wechat.slow = time.Second
		w.refreshYields(wechat.UserToken{}, &wechat.Error{Op: "refresh_token", Code: 40030})
		b.profiles(50, 409, "login_again")
		w.wantAsked(1, 1)
	})
}

// A token that is dead as soon as it was refreshed is not refreshed again.
func TestUserinfoRefreshesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := loggedIn(t)
		b.expire()
		w.wechat.info = func(string) error { return &wechat.Error{Op: "userinfo", Code: 42001} }
		w.refreshYields(wechat.UserToken{AccessToken: "access-new", RefreshToken: "refresh-new", OpenID: "user1", ExpiresIn: time.Hour}, nil)
		want(t, "dead at once", b.do("GET", "/oauth/userinfo", ""), 409, "login_again")
		if w.wechat.refreshes != 1 || w.wechat.infos != 2 { // one of them by the login
			t.Errorf("%d refreshes, %d profiles", w.wechat.refreshes, w.wechat.infos)
		}
	})
}

// Where WeChat does not answer, those that wait do not ask it one by one, but one of
// them every other second.
func TestUserinfoWhileWeChatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := loggedIn(t)
		b.expire()
		w.refreshYields(wechat.UserToken{}, &wechat.Error{Op: "refresh_token", Code: -1})
		b.profiles(100, 503, "wechat_unavailable")
		if most := 1 + int(defaultBudget/refreshBackoff); w.wechat.refreshes > most {
			t.Errorf("%d refreshes, want %d at most", w.wechat.refreshes, most)
		}
	})
}

// Tokens that come when the request's time is over are kept all the same: WeChat has
// replaced the old ones.
func TestLateTokensAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := loggedIn(t)
		b.expire()
		w.wechat.slow = defaultBudget + time.Second
		w.refreshYields(wechat.UserToken{AccessToken: "access-new", RefreshToken: "refresh-new", OpenID: "user1", ExpiresIn: 2 * time.Hour}, nil)
		for range 2 {
			b.do("GET", "/oauth/userinfo", "")
		}
		w.wantAsked(1, 1)
	})
}
