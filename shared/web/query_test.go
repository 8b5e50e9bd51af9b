package web_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"wechatfn/shared/problem"
	"wechatfn/shared/web"
)

func withQuery(raw string) *http.Request {
	return &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/", RawQuery: raw}}
}

func TestParseQuery(t *testing.T) {
	tests := []struct {
		name, raw, url, app string
		unknown             []string
	}{
		{"empty", "", "", "", nil},
		{"decoded once", "url=https%3A%2F%2Fa%2F%3Fx%3D1%26y%3D%2525", "https://a/?x=1&y=%25", "", nil},
		{"plus stays", "url=https://a/c++&app=a%2Bb", "https://a/c++", "a+b", nil},
		{"unencoded url", "url=https://a/?x=1&y=2&y=3", "https://a/?x=1", "", []string{"y", "y"}},
		{"encoded name", "%75rl=x", "x", "", nil},
		{"value with = and ;", "url=a=b;c", "a=b;c", "", nil},
		{"empty pairs", "&&url=x&", "x", "", nil},
		{"no value", "url&app=", "", "", nil},
		{"case matters", "URL=x", "", "", []string{"URL"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q, err := web.ParseQuery(withQuery(test.raw), "url", "app")
			if err != nil {
				t.Fatal(err)
			}
			if q.Get("url") != test.url || q.Get("app") != test.app {
				t.Errorf("got url %q, app %q", q.Get("url"), q.Get("app"))
			}
			if !slices.Equal(q.Unknown(), test.unknown) {
				t.Errorf("unknown: got %q, want %q", q.Unknown(), test.unknown)
			}
		})
	}
}

func TestParseQueryRefuses(t *testing.T) {
	tests := []struct{ name, raw, code, detail string }{
		{"repeated", "url=a&url=b", "parameter_repeated", `"url"`},
		{"repeated, encoded name", "url=a&%75rl=b", "parameter_repeated", `"url"`},
		{"repeated, empty", "url&url", "parameter_repeated", `"url"`},
		{"bad value", "url=%zz", "query_malformed", `"url"`},
		{"short value", "url=100%", "query_malformed", `"url"`},
		{"bad unknown", "url=a&x=%1", "query_malformed", `"x"`},
		{"bad name", "%=a", "query_malformed", "name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := web.ParseQuery(withQuery(test.raw), "url")
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok {
				t.Fatalf("got %v, want a problem", err)
			}
			if string(p.Code()) != test.code || p.Status() != http.StatusBadRequest || !strings.Contains(p.Detail, test.detail) {
				t.Errorf("got %v", p)
			}
		})
	}
}

func TestHasTellsEmptyFromAbsent(t *testing.T) {
	q, err := web.ParseQuery(withQuery("url="), "url", "app")
	if err != nil {
		t.Fatal(err)
	}
	if !q.Has("url") || q.Has("app") {
		t.Errorf("url %v, app %v", q.Has("url"), q.Has("app"))
	}
}

// A parsed query never holds more or other than what net/url would decode, the
// plus apart.
func FuzzParseQuery(f *testing.F) {
	for _, seed := range []string{"", "url=https%3A%2F%2Fa%2F%3Fx%3D1", "url=a&url=b", "%", "url=%zz", "a+b=c+d&;=&&=", "%00=%ff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := web.ParseQuery(withQuery(raw), "url")
		if err != nil {
			if _, ok := errors.AsType[*problem.Problem](err); !ok {
				t.Fatalf("not a problem: %v", err)
			}
			return
		}
		want, err := url.ParseQuery(strings.NewReplacer("+", "%2B", ";", "%3B").Replace(raw))
		if err != nil {
			t.Fatalf("net/url refuses what we took: %v", err)
		}
		if got := q.Get("url"); got != want.Get("url") {
			t.Errorf("got %q, want %q", got, want.Get("url"))
		}
	})
}

func BenchmarkParseQuery(b *testing.B) {
	r := withQuery("url=https%3A%2F%2Fm.example.com%2Fact%2F%3Fid%3D42%26from%3Dtimeline&app=main&force=true")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := web.ParseQuery(r, "url", "app", "force"); err != nil {
			b.Fatal(err)
		}
	}
}
