package oauth

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"wechatfn/shared/session"
)

// Whatever a callback is called with, nobody gets a session without a state of ours and
// the cookie that belongs to it. STATE is replaced by that of a login that another browser
// has begun, CODE by a code that WeChat would take.
func FuzzCallback(fuzz *testing.F) {
	f := newFixture(fuzz)
	for _, seed := range []string{
		"code=CODE&state=" + strings.Repeat("0", 32), "state=x", "code=%00&state=%zz", "", "code=CODE&state=" + strings.Repeat("a", 32) + "&state=b",
		"code=CODE&state=STATE", "state=STATE", "code=CODE&state=STATE&state=STATE",
	} {
		fuzz.Add(seed, "cookie")
		fuzz.Add(seed, strings.Repeat("A", 43)+"; __Host-wechatfn-session="+strings.Repeat("Q", session.TokenLength))
	}
	fuzz.Fuzz(func(t *testing.T, query, cookie string) {
		f.TB = t
		r := httptest.NewRequest("GET", "/oauth/callback", nil)
		r.URL.RawQuery = strings.NewReplacer("STATE", f.browser().begin(""), "CODE", f.code("user1")).Replace(query)
		r.Host = "api.example.com"
		r.Header.Set("Cookie", "__Host-wechatfn-login="+cookie)
		r.Header.Set("Accept", "text/html")
		answer := httptest.NewRecorder()
		f.handler.ServeHTTP(answer, r)
		again := answer.Code == 302 && strings.HasPrefix(answer.Header().Get("Location"), "https://open.weixin.qq.com/connect/")
		if !again && answer.Code != 400 && answer.Code != 403 || strings.Contains(strings.Join(answer.Header()["Set-Cookie"], " "), sessionCookie) || f.wechat.exchanges > 0 {
			t.Errorf("%q: %d %v", query, answer.Code, answer.Header())
		}
	})
}

// Whatever a login begins with, it goes to WeChat, or is refused.
func FuzzAuthorize(fuzz *testing.F) {
	f := newFixture(fuzz)
	for _, seed := range []string{"", "app=site", "scope=snsapi_userinfo&return_to=/a", "return_to=//evil.com", "lang=en&return_to=%2F%5Cevil.com"} {
		fuzz.Add(seed)
	}
	fuzz.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/oauth/authorize", nil)
		r.URL.RawQuery = query
		r.Host = "api.example.com"
		answer := httptest.NewRecorder()
		f.handler.ServeHTTP(answer, r)
		to, err := url.Parse(answer.Header().Get("Location"))
		switch {
		case answer.Code == 302 && err == nil && to.Host == "open.weixin.qq.com" && to.Query().Get("redirect_uri") == "https://api.example.com/oauth/callback":
		case answer.Code == 400 || answer.Code == 403:
		default:
			t.Errorf("%q: %d %s", query, answer.Code, to)
		}
	})
}
