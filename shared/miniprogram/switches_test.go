package miniprogram

import (
	"testing"

	"wechatfn/dev/wechatsim"
)

// All calls work, however WeChat does what its pages leave open.
func TestSwitches(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*wechatsim.Switches)
		shares bool // data that was encrypted before the exchange, with the same session_key
	}{
		{"as usual", func(*wechatsim.Switches) {}, true},
		{"a new session_key at the exchange", func(s *wechatsim.Switches) { s.SessionKey = wechatsim.SessionKeyAtExchange }, false},
		{"a valid session_key stays", func(s *wechatsim.Switches) { s.SessionKey = wechatsim.SessionKeyReused }, true},
		{"an errcode of 0", func(s *wechatsim.Switches) { s.MiniErrcodeZero = true }, true},
		{"a numeric country code", func(s *wechatsim.Switches) { s.NumericCountryCode = true }, true},
		{"40163 for a used phone code", func(s *wechatsim.Switches) { s.UsedPhoneCodeCode = 40163 }, true},
		{"40029 for all codes", func(s *wechatsim.Switches) { s.UsedCodeCode, s.ExpiredCodeCode = 40029, 40029 }, true},
		{"42001 for an expired token", func(s *wechatsim.Switches) { s.ExpiredTokenCode = 42001 }, true},
		{"40001 for an expired token", func(s *wechatsim.Switches) { s.ExpiredTokenCode = 40001 }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, func(sim *wechatsim.Config) { c.change(&sim.Switches) })
			p := f.phone("hua")
			p.mustLogIn(c.shares)
			want(t, "decrypt", p.decrypt(wechatsim.MiniOptions{}), 200, "Li Hua")
			code := p.phoneCode()
			want(t, "phone", p.number(code), 200, `"countryCode":"86"`)
			wantCode(t, "phone again", p.number(code), 400, "phone_code_invalid")
			want(t, "check", p.check(""), 200, "valid")
			first := p.token
			if p.mustLogIn(false); p.token != first {
				t.Error("the session was not reused")
			}
			want(t, "decrypt again", p.decrypt(wechatsim.MiniOptions{}), 200, "Li Hua")
			used := map[string]any{"code": p.code()}
			want(t, "login", p.do("POST", "/miniprogram/login", used), 200, "")
			if got := p.do("POST", "/miniprogram/login", used); got.Code != 400 {
				t.Errorf("a used code: %d %s", got.Code, got.Body)
			}
		})
	}
}

// If WeChat wants the proof of a session_key in the body, as its page's table says, that
// is an error for the operator. It does not count as an invalid session_key.
func TestProofInTheBody(t *testing.T) {
	f := newFixture(t, func(c *wechatsim.Config) { c.Switches.SessionProofInBody = true })
	p := f.phone("hua")
	p.mustLogIn(false)
	wantCode(t, "check", p.check(""), 500, "wechat_refused")
}
