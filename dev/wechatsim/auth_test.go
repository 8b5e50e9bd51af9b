package wechatsim

import (
	"net/url"
	"testing"
	"time"
)

// TestTokenParameters: what is missing or wrong, by both calls.
func TestTokenParameters(t *testing.T) {
	good := map[string]string{"grant_type": "client_credential", "appid": appID, "secret": secret}
	for _, c := range []struct {
		key, value string
		code       int
	}{
		{"appid", "", 41002},
		{"appid", "wx9", 40013},
		{"secret", "", 41004},
		{"secret", "secret-2", 40125},
		{"grant_type", "", 40002},
		{"grant_type", "authorization_code", 40002},
		{"", "", 0},
	} {
		w := newFixture(t)
		query, body := url.Values{}, map[string]string{}
		for k, v := range good {
			if k == c.key {
				v = c.value
			}
			query.Set(k, v)
			body[k] = v
		}
		w.ask("GET", PathToken, query, nil).expect(t, c.code)
		w.ask("POST", PathStableToken, nil, body).expect(t, c.code)
	}
}

func TestWrongSecretCode(t *testing.T) {
	for _, code := range []int{40125, 40001} {
		w := newFixture(t, with(func(s *Switches) { s.WrongSecretCode = code }))
		must(t, w.SetSecret(appID, "new"))
		w.classic().expect(t, code)
		w.stable(false).expect(t, code)
	}
}

// TestSetSecret: the new one works at once, tokens live on, the old one is refused.
func TestSetSecret(t *testing.T) {
	w := newFixture(t)
	token := w.stable(false).token
	must(t, w.SetSecret(appID, "new"))
	w.stable(false).expect(t, 40125)
	w.expectToken(token, true)
	r := w.ask("POST", PathStableToken, nil, map[string]string{"grant_type": "client_credential", "appid": appID, "secret": "new"})
	if r.token != token {
		t.Errorf("%+v", r)
	}
}

func TestMethods(t *testing.T) {
	w := newFixture(t)
	w.ask("GET", PathStableToken, url.Values{"grant_type": {"client_credential"}, "appid": {appID}, "secret": {secret}}, nil).expect(t, 43002)
	for _, path := range []string{PathClearQuota, PathClearQuotaV2} {
		w.ask("GET", path, nil, nil).expect(t, 43002)
	}
	for _, path := range []string{PathToken, PathTicket, PathCallbackIPs, PathDomainIPs} {
		if r := w.ask("POST", path, nil, "{}"); r.status != 400 {
			t.Errorf("POST %s: %+v", path, r)
		}
	}
	if r := w.ask("GET", "/cgi-bin/nothing", nil, nil); r.status != 404 {
		t.Errorf("%+v", r)
	}
}

// TestStableTokenWantsJSON: a form is no JSON, and the query of a POST is not looked at.
func TestStableTokenWantsJSON(t *testing.T) {
	w := newFixture(t)
	form := url.Values{"grant_type": {"client_credential"}, "appid": {appID}, "secret": {secret}}
	w.ask("POST", PathStableToken, nil, form.Encode()).expect(t, 41002)
	w.ask("POST", PathStableToken, form, "{}").expect(t, 41002)
	w.ask("POST", PathStableToken, form, "").expect(t, 41002)
	w.ask("POST", PathStableToken, nil, `{"appid":"`+appID+`","force_refresh":"yes"}`).expect(t, 41002)
}

// TestDeadTokens: missing, never issued, expired, replaced.
func TestDeadTokens(t *testing.T) {
	for _, c := range []struct{ expired, unknown int }{{42001, 40001}, {40001, 40014}} {
		w := newFixture(t, with(func(s *Switches) { s.ExpiredTokenCode, s.UnknownTokenCode = c.expired, c.unknown }))
		first := w.stable(false).token
		for _, path := range []string{PathTicket, PathCallbackIPs, PathDomainIPs} {
			w.ask("GET", path, url.Values{"type": {"jsapi"}}, nil).expect(t, 41001)
			w.ask("GET", path, url.Values{"type": {"jsapi"}, "access_token": {"x"}}, nil).expect(t, c.unknown)
		}
		w.stable(true)
		w.fetchTicket(first, "jsapi").expect(t, 40001)
		second := w.stable(false).token
		w.advance(7200 * time.Second)
		w.fetchTicket(second, "jsapi").expect(t, c.expired)
		w.fetchTicket(first, "jsapi").expect(t, 40001)
	}
}

// TestReplacedClassicToken is "not latest" once its 300 s are over, not "expired".
func TestReplacedClassicToken(t *testing.T) {
	w := newFixture(t)
	first := w.classic().token
	second := w.classic().token
	w.advance(300 * time.Second)
	w.fetchTicket(first, "jsapi").expect(t, 40001)
	w.advance(7200 * time.Second)
	w.fetchTicket(second, "jsapi").expect(t, 42001)
}

func TestWhitelist(t *testing.T) {
	for _, code := range []int{40164, 61004} {
		w := newFixture(t, with(func(s *Switches) { s.WhitelistCode = code }))
		token := w.stable(false).token
		must(t, w.Whitelist(appID, GroupToken, "203.0.113.5", "::ffff:203.0.113.6"))
		r := w.stable(false)
		r.expect(t, code)
		if r.message != "invalid ip 192.0.2.1 ipv6 ::ffff:192.0.2.1, not in whitelist" {
			t.Errorf("%q", r.message)
		}
		w.classic().expect(t, code)
		w.fetchTicket(token, "jsapi").expect(t, 0) // the other group is open still
		must(t, w.Whitelist(appID, GroupAPI, "203.0.113.5"))
		w.fetchTicket(token, "jsapi").expect(t, code)
		w.ask("GET", PathCallbackIPs, url.Values{"access_token": {token}}, nil).expect(t, code)
		w.ask("POST", PathClearQuotaV2, nil, map[string]string{"appid": appID, "appsecret": secret}).expect(t, code)

		must(t, w.Whitelist(appID, GroupToken, "192.0.2.1"))
		w.stable(false).expect(t, 0)
		must(t, w.Whitelist(appID, GroupToken))
		w.stable(false).expect(t, code) // on, and open to nobody
		must(t, w.WhitelistOff(appID, GroupToken))
		w.stable(false).expect(t, 0)
	}
}

// TestWhitelistIsPerAccount, and comes after the secret.
func TestWhitelistIsPerAccount(t *testing.T) {
	w := newFixture(t)
	must(t, w.Whitelist(other, GroupToken))
	w.stable(false).expect(t, 0)
	must(t, w.SetSecret(other, "x"))
	w.ask("POST", PathStableToken, nil, map[string]string{"grant_type": "client_credential", "appid": other, "secret": "y"}).expect(t, 40125)
	mustContain(t, w.Whitelist(appID, GroupToken, "not-an-ip"), "whitelist")
}
