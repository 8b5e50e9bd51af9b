package wechatsim

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Each style replaces the session key at another step, which invalidates the stored one.
func TestSessionKeyStyles(t *testing.T) {
	for _, c := range []struct {
		name                  string
		style                 SessionKeyStyle
		atLogin, atExchange   bool // whether the step replaces it
		firstLoginLeavesAKey  bool
		exchangeOfAnOlderCode bool
	}{
		{"replaced at login", SessionKeyAtLogin, true, false, true, false},
		{"replaced at exchange", SessionKeyAtExchange, false, true, false, true},
		{"reused", SessionKeyReused, false, false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newMiniFixture(t, with(func(s *Switches) { s.SessionKey = c.style }))
			code := f.wxLogin("ming")
			if (f.validKey("ming") != "") != c.firstLoginLeavesAKey {
				t.Errorf("key after the first wx.login: %q", f.validKey("ming"))
			}
			first := f.jscode(code).expect(t, 0).Key
			older := f.wxLogin("ming")
			newer := f.wxLogin("ming")
			if (f.validKey("ming") != first) != c.atLogin {
				t.Errorf("replaced at wx.login: %v", !c.atLogin)
			}
			second := f.jscode(newer).expect(t, 0).Key
			if (second != first) != (c.atLogin || c.atExchange) {
				t.Errorf("replaced: %v", second != first)
			}
			if third := f.jscode(older).expect(t, 0).Key; (third != second) != c.exchangeOfAnOlderCode || third != f.validKey("ming") {
				t.Error("the older code does not answer the valid key")
			}
		})
	}
}

func TestSessionProofs(t *testing.T) {
	f := newMiniFixture(t)
	m, hua := f.miniLogin("ming"), f.miniLogin("hua")
	token := f.tokenOf(mini, miniSecret)
	good := url.Values{"access_token": {token}, "openid": {m.OpenID}, "signature": {sessionHMAC(m.Key, "")}, "sig_method": {"hmac_sha256"}}
	for _, c := range []struct {
		name       string
		key, value string
		want       int
	}{
		{"no token", "access_token", "", 41001},
		{"unknown token", "access_token", "x", 40001},
		{"token of an official account", "access_token", f.tokenOf(appID, secret), -2},
		{"token of another mini-program", "access_token", f.tokenOf(lone, "secret-6"), 40003},
		{"no openid", "openid", "", 41009},
		{"unknown openid", "openid", "x", 40003},
		{"user ID as openid", "openid", "ming", 40003},
		{"another user", "openid", hua.OpenID, 87009},
		{"sig_method", "sig_method", "hmac_sha1", 87008},
		{"no sig_method", "sig_method", "", 87008},
		{"no signature", "signature", "", 87009},
		{"another key", "signature", sessionHMAC(hua.Key, ""), 87009},
		{"other data", "signature", sessionHMAC(m.Key, "{}"), 87009},
		{"signature in capitals", "signature", strings.ToUpper(sessionHMAC(m.Key, "")), 87009},
		{"all right", "", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
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
				if r := f.ask("GET", path, q, nil); r.code != c.want || c.want == -2 && r.status != 400 {
					t.Errorf("%s: %s, want %d", path, r.text, c.want)
				}
			}
		})
	}
	must(t, f.ReplaceSessionKey(mini, "ming"))
	f.prove(PathCheckSession, m.OpenID, m.Key).expect(t, 87009)
	f.prove(PathCheckSession, m.OpenID, f.validKey("ming")).expect(t, 0)
	f.prove(PathCheckSession, hua.OpenID, hua.Key).expect(t, 0)
}

// The proof is in the body, as the table of WeChat's page says.
func TestSessionProofInBody(t *testing.T) {
	f := newMiniFixture(t, with(func(s *Switches) { s.SessionProofInBody = true }))
	m := f.miniLogin("ming")
	f.prove(PathCheckSession, m.OpenID, m.Key).expect(t, 41009)
	body := map[string]string{"openid": m.OpenID, "signature": sessionHMAC(m.Key, ""), "sig_method": "hmac_sha256"}
	token := url.Values{"access_token": {f.tokenOf(mini, miniSecret)}}
	f.mini("GET", PathCheckSession, token, body).expect(t, 0)
	if r := f.mini("GET", PathResetSession, token, body).expect(t, 0); r.Key == m.Key {
		t.Error("the key was not replaced")
	}
	f.mini("GET", PathCheckSession, token, body).expect(t, 87009)
}

func TestResetSession(t *testing.T) {
	f := newMiniFixture(t, with(func(s *Switches) { s.SessionKeyLifetime = time.Hour }), func(c *Config) { c.Quotas.ResetSessionMinute = 2 })
	m := f.miniLogin("ming")
	f.advance(30 * time.Minute)
	r := f.prove(PathResetSession, m.OpenID, m.Key).expect(t, 0)
	if r.OpenID != m.OpenID || r.Key == m.Key || r.Key != f.validKey("ming") || r.UnionID != nil {
		t.Errorf("%s", r.text)
	}
	f.prove(PathResetSession, m.OpenID, m.Key).expect(t, 87009) // not valid any more, and counted
	f.prove(PathResetSession, m.OpenID, r.Key).expect(t, 45011)
	f.advance(30*time.Minute - time.Nanosecond)
	f.prove(PathCheckSession, m.OpenID, r.Key).expect(t, 0)
	f.advance(time.Nanosecond) // a reset does not extend the lifetime
	f.prove(PathCheckSession, m.OpenID, r.Key).expect(t, 87009)
	if f.validKey("ming") != "" {
		t.Error("an expired key is returned")
	}
	if again := f.miniLogin("ming"); again.Key == r.Key {
		t.Error("an expired key is issued again")
	}
}

