package web

import (
	"net/url"
	"testing"
)

func TestOriginOf(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want string
	}{
		{"https://A.com:443/x", "https://a.com"}, {"http://a.com:80", "http://a.com"}, {"http://a.com:443", "http://a.com:443"},
		{"https://a.com:", "https://a.com"}, {"https://[::1]:8443/", "https://[::1]:8443"}, {"ftp://a.com", ""}, {"https:///x", ""}, {"/x", ""}, {"https://a.com:8443", "https://a.com:8443"},
	} {
		t.Run(c.raw, func(t *testing.T) {
			u, err := url.Parse(c.raw)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := OriginOf(u); got != c.want || ok != (c.want != "") {
				t.Errorf("%s: %q", c.raw, got)
			}
		})
	}
}
