package web

import (
	"net/url"
	"testing"
)

func TestOriginOf(t *testing.T) {
	for raw, want := range map[string]string{
		"https://A.com:443/x": "https://a.com", "http://a.com:80": "http://a.com", "http://a.com:443": "http://a.com:443",
		"https://a.com:": "https://a.com", "https://[::1]:8443/": "https://[::1]:8443", "ftp://a.com": "", "https:///x": "", "/x": "", "https://a.com:8443": "https://a.com:8443",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := OriginOf(u); got != want || ok != (want != "") {
			t.Errorf("%s: %q", raw, got)
		}
	}
}
