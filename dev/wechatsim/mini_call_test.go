package wechatsim

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestCodeToSession(t *testing.T) {
	w := newMiniFixture(t)
	m := w.miniLogin("ming")
	key, err := base64.StdEncoding.DecodeString(m.Key)
	if err != nil || len(key) != 16 || m.OpenID != w.OpenID(mini, "ming") || m.Key != w.validKey("ming") {
		t.Errorf("%s", m.text)
	}
	if m.UnionID == nil || *m.UnionID != w.UnionID(appID, "ming") {
		t.Errorf("an app of the group, and no unionid: %s", m.text)
	}
	if strings.Contains(m.text, "errcode") {
		t.Errorf("a success has no errcode: %s", m.text)
	}
	_, err = w.MiniLogin(lone, m.OpenID)
	mustContain(t, err, "no user") // an openid of another app
	code, err := w.MiniLogin(lone, w.OpenID(lone, "ming"))
	must(t, err)
	alone := w.mini("GET", PathCodeToSession, url.Values{"appid": {lone}, "secret": {"secret-6"}, "js_code": {code}, "grant_type": {"authorization_code"}}, nil)
	if alone.expect(t, 0); alone.UnionID != nil || alone.OpenID == m.OpenID || alone.Key == m.Key {
		t.Errorf("%s", alone.text)
	}
}

func TestCodeToSessionRefuses(t *testing.T) {
	good := url.Values{"appid": {mini}, "secret": {miniSecret}, "js_code": {"CODE"}, "grant_type": {"authorization_code"}}
	for name, c := range map[string]struct {
		change func(url.Values)
		want   int
	}{
		"no appid":          {func(q url.Values) { q.Del("appid") }, 41002},
		"no secret":         {func(q url.Values) { q.Del("secret") }, 41004},
		"no code":           {func(q url.Values) { q.Del("js_code") }, 41008},
		"named code":        {func(q url.Values) { q.Set("code", q.Get("js_code")); q.Del("js_code") }, 41008},
		"grant_type":        {func(q url.Values) { q.Set("grant_type", "client_credential") }, 40002},
		"unknown appid":     {func(q url.Values) { q.Set("appid", "wx9") }, 40013},
		"wrong secret":      {func(q url.Values) { q.Set("secret", "x") }, 40125},
		"an account's app":  {func(q url.Values) { q.Set("appid", appID); q.Set("secret", secret) }, -2},
		"code of no one":    {func(q url.Values) { q.Set("js_code", "x") }, 40029},
		"of the other mini": {func(q url.Values) { q.Set("appid", lone); q.Set("secret", "secret-6") }, 40029},
	} {
		w := newMiniFixture(t)
		code := w.wxLogin("ming")
		q := url.Values{}
		for k, v := range good {
			q[k] = v
		}
		q.Set("js_code", code)
		c.change(q)
		if r := w.ask("GET", PathCodeToSession, q, nil); r.code != c.want || c.want == -2 && r.status != 400 {
			t.Errorf("%s: %+v, want %d", name, r, c.want)
		}
		w.jscode(code).expect(t, 0) // none of it spent the code
	}
	w := newMiniFixture(t)
	if r := w.ask("POST", PathCodeToSession, good, "{}"); r.status != 400 {
		t.Errorf("a POST: %+v", r)
	}
}

func TestMiniCodesEnd(t *testing.T) {
	w := newMiniFixture(t)
	code := w.wxLogin("ming")
	w.jscode(code).expect(t, 0)
	w.jscode(code).expect(t, 40163)
	code = w.wxLogin("ming")
	w.advance(300*time.Second - time.Nanosecond)
	w.jscode(code).expect(t, 0)
	code = w.wxLogin("ming")
	w.advance(300 * time.Second)
	w.jscode(code).expect(t, 42003)
	w = newMiniFixture(t, with(func(s *Switches) { s.UsedCodeCode, s.ExpiredCodeCode = 40029, 40029 }))
	code = w.wxLogin("ming")
	w.jscode(code).expect(t, 0)
	w.jscode(code).expect(t, 40029)
	code = w.wxLogin("ming")
	w.advance(300 * time.Second)
	w.jscode(code).expect(t, 40029)
	// A code of a mini-program is no code of a web login, nor the other way round.
	w.sns(PathExchange, "appid", mini, "secret", miniSecret, "code", w.wxLogin("ming"), "grant_type", "authorization_code").expect(t, 40029)
	w.jscode(w.issue(mini, "ming", scopeBase, false)).expect(t, 40029)
	w.jscode(w.phoneCode("ming")).expect(t, 40029)
}

func TestMiniErrcodeZero(t *testing.T) {
	w := newMiniFixture(t, with(func(s *Switches) { s.MiniErrcodeZero = true }))
	if m := w.miniLogin("ming"); !strings.Contains(m.text, `"errcode":0`) || m.OpenID == "" {
		t.Errorf("%s", m.text)
	}
}

func TestBlockedUser(t *testing.T) {
	w := newMiniFixture(t)
	must(t, w.BlockUser(mini, "ming", true))
	w.jscode(w.wxLogin("ming")).expect(t, 40226)
	w.miniLogin("hua")
	must(t, w.BlockUser(mini, w.OpenID(mini, "ming"), false))
	w.miniLogin("ming")
}

// TestCodeToSessionQuota is each user's own and lets the code live.
func TestCodeToSessionQuota(t *testing.T) {
	w := newMiniFixture(t, func(c *Config) { c.Quotas.CodeToSessionMinute = 2 })
	w.miniLogin("ming")
	w.miniLogin("ming")
	code := w.wxLogin("ming")
	w.jscode(code).expect(t, 45011)
	w.miniLogin("hua")
	w.advance(time.Minute)
	w.jscode(code).expect(t, 0)
	w = newMiniFixture(t)
	for range 100 {
		w.miniLogin("ming")
	}
	w.jscode(w.wxLogin("ming")).expect(t, 45011)
}

func TestMiniWhitelist(t *testing.T) {
	w := newMiniFixture(t)
	must(t, w.Whitelist(mini, GroupSNS, "203.0.113.5"))
	code := w.wxLogin("ming")
	w.jscode(code).expect(t, 40164)
	must(t, w.WhitelistOff(mini, GroupSNS))
	w.jscode(code).expect(t, 0)
	must(t, w.Whitelist(mini, GroupAPI, "203.0.113.5"))
	w.phoneNumber(w.phoneCode("ming"), "").expect(t, 40164)
}
