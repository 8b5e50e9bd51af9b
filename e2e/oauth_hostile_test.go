package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// hostileLogins returns events for the function that logs users in, see
// TestHostileEvents. It refuses all of them.
func hostileLogins(big int) []hostileEvent {
	request := func(method, path, more string) string {
		return `{"version":"2.0","rawPath":"` + path + `","requestContext":{"domainName":"api.example.com","http":{"method":"` + method + `"}},` + more + `}`
	}
	authorizer := func(more string) string {
		return `{"version":"2.0","type":"REQUEST","requestContext":{"http":{"method":"GET"}},` + more + `}`
	}
	long := strings.Repeat("a", big)
	code := `\"app\":\"mini\",\"code\":\"c4nary\"`
	return []hostileEvent{
		{"mini, no body", request("POST", "/miniprogram/login", `"x":1`)},
		{"mini, bad base64", request("POST", "/miniprogram/login", `"isBase64Encoded":true,"body":"%%%"`)},
		{"mini, a big body", request("POST", "/miniprogram/login", `"body":"`+long+`"`)},
		{"mini, a deep body", request("POST", "/miniprogram/login", `"body":"`+strings.Repeat("[", 30000)+`"`)},
		{"mini, deep fields", request("POST", "/miniprogram/decrypt", `"body":"`+strings.Repeat(`{\"iv\":`, 4000)+`"`)},
		{"mini, a list", request("POST", "/miniprogram/login", `"body":"[{}]"`)},
		{"mini, wrong types", request("POST", "/miniprogram/login", `"body":"{\"app\":{},\"code\":[]}"`)},
		{"mini, an odd sku", request("POST", "/miniprogram/login", `"body":"{`+code+`,\"sku\":\"a#b\"}"`)},
		{"mini, an odd device", request("POST", "/miniprogram/login", `"body":"{`+code+`,\"device\":\"\\u0000\"}"`)},
		{"mini, half a pair", request("POST", "/miniprogram/login", `"body":"{`+code+`,\"iv\":\"r7BXXKkLb8qrSNn05n0qiA==\"}"`)},
		{"mini, no base64", request("POST", "/miniprogram/login", `"body":"{`+code+`,\"iv\":\"r7BXXKkLb8qrSNn05n0qiA==\",\"encryptedData\":\"%%%%\"}"`)},
		{"mini, much ciphertext", request("POST", "/miniprogram/decrypt", `"body":"{\"iv\":\"r7BXXKkLb8qrSNn05n0qiA==\",\"encryptedData\":\"`+long+`\"}"`)},
		{"mini, a big bearer", request("GET", "/miniprogram/session", `"headers":{"authorization":"Bearer `+long+`"}`)},
		{"mini, a big sku", request("GET", "/miniprogram/session", `"rawQueryString":"sku=`+long+`"`)},
		{"mini, odd method", request("DELETE", "/miniprogram/login", `"x":1`)},
		{"an operator's event by POST", request("POST", "/miniprogram/login", `"body":"{\"action\":\"logout\"}","action":"logout"`)},
		{"an operator's event without an action", `{"Action":"user","app":"mini","openid":"x"}`},
		{"bad base64", request("POST", "/oauth/token", `"isBase64Encoded":true,"body":"%%%"`)},
		{"no body", request("POST", "/oauth/token", `"x":1`)},
		{"a big body", request("POST", "/oauth/token", `"body":"`+long+`"`)},
		{"a big login code", request("POST", "/oauth/token", `"body":"{\"code\":\"`+strings.Repeat("a", 4000)+`\"}"`)},
		{"a deep body", request("POST", "/oauth/token", `"body":"`+strings.Repeat("[", 4000)+`"`)},
		{"a body of no kind", request("POST", "/oauth/token", `"body":"[{\"code\":1}]"`)},
		{"a null body", request("POST", "/oauth/token", `"body":"null"`)},
		{"a number", request("POST", "/oauth/token", `"body":"{\"code\":5}"`)},
		{"two bodies", request("POST", "/oauth/token", `"body":"{\"code\":\"a\"}{\"code\":\"b\"}"`)},
		{"odd method", request("PUT", "/oauth/session", `"x":1`)},
		{"no such path", request("GET", "/oauth/session/..%2f..", `"x":1`)},
		{"a big path", request("GET", "/oauth/"+long, `"x":1`)},
		{"a big cookie", request("GET", "/oauth/session", `"cookies":["`+sessionCookie+`=`+long+`"]`)},
		{"many cookies", request("GET", "/oauth/session", `"cookies":["a=b"`+strings.Repeat(`,"a=b"`, big/8)+`]`)},
		{"cookies of no kind", request("GET", "/oauth/session", `"cookies":[1,{}]`)},
		{"a big bearer", request("GET", "/oauth/session", `"headers":{"authorization":"Bearer `+long+`"}`)},
		{"a big state", request("GET", "/oauth/callback", `"rawQueryString":"code=a&state=`+long+`"`)},
		{"many states", request("GET", "/oauth/callback", `"rawQueryString":"`+strings.Repeat("state=a&", big/8)+`"`)},
		{"a big return_to", request("GET", "/oauth/authorize", `"rawQueryString":"return_to=/`+long+`"`)},
		{"no host", `{"version":"2.0","rawPath":"/oauth/authorize","requestContext":{"http":{"method":"GET"}}}`},
		{"a host of no kind", request("GET", "/oauth/authorize", `"headers":{"host":"a b/%zz"}`)},
		{"a refresh request", `{"Records":[{"eventName":"INSERT"}]}`},
		{"an old authorizer", `{"version":"1.0","type":"REQUEST","methodArn":"arn","headers":{"authorization":"Bearer a"}}`},
		{"a TOKEN authorizer", `{"type":"TOKEN","authorizationToken":"Bearer a","methodArn":"arn"}`},
		{"an authorizer without a path", authorizer(`"headers":{}`)},
		{"an authorizer of a number", `{"version":"2.0","type":1,"rawPath":"/","requestContext":{"http":{"method":"GET"}}}`},
	}
}

