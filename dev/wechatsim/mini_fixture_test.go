package wechatsim

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"
)

const (
	mini       = "wx0000000000000005" // linked like appID
	miniSecret = "secret-5"
	lone       = "wx0000000000000006" // another mini-program, not linked
)

// newMiniFixture is a fixture with two mini-programs.
func newMiniFixture(t *testing.T, change ...func(*Config)) *fixture {
	t.Helper()
	return newFixture(t, slices.Concat([]func(*Config){func(c *Config) {
		c.Apps[0].OpenPlatform = "group"
		c.Apps = append(c.Apps, App{ID: mini, Secret: miniSecret, Kind: MiniProgram, OpenPlatform: "group"},
			App{ID: lone, Secret: "secret-6", Kind: MiniProgram})
	}}, change)...)
}

// miniReply is the answer to a call about a mini-program's user.
type miniReply struct {
	Code    int
	Message string `json:"errmsg"`
	OpenID  string
	UnionID *string
	Key     string `json:"session_key"`
	Phone   struct {
		Number    string          `json:"phoneNumber"`
		Pure      string          `json:"purePhoneNumber"`
		Country   json.RawMessage `json:"countryCode"`
		Watermark watermark
	} `json:"phone_info"`
	text   string
	status int
}

func (m miniReply) expect(t *testing.T, code int) miniReply {
	t.Helper()
	if m.Code != code || m.status != 200 || code != 0 && (m.Message == "" || m.OpenID+m.Key+m.Phone.Number != "") {
		t.Errorf("want errcode %d: %d %s", code, m.status, m.text)
	}
	return m
}

func (f *fixture) mini(method, path string, query url.Values, body any) miniReply {
	f.t.Helper()
	r := f.ask(method, path, query, body)
	m := miniReply{text: r.text, status: r.status}
	if err := json.Unmarshal([]byte(r.text), &m); err != nil && r.code != -2 {
		f.t.Fatalf("%s: %v", r.text, err)
	}
	m.Code = r.code
	return m
}

func (f *fixture) wxLogin(user string) string {
	f.t.Helper()
	code, err := f.MiniLogin(mini, user)
	must(f.t, err)
	return code
}

func (f *fixture) jscode(code string) miniReply {
	f.t.Helper()
	return f.mini("GET", PathCodeToSession,
		url.Values{"appid": {mini}, "secret": {miniSecret}, "js_code": {code}, "grant_type": {"authorization_code"}}, nil)
}

// miniLogin is a user's session at mini.
func (f *fixture) miniLogin(user string) miniReply {
	f.t.Helper()
	return f.jscode(f.wxLogin(user)).expect(f.t, 0)
}

// tokenOf is an account's valid access token.
func (f *fixture) tokenOf(app, secret string) string {
	f.t.Helper()
	return f.ask("POST", PathStableToken, nil, map[string]any{"grant_type": "client_credential", "appid": app, "secret": secret}).token
}

func (f *fixture) phoneCode(user string) string {
	f.t.Helper()
	code, err := f.PhoneCode(mini, user)
	must(f.t, err)
	return code
}

func (f *fixture) phoneNumber(code, openid string) miniReply {
	f.t.Helper()
	return f.mini("POST", PathPhoneNumber, url.Values{"access_token": {f.tokenOf(mini, miniSecret)}}, map[string]string{"code": code, "openid": openid})
}

// prove calls checksession or resetusersessionkey.
func (f *fixture) prove(path, openid, key string) miniReply {
	f.t.Helper()
	return f.mini("GET", path, url.Values{"access_token": {f.tokenOf(mini, miniSecret)}, "openid": {openid},
		"signature": {sessionHMAC(key, "")}, "sig_method": {"hmac_sha256"}}, nil)
}

func (f *fixture) validKey(user string) string {
	f.t.Helper()
	key, err := f.SessionKey(mini, user)
	must(f.t, err)
	return key
}