// A key that logins reuse is replaced after its lifetime.
func TestSessionKeyLifetime(t *testing.T) {
	f := newMiniFixture(t, with(func(s *Switches) { s.SessionKey, s.SessionKeyLifetime = SessionKeyReused, time.Hour }))
	first := f.miniLogin("ming")
	f.advance(time.Hour - time.Nanosecond)
	if f.miniLogin("ming").Key != first.Key {
		t.Error("replaced early")
	}
	f.advance(time.Nanosecond)
	if f.miniLogin("ming").Key == first.Key {
		t.Error("valid after its lifetime")
	}
}

// Codes, session keys and blocked users are restored.
func TestRestoreMiniPrograms(t *testing.T) {
	f := newMiniFixture(t)
	m, code, button, used := f.miniLogin("ming"), f.wxLogin("hua"), f.phoneCode("hua"), f.wxLogin("odd")
	f.jscode(used).expect(t, 0)
	must(t, f.BlockUser(mini, "odd", true))
	snapshot, err := f.Snapshot()
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

func TestMiniProgramsCallOnChange(t *testing.T) {
	changes := 0
	f := newMiniFixture(t, func(c *Config) { c.OnChange = func() { changes++ } })
	code, phoneCode := f.wxLogin("ming"), f.phoneCode("ming")
	for _, c := range []struct {
		name string
		want int
		do   func()
	}{
		{"wx.login", 1, func() { f.wxLogin("ming") }},
		{"session", 1, func() { f.jscode(code) }},
		{"refused", 0, func() { f.jscode("x") }},
		{"phone code", 1, func() { f.phoneCode("ming") }},
		{"token and number", 2, func() { f.phoneNumber(phoneCode, "") }},
		{"data", 1, func() { _, _ = f.MiniUserData(mini, "ming", MiniOptions{}) }},
		{"block", 1, func() { must(t, f.BlockUser(mini, "ming", true)) }},
		{"reading", 0, func() { f.validKey("ming") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := changes
			if c.do(); changes-before != c.want {
				t.Errorf("%d changes, want %d", changes-before, c.want)
			}
		})
	}
}

// Each method of the user's side names the wrong argument.
func TestMiniMethodsCheckTheirArguments(t *testing.T) {
	f := newMiniFixture(t)
	for _, method := range []struct {
		name string
		call func(app, user string) error
	}{
		{"MiniLogin", func(app, user string) error { _, err := f.MiniLogin(app, user); return err }},
		{"PhoneCode", func(app, user string) error { _, err := f.PhoneCode(app, user); return err }},
		{"SessionKey", func(app, user string) error { _, err := f.SessionKey(app, user); return err }},
		{"ReplaceSessionKey", f.ReplaceSessionKey},
		{"BlockUser", func(app, user string) error { return f.BlockUser(app, user, true) }},
		{"MiniUserData", func(app, user string) error { _, err := f.MiniUserData(app, user, MiniOptions{}); return err }},
		{"MiniPhoneData", func(app, user string) error { _, err := f.MiniPhoneData(app, user, MiniOptions{}); return err }},
	} {
		for _, c := range []struct{ app, user, want string }{
			{"wx9", "ming", "no app"}, {appID, "ming", "kind"}, {mini, "nobody", "no user"},
		} {
			t.Run(method.name+", "+c.want, func(t *testing.T) { mustContain(t, method.call(c.app, c.user), c.want) })
		}
	}
}

// Faults work for calls about mini-programs too, and the calls are counted.
func TestMiniProgramFaults(t *testing.T) {
	f := newMiniFixture(t)
	code := f.wxLogin("ming")
	f.Fail(Fault{Path: PathCodeToSession, ErrCode: -1, Times: 1})
	f.jscode(code).expect(t, -1)
	f.Fail(Fault{Path: PathCodeToSession, AppID: mini, DropAfter: true, Times: 1})
	q := url.Values{"appid": {mini}, "secret": {miniSecret}, "js_code": {code}, "grant_type": {"authorization_code"}}
	if _, err := f.try(t.Context(), "GET", PathCodeToSession, q, nil); err == nil {
		t.Error("the connection was not dropped")
	}
	f.jscode(code).expect(t, 40163) // the answer was lost, the code is used
	f.phoneNumber(f.phoneCode("ming"), "")
	if n := f.Counts()[Call{mini, PathCodeToSession, false}]; n != 3 || f.Counts()[Call{mini, PathPhoneNumber, false}] != 1 {
		t.Errorf("%v", f.Counts())
	}
}

// Of many exchanges of one code at the same time, one gets the session.
func TestConcurrentExchangesOfOneCode(t *testing.T) {
	f := newMiniFixture(t)
	code := f.wxLogin("ming")
	var keys sync.Map
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if m := f.jscode(code); m.Key != "" {
				keys.Store(m.Key, true)
				keys.Store(m.text, true)
			} else if m.Code != 40163 {
				t.Errorf("%s", m.text)
			}
			f.phoneCode("hua")
			_, _ = f.MiniUserData(mini, "hua", MiniOptions{})
		})
	}
	wg.Wait()
	if size(&keys) != 2 {
		t.Errorf("%d keys and answers", size(&keys))
	}
}
