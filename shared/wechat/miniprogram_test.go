package wechat_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"reflect"
	"testing"

	"wechatfn/shared/wechat"
)

const (
	miniKey = "tiihtNczf5v6AKRyjwEUhQ=="
	okMini  = `{"openid":"O","session_key":"` + miniKey + `"}`
	okPhone = `{"errcode":0,"errmsg":"ok","phone_info":{"phoneNumber":"13580006666","purePhoneNumber":"13580006666",
		"countryCode":86,"watermark":{"timestamp":1637744274,"appid":"wx1"}}}`
)

func TestMiniSessionAnswers(t *testing.T) {
	plain := wechat.MiniSession{OpenID: "O", SessionKey: miniKey}
	united := plain
	united.UnionID = "U"
	for _, c := range []struct {
		name string

		body string
		want wechat.MiniSession
	}{
		{"plain", okMini, plain},
		{"errcode zero", `{"errcode":0,"errmsg":"ok",` + okMini[1:], plain},
		{"errcode as text", `{"errcode":"0",` + okMini[1:], plain},
		{"unionid", `{"unionid":"U",` + okMini[1:], united},
		{"unionid null", `{"unionid":null,` + okMini[1:], plain},
		{"unionid odd", `{"unionid":{},` + okMini[1:], plain},
		{"escaped slash", `{"openid":"O","session_key":"o0q0otL8aEzpcZL\/FT9WsQ=="}`, wechat.MiniSession{OpenID: "O", SessionKey: "o0q0otL8aEzpcZL/FT9WsQ=="}},
		{"more fields", `{"expires_in":7200,` + okMini[1:], plain},
		{"control bytes", "{\n\t" + okMini[1:] + "\x14", plain},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, _ := clientOf(t, body(200, c.body))
			if got, err := client.CodeToSession(t.Context(), "wx1", "SECRET", "CODE"); err != nil || got != c.want {
				t.Errorf("%s: login differs: %v", c.name, err)
			}
			c.want.UnionID = "" // a reset gives none
			if got, err := client.ResetSessionKey(t.Context(), "TOKEN", "O", miniKey); err != nil || got != c.want {
				t.Errorf("%s: reset differs: %v", c.name, err)
			}
		})
	}
}

func TestMiniSessionRefuses(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer string
	}{
		{"no openid", `{"session_key":"` + miniKey + `"}`},
		{"odd openid", `{"openid":[],"session_key":"` + miniKey + `"}`},
		{"no key", `{"openid":"O"}`},
		{"odd key", `{"openid":"O","session_key":{}}`},
		{"key of 15 bytes", `{"openid":"O","session_key":"tiihtNczf5v6AKRyjwEU"}`},
		{"key of 17 bytes", `{"openid":"O","session_key":"tiihtNczf5v6AKRyjwEUhQA="}`},
		{"key not base64", `{"openid":"O","session_key":"tiihtNczf5v6AKRyjwEUh!=="}`},
		{"key with a break", `{"openid":"O","session_key":"tiihtNczf5v6AKRyjwEU\nhQ=="}`},
		{"key without pad", `{"openid":"O","session_key":"tiihtNczf5v6AKRyjwEUhQ"}`},
		{"key URL-safe", `{"openid":"O","session_key":"o0q0otL8aEzpcZL_FT9WsQ=="}`},
		{"errcode in a list", `{"errcode":[],` + okMini[1:]},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, f := clientOf(t, body(200, row.answer))
			got, err := c.CodeToSession(t.Context(), "wx1", "SECRET", "CODE")
			var e *wechat.Error
			if !errors.As(err, &e) || e.Class() != wechat.ClassBusy || e.CodeUsed() || got != (wechat.MiniSession{}) || len(f.seen) != 1 {
				t.Errorf("%s: %v", row.name, err)
			}
			if got, err := c.ResetSessionKey(t.Context(), "TOKEN", "O", miniKey); err == nil || got != (wechat.MiniSession{}) {
				t.Errorf("%s: reset: %v", row.name, err)
			}
		})
	}
}

