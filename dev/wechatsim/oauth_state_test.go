package wechatsim

import (
	"strings"
	"testing"
	"time"
)

// TestIdentities: openids differ by app and user, unionids are the same in linked apps alone.
func TestIdentities(t *testing.T) {
	w := newLoginFixture(t)
	seen := map[string]bool{}
	for _, app := range []string{appID, other, site} {
		for _, user := range []string{"ming", "hua", "odd"} {
			id := w.OpenID(app, user)
			if seen[id] || len(id) != 28 || id[0] != 'o' {
				t.Errorf("openid %s", id)
			}
			seen[id] = true
		}
	}
	if u := w.UnionID(appID, "ming"); u != w.UnionID(site, "ming") || u == w.UnionID(appID, "hua") || u == w.UnionID(other, "ming") || seen[u] || len(u) != 28 {
		t.Errorf("unionid %s", u)
	}
	if w.UnionID(other, "ming") == w.UnionID("wx9", "ming") {
		t.Error("apps that are linked to nothing share a unionid")
	}
}

// TestUnionIDStyles: who is told.
func TestUnionIDStyles(t *testing.T) {
	for _, c := range []struct {
		style      UnionIDStyle
		app, scope string
		given       bool
	}{
		{UnionIDLinked, appID, scopeBase, true}, {UnionIDLinked, appID, scopeUserInfo, true}, {UnionIDLinked, site, scopeLogin, true},
		{UnionIDLinked, other, scopeBase, false}, {UnionIDLinked, other, scopeUserInfo, false},
		{UnionIDProfile, appID, scopeBase, false}, {UnionIDProfile, appID, scopeUserInfo, true}, {UnionIDProfile, site, scopeLogin, true},
		{UnionIDProfile, other, scopeBase, false}, {UnionIDProfile, other, scopeUserInfo, true},
	} {
		w := newLoginFixture(t, with(func(s *Switches) { s.UnionID = c.style }))
		key := map[string]string{appID: secret, other: "secret-2", site: siteSecret}[c.app]
		g := w.sns(PathExchange, "appid", c.app, "secret", key, "code", w.issue(c.app, "ming", c.scope, false), "grant_type", "authorization_code")
		if (g.UnionID != nil) != c.given || c.given && *g.UnionID != w.UnionID(c.app, "ming") {
			t.Errorf("%+v: %s", c, g.text)
		}
		if c.scope == scopeBase {
			continue
		}
		if info := w.info(g).expect(t, 0); (info.UnionID != nil) != c.given || c.given && *info.UnionID != *g.UnionID {
			t.Errorf("%+v: profile %s", c, info.text)
		}
	}
}

func TestVoidUserTokens(t *testing.T) {
	w := newLoginFixture(t)
	g, hua := w.login("ming", scopeUserInfo), w.login("hua", scopeUserInfo)
	must(t, w.VoidUserTokens(appID, "ming"))
	w.info(g).expect(t, 42007)
	w.checkUser(g).expect(t, 42007)
	w.refresh(g.Refresh).expect(t, 42007)
	w.info(hua).expect(t, 0)
	w.info(w.login("ming", scopeUserInfo)).expect(t, 0)
	if w.UserTokenValid(g.Access) {
		t.Error("alive")
	}
	mustContain(t, w.VoidUserTokens("wx9", "ming"), "no app")
	mustContain(t, w.VoidUserTokens(appID, "nobody"), "no user")
}

func TestEndUserTokens(t *testing.T) {
	for _, code := range []int{42001, 40014} {
		w := newLoginFixture(t)
		g := w.login("ming", scopeUserInfo)
		must(t, w.EndUserTokens(appID, g.OpenID, code))
		w.info(g).expect(t, code)
		r := w.refresh(g.Refresh).expect(t, 0)
		if r.Access == g.Access {
			t.Error("the token that was ended is back")
		}
		w.info(r).expect(t, 0)
		must(t, w.EndUserTokens(appID, "ming", 40014))
		w.info(r).expect(t, 40014)
		w.info(g).expect(t, 42001) // the one before has merely expired
	}
	mustContain(t, newLoginFixture(t).EndUserTokens(appID, "ming", 40001), "42001")
}

