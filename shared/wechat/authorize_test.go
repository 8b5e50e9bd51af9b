package wechat_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"wechatfn/shared/wechat"
)

func TestAuthorizeURLVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID    string
			Input struct {
				AppID, Scope, State string
				RedirectURI         string `json:"redirect_uri"`
			}
			Expected struct{ URL string }
		}
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) < 2 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			page := wechat.LoginPage{OpenURL: wechat.DefaultOpenURL, AppID: v.Input.AppID, RedirectURI: v.Input.RedirectURI, Scope: v.Input.Scope, State: v.Input.State}
			got := wechat.AuthorizeURL(page, false)
			if strings.Contains(v.ID, "qrconnect") {
				got = wechat.QRConnectURL(page, "")
			}
			if got != v.Expected.URL {
				t.Errorf("\n got %s\nwant %s", got, v.Expected.URL)
			}
		})
	}
}

func TestLoginPageOptions(t *testing.T) {
	const (
		official = "/connect/oauth2/authorize?appid=wx1&redirect_uri=https%3A%2F%2Fa.example%2F&response_type=code&scope=snsapi_userinfo&state=s"
		site     = "/connect/qrconnect?appid=wx1&redirect_uri=https%3A%2F%2Fa.example%2F&response_type=code&scope=snsapi_userinfo&state=s"
	)
	page := wechat.LoginPage{OpenURL: wechat.DefaultOpenURL, AppID: "wx1", RedirectURI: "https://a.example/", Scope: "snsapi_userinfo", State: "s"}
	elsewhere := page
	elsewhere.OpenURL = "http://127.0.0.1:8080/sim"
	for _, c := range []struct{ name, got, want string }{
		{"official account", wechat.AuthorizeURL(page, false), "https://open.weixin.qq.com" + official},
		{"popup", wechat.AuthorizeURL(page, true), "https://open.weixin.qq.com" + official + "&forcePopup=true"},
		{"official account elsewhere", wechat.AuthorizeURL(elsewhere, false), "http://127.0.0.1:8080/sim" + official},
		{"website", wechat.QRConnectURL(page, ""), "https://open.weixin.qq.com" + site},
		{"website in English", wechat.QRConnectURL(page, "en"), "https://open.weixin.qq.com" + site + "&lang=en"},
		{"website elsewhere", wechat.QRConnectURL(elsewhere, ""), "http://127.0.0.1:8080/sim" + site},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want+"#wechat_redirect" {
				t.Errorf("\n got %s\nwant %s", c.got, c.want)
			}
		})
	}
}

// No value can add a parameter or end the query, and a space is no plus.
func TestLoginPageEscapes(t *testing.T) {
	const odd = "a b+c&d=e#f%2F/?é\n"
	got := wechat.QRConnectURL(wechat.LoginPage{OpenURL: wechat.DefaultOpenURL, AppID: odd, RedirectURI: odd, Scope: odd, State: odd}, odd)
	const escaped = "a%20b%2Bc%26d%3De%23f%252F%2F%3F%C3%A9%0A"
	want := "https://open.weixin.qq.com/connect/qrconnect?appid=" + escaped + "&redirect_uri=" + escaped +
		"&response_type=code&scope=" + escaped + "&state=" + escaped + "&lang=" + escaped + "#wechat_redirect"
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}
