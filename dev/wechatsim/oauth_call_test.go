package wechatsim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestExchange(t *testing.T) {
	f := newLoginFixture(t)
	g := f.login("ming", scopeBase)
	if g.Access == "" || g.Refresh == "" || g.Access == g.Refresh || g.ExpiresIn != 7200 || g.OpenID != f.OpenID(appID, "ming") ||
		g.Scope != scopeBase || g.Snapshot != nil || strings.Contains(g.text, "errcode") {
		t.Errorf("%s", g.text)
	}
	if again := f.login("ming", scopeBase); again.Access == g.Access || !f.UserTokenValid(g.Access) || !f.UserTokenValid(again.Access) {
		t.Error("one login affects another")
	}
}

// An exchange names the parameter that is missing or wrong, and then does not use the code.
func TestExchangeParameters(t *testing.T) {
	for _, c := range []struct {
		name, key, value string
		code             int
	}{
		{"no appid", "appid", "", 41002}, {"unknown appid", "appid", "wx9", 40013},
		{"no secret", "secret", "", 41004}, {"secret of another account", "secret", "secret-2", 40125},
		{"no code", "code", "", 41008}, {"unknown code", "code", "x", 40029},
		{"no grant_type", "grant_type", "", 40002}, {"wrong grant_type", "grant_type", "client_credential", 40002},
		{"appid of another account", "appid", other, 40125},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newLoginFixture(t)
			code := f.issue(appID, "ming", scopeBase, false)
			pairs := []string{"appid", appID, "secret", secret, "code", code, "grant_type", "authorization_code"}
			for i := range pairs {
				if pairs[i] == c.key {
					pairs[i+1] = c.value
				}
			}
			f.sns(PathExchange, pairs...).expect(t, c.code)
			f.exchange(code).expect(t, 0)
			f.exchange(code).expect(t, 40163)
		})
	}
}

// A code belongs to its app and is valid once, for CodeLifetime, to the nanosecond.
func TestCodeIsValidOnceUntilItExpires(t *testing.T) {
	for _, c := range []struct {
		name          string
		set, lifetime time.Duration
		expired, used int
	}{{"the default", 0, 300 * time.Second, 42003, 40163}, {"the other way", 600 * time.Second, 600 * time.Second, 40029, 40029}} {
		t.Run(c.name, func(t *testing.T) {
			f := newLoginFixture(t, with(func(s *Switches) {
				if c.set != 0 {
					s.CodeLifetime, s.ExpiredCodeCode, s.UsedCodeCode = c.set, c.expired, c.used
				}
			}))
			first, second := f.issue(appID, "ming", scopeBase, false), f.issue(appID, "ming", scopeBase, false)
			foreign := f.issue(other, "ming", scopeBase, false)
			if first == second || len(first) != codeLength {
				t.Errorf("codes %s, %s", first, second)
			}
			f.exchange(foreign).expect(t, 40029)
			f.sns(PathExchange, "appid", other, "secret", "secret-2", "code", foreign, "grant_type", "authorization_code").expect(t, 0)
			f.advance(c.lifetime - 1)
			f.exchange(first).expect(t, 0)
			f.exchange(first).expect(t, c.used)
			f.advance(1)
			f.exchange(second).expect(t, c.expired)
			f.exchange(first).expect(t, c.used)
		})
	}
}

func TestIssueCodeChecksItsArguments(t *testing.T) {
	f := newLoginFixture(t)
	_, err := f.IssueCode("wx9", "ming", scopeBase, false)
	mustContain(t, err, "no app")
	_, err = f.IssueCode(appID, "nobody", scopeBase, false)
	mustContain(t, err, "no user")
	_, err = f.IssueCode(appID, f.OpenID(other, "ming"), scopeBase, false) // another app's openid
	mustContain(t, err, "no user")
	_, err = f.IssueCode(appID, "ming", "snsapi_all", false)
	mustContain(t, err, "scope")
	if g := f.exchange(f.issue(appID, f.OpenID(appID, "hua"), scopeBase, false)); g.OpenID != f.OpenID(appID, "hua") {
		t.Errorf("%s", g.text)
	}
}

