package wechatsim

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSessionKeyStyles: when the key that a server has kept dies.
func TestSessionKeyStyles(t *testing.T) {
	for _, c := range []struct {
		style                 SessionKeyStyle
		atLogin, atExchange   bool // whether the step replaces it
		firstLoginLeavesAKey  bool
		exchangeOfAnOlderCode bool
	}{
		{SessionKeyAtLogin, true, false, true, false},
		{SessionKeyAtExchange, false, true, false, true},
		{SessionKeyReused, false, false, false, false},
	} {
		w := newMiniFixture(t, with(func(s *Switches) { s.SessionKey = c.style }))
		code := w.wxLogin("ming")
		if (w.validKey("ming") != "") != c.firstLoginLeavesAKey {
			t.Errorf("%q: key after the first wx.login: %q", c.style, w.validKey("ming"))
		}
		first := w.jscode(code).expect(t, 0).Key
		older := w.wxLogin("ming")
		newer := w.wxLogin("ming")
		if (w.validKey("ming") != first) != c.atLogin {
			t.Errorf("%q: replaced at wx.login: %v", c.style, !c.atLogin)
		}
		second := w.jscode(newer).expect(t, 0).Key
		if (second != first) != (c.atLogin || c.atExchange) {
			t.Errorf("%q: replaced: %v", c.style, second != first)
		}
		if third := w.jscode(older).expect(t, 0).Key; (third != second) != c.exchangeOfAnOlderCode || third != w.validKey("ming") {
			t.Errorf("%q: the older code answers another key than the live one", c.style)
		}
	}
}

func TestProvesSession(t *testing.T) {
	w := newMiniFixture(t)
	m, hua := w.miniLogin("ming"), w.miniLogin("hua")
	token := w.tokenOf(mini, miniSecret)
	good := url.Values{"access_token": {token}, "openid": {m.OpenID}, "signature": {sessionHMAC(m.Key, "")}, "sig_method": {"hmac_sha256"}}
	for name, c := range map[string]struct {
		key, value string
		want       int
	}{
		"no token":           {"access_token", "", 41001},
		"unknown token":      {"access_token", "x", 40001},
		"an account's":       {"access_token", w.tokenOf(appID, secret), -2},
		"the other mini's":   {"access_token", w.tokenOf(lone, "secret-6"), 40003},
		"no openid":          {"openid", "", 41009},
		"unknown openid":     {"openid", "x", 40003},
		"the user's name":    {"openid", "ming", 40003},
		"another user":       {"openid", hua.OpenID, 87009},
		"sig_method":         {"sig_method", "hmac_sha1", 87008},
		"no sig_method":      {"sig_method", "", 87008},
		"no signature":       {"signature", "", 87009},
		"another key":        {"signature", sessionHMAC(hua.Key, ""), 87009},
		"other data":         {"signature", sessionHMAC(m.Key, "{}"), 87009},
		"in capitals":        {"signature", strings.ToUpper(sessionHMAC(m.Key, "")), 87009},
		"nothing is altered": {"", "", 0},
	} {
		q := url.Values{}
		for k, v := range good {
			q[k] = v
		}
		if c.key != "" {
			q.Set(c.key, c.value)
		}
		for _, path := range []string{PathCheckSession, PathResetSession} {
			if c.want == 0 && path == PathResetSession {
				continue // TestResetSession
			}
			if r := w.ask("GET", path, q, nil); r.code != c.want || c.want == -2 && r.status != 400 {
				t.Errorf("%s, %s: %s, want %d", name, path, r.text, c.want)
			}
		}
	}
	must(t, w.ReplaceSessionKey(mini, "ming"))
	w.prove(PathCheckSession, m.OpenID, m.Key).expect(t, 87009)
	w.prove(PathCheckSession, m.OpenID, w.validKey("ming")).expect(t, 0)
	w.prove(PathCheckSession, hua.OpenID, hua.Key).expect(t, 0)
}

