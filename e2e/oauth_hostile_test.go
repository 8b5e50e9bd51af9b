package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// hostileLogins are events for the function that logs users in, see
// TestHostileEvents. None of them is answered with anything but a refusal.
func hostileLogins(big int) map[string]string {
	request := func(method, path, more string) string {
		return `{"version":"2.0","rawPath":"` + path + `","requestContext":{"domainName":"api.example.com","http":{"method":"` + method + `"}},` + more + `}`
	}
	asked := func(more string) string {
		return `{"version":"2.0","type":"REQUEST","requestContext":{"http":{"method":"GET"}},` + more + `}`
	}
	long := strings.Repeat("a", big)
	code := `\"app\":\"mini\",\"code\":\"c4nary\"`
	return map[string]string{
		"mini, no body":         request("POST", "/miniprogram/login", `"x":1`),
		"mini, bad base64":      request("POST", "/miniprogram/login", `"isBase64Encoded":true,"body":"%%%"`),
		"mini, a big body":      request("POST", "/miniprogram/login", `"body":"`+long+`"`),
		"mini, a deep body":     request("POST", "/miniprogram/login", `"body":"`+strings.Repeat("[", 30000)+`"`),
		"mini, deep fields":     request("POST", "/miniprogram/decrypt", `"body":"`+strings.Repeat(`{\"iv\":`, 4000)+`"`),
		"mini, a list":          request("POST", "/miniprogram/login", `"body":"[{}]"`),
		"mini, wrong types":     request("POST", "/miniprogram/login", `"body":"{\"app\":{},\"code\":[]}"`),
		"mini, an odd sku":      request("POST", "/miniprogram/login", `"body":"{`+code+`,\"sku\":\"a#b\"}"`),
		"mini, an odd device":   request("POST", "/miniprogram/login", `"body":"{`+code+`,\"device\":\"\\u0000\"}"`),
		"mini, half a pair":     request("POST", "/miniprogram/login", `"body":"{`+code+`,\"iv\":\"r7BXXKkLb8qrSNn05n0qiA==\"}"`),
		"mini, no base64":       request("POST", "/miniprogram/login", `"body":"{`+code+`,\"iv\":\"r7BXXKkLb8qrSNn05n0qiA==\",\"encryptedData\":\"%%%%\"}"`),
		"mini, much ciphertext": request("POST", "/miniprogram/decrypt", `"body":"{\"iv\":\"r7BXXKkLb8qrSNn05n0qiA==\",\"encryptedData\":\"`+long+`\"}"`),
		"mini, a big bearer":    request("GET", "/miniprogram/session", `"headers":{"authorization":"Bearer `+long+`"}`),
		"mini, a big sku":       request("GET", "/miniprogram/session", `"rawQueryString":"sku=`+long+`"`),
		"mini, odd method":      request("DELETE", "/miniprogram/login", `"x":1`),
		"an order by POST":      request("POST", "/miniprogram/login", `"body":"{\"action\":\"logout\"}","action":"logout"`),
		"an order by no action": `{"Action":"user","app":"mini","openid":"x"}`,
		"bad base64":            request("POST", "/oauth/token", `"isBase64Encoded":true,"body":"%%%"`),
		"no body":               request("POST", "/oauth/token", `"x":1`),
		"a big body":            request("POST", "/oauth/token", `"body":"`+long+`"`),
		"a big ticket":          request("POST", "/oauth/token", `"body":"{\"code\":\"`+strings.Repeat("a", 4000)+`\"}"`),
		"a deep body":           request("POST", "/oauth/token", `"body":"`+strings.Repeat("[", 4000)+`"`),
		"a body of no kind":     request("POST", "/oauth/token", `"body":"[{\"code\":1}]"`),
		"a null body":           request("POST", "/oauth/token", `"body":"null"`),
		"a number":              request("POST", "/oauth/token", `"body":"{\"code\":5}"`),
		"two bodies":            request("POST", "/oauth/token", `"body":"{\"code\":\"a\"}{\"code\":\"b\"}"`),
		"odd method":            request("PUT", "/oauth/session", `"x":1`),
		"no such path":          request("GET", "/oauth/session/..%2f..", `"x":1`),
		"a big path":            request("GET", "/oauth/"+long, `"x":1`),
		"a big cookie":          request("GET", "/oauth/session", `"cookies":["`+sessionCookie+`=`+long+`"]`),
		"many cookies":          request("GET", "/oauth/session", `"cookies":["a=b"`+strings.Repeat(`,"a=b"`, big/8)+`]`),
		"cookies of no kind":    request("GET", "/oauth/session", `"cookies":[1,{}]`),
		"a big bearer":          request("GET", "/oauth/session", `"headers":{"authorization":"Bearer `+long+`"}`),
		"a big state":           request("GET", "/oauth/callback", `"rawQueryString":"code=a&state=`+long+`"`),
		"many states":           request("GET", "/oauth/callback", `"rawQueryString":"`+strings.Repeat("state=a&", big/8)+`"`),
		"a big return_to":       request("GET", "/oauth/authorize", `"rawQueryString":"return_to=/`+long+`"`),
		"no host":               `{"version":"2.0","rawPath":"/oauth/authorize","requestContext":{"http":{"method":"GET"}}}`,
		"a host of no kind":     request("GET", "/oauth/authorize", `"headers":{"host":"a b/%zz"}`),
		"a kick":                `{"Records":[{"eventName":"INSERT"}]}`,
		"an old authorizer":     `{"version":"1.0","type":"REQUEST","methodArn":"arn","headers":{"authorization":"Bearer a"}}`,
		"a TOKEN authorizer":    `{"type":"TOKEN","authorizationToken":"Bearer a","methodArn":"arn"}`,
		"asked of no path":      asked(`"headers":{}`),
		"asked of a number":     `{"version":"2.0","type":1,"rawPath":"/","requestContext":{"http":{"method":"GET"}}}`,
	}
}

