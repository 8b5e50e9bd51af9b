package wechatsim

import (
	"strings"
	"testing"
	"time"
)

func TestExchange(t *testing.T) {
	w := newLoginFixture(t)
	g := w.login("ming", scopeBase)
	if g.Access == "" || g.Refresh == "" || g.Access == g.Refresh || g.ExpiresIn != 7200 || g.OpenID != w.OpenID(appID, "ming") ||
		g.Scope != scopeBase || g.Snapshot != nil || strings.Contains(g.text, "errcode") {
		t.Errorf("%s", g.text)
	}
	if again := w.login("ming", scopeBase); again.Access == g.Access || !w.UserTokenValid(g.Access) || !w.UserTokenValid(again.Access) {
		t.Error("one login touches another")
	}
}

// TestExchangeParameters: what is missing or wrong; none of it spends the code.
func TestExchangeParameters(t *testing.T) {
	w := newLoginFixture(t)
	code := w.issue(appID, "ming", scopeBase, false)
	good := map[string]string{"appid": appID, "secret": secret, "code": code, "grant_type": "authorization_code"}
	for _, c := range []struct {
		key, value string
		code       int
	}{
		{"appid", "", 41002}, {"appid", "wx9", 40013}, {"secret", "", 41004}, {"secret", "secret-2", 40125},
		{"code", "", 41008}, {"code", "x", 40029}, {"grant_type", "", 40002}, {"grant_type", "client_credential", 40002},
		{"appid", other, 40125}, {"", "", 0}, {"", "", 40163},
	} {
		var pairs []string
		for k, v := range good {
			if k == c.key {
				v = c.value
			}
			pairs = append(pairs, k, v)
		}
		w.sns(PathExchange, pairs...).expect(t, c.code)
	}
}

// TestCodes: bound to their app, good once, for CodeLife; a nanosecond decides.
func TestCodes(t *testing.T) {
	for _, c := range []struct {
		life          time.Duration
		expired, used int
	}{{0, 0, 0}, {600 * time.Second, 40029, 40029}} {
		w := newLoginFixture(t, with(func(s *Switches) { s.CodeLifetime, s.ExpiredCodeCode, s.UsedCodeCode = c.life, c.expired, c.used }))
		life, expired, used := 300*time.Second, 42003, 40163
		if c.life != 0 {
			life, expired, used = c.life, c.expired, c.used
		}
		first, second := w.issue(appID, "ming", scopeBase, false), w.issue(appID, "ming", scopeBase, false)
		foreign := w.issue(other, "ming", scopeBase, false)
		if first == second || len(first) != codeLength {
			t.Errorf("codes %s, %s", first, second)
		}
		w.exchange(foreign).expect(t, 40029)
		w.sns(PathExchange, "appid", other, "secret", "secret-2", "code", foreign, "grant_type", "authorization_code").expect(t, 0)
		w.advance(life - 1)
		w.exchange(first).expect(t, 0)
		w.exchange(first).expect(t, used)
		w.advance(1)
		w.exchange(second).expect(t, expired)
		w.exchange(first).expect(t, used)
	}
}

func TestIssueCodeRefuses(t *testing.T) {
	w := newLoginFixture(t)
	_, err := w.IssueCode("wx9", "ming", scopeBase, false)
	mustContain(t, err, "no app")
	_, err = w.IssueCode(appID, "nobody", scopeBase, false)
	mustContain(t, err, "no user")
	_, err = w.IssueCode(appID, w.OpenID(other, "ming"), scopeBase, false) // another app's openid
	mustContain(t, err, "no user")
	_, err = w.IssueCode(appID, "ming", "snsapi_all", false)
	mustContain(t, err, "scope")
	if g := w.exchange(w.issue(appID, w.OpenID(appID, "hua"), scopeBase, false)); g.OpenID != w.OpenID(appID, "hua") {
		t.Errorf("%s", g.text)
	}
}

// TestRefresh: a live token stays and gains life, a dead one is replaced.
func TestRefresh(t *testing.T) {
	w := newLoginFixture(t)
	g := w.login("ming", scopeUserInfo)
	w.advance(7199 * time.Second)
	r := w.refresh(g.Refresh).expect(t, 0)
	if r.Access != g.Access || r.ExpiresIn != 7200 || r.Refresh != g.Refresh || r.OpenID != g.OpenID || r.Scope != g.Scope {
		t.Errorf("live: %s", r.text)
	}
	w.advance(7199 * time.Second)
	w.info(g).expect(t, 0)
	w.advance(time.Second)
	w.info(g).expect(t, 42001)
	w.checkUser(g).expect(t, 42001)
	r = w.refresh(g.Refresh).expect(t, 0)
	if r.Access == g.Access || r.ExpiresIn != 7200 || r.Refresh != g.Refresh {
		t.Errorf("dead: %s", r.text)
	}
	w.info(r).expect(t, 0)
	w.info(g).expect(t, 42001) // the one before is remembered
	again := w.refresh(g.Refresh)
	if again.Access != r.Access {
		t.Error("a second refresh changed the token")
	}
	if w.UserTokenValid(g.Access) || !w.UserTokenValid(r.Access) || w.UserTokenValid("") {
		t.Error("alive")
	}
}

func TestRefreshParameters(t *testing.T) {
	w := newLoginFixture(t)
	g := w.login("ming", scopeBase)
	for _, c := range []struct {
		app, token, grant string
		code              int
	}{
		{"", g.Refresh, "refresh_token", 41002}, {"wx9", g.Refresh, "refresh_token", 40013}, {appID, "", "refresh_token", 41003},
		{appID, g.Refresh, "", 40002}, {other, g.Refresh, "refresh_token", 40030}, {appID, "x", "refresh_token", 40030},
		{appID, g.Access, "refresh_token", 40030}, {appID, g.Refresh, "refresh_token", 0},
	} {
		w.sns(PathRefreshUser, "appid", c.app, "refresh_token", c.token, "grant_type", c.grant).expect(t, c.code)
	}
}

