package wechatsim

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Openids differ by app and user. Only linked apps share a unionid.
func TestIdentities(t *testing.T) {
	f := newLoginFixture(t)
	seen := map[string]bool{}
	for _, app := range []string{appID, other, site} {
		for _, user := range []string{"ming", "hua", "odd"} {
			id := f.OpenID(app, user)
			if seen[id] || len(id) != 28 || id[0] != 'o' {
				t.Errorf("openid %s", id)
			}
			seen[id] = true
		}
	}
	if u := f.UnionID(appID, "ming"); u != f.UnionID(site, "ming") || u == f.UnionID(appID, "hua") || u == f.UnionID(other, "ming") || seen[u] || len(u) != 28 {
		t.Errorf("unionid %s", u)
	}
	if f.UnionID(other, "ming") == f.UnionID("wx9", "ming") {
		t.Error("apps that are not linked share a unionid")
	}
}

// The unionid is in answers to linked apps, or in answers with the profile.
func TestUnionIDStyles(t *testing.T) {
	for _, c := range []struct {
		name               string
		style              UnionIDStyle
		app, secret, scope string
		given              bool
	}{
		{"linked account, silent", UnionIDLinked, appID, secret, scopeBase, true},
		{"linked account, profile", UnionIDLinked, appID, secret, scopeUserInfo, true},
		{"linked website", UnionIDLinked, site, siteSecret, scopeLogin, true},
		{"account alone, silent", UnionIDLinked, other, "secret-2", scopeBase, false},
		{"account alone, profile", UnionIDLinked, other, "secret-2", scopeUserInfo, false},
		{"by profile, linked account, silent", UnionIDProfile, appID, secret, scopeBase, false},
		{"by profile, linked account, profile", UnionIDProfile, appID, secret, scopeUserInfo, true},
		{"by profile, linked website", UnionIDProfile, site, siteSecret, scopeLogin, true},
		{"by profile, account alone, silent", UnionIDProfile, other, "secret-2", scopeBase, false},
		{"by profile, account alone, profile", UnionIDProfile, other, "secret-2", scopeUserInfo, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newLoginFixture(t, with(func(s *Switches) { s.UnionID = c.style }))
			g := f.sns(PathExchange, "appid", c.app, "secret", c.secret, "code", f.issue(c.app, "ming", c.scope, false), "grant_type", "authorization_code")
			if (g.UnionID != nil) != c.given || c.given && *g.UnionID != f.UnionID(c.app, "ming") {
				t.Errorf("%s", g.text)
			}
			if c.scope == scopeBase {
				return
			}
			if info := f.info(g).expect(t, 0); (info.UnionID != nil) != c.given || c.given && *info.UnionID != *g.UnionID {
				t.Errorf("profile %s", info.text)
			}
		})
	}
}

func TestVoidUserTokens(t *testing.T) {
	f := newLoginFixture(t)
	g, hua := f.login("ming", scopeUserInfo), f.login("hua", scopeUserInfo)
	must(t, f.VoidUserTokens(appID, "ming"))
	f.info(g).expect(t, 42007)
	f.checkUser(g).expect(t, 42007)
	f.refresh(g.Refresh).expect(t, 42007)
	f.info(hua).expect(t, 0)
	f.info(f.login("ming", scopeUserInfo)).expect(t, 0)
	if f.UserTokenValid(g.Access) {
		t.Error("UserTokenValid")
	}
	mustContain(t, f.VoidUserTokens("wx9", "ming"), "no app")
	mustContain(t, f.VoidUserTokens(appID, "nobody"), "no user")
}

func TestEndUserTokens(t *testing.T) {
	for _, code := range []int{42001, 40014} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			f := newLoginFixture(t)
			g := f.login("ming", scopeUserInfo)
			must(t, f.EndUserTokens(appID, g.OpenID, code))
			f.info(g).expect(t, code)
			r := f.refresh(g.Refresh).expect(t, 0)
			if r.Access == g.Access {
				t.Error("the ended token is issued again")
			}
			f.info(r).expect(t, 0)
			must(t, f.EndUserTokens(appID, "ming", 40014))
			f.info(r).expect(t, 40014)
			f.info(g).expect(t, 42001) // the one before has only expired
		})
	}
	mustContain(t, newLoginFixture(t).EndUserTokens(appID, "ming", 40001), "42001")
}

