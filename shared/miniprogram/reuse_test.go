package miniprogram

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/session"
	"wechatfn/shared/wechat"
)

// A token keeps its session where user, product and device are the same, and opens
// nothing else.
func TestLoginKeeps(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*phone)
		kept   bool
	}{
		"the same":        {func(*phone) {}, true},
		"another product": {func(p *phone) { p.more["sku"] = "news" }, false},
		"no product":      {func(p *phone) { delete(p.more, "sku") }, false},
		"another device":  {func(p *phone) { p.more["device"] = "tablet" }, false},
		"no device":       {func(p *phone) { delete(p.more, "device") }, false},
		"another user":    {func(p *phone) { p.user = "ming" }, false},
		"another app":     {func(p *phone) { p.appID, p.more["app"] = otherID, "other" }, false},
		"no such token":   {func(p *phone) { p.token = strings.Repeat("Q", session.TokenLength) }, false},
		"no token":        {func(p *phone) { p.token = "nonsense" }, false},
		"logged out":      {func(p *phone) { _ = p.sessions.Revoke(p.Context(), p.token) }, false},
	} {
		bubble(t, func(f *fixture) {
			p := f.phone("hua", "sku", "shop", "device", "phone")
			first := *p
			first.token = p.mustLogIn(false).Token
			c.change(p)
			if g := p.mustLogIn(false); (g.Token == first.token) != c.kept || g.OpenID != f.sim.OpenID(p.appID, p.user) {
				t.Errorf("%s: kept %v", name, g.Token == first.token)
			}
			if err := first.sessionError(); name != "logged out" && err != nil {
				t.Errorf("%s: the first session: %v", name, err)
			}
		})
	}
}

// A token of another app does not keep its session, though the openid be the same; nor
// does one whose user is in the registry no more.
func TestLoginKeepsNoOther(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua")
	p.mustLogIn(false)
	foreign, _, _, err := f.sessions.Issue(t.Context(), session.Login{AppID: otherID, OpenID: f.sim.OpenID(miniID, "hua")})
	if err != nil {
		t.Fatal(err)
	}
	p.token = foreign
	if p.mustLogIn(false).Token == foreign {
		t.Error("another app's session was kept")
	}
	item, err := f.store.Get(t.Context(), "user#"+miniID+"#"+f.sim.OpenID(miniID, "hua"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.store.Store.Delete(t.Context(), item.Key, item.Version); err != nil { // by hand
		t.Fatal(err)
	}
	before := p.token
	if g := p.mustLogIn(false); g.Token == before || !g.NewUser || p.sessionError() != nil {
		t.Errorf("%+v, %v", g, p.sessionError())
	}
}

// mute is a WeChat that tells no unionid yet.
type mute struct{ WeChat }

func (m mute) CodeToSession(ctx context.Context, appID, secret, code string) (wechat.MiniSession, error) {
	s, err := m.WeChat.CodeToSession(ctx, appID, secret, code)
	s.UnionID = ""
	return s, err
}

// The one login that needs a fifth call: it is the first to be told a unionid that
// another app has told before, for a user who is known.
func TestUnionIDToldLater(t *testing.T) {
	known := func(t *testing.T) (*fixture, *phone) { // without a unionid
		f := newFixture(t, func(c *wechatsim.Config) { c.Apps[1].OpenPlatform = "example" })
		p := f.phone("hua", "app", "other")
		p.appID = otherID
		f.configure(func(c *Config) { c.WeChat = mute{f.client} })
		p.mustLogIn(false)
		f.configure(func(c *Config) { c.WeChat = f.client })
		return f, p
	}
	synctest.Test(t, func(t *testing.T) {
		f, p := known(t)
		if g := p.mustLogIn(false); g.UnionID != f.sim.UnionID(otherID, "hua") { // the session that is kept has none
			t.Errorf("%+v", g)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f, p := known(t)
		f.phone("hua").mustLogIn(false)
		f.resetCalls()
		p.token = ""
		p.mustLogIn(false)
		f.wantCalls("told later", "create user, create union, replace union, replace user, create session", 1)
		p.token = ""
		p.mustLogIn(false)
		f.wantCalls("the next", "create user, replace user, create session", 1)
	})
}