// TestReturnTo: a login ends on pages of ours, and what does not is refused at its
// beginning, at no cost.
func TestReturnTo(t *testing.T) {
	fx := newLoginFixture(t)
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
		a := b.visit("/oauth/authorize?return_to=" + strings.ReplaceAll(url.QueryEscape(to), "+", "%20"))
		if a.status != http.StatusBadRequest && a.status != http.StatusForbidden || a.header.Get("Location") != "" || len(a.header["Set-Cookie"]) != 0 || len(a.body) > 1500 {
			t.Errorf("%q: answer %d %s %v", to, a.status, a.body, a.header)
		}
	}
	oauth.wantCalls(calls{})
	for to, want := range map[string]string{
		"":                                  api + "/#",
		"/a/%0d%0aSet-Cookie:x?b=%0d#c":     api + "/a/%0d%0aSet-Cookie:x?b=%0d#c",
		"/a?next=https://evil.example.net":  api + "/a?next=https://evil.example.net#",
		"HTTPS://WWW.EXAMPLE.COM:443/a":     "https://WWW.EXAMPLE.COM:443/a#",
		origin + "/#/route?a=" + "%22%3Cb":  origin + "/#/route?a=%22%3Cb",
		"/<script>alert(1)</script>?q=\"x'": api + "/%3Cscript%3Ealert%281%29%3C/script%3E?q=\"x'#",
	} {
		callback := b.beginAndApprove("return_to=" + url.QueryEscape(to))
		if got := b.visit(callback).header.Get("Location"); !strings.EqualFold(got, want) {
			t.Errorf("%q leads to %s, want %s", to, got, want)
		}
	}
}

