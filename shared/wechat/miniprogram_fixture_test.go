package wechat_test

import (
	"errors"
	"testing"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/wechat"
)

// TestMiniProgramSwitches goes through all four calls with each way in which WeChat may behave.
func TestMiniProgramSwitches(t *testing.T) {
	for _, c := range []struct {
		name string

		switches  wechatsim.Switches
		proofFail bool // the page's table is right: the client fails, and does not take it for an invalid key
	}{
		{"assumed", wechatsim.Switches{}, false},
		{"errcode zero", wechatsim.Switches{MiniErrcodeZero: true}, false},
		{"string errcode", wechatsim.Switches{MiniErrcodeZero: true, StringErrcode: true}, false},
		{"numeric country", wechatsim.Switches{NumericCountryCode: true}, false},
		{"key at exchange", wechatsim.Switches{SessionKey: wechatsim.SessionKeyAtExchange}, false},
		{"key reused", wechatsim.Switches{SessionKey: wechatsim.SessionKeyReused}, false},
		{"text/plain", wechatsim.Switches{ContentType: wechatsim.ContentTypeText}, false},
		{"proof in a body", wechatsim.Switches{SessionProofInBody: true}, true},
		{"used phone codes", wechatsim.Switches{UsedPhoneCodeCode: 40163}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim, err := wechatsim.New(wechatsim.Config{Switches: c.switches,
				Apps: []wechatsim.App{{ID: "wx5", Secret: "secret", Kind: wechatsim.MiniProgram, OpenPlatform: "group"}}})
			if err != nil {
				t.Fatal(err)
			}
			client, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: sim.Client()})
			if err != nil {
				t.Fatal(err)
			}
			token, err := client.StableToken(t.Context(), "wx5", "secret", false)
			if err != nil {
				t.Fatal(err)
			}
			m := miniLogin(t, sim, client)
			testPhone(t, c.name, sim, client, token.Value, m.OpenID)

			err = client.CheckSessionKey(t.Context(), token.Value, m.OpenID, m.SessionKey)
			fresh, noReset := client.ResetSessionKey(t.Context(), token.Value, m.OpenID, m.SessionKey)
			invalid := client.CheckSessionKey(t.Context(), token.Value, m.OpenID, m.SessionKey)
			var e *wechat.Error
			switch {
			case c.proofFail:
				if !errors.As(err, &e) || e.SessionKeyInvalid() || noReset == nil {
					t.Errorf("%s: %v, %v", c.name, err, noReset)
				}
			case err != nil || noReset != nil || fresh.SessionKey == m.SessionKey || !errors.As(invalid, &e) || !e.SessionKeyInvalid():
				t.Errorf("%s: %v, %v, %v", c.name, err, noReset, invalid)
			}
		})
	}
}

func miniLogin(t *testing.T, sim *wechatsim.Sim, client *wechat.Client) wechat.MiniSession {
	t.Helper()
	code, err := sim.MiniLogin("wx5", "ming")
	if err != nil {
		t.Fatal(err)
	}
	m, err := client.CodeToSession(t.Context(), "wx5", "secret", code)
	if err != nil || m.OpenID != sim.OpenID("wx5", "ming") || m.UnionID != sim.UnionID("wx5", "ming") {
		t.Fatalf("%v", err)
	}
	return m
}

func testPhone(t *testing.T, switches string, sim *wechatsim.Sim, client *wechat.Client, token, openid string) {
	t.Helper()
	code, err := sim.PhoneCode("wx5", "ming")
	if err != nil {
		t.Fatal(err)
	}
	p, err := client.PhoneNumber(t.Context(), token, code, openid)
	if err != nil || p.CountryCode != "86" || p.AppID != "wx5" || p.Timestamp == 0 || len(p.PurePhoneNumber) != 11 {
		t.Errorf("%s: phone: %v", switches, err)
	}
	_, err = client.PhoneNumber(t.Context(), token, code, openid)
	var e *wechat.Error
	if !errors.As(err, &e) || !e.CodeUsed() || e.LoginAgain() {
		t.Errorf("%s: the same code again: %v", switches, err)
	}
}