// A login ends on a page of ours. If return_to is no such page, the login is refused at its
// beginning, without a call.
func TestReturnTo(t *testing.T) { onEachDriver(t, testReturnTo) }

func testReturnTo(t *testing.T, launch launcher) {
	fx := newLoginFixture(t, launch)
	oauth := fx.start("oauth")
	b := oauth.browser("hua")
	for _, to := range []string{
		"https://evil.example.net/", "//evil.example.net", "///evil.example.net", `\\evil.example.net`, `/\evil.example.net`, "/\t/evil.example.net",
		"https:evil.example.net", "https:///evil.example.net", "https://www.example.com@evil.example.net/", "https://www.example.com:x@evil.example.net",
		"https://www.example.com.evil.example.net", "https://www.example.com%2eevil.example.net", "https://evil.example.net#https://www.example.com",
		"https://evil.example.net?https://www.example.com", "http://www.example.com/", "https://www.example.com:8443/", "javascript:alert(1)",
		"data:text/html,x", "JaVaScRiPt://www.example.com/%0aalert(1)", "account", "?x=1", " /account", "/a\r\nSet-Cookie: x=1", "/a\nx", "/a\x00", "/a\x7f", "/a\xff",
		"https://www.example.com\\@evil.example.net", "ftp://www.example.com/", "https://[::1]/", "https://www.example.com%00.evil.example.net",
	} {
		t.Run("refused: "+to, func(t *testing.T) {
			a := b.visit("/oauth/authorize?return_to=" + strings.ReplaceAll(url.QueryEscape(to), "+", "%20"))
			if a.status != http.StatusBadRequest && a.status != http.StatusForbidden || a.header.Get("Location") != "" || len(a.header["Set-Cookie"]) != 0 || len(a.body) > 1500 {
				t.Errorf("answer %d %s %v", a.status, a.body, a.header)
			}
		})
	}
	oauth.wantCalls(calls{})
	for _, c := range []struct{ to, location string }{
		{"", api + "/#"},
		{"/a/%0d%0aSet-Cookie:x?b=%0d#c", api + "/a/%0d%0aSet-Cookie:x?b=%0d#c"},
		{"/a?next=https://evil.example.net", api + "/a?next=https://evil.example.net#"},
		{"HTTPS://WWW.EXAMPLE.COM:443/a", "https://WWW.EXAMPLE.COM:443/a#"},
		{origin + "/#/route?a=" + "%22%3Cb", origin + "/#/route?a=%22%3Cb"},
		{"/<script>alert(1)</script>?q=\"x'", api + "/%3Cscript%3Ealert%281%29%3C/script%3E?q=\"x'#"},
	} {
		t.Run("allowed: "+c.to, func(t *testing.T) {
			callback := b.beginAndApprove("return_to=" + url.QueryEscape(c.to))
			if got := b.visit(callback).header.Get("Location"); !strings.EqualFold(got, c.location) {
				t.Errorf("leads to %s, want %s", got, c.location)
			}
		})
	}
}

