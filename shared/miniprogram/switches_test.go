package miniprogram

import (
	"testing"

	"wechatfn/dev/wechatsim"
)

// The whole way, however WeChat does what its pages leave open.
func TestSwitches(t *testing.T) {
	for name, change := range map[string]func(*wechatsim.Switches){
		"as usual":                          func(*wechatsim.Switches) {},
		"a new session_key at the exchange": func(s *wechatsim.Switches) { s.SessionKey = wechatsim.SessionKeyAtExchange },
		"a live session_key is kept":        func(s *wechatsim.Switches) { s.SessionKey = wechatsim.SessionKeyKept },
		"an errcode of 0":                   func(s *wechatsim.Switches) { s.MiniErrcodeZero = true },
		"a numeric country code":            func(s *wechatsim.Switches) { s.NumericCountryCode = true },
		"40163 for a used phone code":       func(s *wechatsim.Switches) { s.UsedPhoneCodeCode = 40163 },
		"40029 for all codes":               func(s *wechatsim.Switches) { s.UsedCodeCode, s.ExpiredCodeCode = 40029, 40029 },
		"a token that is dead is 42001":     func(s *wechatsim.Switches) { s.ExpiredTokenCode = 42001 },
		"a token that is dead is 40001":     func(s *wechatsim.Switches) { s.ExpiredTokenCode = 40001 },
	} {
		f := newFixture(t, func(c *wechatsim.Config) { change(&c.Switches) })
		p := f.phone("hua")
		p.mustLogIn(name != "a new session_key at the exchange") // where data from before it is of another key
		want(t, name, p.decrypt(wechatsim.MiniOptions{}), 200, "Li Hua")
		code := p.phoneCode()
		want(t, name, p.number(code), 200, `"countryCode":"86"`)
		wantCode(t, name, p.number(code), 400, "phone_code_invalid")
		want(t, name, p.check(""), 200, "valid")
		first := p.token
		if p.mustLogIn(false); p.token != first {
			t.Errorf("%s: the session was not kept", name)
		}
		want(t, name, p.decrypt(wechatsim.MiniOptions{}), 200, "Li Hua")
		used := map[string]any{"code": p.code()}
		want(t, name, p.do("POST", "/miniprogram/login", used), 200, "")
		if got := p.do("POST", "/miniprogram/login", used); got.Code != 400 {
			t.Errorf("%s: a used code: %d %s", name, got.Code, got.Body)
		}
	}
}

// Should WeChat want the proof of a session_key in the body, as its table has it, that
// is told to the operator, and not taken for a dead session_key.
func TestProofInTheBody(t *testing.T) {
	f := newFixture(t, func(c *wechatsim.Config) { c.Switches.SessionProofInBody = true })
	p := f.phone("hua")
	p.mustLogIn(false)
	wantCode(t, "check", p.check(""), 500, "wechat_refused")
}
