package wechatsim

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestCodeToSession(t *testing.T) {
	f := newMiniFixture(t)
	m := f.miniLogin("ming")
	key, err := base64.StdEncoding.DecodeString(m.Key)
	if err != nil || len(key) != 16 || m.OpenID != f.OpenID(mini, "ming") || m.Key != f.validKey("ming") {
		t.Errorf("%s", m.text)
	}
	if m.UnionID == nil || *m.UnionID != f.UnionID(appID, "ming") {
		t.Errorf("no unionid, though the app is linked: %s", m.text)
	}
	if strings.Contains(m.text, "errcode") {
		t.Errorf("a success has no errcode: %s", m.text)
	}
	_, err = f.MiniLogin(lone, m.OpenID)
	mustContain(t, err, "no user") // an openid of another app
	code, err := f.MiniLogin(lone, f.OpenID(lone, "ming"))
	must(t, err)
	alone := f.mini("GET", PathCodeToSession, url.Values{"appid": {lone}, "secret": {"secret-6"}, "js_code": {code}, "grant_type": {"authorization_code"}}, nil)
	if alone.expect(t, 0); alone.UnionID != nil || alone.OpenID == m.OpenID || alone.Key == m.Key {
		t.Errorf("%s", alone.text)
	}
}

func TestCodeToSessionErrors(t *testing.T) {
	good := url.Values{"appid": {mini}, "secret": {miniSecret}, "js_code": {"CODE"}, "grant_type": {"authorization_code"}}
	for _, c := range []struct {
		name   string
		change func(url.Values)
		want   int
	}{
		{"no appid", func(q url.Values) { q.Del("appid") }, 41002},
		{"no secret", func(q url.Values) { q.Del("secret") }, 41004},
		{"no code", func(q url.Values) { q.Del("js_code") }, 41008},
		{"code instead of js_code", func(q url.Values) { q.Set("code", q.Get("js_code")); q.Del("js_code") }, 41008},
		{"grant_type", func(q url.Values) { q.Set("grant_type", "client_credential") }, 40002},
		{"unknown appid", func(q url.Values) { q.Set("appid", "wx9") }, 40013},
		{"wrong secret", func(q url.Values) { q.Set("secret", "x") }, 40125},
		{"app of an official account", func(q url.Values) { q.Set("appid", appID); q.Set("secret", secret) }, -2},
		{"unknown code", func(q url.Values) { q.Set("js_code", "x") }, 40029},
		{"code of another mini-program", func(q url.Values) { q.Set("appid", lone); q.Set("secret", "secret-6") }, 40029},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newMiniFixture(t)
			code := f.wxLogin("ming")
			q := url.Values{}
			for k, v := range good {
				q[k] = v
			}
			q.Set("js_code", code)
			c.change(q)
			if r := f.ask("GET", PathCodeToSession, q, nil); r.code != c.want || c.want == -2 && r.status != 400 {
				t.Errorf("%+v, want %d", r, c.want)
			}
			f.jscode(code).expect(t, 0) // the refused call did not use the code
		})
	}
	f := newMiniFixture(t)
	if r := f.ask("POST", PathCodeToSession, good, "{}"); r.status != 400 {
		t.Errorf("a POST: %+v", r)
	}
}

func TestMiniCodesAreUsedOnce(t *testing.T) {
	f := newMiniFixture(t)
	code := f.wxLogin("ming")
	f.jscode(code).expect(t, 0)
	f.jscode(code).expect(t, 40163)
	code = f.wxLogin("ming")
	f.advance(300*time.Second - time.Nanosecond)
	f.jscode(code).expect(t, 0)
	code = f.wxLogin("ming")
	f.advance(300 * time.Second)
	f.jscode(code).expect(t, 42003)
	f = newMiniFixture(t, with(func(s *Switches) { s.UsedCodeCode, s.ExpiredCodeCode = 40029, 40029 }))
	code = f.wxLogin("ming")
	f.jscode(code).expect(t, 0)
	f.jscode(code).expect(t, 40029)
	code = f.wxLogin("ming")
	f.advance(300 * time.Second)
	f.jscode(code).expect(t, 40029)
	// A code of a mini-program is no code of a web login, nor the other way round.
	f.sns(PathExchange, "appid", mini, "secret", miniSecret, "code", f.wxLogin("ming"), "grant_type", "authorization_code").expect(t, 40029)
	f.jscode(f.issue(mini, "ming", scopeBase, false)).expect(t, 40029)
	f.jscode(f.phoneCode("ming")).expect(t, 40029)
}

func TestMiniErrcodeZero(t *testing.T) {
	f := newMiniFixture(t, with(func(s *Switches) { s.MiniErrcodeZero = true }))
	if m := f.miniLogin("ming"); !strings.Contains(m.text, `"errcode":0`) || m.OpenID == "" {
		t.Errorf("%s", m.text)
	}
}

func TestBlockedUserCannotLogIn(t *testing.T) {
	f := newMiniFixture(t)
	must(t, f.BlockUser(mini, "ming", true))
	f.jscode(f.wxLogin("ming")).expect(t, 40226)
	f.miniLogin("hua")
	must(t, f.BlockUser(mini, f.OpenID(mini, "ming"), false))
	f.miniLogin("ming")
}

// The quota is for each user, and a refused call does not use the code.
func TestCodeToSessionQuota(t *testing.T) {
	f := newMiniFixture(t, func(c *Config) { c.Quotas.CodeToSessionMinute = 2 })
	f.miniLogin("ming")
	f.miniLogin("ming")
	code := f.wxLogin("ming")
	f.jscode(code).expect(t, 45011)
	f.miniLogin("hua")
	f.advance(time.Minute)
	f.jscode(code).expect(t, 0)
	f = newMiniFixture(t)
	for range 100 {
		f.miniLogin("ming")
	}
	f.jscode(f.wxLogin("ming")).expect(t, 45011)
}

func TestMiniWhitelist(t *testing.T) {
	f := newMiniFixture(t)
	must(t, f.Whitelist(mini, GroupSNS, "203.0.113.5"))
	code := f.wxLogin("ming")
	f.jscode(code).expect(t, 40164)
	must(t, f.WhitelistOff(mini, GroupSNS))
	f.jscode(code).expect(t, 0)
	must(t, f.Whitelist(mini, GroupAPI, "203.0.113.5"))
	f.phoneNumber(f.phoneCode("ming"), "").expect(t, 40164)
}