func TestEndRefreshTokens(t *testing.T) {
	for _, code := range []int{42002, 40030} {
		w := newLoginFixture(t)
		g := w.login("ming", scopeUserInfo)
		must(t, w.EndRefreshTokens(appID, "ming", code))
		w.refresh(g.Refresh).expect(t, code)
		w.info(g).expect(t, 0)
	}
	mustContain(t, newLoginFixture(t).EndRefreshTokens(appID, "ming", 1), "42002")
}

func TestLoginConfigIsChecked(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"unknown kind":   func(c *Config) { c.Apps[0].Kind = "shop" },
		"has no scope":   func(c *Config) { c.Apps[0].Scopes = []string{scopeLogin} },
		"needs an ID":    func(c *Config) { c.Users = []User{{Nickname: "x"}} },
		"is named twice": func(c *Config) { c.Users = []User{{ID: "x"}, {ID: "x"}} },
		"are digits":     func(c *Config) { c.Users = []User{{ID: "x", Phone: "+86"}} },
		"x: Phone":       func(c *Config) { c.Users = []User{{ID: "x", CountryCode: "086"}} },
	} {
		c := Config{Apps: []App{{ID: appID, Secret: secret}}}
		change(&c)
		_, err := New(c)
		mustContain(t, err, want)
	}
	w := newFixture(t, func(c *Config) {
		c.Apps[1].Kind = MiniProgram
		c.Users = []User{{ID: "only", Nickname: "N"}}
	})
	if r := w.info(w.login("only", scopeUserInfo)); r.Nickname != "N" {
		t.Errorf("%s", r.text)
	}
}

// TestLoginsSurviveARestart: codes spent and unspent, tokens, and a changed password.
func TestLoginsSurviveARestart(t *testing.T) {
	w := newLoginFixture(t)
	live, void := w.login("ming", scopeUserInfo), w.login("hua", scopeUserInfo)
	must(t, w.VoidUserTokens(appID, "hua"))
	used, open := w.issue(appID, "ming", scopeBase, false), w.issue(appID, "ming", scopeBase, true)
	w.exchange(used).expect(t, 0)
	snapshot, err := w.Snapshot()
	must(t, err)

	v := newLoginFixture(t)
	must(t, v.Restore(snapshot))
	v.advance(299 * time.Second)
	v.info(live).expect(t, 0)
	v.info(void).expect(t, 42007)
	v.exchange(used).expect(t, 40163)
	if g := v.exchange(open).expect(t, 0); g.Snapshot == nil {
		t.Errorf("%s", g.text)
	}
	if again := v.login("ming", scopeUserInfo); again.Access == live.Access || again.OpenID != live.OpenID {
		t.Errorf("%s", again.text)
	}
	if strings.Contains(string(snapshot), secret) {
		t.Error("the snapshot holds the AppSecret")
	}
}

// TestOldSnapshots, from before there were logins, still restore.
func TestOldSnapshots(t *testing.T) {
	w := newLoginFixture(t)
	must(t, w.Restore([]byte(`{"revision":7,"errors":1,"apps":{"`+appID+`":{"issued":3,"lastForce":"0001-01-01T00:00:00Z",
		"stable":[{"value":"OLD","ends":"2100-01-01T00:00:00Z"}],"tickets":{},"used":{},"allowed":{}}}}`)))
	w.expectToken("OLD", true)
	w.info(w.login("ming", scopeUserInfo)).expect(t, 0)
}

// TestLoginsTellOnChange, so that a desk's simulator saves them; looking is no change.
func TestLoginsTellOnChange(t *testing.T) {
	changes := 0
	w := newLoginFixture(t, func(c *Config) { c.OnChange = func() { changes++ } }, func(c *Config) { c.Quotas.UserInfoMinute = -1 })
	g := w.login("ming", scopeUserInfo)
	for name, c := range map[string]struct {
		want bool
		do   func()
	}{
		"silent login": {true, func() { w.openPage(PathAuthorize, authorizeQuery(appID, scopeBase, "")) }},
		"page":         {false, func() { w.openPage(PathAuthorize, authorizeQuery(appID, scopeUserInfo, "")) }},
		"refusal":      {false, func() { w.openPage(PathAuthorize, authorizeQuery(appID, scopeUserInfo, "&wechatsim=refuse")) }},
		"issue":        {true, func() { w.issue(appID, "ming", scopeBase, false) }},
		"refresh":      {true, func() { w.refresh(g.Refresh) }},
		"check":        {false, func() { w.checkUser(g) }},
		"end":          {true, func() { must(t, w.EndRefreshTokens(appID, "ming", 42002)) }},
	} {
		before := changes
		if c.do(); (changes > before) != c.want {
			t.Errorf("%s: %d changes", name, changes-before)
		}
	}
}