// A session key of another user is refused.
func TestResetRefusesAnotherUsersSession(t *testing.T) {
	c, _ := clientOf(t, body(200, okMini))
	got, err := c.ResetSessionKey(t.Context(), "TOKEN", "P", miniKey)
	var e *wechat.Error
	if !errors.As(err, &e) || e.Class() != wechat.ClassBusy || got != (wechat.MiniSession{}) {
		t.Errorf("%v", err)
	}
}

// TestMiniRequests: what WeChat gets to see, on which path and by which method.
func TestMiniRequests(t *testing.T) {
	const hmacOfNothing = "7154f9f8b4b76b92f541cbf0e37d48840fa06e5e42da92a6f80168a1516a4735"
	session := url.Values{"access_token": {"TOKEN"}, "openid": {"O"}, "signature": {hmacOfNothing}, "sig_method": {"hmac_sha256"}}
	token := url.Values{"access_token": {"TOKEN"}}
	for _, c := range []struct {
		name         string
		verb         func(*wechat.Client) error
		answer       string
		method, path string
		query        url.Values
		body         string
	}{
		{"code to session", func(c *wechat.Client) error {
			_, err := c.CodeToSession(t.Context(), "wx1", "SECRET", "CODE")
			return err
		}, okMini, "GET", "/sns/jscode2session",
			url.Values{"appid": {"wx1"}, "secret": {"SECRET"}, "js_code": {"CODE"}, "grant_type": {"authorization_code"}}, ""},
		{"phone number of a user", func(c *wechat.Client) error {
			_, err := c.PhoneNumber(t.Context(), "TOKEN", "CODE", "O")
			return err
		}, okPhone, "POST", "/wxa/business/getuserphonenumber", token, `{"code":"CODE","openid":"O"}`},
		{"phone number", func(c *wechat.Client) error {
			_, err := c.PhoneNumber(t.Context(), "TOKEN", "CODE", "")
			return err
		}, okPhone, "POST", "/wxa/business/getuserphonenumber", token, `{"code":"CODE"}`},
		{"check session key", func(c *wechat.Client) error { return c.CheckSessionKey(t.Context(), "TOKEN", "O", miniKey) },
			`{"errcode":0}`, "GET", "/wxa/checksession", session, ""},
		{"reset session key", func(c *wechat.Client) error {
			_, err := c.ResetSessionKey(t.Context(), "TOKEN", "O", miniKey)
			return err
		}, okMini, "GET", "/wxa/resetusersessionkey", session, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, f := clientOf(t, body(200, c.answer))
			if err := c.verb(client); err != nil {
				t.Errorf("%s: %v", c.path, err)
			}
			r := f.seen[0]
			sent, _ := io.ReadAll(r.Body)
			if r.Method != c.method || r.URL.Path != c.path || !reflect.DeepEqual(r.URL.Query(), c.query) || string(sent) != c.body {
				t.Errorf("%s %s %v %s", r.Method, r.URL.Path, r.URL.Query(), sent)
			}
		})
	}
}

func TestPhoneAnswers(t *testing.T) {
	want := wechat.Phone{PhoneNumber: "13580006666", PurePhoneNumber: "13580006666", CountryCode: "86", AppID: "wx1", Timestamp: 1637744274}
	bare := wechat.Phone{PhoneNumber: "+85291234567", PurePhoneNumber: "91234567"}
	for _, c := range []struct {
		name string

		body string
		want wechat.Phone
	}{
		{"official sample", okPhone, want},
		{"code as text", `{"phone_info":{"phoneNumber":"13580006666","purePhoneNumber":"13580006666","countryCode":"86",
			"watermark":{"timestamp":"1637744274","appid":"wx1"}}}`, want},
		{"numbers as numbers", `{"phone_info":{"phoneNumber":13580006666,"purePhoneNumber":13580006666,"countryCode":86,
			"watermark":{"timestamp":1637744274,"appid":"wx1"}}}`, want},
		{"no watermark", `{"phone_info":{"phoneNumber":"+85291234567","purePhoneNumber":"91234567"}}`, bare},
		{"odd watermark", `{"phone_info":{"phoneNumber":"+85291234567","purePhoneNumber":"91234567","watermark":{"timestamp":{},"appid":[]}}}`, bare},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, _ := clientOf(t, body(200, c.body))
			if got, err := client.PhoneNumber(t.Context(), "TOKEN", "CODE", ""); err != nil || got != c.want {
				t.Errorf("%s: differs: %v", c.name, err)
			}
		})
	}
}