func TestEndRefreshTokens(t *testing.T) {
	for _, code := range []int{42002, 40030} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			f := newLoginFixture(t)
			g := f.login("ming", scopeUserInfo)
			must(t, f.EndRefreshTokens(appID, "ming", code))
			f.refresh(g.Refresh).expect(t, code)
			f.info(g).expect(t, 0)
		})
	}
	mustContain(t, newLoginFixture(t).EndRefreshTokens(appID, "ming", 1), "42002")
}

func TestLoginConfigIsChecked(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"kind", func(c *Config) { c.Apps[0].Kind = "shop" }, "unknown kind"},
		{"scope", func(c *Config) { c.Apps[0].Scopes = []string{scopeLogin} }, "has no scope"},
		{"user without an ID", func(c *Config) { c.Users = []User{{Nickname: "x"}} }, "needs an ID"},
		{"two users of one ID", func(c *Config) { c.Users = []User{{ID: "x"}, {ID: "x"}} }, "is named twice"},
		{"phone number", func(c *Config) { c.Users = []User{{ID: "x", Phone: "+86"}} }, "are digits"},
		{"country code", func(c *Config) { c.Users = []User{{ID: "x", CountryCode: "086"}} }, "x: Phone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{Apps: []App{{ID: appID, Secret: secret}}}
			c.change(&cfg)
			_, err := New(cfg)
			mustContain(t, err, c.want)
		})
	}
}

func TestConfiguredUserLogsIn(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.Apps[1].Kind = MiniProgram
		c.Users = []User{{ID: "only", Nickname: "N"}}
	})
	if r := f.info(f.login("only", scopeUserInfo)); r.Nickname != "N" {
		t.Errorf("%s", r.text)
	}
}

// Used and unused codes, tokens, and a changed password are restored.
func TestRestoreLogins(t *testing.T) {
	f := newLoginFixture(t)
	valid, void := f.login("ming", scopeUserInfo), f.login("hua", scopeUserInfo)
	must(t, f.VoidUserTokens(appID, "hua"))
	used, unused := f.issue(appID, "ming", scopeBase, false), f.issue(appID, "ming", scopeBase, true)
	f.exchange(used).expect(t, 0)
	snapshot, err := f.Snapshot()
	must(t, err)

	v := newLoginFixture(t)
	must(t, v.Restore(snapshot))
	v.advance(299 * time.Second)
	v.info(valid).expect(t, 0)
	v.info(void).expect(t, 42007)
	v.exchange(used).expect(t, 40163)
	if g := v.exchange(unused).expect(t, 0); g.Snapshot == nil {
		t.Errorf("%s", g.text)
	}
	if again := v.login("ming", scopeUserInfo); again.Access == valid.Access || again.OpenID != valid.OpenID {
		t.Errorf("%s", again.text)
	}
	if strings.Contains(string(snapshot), secret) {
		t.Error("the snapshot holds the AppSecret")
	}
}

// A snapshot without logins can be restored.
func TestRestoreWithoutLogins(t *testing.T) {
	f := newLoginFixture(t)
	must(t, f.Restore([]byte(`{"revision":7,"errors":1,"apps":{"`+appID+`":{"issued":3,"lastForce":"0001-01-01T00:00:00Z",
		"stable":[{"value":"OLD","ends":"2100-01-01T00:00:00Z"}],"tickets":{},"used":{},"allowed":{}}}}`)))
	f.expectToken("OLD", true)
	f.info(f.login("ming", scopeUserInfo)).expect(t, 0)
}

