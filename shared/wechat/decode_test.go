package wechat

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

type tokenAnswer struct {
	Value    string `json:"access_token"`
	Lifetime number `json:"expires_in"`
}

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		name, body string
		code       int
		message    string
		value      string
		lifetime   number
	}{
		{"token", `{"access_token":"T","expires_in":7200}`, 0, "", "T", 7200},
		{"errcode zero", `{"errcode":0,"errmsg":"ok","access_token":"T","expires_in":7200}`, 0, "", "T", 7200},
		{"errcode null", `{"errcode":null,"access_token":"T","expires_in":1}`, 0, "", "T", 1},
		{"numbers as strings", `{"errcode":"0","access_token":"T","expires_in":"7200"}`, 0, "", "T", 7200},
		{"refusal", `{"errcode":40125,"errmsg":"invalid appsecret"}`, 40125, "invalid appsecret", "", 0},
		{"busy", `{"errcode":-1,"errmsg":"system error"}`, -1, "system error", "", 0},
		{"string errcode", `{"errcode":"40029","errmsg":"x"}`, 40029, "x", "", 0},
		{"refusal with odd fields", `{"errcode":40001,"errmsg":["x"],"access_token":7}`, 40001, "", "", 0},
		{"white space", " \r\n\t{\"access_token\":\"T\",\r\n\"expires_in\":9}\r\n ", 0, "", "T", 9},
		{"control bytes in a text", "{\"errcode\":1,\"errmsg\":\"a\x14b\nc\"}", 1, "a b c", "", 0},
		{"invalid UTF-8", "{\"errcode\":1,\"errmsg\":\"a\xffb\"}", 1, "a\uFFFDb", "", 0},
		{"unknown fields", `{"access_token":"T","expires_in":9,"new":{"a":[1]}}`, 0, "", "T", 9},
		{"empty object", `{}`, 0, "", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var a tokenAnswer
			code, message, err := decode([]byte(c.body), &a)
			if err != nil || code != c.code || message != c.message || a.Value != c.value || a.Lifetime != c.lifetime {
				t.Errorf("%s: code %d, message %q, %+v, %v", c.name, code, message, a, err)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		body string
	}{
		{"empty", ""},
		{"white space", " \n "},
		{"HTML", "<html><body>502</body></html>"},
		{"cut off", `{"access_token":"T","expires_`},
		{"trailing garbage", `{"access_token":"T","expires_in":7200}<!-- x -->`},
		{"two objects", `{"errcode":0}{"errcode":0}`},
		{"null", "null"},
		{"array", `[{"errcode":0}]`},
		{"text", `"ok"`},
		{"fraction", `{"access_token":"T","expires_in":7200.5}`},
		{"empty errcode", `{"errcode":"","access_token":"T","expires_in":7200}`},
		{"errcode is text", `{"errcode":"ok"}`},
		{"errcode overflow", `{"errcode":99999999999999999999}`},
		{"token no string", `{"access_token":123,"expires_in":7200}`},
		{"deep", `{"a":` + strings.Repeat("[", 20_000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var a tokenAnswer
			if _, _, err := decode([]byte(c.body), &a); !errors.Is(err, errUnexpected) {
				t.Errorf("%s: %v", c.name, err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"access_token":"T","expires_in":7200}`, `{"errcode":"40029","errmsg":"x"}`, "{\"errmsg\":\"\x14\xff\"}",
		`{"errcode":null}`, "", "null", "<html>", `{"errcode":-1}{`, `{"expires_in":"` + "\x00" + `7"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var a tokenAnswer
		code, message, err := decode(bytes.Clone(body), &a)
		if err != nil && (code != 0 || message != "") {
			t.Errorf("an error together with code %d, message %q", code, message)
		}
		if code != 0 && a != (tokenAnswer{}) {
			t.Errorf("code %d filled %+v", code, a)
		}
		if clean := newRedactor(nil).text(message); !utf8.ValidString(clean) || len(clean) > maxMessage+3 || strings.ContainsAny(clean, "\n\r\x00") {
			t.Errorf("not fit for a log line: %q", clean)
		}
		lifetime, err := lifetime(opToken, a.Value, a.Lifetime)
		if err == nil && (lifetime <= 0 || lifetime > maxLifetime) {
			t.Errorf("lifetime %v of %+v", lifetime, a)
		}
	})
}