// TestHostileHeaders: whatever stands in a cookie or a header, nobody is let in,
// and nothing of it comes back.
func TestHostileHeaders(t *testing.T) {
	fx := newLoginFixture(t)
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
	for name, header := range map[string]http.Header{
		"two cookies":           {"Cookie": {good + "; " + sessionCookie + "=" + canary}},
		"the same cookie twice": {"Cookie": {good + "; " + good}},
		"without the prefix":    {"Cookie": {"wechatfn-session=" + token}},
		"another case":          {"Cookie": {strings.ToLower(sessionCookie) + "=" + token}},
		"quoted and more":       {"Cookie": {sessionCookie + `="` + token + canary + `"`}},
		"a list":                {"Cookie": {sessionCookie + "=" + token + "," + canary}},
		"control characters":    {"Cookie": {sessionCookie + "=" + token + "\x00" + canary}},
		"Basic":                 {"Authorization": {"Basic " + token}},
		"no scheme":             {"Authorization": {token}},
		"Bearer alone":          {"Authorization": {"Bearer"}},
		"two tokens":            {"Authorization": {"Bearer " + token + " " + canary}},
		"two headers":           {"Authorization": {"Bearer " + token, "Bearer " + canary}},
		"a comma":               {"Authorization": {"Bearer " + canary + ", Bearer " + token}},
		"a bearer first":        {"Authorization": {"Bearer " + canary}, "Cookie": {good}},
		"a line break":          {"Authorization": {"Bearer " + canary + "\r\nX: " + token}},
	} {
		for _, target := range []string{"/oauth/session", "/oauth/userinfo"} {
			if a := ask(http.MethodGet, target, header); a.status != http.StatusUnauthorized {
				t.Errorf("%s: answer %d %s", name, a.status, a.body)
			}
		}
	}
	for name, value := range map[string]string{"Origin": "https://" + canary, "Accept": canary, "Accept-Language": canary, "X-Forwarded-Host": canary, "Forwarded": "host=" + canary} {
		if a := ask(http.MethodGet, "/oauth/authorize", http.Header{name: {value}}); a.status != http.StatusFound || !strings.Contains(a.header.Get("Location"), "redirect_uri=https%3A%2F%2Fapi.example.com%2F") {
			t.Errorf("%s: answer %d %v", name, a.status, a.header)
		}
	}
	owner.session()
	if n := len(oauth.ColdStarts()); n != 1 {
		t.Errorf("%d processes were needed", n)
	}
}

// TestHostileQueries: a parameter that comes twice or cannot be read is no
// parameter, and the browser's cookie is not touched.
func TestHostileQueries(t *testing.T) {
	fx := newLoginFixture(t)
	oauth := fx.start("oauth")
	b := oauth.browser("hua")
	for target, code := range map[string]string{
		"/oauth/authorize?app=default&app=site":           "parameter_repeated",
		"/oauth/authorize?return_to=/a&return_to=/b":      "parameter_repeated",
		"/oauth/authorize?return_to=%zz":                  "query_malformed",
		"/oauth/authorize?scope=snsapi_login":             "scope_invalid",
		"/oauth/authorize?app=site&scope=snsapi_userinfo": "scope_invalid",
		"/oauth/authorize?lang=xx":                        "lang_invalid",
		"/oauth/authorize?app=%0d%0aX:1":                  "app_unknown",
		"/oauth/callback?state=a&state=b":                 "parameter_repeated",
		"/oauth/callback?code=" + strings.Repeat("%", 10): "query_malformed",
		"/oauth/userinfo?lang=a&lang=b":                   "parameter_repeated",
	} {
		a := b.fetch(http.MethodGet, target, "")
		if a.status != http.StatusBadRequest || !strings.Contains(string(a.body), `"code":"`+code+`"`) || len(a.header["Set-Cookie"]) != 0 {
			t.Errorf("%s: answer %d %s %v, want %s", target, a.status, a.body, a.header, code)
		}
	}
	for _, target := range []string{"/oauth/callback?state=a&state=b", "/oauth/callback?code=%zz"} {
		wantPage(t, b.visit(target), http.StatusBadRequest, "登录未完成")
	}
	oauth.wantCalls(calls{})
}