// TestSessionProofInBody: the other reading of the page.
func TestSessionProofInBody(t *testing.T) {
	w := newMiniFixture(t, with(func(s *Switches) { s.SessionProofInBody = true }))
	m := w.miniLogin("ming")
	w.prove(PathCheckSession, m.OpenID, m.Key).expect(t, 41009)
	body := map[string]string{"openid": m.OpenID, "signature": sessionHMAC(m.Key, ""), "sig_method": "hmac_sha256"}
	token := url.Values{"access_token": {w.tokenOf(mini, miniSecret)}}
	w.mini("GET", PathCheckSession, token, body).expect(t, 0)
	if r := w.mini("GET", PathResetSession, token, body).expect(t, 0); r.Key == m.Key {
		t.Error("the key stays")
	}
	w.mini("GET", PathCheckSession, token, body).expect(t, 87009)
}

func TestResetSession(t *testing.T) {
	w := newMiniFixture(t, with(func(s *Switches) { s.SessionKeyLifetime = time.Hour }), func(c *Config) { c.Quotas.ResetSessionMinute = 2 })
	m := w.miniLogin("ming")
	w.advance(30 * time.Minute)
	r := w.prove(PathResetSession, m.OpenID, m.Key).expect(t, 0)
	if r.OpenID != m.OpenID || r.Key == m.Key || r.Key != w.validKey("ming") || r.UnionID != nil {
		t.Errorf("%s", r.text)
	}
	w.prove(PathResetSession, m.OpenID, m.Key).expect(t, 87009) // it is dead, and counted
	w.prove(PathResetSession, m.OpenID, r.Key).expect(t, 45011)
	w.advance(30*time.Minute - time.Nanosecond)
	w.prove(PathCheckSession, m.OpenID, r.Key).expect(t, 0)
	w.advance(time.Nanosecond) // a reset does not prolong
	w.prove(PathCheckSession, m.OpenID, r.Key).expect(t, 87009)
	if w.validKey("ming") != "" {
		t.Error("a key past its life is told")
	}
	if again := w.miniLogin("ming"); again.Key == r.Key {
		t.Error("a dead key came back")
	}
}

// TestSessionKeyLife matters where a login keeps the key.
func TestSessionKeyLife(t *testing.T) {
	w := newMiniFixture(t, with(func(s *Switches) { s.SessionKey, s.SessionKeyLifetime = SessionKeyReused, time.Hour }))
	first := w.miniLogin("ming")
	w.advance(time.Hour - time.Nanosecond)
	if w.miniLogin("ming").Key != first.Key {
		t.Error("replaced early")
	}
	w.advance(time.Nanosecond)
	if w.miniLogin("ming").Key == first.Key {
		t.Error("outlived")
	}
}

// TestMiniRestart: codes, keys and whom WeChat holds for a risk survive.
func TestMiniRestart(t *testing.T) {
	w := newMiniFixture(t)
	m, code, button, used := w.miniLogin("ming"), w.wxLogin("hua"), w.phoneCode("hua"), w.wxLogin("odd")
	w.jscode(used).expect(t, 0)
	must(t, w.BlockUser(mini, "odd", true))
	snapshot, err := w.Snapshot()
	must(t, err)
	if strings.Contains(string(snapshot), miniSecret) {
		t.Error("the snapshot holds the AppSecret")
	}
	v := newMiniFixture(t)
	must(t, v.Restore(snapshot))
	v.prove(PathCheckSession, m.OpenID, m.Key).expect(t, 0)
	v.jscode(used).expect(t, 40163)
	v.jscode(v.wxLogin("odd")).expect(t, 40226)
	if key := v.jscode(code).expect(t, 0).Key; key == m.Key {
		t.Error("two users share a key")
	}
	v.phoneNumber(button, "").expect(t, 0)
	if fresh := v.miniLogin("ming"); fresh.Key == m.Key {
		t.Error("a key repeats after the restart")
	}
}