// A refresh extends the lifetime of a valid token, and replaces an expired one.
func TestRefreshUserToken(t *testing.T) {
	f := newLoginFixture(t)
	g := f.login("ming", scopeUserInfo)
	f.advance(7199 * time.Second)
	r := f.refresh(g.Refresh).expect(t, 0)
	if r.Access != g.Access || r.ExpiresIn != 7200 || r.Refresh != g.Refresh || r.OpenID != g.OpenID || r.Scope != g.Scope {
		t.Errorf("valid: %s", r.text)
	}
	f.advance(7199 * time.Second)
	f.info(g).expect(t, 0)
	f.advance(time.Second)
	f.info(g).expect(t, 42001)
	f.checkUser(g).expect(t, 42001)
	r = f.refresh(g.Refresh).expect(t, 0)
	if r.Access == g.Access || r.ExpiresIn != 7200 || r.Refresh != g.Refresh {
		t.Errorf("expired: %s", r.text)
	}
	f.info(r).expect(t, 0)
	f.info(g).expect(t, 42001) // the replaced token is still known
	again := f.refresh(g.Refresh)
	if again.Access != r.Access {
		t.Error("a second refresh changed the token")
	}
	if f.UserTokenValid(g.Access) || !f.UserTokenValid(r.Access) || f.UserTokenValid("") {
		t.Error("UserTokenValid")
	}
}

func TestRefreshParameters(t *testing.T) {
	f := newLoginFixture(t)
	g := f.login("ming", scopeBase)
	for _, c := range []struct {
		name, app, token, grant string
		code                    int
	}{
		{"no appid", "", g.Refresh, "refresh_token", 41002}, {"unknown appid", "wx9", g.Refresh, "refresh_token", 40013},
		{"no token", appID, "", "refresh_token", 41003}, {"no grant_type", appID, g.Refresh, "", 40002},
		{"token of another app", other, g.Refresh, "refresh_token", 40030}, {"unknown token", appID, "x", "refresh_token", 40030},
		{"access token", appID, g.Access, "refresh_token", 40030}, {"all right", appID, g.Refresh, "refresh_token", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.sns(PathRefreshUser, "appid", c.app, "refresh_token", c.token, "grant_type", c.grant).expect(t, c.code)
		})
	}
}

// A refresh token is valid for 30 days from the login, or from the last refresh.
func TestRefreshTokenLifetime(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		t.Run(fmt.Sprintf("RefreshRestarts=%v", restarts), func(t *testing.T) {
			f := newLoginFixture(t, with(func(s *Switches) { s.RefreshRestarts = restarts }))
			used, unused := f.login("ming", scopeBase), f.login("ming", scopeBase)
			f.advance(refreshTokenLifetime - 1)
			f.refresh(used.Refresh).expect(t, 0)
			f.advance(1)
			f.refresh(unused.Refresh).expect(t, 42002)
			code := 42002
			if restarts {
				code = 0
			}
			f.refresh(used.Refresh).expect(t, code)
			f.advance(refreshTokenLifetime)
			f.refresh(used.Refresh).expect(t, 42002)
		})
	}
}

func TestUserInfo(t *testing.T) {
	f := newLoginFixture(t)
	ming, hua, odd := f.info(f.login("ming", scopeUserInfo)), f.info(f.login("hua", scopeUserInfo)), f.info(f.login("odd", scopeUserInfo))
	if ming.Nickname != "小明 🌿" || *ming.Picture == "" || *ming.Sex != 0 || ming.Privilege == nil || ming.OpenID != f.OpenID(appID, "ming") {
		t.Errorf("%s", ming.text)
	}
	if *hua.Sex != 2 || len(hua.Privilege) != 1 || *odd.Picture != "" || strings.Contains(odd.text, "errcode") {
		t.Errorf("%s %s", hua.text, odd.text)
	}
	g := f.login("ming", scopeUserInfo)
	for _, c := range []struct {
		lang string
		code int
	}{{"zh_TW", 0}, {"en", 0}, {"", 0}, {"fr", -2}} {
		t.Run("lang="+c.lang, func(t *testing.T) {
			if r := f.sns(PathUserInfo, "access_token", g.Access, "openid", g.OpenID, "lang", c.lang); r.Code != c.code {
				t.Errorf("%s", r.text)
			}
		})
	}
	f.info(f.login("ming", scopeBase)).expect(t, 48001)
	siteUser := f.sns(PathExchange, "appid", site, "secret", siteSecret, "code", f.issue(site, "hua", scopeLogin, false), "grant_type", "authorization_code")
	if f.info(siteUser).expect(t, 0).Nickname != "Li Hua" {
		t.Error("the profile of a website's user")
	}
}

