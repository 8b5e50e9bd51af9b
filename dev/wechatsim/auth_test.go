package wechatsim

import (
	"fmt"
	"net/url"
	"testing"
	"time"
)

// Both token calls name the parameter that is missing or wrong.
func TestTokenParameters(t *testing.T) {
	good := map[string]string{"grant_type": "client_credential", "appid": appID, "secret": secret}
	for _, c := range []struct {
		name, key, value string
		code             int
	}{
		{"no appid", "appid", "", 41002},
		{"unknown appid", "appid", "wx9", 40013},
		{"no secret", "secret", "", 41004},
		{"secret of another account", "secret", "secret-2", 40125},
		{"no grant_type", "grant_type", "", 40002},
		{"wrong grant_type", "grant_type", "authorization_code", 40002},
		{"all right", "", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			query, body := url.Values{}, map[string]string{}
			for k, v := range good {
				if k == c.key {
					v = c.value
				}
				query.Set(k, v)
				body[k] = v
			}
			f.ask("GET", PathToken, query, nil).expect(t, c.code)
			f.ask("POST", PathStableToken, nil, body).expect(t, c.code)
		})
	}
}

func TestWrongSecretCode(t *testing.T) {
	for _, code := range []int{40125, 40001} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			f := newFixture(t, with(func(s *Switches) { s.WrongSecretCode = code }))
			must(t, f.SetSecret(appID, "new"))
			f.classic().expect(t, code)
			f.stable(false).expect(t, code)
		})
	}
}

// The new secret works at once and the old one is refused; tokens stay valid.
func TestSetSecret(t *testing.T) {
	f := newFixture(t)
	token := f.stable(false).token
	must(t, f.SetSecret(appID, "new"))
	f.stable(false).expect(t, 40125)
	f.expectToken(token, true)
	r := f.ask("POST", PathStableToken, nil, map[string]string{"grant_type": "client_credential", "appid": appID, "secret": "new"})
	if r.token != token {
		t.Errorf("%+v", r)
	}
}

func TestWrongMethodsAreRefused(t *testing.T) {
	f := newFixture(t)
	f.ask("GET", PathStableToken, url.Values{"grant_type": {"client_credential"}, "appid": {appID}, "secret": {secret}}, nil).expect(t, 43002)
	for _, path := range []string{PathClearQuota, PathClearQuotaV2} {
		f.ask("GET", path, nil, nil).expect(t, 43002)
	}
	for _, path := range []string{PathToken, PathTicket, PathCallbackIPs, PathDomainIPs} {
		if r := f.ask("POST", path, nil, "{}"); r.status != 400 {
			t.Errorf("POST %s: %+v", path, r)
		}
	}
	if r := f.ask("GET", "/cgi-bin/nothing", nil, nil); r.status != 404 {
		t.Errorf("%+v", r)
	}
}

// The stable call does not read a form, nor the query of a POST.
func TestStableTokenNeedsJSON(t *testing.T) {
	f := newFixture(t)
	form := url.Values{"grant_type": {"client_credential"}, "appid": {appID}, "secret": {secret}}
	f.ask("POST", PathStableToken, nil, form.Encode()).expect(t, 41002)
	f.ask("POST", PathStableToken, form, "{}").expect(t, 41002)
	f.ask("POST", PathStableToken, form, "").expect(t, 41002)
	f.ask("POST", PathStableToken, nil, `{"appid":"`+appID+`","force_refresh":"yes"}`).expect(t, 41002)
}

// Tokens that are missing, unknown, expired or replaced get different errcodes.
func TestInvalidTokens(t *testing.T) {
	for _, c := range []struct {
		name             string
		expired, unknown int
	}{{"the default", 42001, 40001}, {"the other way", 40001, 40014}} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, with(func(s *Switches) { s.ExpiredTokenCode, s.UnknownTokenCode = c.expired, c.unknown }))
			first := f.stable(false).token
			for _, path := range []string{PathTicket, PathCallbackIPs, PathDomainIPs} {
				f.ask("GET", path, url.Values{"type": {"jsapi"}}, nil).expect(t, 41001)
				f.ask("GET", path, url.Values{"type": {"jsapi"}, "access_token": {"x"}}, nil).expect(t, c.unknown)
			}
			f.stable(true)
			f.fetchTicket(first, "jsapi").expect(t, 40001)
			second := f.stable(false).token
			f.advance(7200 * time.Second)
			f.fetchTicket(second, "jsapi").expect(t, c.expired)
			f.fetchTicket(first, "jsapi").expect(t, 40001)
		})
	}
}

// A replaced token is "not latest" after its 300 s, not "expired".
func TestReplacedClassicTokenIsNotLatest(t *testing.T) {
	f := newFixture(t)
	first := f.classic().token
	second := f.classic().token
	f.advance(300 * time.Second)
	f.fetchTicket(first, "jsapi").expect(t, 40001)
	f.advance(7200 * time.Second)
	f.fetchTicket(second, "jsapi").expect(t, 42001)
}

func TestWhitelist(t *testing.T) {
	for _, code := range []int{40164, 61004} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			f := newFixture(t, with(func(s *Switches) { s.WhitelistCode = code }))
			token := f.stable(false).token
			must(t, f.Whitelist(appID, GroupToken, "203.0.113.5", "::ffff:203.0.113.6"))
			r := f.stable(false)
			r.expect(t, code)
			if r.message != "invalid ip 192.0.2.1 ipv6 ::ffff:192.0.2.1, not in whitelist" {
				t.Errorf("%q", r.message)
			}
			f.classic().expect(t, code)
			f.fetchTicket(token, "jsapi").expect(t, 0) // the other group is still open
			must(t, f.Whitelist(appID, GroupAPI, "203.0.113.5"))
			f.fetchTicket(token, "jsapi").expect(t, code)
			f.ask("GET", PathCallbackIPs, url.Values{"access_token": {token}}, nil).expect(t, code)
			f.ask("POST", PathClearQuotaV2, nil, map[string]string{"appid": appID, "appsecret": secret}).expect(t, code)

			must(t, f.Whitelist(appID, GroupToken, "192.0.2.1"))
			f.stable(false).expect(t, 0)
			must(t, f.Whitelist(appID, GroupToken))
			f.stable(false).expect(t, code) // on, and open to nobody
			must(t, f.WhitelistOff(appID, GroupToken))
			f.stable(false).expect(t, 0)
		})
	}
}

// A whitelist holds for one account, and the secret is checked before it.
func TestWhitelistIsPerAccount(t *testing.T) {
	f := newFixture(t)
	must(t, f.Whitelist(other, GroupToken))
	f.stable(false).expect(t, 0)
	must(t, f.SetSecret(other, "x"))
	f.ask("POST", PathStableToken, nil, map[string]string{"grant_type": "client_credential", "appid": other, "secret": "y"}).expect(t, 40125)
	mustContain(t, f.Whitelist(appID, GroupToken, "not-an-ip"), "whitelist")
}
