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
		kind := wechat.OfficialAccount
		if strings.Contains(v.ID, "qrconnect") {
			kind = wechat.Website
		}
		in := v.Input
		if got := wechat.AuthorizeURL(kind, in.AppID, in.RedirectURI, in.Scope, in.State, wechat.AuthorizeOptions{}); got != v.Expected.URL {
			t.Errorf("%s:\n got %s\nwant %s", v.ID, got, v.Expected.URL)
		}
	}
}

func TestAuthorizeURLOptions(t *testing.T) {
	const (
		account = "/connect/oauth2/authorize?appid=wx1&redirect_uri=https%3A%2F%2Fa.example%2F&response_type=code&scope=snsapi_userinfo&state=s"
		site    = "/connect/qrconnect?appid=wx1&redirect_uri=https%3A%2F%2Fa.example%2F&response_type=code&scope=snsapi_userinfo&state=s"
	)
	for _, c := range []struct {
		kind string
		o    wechat.AuthorizeOptions
		want string
	}{
		{wechat.OfficialAccount, wechat.AuthorizeOptions{}, "https://open.weixin.qq.com" + account},
		{"", wechat.AuthorizeOptions{}, "https://open.weixin.qq.com" + account},
		{wechat.OfficialAccount, wechat.AuthorizeOptions{ForcePopup: true}, "https://open.weixin.qq.com" + account + "&forcePopup=true"},
		{wechat.OfficialAccount, wechat.AuthorizeOptions{Lang: "en"}, "https://open.weixin.qq.com" + account},
		{wechat.Website, wechat.AuthorizeOptions{Lang: "en", ForcePopup: true}, "https://open.weixin.qq.com" + site + "&lang=en"},
		{wechat.Website, wechat.AuthorizeOptions{OpenURL: "http://127.0.0.1:8080/sim"}, "http://127.0.0.1:8080/sim" + site},
	} {
		got := wechat.AuthorizeURL(c.kind, "wx1", "https://a.example/", "snsapi_userinfo", "s", c.o)
		if got != c.want+"#wechat_redirect" {
			t.Errorf("%s %+v:\n got %s\nwant %s", c.kind, c.o, got, c.want)
		}
	}
}

// TestAuthorizeURLEscapes: no value can add a parameter or end the query, and a space is no plus.
func TestAuthorizeURLEscapes(t *testing.T) {
	const odd = "a b+c&d=e#f%2F/?é\n"
	got := wechat.AuthorizeURL(wechat.Website, odd, odd, odd, odd, wechat.AuthorizeOptions{Lang: odd})
	const escaped = "a%20b%2Bc%26d%3De%23f%252F%2F%3F%C3%A9%0A"
	want := "https://open.weixin.qq.com/connect/qrconnect?appid=" + escaped + "&redirect_uri=" + escaped +
		"&response_type=code&scope=" + escaped + "&state=" + escaped + "&lang=" + escaped + "#wechat_redirect"
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}
