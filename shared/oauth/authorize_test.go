package oauth

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A login that cannot begin sets no cookie, and the store is not asked.
func TestAuthorizeRefuses(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct{ name, query, code string }{
		{"unknown account", "app=nobody", "app_unknown"},
		{"a website's scope for an official account", "scope=snsapi_login", "scope_invalid"},
		{"an official account's scope for a website", "app=site&scope=snsapi_base", "scope_invalid"},
		{"unknown language", "lang=fr", "lang_invalid"},
		{"return_to without a scheme", "return_to=//evil.com", "return_to_invalid"},
		{"return_to of a stranger", "return_to=https://evil.com", "return_to_not_allowed"},
		{"no challenge", "return_to=https://other.example.org/", "challenge_invalid"},
		{"a short challenge", "return_to=https://other.example.org/&challenge=short", "challenge_invalid"},
		{"return_to twice", "return_to=/a&return_to=/b", "parameter_repeated"},
		{"no percent-encoding", "return_to=%zz", "query_malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := f.browser().do("GET", "/oauth/authorize?"+c.query, "")
			if got.Code < 400 || got.Code > 403 || len(got.Result().Cookies()) > 0 {
				t.Errorf("%d", got.Code)
			}
			want(t, c.query, got, got.Code, c.code)
		})
	}
	f.wantCalls("")
}

// A page that draws its own QR code asks for the address.
func TestAuthorizeInJSON(t *testing.T) {
	f := newFixture(t)
	r := httptest.NewRequest(http.MethodGet, "https://api.example.com/oauth/authorize?app=site&lang=en", nil)
	r.Header.Set("Accept", "application/json")
	answer := httptest.NewRecorder()
	f.handler.ServeHTTP(answer, r)
	want(t, "website", answer, 200, `{"url":"https://open.weixin.qq.com/connect/qrconnect?appid=`+siteID+`&redirect_uri=https%3A%2F%2Fapi.example.com%2Foauth%2Fcallback&response_type=code&scope=snsapi_login&state=`)
	want(t, "website", answer, 200, `&lang=en#wechat_redirect"}`)
}

// WeChat's page for websites knows the languages cn and en. In the others only the
// profile is read.
func TestAuthorizeSendsNoOtherLanguageThanEnglish(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct{ name, lang string }{{"none", ""}, {"zh_CN", "zh_CN"}, {"zh_TW", "zh_TW"}} {
		t.Run(c.name, func(t *testing.T) {
			to := f.browser().do("GET", "/oauth/authorize?app=site&lang="+c.lang, "").Header().Get("Location")
			if !strings.Contains(to, "/connect/qrconnect?") || strings.Contains(to, "lang=") {
				t.Errorf("%s", to)
			}
		})
	}
}
