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
	lone       = "wx0000000000000006" // another mini-program, linked to nothing
)

// newMinis is a world with two mini-programs.
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

func (w *fixture) mini(method, path string, query url.Values, body any) miniReply {
	w.t.Helper()
	r := w.ask(method, path, query, body)
	m := miniReply{text: r.text, status: r.status}
	if err := json.Unmarshal([]byte(r.text), &m); err != nil && r.code != -2 {
		w.t.Fatalf("%s: %v", r.text, err)
	}
	m.Code = r.code
	return m
}

func (w *fixture) wxLogin(user string) string {
	w.t.Helper()
	code, err := w.MiniLogin(mini, user)
	must(w.t, err)
	return code
}

func (w *fixture) jscode(code string) miniReply {
	w.t.Helper()
	return w.mini("GET", PathCodeToSession,
		url.Values{"appid": {mini}, "secret": {miniSecret}, "js_code": {code}, "grant_type": {"authorization_code"}}, nil)
}

// miniLogin is a user's session at mini.
func (w *fixture) miniLogin(user string) miniReply {
	w.t.Helper()
	return w.jscode(w.wxLogin(user)).expect(w.t, 0)
}

// tokenOf is an account's live access token.
func (w *fixture) tokenOf(app, secret string) string {
	w.t.Helper()
	return w.ask("POST", PathStableToken, nil, map[string]any{"grant_type": "client_credential", "appid": app, "secret": secret}).token
}

func (w *fixture) phoneCode(user string) string {
	w.t.Helper()
	code, err := w.PhoneCode(mini, user)
	must(w.t, err)
	return code
}

func (w *fixture) phoneNumber(code, openid string) miniReply {
	w.t.Helper()
	return w.mini("POST", PathPhoneNumber, url.Values{"access_token": {w.tokenOf(mini, miniSecret)}}, map[string]string{"code": code, "openid": openid})
}

// prove calls checksession or resetusersessionkey.
func (w *fixture) prove(path, openid, key string) miniReply {
	w.t.Helper()
	return w.mini("GET", path, url.Values{"access_token": {w.tokenOf(mini, miniSecret)}, "openid": {openid},
		"signature": {sessionHMAC(key, "")}, "sig_method": {"hmac_sha256"}}, nil)
}

func (w *fixture) validKey(user string) string {
	w.t.Helper()
	key, err := w.SessionKey(mini, user)
	must(w.t, err)
	return key
}
