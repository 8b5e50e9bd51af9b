package oauth

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"wechatfn/shared/session"
)

// Whatever a callback is called with, nobody gets a session without a state of ours
// and its cookie. STATE stands for a login that another browser has begun.
func FuzzCallback(f *testing.F) {
	w := newWorld(f)
	for _, seed := range []string{
		"code=1&state=" + strings.Repeat("0", 32), "state=x", "code=%00&state=%zz", "", "code=1&state=" + strings.Repeat("a", 32) + "&state=b",
		"code=1&state=STATE", "state=STATE", "code=1&state=STATE&state=STATE",
	} {
		f.Add(seed, "cookie")
		f.Add(seed, strings.Repeat("A", 43)+"; __Host-wechatfn-session="+strings.Repeat("Q", session.TokenLength))
	}
	f.Fuzz(func(t *testing.T, query, cookie string) {
		w.TB = t
		w.grants("1", "user1")
		r := httptest.NewRequest("GET", "/oauth/callback", nil)
		r.URL.RawQuery = strings.ReplaceAll(query, "STATE", w.browser().begin(""))
		r.Host = "api.example.com"
		r.Header.Set("Cookie", "__Host-wechatfn-login="+cookie)
		r.Header.Set("Accept", "text/html")
		answer := httptest.NewRecorder()
		w.handler.ServeHTTP(answer, r)
		anew := answer.Code == 302 && strings.HasPrefix(answer.Header().Get("Location"), "https://open.weixin.qq.com/connect/")
		if !anew && answer.Code != 400 && answer.Code != 403 || strings.Contains(strings.Join(answer.Header()["Set-Cookie"], " "), sessionCookie) || w.wechat.exchanges > 0 {
			t.Errorf("%q: %d %v", query, answer.Code, answer.Header())
		}
	})
}

// The same for where a login begins: it goes to WeChat, or is refused.
func FuzzAuthorize(f *testing.F) {
	w := newWorld(f)
	for _, seed := range []string{"", "app=site", "scope=snsapi_userinfo&return_to=/a", "return_to=//evil.com", "lang=en&return_to=%2F%5Cevil.com"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/oauth/authorize", nil)
		r.URL.RawQuery = query
		r.Host = "api.example.com"
		answer := httptest.NewRecorder()
		w.handler.ServeHTTP(answer, r)
		to, err := url.Parse(answer.Header().Get("Location"))
		switch {
		case answer.Code == 302 && err == nil && to.Host == "open.weixin.qq.com" && to.Query().Get("redirect_uri") == "https://api.example.com/oauth/callback":
		case answer.Code == 400 || answer.Code == 403:
		default:
			t.Errorf("%q: %d %s", query, answer.Code, to)
		}
	})
}
