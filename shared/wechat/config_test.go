package wechat

import (
	"net/http"
	"strings"
	"testing"
)

func TestNewChecksURLs(t *testing.T) {
	for _, c := range []struct{ name, base, proxy, want string }{
		{"nothing", "", "", "BaseURL: is required"},
		{"the default", DefaultBaseURL, "", ""},
		{"regional", "https://hk.api.weixin.qq.com", "", ""},
		{"simulator below a path", "http://127.0.0.1:8080/wechat/", "", ""},
		{"proxy", DefaultBaseURL, "http://user:canary-password@proxy.example:3128", ""},
		{"socks proxy", DefaultBaseURL, "socks5h://proxy.example:1080", ""},
		{"no scheme", "api.weixin.qq.com", "", "BaseURL: scheme"},
		{"other scheme", "ftp://api.weixin.qq.com", "", "BaseURL: scheme"},
		{"no host", "https:///cgi-bin", "", "BaseURL: no host"},
		{"port without host", "https://:443", "", "BaseURL: no host"},
		{"userinfo", "https://user:canary-password@api.weixin.qq.com", "", "BaseURL: user and password"},
		{"query", "https://api.weixin.qq.com?secret=canary-password", "", "BaseURL: query"},
		{"empty query", "https://api.weixin.qq.com/?", "", "BaseURL: query"},
		{"fragment", "https://api.weixin.qq.com#canary-password", "", "BaseURL: query and fragment"},
		{"control character", "https://api.weixin.qq.com/\x01canary-password", "", "BaseURL: not a URL"},
		{"proxy without scheme", DefaultBaseURL, "proxy.example", "ProxyURL: scheme"},
		{"proxy of another kind", DefaultBaseURL, "ftp://u:canary-password@proxy.example", "ProxyURL: scheme"},
		{"proxy without host", DefaultBaseURL, "http://u:canary-password@", "ProxyURL: no host"},
		{"proxy garbage", DefaultBaseURL, "http://u:canary-password@pro xy", "ProxyURL: not a URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, err := New(Config{BaseURL: c.base, ProxyURL: c.proxy})
			switch {
			case c.want == "" && (err != nil || client == nil):
				t.Errorf("%s: %v", c.name, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			case err != nil && strings.Contains(err.Error(), "canary"):
				t.Errorf("%s: a secret in %v", c.name, err)
			}
		})
	}
	if _, err := New(Config{BaseURL: DefaultBaseURL, ProxyURL: "http://proxy.example", HTTPClient: http.DefaultClient}); err == nil {
		t.Error("ProxyURL with HTTPClient was accepted")
	}
}

// TestOwnTransport: the environment's proxies are not looked at, only the one that was named.
func TestOwnTransport(t *testing.T) {
	direct, err := New(Config{BaseURL: DefaultBaseURL})
	if err != nil {
		t.Fatal(err)
	}
	if direct.http.Transport.(*http.Transport).Proxy != nil {
		t.Error("a proxy though none was named")
	}
	named, err := New(Config{BaseURL: DefaultBaseURL, ProxyURL: "http://proxy.example:3128"})
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest(http.MethodGet, DefaultBaseURL, nil)
	if u, err := named.http.Transport.(*http.Transport).Proxy(req); err != nil || u.Host != "proxy.example:3128" {
		t.Errorf("proxy %v, %v", u, err)
	}
}

// TestGivenClientIsCopied: the caller's client must not change under it.
func TestGivenClientIsCopied(t *testing.T) {
	given := &http.Client{}
	if _, err := New(Config{BaseURL: DefaultBaseURL, HTTPClient: given}); err != nil || given.CheckRedirect != nil {
		t.Errorf("changed: %v", err)
	}
}