func TestMiniChangesAreTold(t *testing.T) {
	changes := 0
	w := newMiniFixture(t, func(c *Config) { c.OnChange = func() { changes++ } })
	code, button := "", ""
	for _, c := range []struct {
		name string
		want int
		do   func()
	}{
		{"wx.login", 1, func() { code = w.wxLogin("ming") }},
		{"session", 1, func() { w.jscode(code) }},
		{"refused", 0, func() { w.jscode("x") }},
		{"button", 1, func() { button = w.phoneCode("ming") }},
		{"token and number", 2, func() { w.phoneNumber(button, "") }},
		{"data", 1, func() { _, _ = w.MiniUserData(mini, "ming", MiniOptions{}) }},
		{"block", 1, func() { must(t, w.BlockUser(mini, "ming", true)) }},
		{"looking", 0, func() { w.validKey("ming") }},
	} {
		before := changes
		if c.do(); changes-before != c.want {
			t.Errorf("%s: %d changes, want %d", c.name, changes-before, c.want)
		}
	}
}

// TestMiniNeedsTheRightApp: every verb of the user's side says what is wrong.
func TestMiniNeedsTheRightApp(t *testing.T) {
	w := newMiniFixture(t)
	for name, verb := range map[string]func(app, user string) error{
		"login":   func(app, user string) error { _, err := w.MiniLogin(app, user); return err },
		"phone":   func(app, user string) error { _, err := w.PhoneCode(app, user); return err },
		"key":     func(app, user string) error { _, err := w.SessionKey(app, user); return err },
		"replace": w.ReplaceSessionKey,
		"block":   func(app, user string) error { return w.BlockUser(app, user, true) },
		"data":    func(app, user string) error { _, err := w.MiniUserData(app, user, MiniOptions{}); return err },
		"old":     func(app, user string) error { _, err := w.MiniPhoneData(app, user, MiniOptions{}); return err },
	} {
		for _, c := range []struct{ app, user, want string }{
			{"wx9", "ming", "no app"}, {appID, "ming", "kind"}, {mini, "nobody", "no user"},
		} {
			if err := verb(c.app, c.user); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
		}
	}
}

// TestMiniFaults: the simulator's usual troubles reach the new calls, and they are counted.
func TestMiniFaults(t *testing.T) {
	w := newMiniFixture(t)
	code := w.wxLogin("ming")
	w.Fail(Fault{Path: PathCodeToSession, ErrCode: -1, Times: 1})
	w.jscode(code).expect(t, -1)
	w.Fail(Fault{Path: PathCodeToSession, AppID: mini, DropAfter: true, Times: 1})
	q := url.Values{"appid": {mini}, "secret": {miniSecret}, "js_code": {code}, "grant_type": {"authorization_code"}}
	if _, err := w.try(t.Context(), "GET", PathCodeToSession, q, nil); err == nil {
		t.Error("the connection holds")
	}
	w.jscode(code).expect(t, 40163) // the answer was lost, the code is spent
	w.phoneNumber(w.phoneCode("ming"), "")
	if n := w.Counts()[Call{mini, PathCodeToSession, false}]; n != 3 || w.Counts()[Call{mini, PathPhoneNumber, false}] != 1 {
		t.Errorf("%v", w.Counts())
	}
}

// TestMiniConcurrent: one code, many at once, one session.
func TestMiniConcurrent(t *testing.T) {
	w := newMiniFixture(t)
	code := w.wxLogin("ming")
	var keys sync.Map
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if m := w.jscode(code); m.Key != "" {
				keys.Store(m.Key, true)
				keys.Store(m.text, true)
			} else if m.Code != 40163 {
				t.Errorf("%s", m.text)
			}
			w.phoneCode("hua")
			_, _ = w.MiniUserData(mini, "hua", MiniOptions{})
		})
	}
	wg.Wait()
	if size(&keys) != 2 {
		t.Errorf("%d keys and answers", size(&keys))
	}
}
