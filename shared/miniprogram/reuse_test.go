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

// A login with a token reuses the session of the token if user, product and device are
// the same. The token opens nothing else, and its session stays valid.
func TestLoginReusesASession(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*phone)
		reused bool
		ended  bool // the first session
	}{
		{"the same", func(*phone) {}, true, false},
		{"another product", func(p *phone) { p.more["sku"] = "news" }, false, false},
		{"no product", func(p *phone) { delete(p.more, "sku") }, false, false},
		{"another device", func(p *phone) { p.more["device"] = "tablet" }, false, false},
		{"no device", func(p *phone) { delete(p.more, "device") }, false, false},
		{"another user", func(p *phone) { p.user = "ming" }, false, false},
		{"another app", func(p *phone) { p.appID, p.more["app"] = otherID, "other" }, false, false},
		{"unknown token", func(p *phone) { p.token = strings.Repeat("Q", session.TokenLength) }, false, false},
		{"malformed token", func(p *phone) { p.token = "nonsense" }, false, false},
		{"logged out", func(p *phone) { _ = p.sessions.Revoke(p.Context(), p.token) }, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(f *fixture) {
				p := f.phone("hua", "sku", "shop", "device", "phone")
				first := *p
				first.token = p.mustLogIn(false).Token
				c.change(p)
				if g := p.mustLogIn(false); (g.Token == first.token) != c.reused || g.OpenID != f.sim.OpenID(p.appID, p.user) {
					t.Errorf("reused: %v", g.Token == first.token)
				}
				if err := first.sessionError(); (err != nil) != c.ended {
					t.Errorf("the first session: %v", err)
				}
			})
		})
	}
}

// A token of another app reuses no session, even if the openid is the same. Neither does
// a token whose user is not in the registry any more.
func TestLoginReusesNoOtherSession(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua")
	p.mustLogIn(false)
	foreign, _, _, err := f.sessions.Issue(t.Context(), session.Login{AppID: otherID, OpenID: f.sim.OpenID(miniID, "hua")})
	if err != nil {
		t.Fatal(err)
	}
	p.token = foreign
	if p.mustLogIn(false).Token == foreign {
		t.Error("another app's session was reused")
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

// noUnionID is a WeChat that does not give the unionid yet.
type noUnionID struct{ WeChat }

func (m noUnionID) CodeToSession(ctx context.Context, appID, secret, code string) (wechat.MiniSession, error) {
	s, err := m.WeChat.CodeToSession(ctx, appID, secret, code)
	s.UnionID = ""
	return s, err
}

// One login needs a fifth store call: WeChat gives, for the first time, the unionid of a
// user who has logged in before, and another app has that unionid already.
func TestLoginWithANewUnionID(t *testing.T) {
	known := func(t *testing.T) (*fixture, *phone) { // without a unionid
		f := newFixture(t, func(c *wechatsim.Config) { c.Apps[1].OpenPlatform = "example" })
		p := f.phone("hua", "app", "other")
		p.appID = otherID
		f.configure(func(c *Config) { c.WeChat = noUnionID{f.client} })
		p.mustLogIn(false)
		f.configure(func(c *Config) { c.WeChat = f.client })
		return f, p
	}
	synctest.Test(t, func(t *testing.T) {
		f, p := known(t)
		if g := p.mustLogIn(false); g.UnionID != f.sim.UnionID(otherID, "hua") { // the session that is reused has none
			t.Errorf("%+v", g)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f, p := known(t)
		f.phone("hua").mustLogIn(false)
		f.resetCalls()
		p.token = ""
		p.mustLogIn(false)
		f.wantCalls("with a new unionid", "create user, create union, replace union, replace user, create session", 1)
		p.token = ""
		p.mustLogIn(false)
		f.wantCalls("the next", "create user, replace user, create session", 1)
	})
}