func TestUserTokenErrors(t *testing.T) {
	for _, unknown := range []int{40014, 40001} {
		f := newLoginFixture(t, with(func(s *Switches) { s.UnknownUserTokenCode = unknown; s.ExpiredTokenCode = 40001 }))
		g, hua := f.login("ming", scopeUserInfo), f.login("hua", scopeUserInfo)
		for _, c := range []struct {
			name, token, openid string
			code                int
		}{
			{"all right", g.Access, g.OpenID, 0},
			{"no token", "", g.OpenID, 41001},
			{"no openid", g.Access, "", 41009},
			{"unknown token", "x", g.OpenID, unknown},
			{"token of the account", f.stable(false).token, g.OpenID, unknown},
			{"openid of another user", g.Access, hua.OpenID, 40003},
			{"openid at another app", g.Access, f.OpenID(site, "ming"), 40003},
			{"refresh token", g.Refresh, g.OpenID, unknown},
		} {
			t.Run(fmt.Sprintf("%s, %d", c.name, unknown), func(t *testing.T) {
				for _, path := range []string{PathUserInfo, PathCheckUser} {
					if r := f.sns(path, "access_token", c.token, "openid", c.openid); r.Code != c.code {
						t.Errorf("%s: %s", path, r.text)
					}
				}
			})
		}
		f.fetchTicket(g.Access, "jsapi").expect(t, 40001) // a user's token is not the account's
		f.advance(7200 * time.Second)
		f.checkUser(g).expect(t, 40001)
	}
}

func TestUserTokenOfAnotherSimulator(t *testing.T) {
	if r := newLoginFixture(t).login("ming", scopeBase); newLoginFixture(t).checkUser(r).Code == 0 {
		t.Error("the token is accepted")
	}
}

func TestCheckUserAnswer(t *testing.T) {
	f := newLoginFixture(t)
	if r := f.checkUser(f.login("ming", scopeBase)); r.text != `{"errcode":0,"errmsg":"ok"}` {
		t.Errorf("%s", r.text)
	}
}

func TestSnapshotUsers(t *testing.T) {
	for _, profile := range []bool{false, true} {
		t.Run(fmt.Sprintf("SnapshotProfile=%v", profile), func(t *testing.T) {
			f := newLoginFixture(t, with(func(s *Switches) { s.SnapshotProfile = profile }))
			g := f.exchange(f.issue(appID, "ming", scopeUserInfo, true)).expect(t, 0)
			if g.Snapshot == nil || *g.Snapshot != 1 || g.OpenID == f.OpenID(appID, "ming") || g.UnionID == nil || *g.UnionID == f.UnionID(appID, "ming") {
				t.Errorf("%s", g.text)
			}
			if r := f.refresh(g.Refresh).expect(t, 0); r.OpenID != g.OpenID {
				t.Errorf("refreshed: %s", r.text)
			}
			r := f.info(g)
			if !profile {
				r.expect(t, 48001)
			} else if r.Nickname != "微信用户" || r.OpenID != g.OpenID {
				t.Errorf("%s", r.text)
			}
		})
	}
}

func TestNicknameControlByte(t *testing.T) {
	for _, on := range []bool{false, true} {
		t.Run(fmt.Sprintf("NicknameControlByte=%v", on), func(t *testing.T) {
			f := newLoginFixture(t, with(func(s *Switches) { s.NicknameControlByte = on }))
			if r := f.info(f.login("ming", scopeUserInfo)); strings.Contains(r.text, "\x14") != on || strings.Contains(r.text, `\u0014`) {
				t.Errorf("%q", r.text)
			}
		})
	}
}
