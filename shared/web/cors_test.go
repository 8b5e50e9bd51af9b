package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"wechatfn/shared/web"
)

func newCORS(t *testing.T, config web.CORSConfig) http.Handler {
	t.Helper()
	h, err := web.CORS(config, named("inner"))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestCORS(t *testing.T) {
	h := newCORS(t, web.CORSConfig{Origins: []string{"https://m.example.com", "http://localhost:8080"}})
	for _, c := range []struct {
		name    string
		origin  string
		allowed bool
	}{
		{"HTTPS origin", "https://m.example.com", true},
		{"HTTP origin with a port", "http://localhost:8080", true},
		{"another scheme", "http://m.example.com", false},
		{"another port", "https://m.example.com:444", false},
		{"longer host", "https://m.example.com.evil", false},
		{"other capitals", "https://M.example.com", false},
		{"null", "null", false},
		{"star", "*", false},
		{"no origin", "", false},
		{"two origins", "https://x, https://evil.com", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := get("/")
			r.Header.Set("Origin", c.origin)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			want := ""
			if c.allowed {
				want = c.origin
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if w.Header().Get("Vary") != "Origin" || w.Body.String() != "inner " {
				t.Errorf("got %v %s", w.Header(), w.Body)
			}
			if w.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Error("credentials allowed")
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	h := newCORS(t, web.CORSConfig{
		Origins:     []string{"https://m.example.com"},
		Methods:     []string{"GET", "DELETE"},
		Headers:     []string{"Authorization"},
		Credentials: true,
	})
	tests := []struct {
		origin string
		want   map[string]string
	}{
		{"https://m.example.com", map[string]string{
			"Access-Control-Allow-Origin":      "https://m.example.com",
			"Access-Control-Allow-Methods":     "GET, DELETE",
			"Access-Control-Allow-Headers":     "Authorization",
			"Access-Control-Allow-Credentials": "true",
			"Access-Control-Max-Age":           "600",
			"Vary":                             "Origin",
		}},
		{"https://evil.example", map[string]string{
			"Access-Control-Allow-Origin":      "",
			"Access-Control-Allow-Methods":     "",
			"Access-Control-Allow-Headers":     "",
			"Access-Control-Allow-Credentials": "",
			"Access-Control-Max-Age":           "",
			"Vary":                             "Origin",
		}},
	}
	for _, test := range tests {
		t.Run(test.origin, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodOptions, "/", nil)
			r.Header.Set("Origin", test.origin)
			r.Header.Set("Access-Control-Request-Method", "DELETE")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusNoContent || w.Body.Len() != 0 {
				t.Errorf("got %d %q", w.Code, w.Body)
			}
			for name, want := range test.want {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestOptionsThatIsNoPreflightGoesOn(t *testing.T) {
	w := httptest.NewRecorder()
	newCORS(t, web.CORSConfig{}).ServeHTTP(w, httptest.NewRequest(http.MethodOptions, "/", nil))
	if w.Body.String() != "inner " {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}

func TestCORSRefusesWhatIsNoOrigin(t *testing.T) {
	for _, c := range []struct{ name, origin string }{
		{"star", "*"},
		{"null", "null"},
		{"empty", ""},
		{"no scheme", "example.com"},
		{"no host", "https://"},
		{"star in the host", "https://*.example.com"},
		{"slash at the end", "https://a/"},
		{"path", "https://a/x"},
		{"user", "https://u@a"},
		{"capital", "https://A"},
		{"relative", "//a"},
		{"query", "https://a?x"},
		{"two origins", "https://a,https://b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := web.CORS(web.CORSConfig{Origins: []string{c.origin}}, nil); err == nil {
				t.Errorf("%q accepted", c.origin)
			}
		})
	}
}
