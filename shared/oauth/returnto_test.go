package oauth

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"wechatfn/shared/problem"
)

const testOwn = "https://api.example.com"

var testOrigins = []string{"https://www.example.com", "http://localhost:3000"}

func TestReturnToOfOurPages(t *testing.T) {
	for _, c := range []struct{ raw, want string }{
		{"", testOwn + "/"},
		{"/", testOwn + "/"},
		{"/a?b=c#d", testOwn + "/a?b=c#d"},
		{"/a//b", testOwn + "/a//b"},
		{"/@evil.com", testOwn + "/@evil.com"},
		{"/:80", testOwn + "/:80"},
		{"/.evil.com", testOwn + "/.evil.com"},
		{"https://www.example.com", "https://www.example.com"},
		{"https://www.example.com/x?y#z", "https://www.example.com/x?y#z"},
		{"HTTPS://WWW.Example.COM:443/x", "https://WWW.Example.COM:443/x"},
		{"http://localhost:3000/a", "http://localhost:3000/a"},
		{testOwn + "/x", testOwn + "/x"},
		{"https://www.example.com/?u=https://a//", "https://www.example.com/?u=https://a//"},
		{"/\u4f60", testOwn + "/%E4%BD%A0"},
	} {
		t.Run(c.raw, func(t *testing.T) {
			u, err := checkReturnTo(c.raw, testOwn, testOrigins)
			if err != nil || u.String() != c.want {
				t.Errorf("%v, %v, want %s", u, err, c.want)
			}
		})
	}
}

func TestReturnToOfStrangersIsRefused(t *testing.T) {
	for _, c := range []struct{ raw, code string }{
		{"//evil.com", "return_to_invalid"},
		{"/a?wechatfn_code=x", "return_to_invalid"},
		{"///evil.com", "return_to_invalid"},
		{`/\evil.com`, "return_to_invalid"},
		{`\/evil.com`, "return_to_invalid"},
		{"/\t/evil.com", "return_to_invalid"},
		{" https://www.example.com", "return_to_invalid"},
		{"/a\r\nSet-Cookie: x", "return_to_invalid"},
		{"/\x00", "return_to_invalid"},
		{"/\xff", "return_to_invalid"},
		{"javascript:alert(1)", "return_to_invalid"},
		{"data:text/html,x", "return_to_invalid"},
		{"https:www.example.com", "return_to_invalid"},
		{"https:/www.example.com", "return_to_invalid"},
		{"www.example.com", "return_to_invalid"},
		{"account", "return_to_invalid"},
		{"?a", "return_to_invalid"},
		{"#a", "return_to_invalid"},
		{"ftp://www.example.com", "return_to_invalid"},
		{"weixin://x", "return_to_invalid"},
		{"https://user@www.example.com", "return_to_invalid"},
		{"https://www.example.com@evil.com", "return_to_invalid"},
		{"https://evil.com", "return_to_not_allowed"},
		{"https://evil.com/www.example.com", "return_to_not_allowed"},
		{"https://www.example.com.evil.com", "return_to_not_allowed"},
		{"https://www.example.com.", "return_to_not_allowed"},
		{"https://www.example.com:8443", "return_to_not_allowed"},
		{"http://www.example.com", "return_to_not_allowed"},
		{"http://api.example.com/", "return_to_not_allowed"},
		{"https://www.example.com%2eevil.com/", "return_to_invalid"},
		{"/" + strings.Repeat("a", maxReturnTo), "return_to_invalid"},
	} {
		t.Run(fmt.Sprintf("%.60q", c.raw), func(t *testing.T) {
			u, err := checkReturnTo(c.raw, testOwn, testOrigins)
			if p, ok := errors.AsType[*problem.Problem](err); !ok || string(p.Code()) != c.code {
				t.Errorf("%v, %v, want %s", u, err, c.code)
			}
		})
	}
}

func TestSameSite(t *testing.T) {
	for _, c := range []struct {
		page, own string
		want      bool
	}{
		{"https://api.example.com/x", "https://api.example.com", true},
		{"https://www.example.com", "https://api.example.com", true},
		{"https://example.com", "https://api.example.com", true},
		{"https://www.example.com", "https://API.Example.com", true},
		{"http://www.example.com", "https://api.example.com", false},
		{"https://www.example.org", "https://api.example.com", false},
		{"https://a.com.cn", "https://b.com.cn", false},
		{"https://x.a.com.cn", "https://y.a.com.cn", true},
		{"https://a.github.io", "https://b.github.io", false},
		{"https://abc.execute-api.us-east-1.amazonaws.com", "https://def.execute-api.us-east-1.amazonaws.com", false},
		{"http://localhost:3000", "http://localhost:8080", true},
		{"http://127.0.0.1:3000", "http://127.0.0.1:8080", true},
		{"http://127.0.0.1:3000", "http://localhost:8080", false},
		{"http://10.0.0.1", "http://11.0.0.1", false},
	} {
		t.Run(c.page+" and "+c.own, func(t *testing.T) {
			page, _ := url.Parse(c.page)
			own, _ := url.Parse(c.own)
			if got := sameSite(page, own); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}

// allowedAddress is what a browser sees at the beginning of an address on testOwn or one
// of testOrigins, whatever Go's parser makes of the rest.
var allowedAddress = regexp.MustCompile(`^(?i:https://(api|www)\.example\.com(:443|:)?|http://localhost:3000)([/?#][^\\\x00-\x20\x7f]*)?$`)

// What is let through leads where a browser would go: to our origin or to an
// allowed one.
func FuzzReturnTo(f *testing.F) {
	for _, seed := range []string{"/", "//evil.com", `/\evil.com`, "https://www.example.com/a", "https://www.example.com@evil.com", "/%0d%0a", "http://www.example.com/", "http://localhost:3000?a#b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := checkReturnTo(raw, testOwn, testOrigins)
		if err == nil && !allowedAddress.MatchString(u.String()) {
			t.Errorf("%q became %q", raw, u)
		}
	})
}