func TestPhoneRefuses(t *testing.T) {
	for _, c := range []struct{ name, answer string }{
		{"empty object", `{}`},
		{"errcode 0 alone", `{"errcode":0}`},
		{"null", `{"phone_info":null}`},
		{"text instead of an object", `{"phone_info":"x"}`},
		{"no phoneNumber", `{"phone_info":{"purePhoneNumber":"1"}}`},
		{"no purePhoneNumber", `{"phone_info":{"phoneNumber":"1"}}`},
		{"phoneNumber is an object", `{"phone_info":{"phoneNumber":{},"purePhoneNumber":"1"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, f := clientOf(t, body(200, c.answer))
			got, err := client.PhoneNumber(t.Context(), "TOKEN", "CODE", "")
			var e *wechat.Error
			if !errors.As(err, &e) || e.Class() != wechat.ClassBusy || got != (wechat.Phone{}) || len(f.seen) != 1 {
				t.Errorf("%s: %v", c.answer, err)
			}
		})
	}
}

// TestCheckSessionKey takes an errcode of 0 and nothing else for a yes.
func TestCheckSessionKey(t *testing.T) {
	for _, want := range []struct {
		answer        string
		good, invalid bool
	}{
		{answer: `{"errcode":0,"errmsg":"ok"}`, good: true},
		{answer: `{"errcode":"0","errmsg":"ok"}`, good: true},
		{answer: `{}`},
		{answer: `{"errcode":null}`},
		{answer: `{"errmsg":"ok"}`},
		{answer: `{"errcode":87009,"errmsg":"invalid signature"}`, invalid: true},
		{answer: `{"errcode":"87009"}`, invalid: true},
		{answer: `{"errcode":87008,"errmsg":"x"}`},
		{answer: `<html>`},
	} {
		t.Run(want.answer, func(t *testing.T) {
			client, _ := clientOf(t, body(200, want.answer))
			err := client.CheckSessionKey(t.Context(), "TOKEN", "O", miniKey)
			var e *wechat.Error
			invalid := errors.As(err, &e) && e.SessionKeyInvalid()
			if (err == nil) != want.good || invalid != want.invalid {
				t.Errorf("%s: %v", want.answer, err)
			}
		})
	}
}

// FuzzMiniSession: whatever WeChat sends, there is an error or a session with an openid and a key.
func FuzzMiniSession(f *testing.F) {
	for _, s := range []string{okMini, okPhone, `{"openid":"O","session_key":"="}`, `{"errcode":"40226"}`, `{"phone_info":[]}`, `[]`, ``} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		client, _ := clientOf(t, body(200, answer), body(200, answer))
		s, err := client.CodeToSession(t.Context(), "wx1", "SECRET", "CODE")
		if err == nil && (s.OpenID == "" || len(s.SessionKey) < 24) || err != nil && s != (wechat.MiniSession{}) {
			t.Errorf("a session without what it is for, or beside an error: %v", err)
		}
		p, err := client.PhoneNumber(t.Context(), "TOKEN", "CODE", "")
		if err == nil && p.PurePhoneNumber == "" || err != nil && p != (wechat.Phone{}) {
			t.Errorf("a phone without a number, or beside an error: %v", err)
		}
		if _, err := json.Marshal(s); err != nil {
			t.Error(err)
		}
	})
}