// TestRefreshTokenLives 30 days from the login, or from the last refresh.
func TestRefreshTokenLives(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		w := newLoginFixture(t, with(func(s *Switches) { s.RefreshRestarts = restarts }))
		used, unused := w.login("ming", scopeBase), w.login("ming", scopeBase)
		w.advance(refreshTokenLifetime - 1)
		w.refresh(used.Refresh).expect(t, 0)
		w.advance(1)
		w.refresh(unused.Refresh).expect(t, 42002)
		code := 42002
		if restarts {
			code = 0
		}
		w.refresh(used.Refresh).expect(t, code)
		w.advance(refreshTokenLifetime)
		w.refresh(used.Refresh).expect(t, 42002)
	}
}

func TestUserInfo(t *testing.T) {
	w := newLoginFixture(t)
	ming, hua, odd := w.info(w.login("ming", scopeUserInfo)), w.info(w.login("hua", scopeUserInfo)), w.info(w.login("odd", scopeUserInfo))
	if ming.Nickname != "小明 🌿" || *ming.Picture == "" || *ming.Sex != 0 || ming.Privilege == nil || ming.OpenID != w.OpenID(appID, "ming") {
		t.Errorf("%s", ming.text)
	}
	if *hua.Sex != 2 || len(hua.Privilege) != 1 || *odd.Picture != "" || strings.Contains(odd.text, "errcode") {
		t.Errorf("%s %s", hua.text, odd.text)
	}
	g := w.login("ming", scopeUserInfo)
	for lang, code := range map[string]int{"zh_TW": 0, "en": 0, "": 0, "fr": -2} {
		if r := w.sns(PathUserInfo, "access_token", g.Access, "openid", g.OpenID, "lang", lang); r.Code != code {
			t.Errorf("%q: %s", lang, r.text)
		}
	}
	w.info(w.login("ming", scopeBase)).expect(t, 48001)
	siteUser := w.sns(PathExchange, "appid", site, "secret", siteSecret, "code", w.issue(site, "hua", scopeLogin, false), "grant_type", "authorization_code")
	if w.info(siteUser).expect(t, 0).Nickname != "Li Hua" {
		t.Error("of a website")
	}
}

func TestUserTokenErrors(t *testing.T) {
	for _, unknown := range []int{40014, 40001} {
		w := newLoginFixture(t, with(func(s *Switches) { s.UnknownUserTokenCode = unknown; s.ExpiredTokenCode = 40001 }))
		g, another := w.login("ming", scopeUserInfo), w.login("hua", scopeUserInfo)
		global := w.stable(false).token
		for _, path := range []string{PathUserInfo, PathCheckUser} {
			for _, c := range []struct {
				token, openid string
				code          int
			}{
				{g.Access, g.OpenID, 0}, {"", g.OpenID, 41001}, {g.Access, "", 41009}, {"x", g.OpenID, unknown}, {global, g.OpenID, unknown},
				{g.Access, another.OpenID, 40003}, {g.Access, w.OpenID(site, "ming"), 40003}, {g.Refresh, g.OpenID, unknown},
			} {
				if r := w.sns(path, "access_token", c.token, "openid", c.openid); r.Code != c.code {
					t.Errorf("%s, %+v: %s", path, c, r.text)
				}
			}
		}
		w.fetchTicket(g.Access, "jsapi").expect(t, 40001) // a user's token is not the account's
		w.advance(7200 * time.Second)
		w.checkUser(g).expect(t, 40001)
	}
	if r := newLoginFixture(t).login("ming", scopeBase); newLoginFixture(t).checkUser(r).Code == 0 {
		t.Error("another simulator's token")
	}
}

func TestCheckUserAnswer(t *testing.T) {
	w := newLoginFixture(t)
	if r := w.checkUser(w.login("ming", scopeBase)); r.text != `{"errcode":0,"errmsg":"ok"}` {
		t.Errorf("%s", r.text)
	}
}

func TestSnapshotUsers(t *testing.T) {
	for _, profile := range []bool{false, true} {
		w := newLoginFixture(t, with(func(s *Switches) { s.SnapshotProfile = profile }))
		g := w.exchange(w.issue(appID, "ming", scopeUserInfo, true)).expect(t, 0)
		if g.Snapshot == nil || *g.Snapshot != 1 || g.OpenID == w.OpenID(appID, "ming") || g.UnionID == nil || *g.UnionID == w.UnionID(appID, "ming") {
			t.Errorf("%s", g.text)
		}
		if r := w.refresh(g.Refresh).expect(t, 0); r.OpenID != g.OpenID {
			t.Errorf("refreshed: %s", r.text)
		}
		r := w.info(g)
		if !profile {
			r.expect(t, 48001)
		} else if r.Nickname != "微信用户" || r.OpenID != g.OpenID {
			t.Errorf("%s", r.text)
		}
	}
}

func TestNicknameControlByte(t *testing.T) {
	for _, on := range []bool{false, true} {
		w := newLoginFixture(t, with(func(s *Switches) { s.NicknameControlByte = on }))
		if r := w.info(w.login("ming", scopeUserInfo)); strings.Contains(r.text, "\x14") != on || strings.Contains(r.text, `\u0014`) {
			t.Errorf("%v: %q", on, r.text)
		}
	}
}