// No cookie and no header but the right one opens a session, and no answer quotes them.
func TestHostileHeaders(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.start("oauth")
	owner := oauth.browser("hua").logIn("return_to=%2F")
	token := owner.cookie(sessionCookie)
	owner.session()
	const canary = "c4nary-in-a-header"
	fx.canaries.plant(canary)
	ask := func(method, target string, header http.Header) answer {
		r := httptest.NewRequestWithContext(t.Context(), method, api+target, nil)
		for name, values := range header {
			r.Header[name] = values
		}
		return oauth.browser("odd").send(r)
	}
	good := sessionCookie + "=" + token
	for _, c := range []struct {
		name   string
		header http.Header
	}{
		{"two cookies", http.Header{"Cookie": {good + "; " + sessionCookie + "=" + canary}}},
		{"the same cookie twice", http.Header{"Cookie": {good + "; " + good}}},
		{"without the prefix", http.Header{"Cookie": {"wechatfn-session=" + token}}},
		{"another case", http.Header{"Cookie": {strings.ToLower(sessionCookie) + "=" + token}}},
		{"quoted and more", http.Header{"Cookie": {sessionCookie + `="` + token + canary + `"`}}},
		{"a list", http.Header{"Cookie": {sessionCookie + "=" + token + "," + canary}}},
		{"control characters", http.Header{"Cookie": {sessionCookie + "=" + token + "\x00" + canary}}},
		{"Basic", http.Header{"Authorization": {"Basic " + token}}},
		{"no scheme", http.Header{"Authorization": {token}}},
		{"Bearer alone", http.Header{"Authorization": {"Bearer"}}},
		{"two tokens", http.Header{"Authorization": {"Bearer " + token + " " + canary}}},
		{"two headers", http.Header{"Authorization": {"Bearer " + token, "Bearer " + canary}}},
		{"a comma", http.Header{"Authorization": {"Bearer " + canary + ", Bearer " + token}}},
		{"a bearer first", http.Header{"Authorization": {"Bearer " + canary}, "Cookie": {good}}},
		{"a line break", http.Header{"Authorization": {"Bearer " + canary + "\r\nX: " + token}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, target := range []string{"/oauth/session", "/oauth/userinfo"} {
				if a := ask(http.MethodGet, target, c.header); a.status != http.StatusUnauthorized {
					t.Errorf("%s: answer %d %s", target, a.status, a.body)
				}
			}
		})
	}
	for _, c := range []struct{ header, value string }{
		{"Origin", "https://" + canary}, {"Accept", canary}, {"Accept-Language", canary}, {"X-Forwarded-Host", canary}, {"Forwarded", "host=" + canary},
	} {
		t.Run(c.header, func(t *testing.T) {
			if a := ask(http.MethodGet, "/oauth/authorize", http.Header{c.header: {c.value}}); a.status != http.StatusFound || !strings.Contains(a.header.Get("Location"), "redirect_uri=https%3A%2F%2Fapi.example.com%2F") {
				t.Errorf("answer %d %v", a.status, a.header)
			}
		})
	}
	owner.session()
	oauth.wantProcesses(1)
}

// A parameter that is repeated, or cannot be read, is refused, and the answer does not
// change the browser's cookie.
func TestHostileQueries(t *testing.T) { onEachDriver(t, testHostileQueries) }

func testHostileQueries(t *testing.T, launch launcher) {
	fx := newLoginFixture(t, launch)
	oauth := fx.start("oauth")
	b := oauth.browser("hua")
	for _, c := range []struct{ target, code string }{
		{"/oauth/authorize?app=default&app=site", "parameter_repeated"},
		{"/oauth/authorize?return_to=/a&return_to=/b", "parameter_repeated"},
		{"/oauth/authorize?return_to=%zz", "query_malformed"},
		{"/oauth/authorize?scope=snsapi_login", "scope_invalid"},
		{"/oauth/authorize?app=site&scope=snsapi_userinfo", "scope_invalid"},
		{"/oauth/authorize?lang=xx", "lang_invalid"},
		{"/oauth/authorize?app=%0d%0aX:1", "app_unknown"},
		{"/oauth/callback?state=a&state=b", "parameter_repeated"},
		{"/oauth/callback?code=" + strings.Repeat("%", 10), "query_malformed"},
		{"/oauth/userinfo?lang=a&lang=b", "parameter_repeated"},
	} {
		t.Run(c.target, func(t *testing.T) {
			a := b.fetch(http.MethodGet, c.target, "")
			if a.status != http.StatusBadRequest || !strings.Contains(string(a.body), `"code":"`+c.code+`"`) || len(a.header["Set-Cookie"]) != 0 {
				t.Errorf("answer %d %s %v, want %s", a.status, a.body, a.header, c.code)
			}
		})
	}
	for _, target := range []string{"/oauth/callback?state=a&state=b", "/oauth/callback?code=%zz"} {
		wantPage(t, b.visit(target), http.StatusBadRequest, "登录未完成")
	}
	oauth.wantCalls(calls{})
}