// A login calls OnChange, so that a local simulator saves it. Reading does not.
func TestLoginsCallOnChange(t *testing.T) {
	changes := 0
	f := newLoginFixture(t, func(c *Config) { c.OnChange = func() { changes++ } }, func(c *Config) { c.Quotas.UserInfoMinute = -1 })
	g := f.login("ming", scopeUserInfo)
	for _, c := range []struct {
		name string
		want bool
		do   func()
	}{
		{"silent login", true, func() { f.openPage(PathAuthorize, authorizeQuery(appID, scopeBase, "")) }},
		{"page", false, func() { f.openPage(PathAuthorize, authorizeQuery(appID, scopeUserInfo, "")) }},
		{"refusal", false, func() { f.openPage(PathAuthorize, authorizeQuery(appID, scopeUserInfo, "&wechatsim=refuse")) }},
		{"issue", true, func() { f.issue(appID, "ming", scopeBase, false) }},
		{"refresh", true, func() { f.refresh(g.Refresh) }},
		{"check", false, func() { f.checkUser(g) }},
		{"end", true, func() { must(t, f.EndRefreshTokens(appID, "ming", 42002)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := changes
			if c.do(); (changes > before) != c.want {
				t.Errorf("%d changes", changes-before)
			}
		})
	}
}

func TestLoginQuotas(t *testing.T) {
	f := newLoginFixture(t, func(c *Config) {
		c.Quotas.ExchangeMinute, c.Quotas.RefreshUserMinute, c.Quotas.UserInfoMinute = 1, 1, 1
	})
	g := f.login("ming", scopeUserInfo)
	f.info(g).expect(t, 0)
	f.refresh(g.Refresh).expect(t, 0)
	f.info(g).expect(t, 45011)
	f.refresh(g.Refresh).expect(t, 45011)
	code := f.issue(appID, "ming", scopeBase, false)
	f.exchange(code).expect(t, 45011)
	f.checkUser(g).expect(t, 0)
	f.advance(time.Minute)
	f.exchange(code).expect(t, 0)
	f.info(g).expect(t, 0)
}

// Login calls are open to all until their own group of the whitelist is switched on.
func TestLoginWhitelist(t *testing.T) {
	f := newLoginFixture(t)
	g := f.login("ming", scopeUserInfo)
	must(t, f.Whitelist(appID, GroupToken))
	f.login("ming", scopeBase)
	must(t, f.Whitelist(appID, GroupSNS))
	f.exchange(f.issue(appID, "ming", scopeBase, false)).expect(t, 40164)
	f.refresh(g.Refresh).expect(t, 40164)
	f.info(g).expect(t, 40164)
	f.checkUser(g).expect(t, 40164)
	must(t, f.WhitelistOff(appID, GroupSNS))
	f.info(g).expect(t, 0)
}

// A call with a user's token counts for the app of that token.
func TestLoginCountsAndFaults(t *testing.T) {
	f := newLoginFixture(t)
	g := f.login("ming", scopeUserInfo)
	f.Fail(Fault{AppID: appID, Path: PathUserInfo, ErrCode: -1, Times: 1})
	f.info(g).expect(t, -1)
	f.info(g).expect(t, 0)
	f.refresh(g.Refresh)
	f.checkUser(g)
	for _, c := range []struct {
		path  string
		calls int
	}{{PathExchange, 1}, {PathUserInfo, 2}, {PathRefreshUser, 1}, {PathCheckUser, 1}} {
		t.Run(c.path, func(t *testing.T) {
			if f.Calls(c.path) != c.calls || f.Counts()[Call{AppID: appID, Path: c.path}] != c.calls {
				t.Errorf("%v", f.Counts())
			}
			if r := f.ask("POST", c.path, nil, "{}"); r.status != 400 {
				t.Errorf("POST: %+v", r)
			}
		})
	}
}

// The state holds a bounded number of logins, the newest ones.
func TestLoginsAreBounded(t *testing.T) {
	var past []loginCode
	for i := range 5 * maxLogins {
		past = appendLogin(past, loginCode{Used: i%2 == 0, Value: string(rune(i))})
		if len(past) >= 2*maxLogins || past[len(past)-1].Value != string(rune(i)) {
			t.Fatalf("%d codes are held", len(past))
		}
	}
	if len(past) < maxLogins {
		t.Errorf("%d codes are held", len(past))
	}
	f := newLoginFixture(t)
	g := f.login("ming", scopeBase)
	for range 3 * maxPastUserTokens {
		must(t, f.EndUserTokens(appID, "ming", 42001))
		f.refresh(g.Refresh)
	}
	if n := len(f.state.Apps[appID].Grants[0].Past); n != maxPastUserTokens {
		t.Errorf("%d past tokens", n)
	}
}