func TestLoginQuotas(t *testing.T) {
	w := newLoginFixture(t, func(c *Config) {
		c.Quotas.ExchangeMinute, c.Quotas.RefreshUserMinute, c.Quotas.UserInfoMinute = 1, 1, 1
	})
	g := w.login("ming", scopeUserInfo)
	w.info(g).expect(t, 0)
	w.refresh(g.Refresh).expect(t, 0)
	w.info(g).expect(t, 45011)
	w.refresh(g.Refresh).expect(t, 45011)
	code := w.issue(appID, "ming", scopeBase, false)
	w.exchange(code).expect(t, 45011)
	w.checkUser(g).expect(t, 0)
	w.advance(time.Minute)
	w.exchange(code).expect(t, 0)
	w.info(g).expect(t, 0)
}

// TestLoginWhitelist: open to all unless somebody switches it on; the group of token calls is another.
func TestLoginWhitelist(t *testing.T) {
	w := newLoginFixture(t)
	g := w.login("ming", scopeUserInfo)
	must(t, w.Whitelist(appID, GroupToken))
	w.login("ming", scopeBase)
	must(t, w.Whitelist(appID, GroupSNS))
	w.exchange(w.issue(appID, "ming", scopeBase, false)).expect(t, 40164)
	w.refresh(g.Refresh).expect(t, 40164)
	w.info(g).expect(t, 40164)
	w.checkUser(g).expect(t, 40164)
	must(t, w.WhitelistOff(appID, GroupSNS))
	w.info(g).expect(t, 0)
}

// TestLoginCountsAndFaults: a call that sends a user's token belongs to the app it is of.
func TestLoginCountsAndFaults(t *testing.T) {
	w := newLoginFixture(t)
	g := w.login("ming", scopeUserInfo)
	w.Fail(Fault{AppID: appID, Path: PathUserInfo, ErrCode: -1, Times: 1})
	w.info(g).expect(t, -1)
	w.info(g).expect(t, 0)
	w.refresh(g.Refresh)
	w.checkUser(g)
	for path, n := range map[string]int{PathExchange: 1, PathUserInfo: 2, PathRefreshUser: 1, PathCheckUser: 1} {
		if w.Calls(path) != n || w.Counts()[Call{AppID: appID, Path: path}] != n {
			t.Errorf("%s: %v", path, w.Counts())
		}
	}
	for _, path := range []string{PathExchange, PathUserInfo, PathRefreshUser, PathCheckUser} {
		if r := w.ask("POST", path, nil, "{}"); r.status != 400 {
			t.Errorf("POST %s: %+v", path, r)
		}
	}
}

// TestLoginsAreBounded, and the newest are kept.
func TestLoginsAreBounded(t *testing.T) {
	var past []loginCode
	for i := range 5 * maxLogins {
		past = appendLogin(past, loginCode{Used: i%2 == 0, Value: string(rune(i))})
		if len(past) >= 2*maxLogins || past[len(past)-1].Value != string(rune(i)) {
			t.Fatalf("%d remembered", len(past))
		}
	}
	if len(past) < maxLogins {
		t.Errorf("%d remembered", len(past))
	}
	w := newLoginFixture(t)
	g := w.login("ming", scopeBase)
	for range 3 * maxPastUserTokens {
		must(t, w.EndUserTokens(appID, "ming", 42001))
		w.refresh(g.Refresh)
	}
	if n := len(w.state.Apps[appID].Grants[0].Past); n != maxPastUserTokens {
		t.Errorf("%d past tokens", n)
	}
}
