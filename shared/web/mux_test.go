package web_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"wechatfn/shared/web"
)

// named answers with its name and the path values.
func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(name + " " + r.PathValue("app") + r.PathValue("code")))
	})
}

func newMux() *web.Mux {
	var m web.Mux
	m.Handle("GET /signature", named("signature"))
	m.Handle("GET /verify", named("check"))
	m.Handle("POST /verify", named("push"))
	m.Handle("GET /verify/health", named("health"))
	m.Handle("GET /verify/{app}", named("check"))
	m.Handle("POST /verify/{app}", named("push"))
	m.Handle("GET /MP_verify_{code}.txt", named("file"))
	m.Handle("GET /{app}", named("any"))
	return &m
}

func TestMuxGETOnly(t *testing.T) {
	m := web.Mux{GETOnly: true}
	m.Handle("GET /a", named("a"))
	m.Handle("POST /a", named("a"))
	answer := httptest.NewRecorder()
	m.ServeHTTP(answer, httptest.NewRequest("HEAD", "/a", nil))
	if answer.Code != 405 || answer.Header().Get("Allow") != "GET, POST" {
		t.Errorf("%d %v", answer.Code, answer.Header())
	}
}

func TestMuxRoutesByMethodAndPath(t *testing.T) {
	tests := []struct {
		method, target string
		status         int
		want           string
	}{
		{"GET", "/signature?url=x", 200, "signature "},
		{"HEAD", "/signature", 200, "signature "},
		{"GET", "/verify/health", 200, "health "},
		{"GET", "/verify/main", 200, "check main"},
		{"POST", "/verify/main", 200, "push main"},
		{"GET", "/MP_verify_abc.txt", 200, "file abc"},
		{"GET", "/MP_verify_.txt", 200, "any MP_verify_.txt"},
		{"GET", "/verify/", 404, "not_found"},
		{"GET", "/verify/a/b", 404, "not_found"},
		{"GET", "/verify/a%2Fb", 404, "not_found"},
		{"GET", "//signature", 404, "not_found"},
		{"GET", "/", 404, "not_found"},
		{"POST", "/signature", 405, "method_not_allowed"},
		{"OPTIONS", "/signature", 405, "method_not_allowed"},
	}
	mux := newMux()
	for _, test := range tests {
		t.Run(test.method+test.target, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := get("/")
			r.Method = test.method
			u, err := r.URL.Parse("https://example.com" + test.target)
			if err != nil {
				t.Fatal(err)
			}
			r.URL = u
			mux.ServeHTTP(w, r)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Body, test.status, test.want)
			}
		})
	}
}

func TestMuxSaysWhatIsAllowed(t *testing.T) {
	for _, c := range []struct {
		path string
		want string
	}{{"/signature", "GET, HEAD"}, {"/verify", "GET, HEAD, POST"}} {
		t.Run(c.path, func(t *testing.T) {
			w := httptest.NewRecorder()
			newMux().ServeHTTP(w, httptest.NewRequest(http.MethodDelete, c.path, nil))
			if got := w.Header().Get("Allow"); got != c.want {
				t.Errorf("%s: got %q, want %q", c.path, got, c.want)
			}
		})
	}
}

func TestMuxRefusesBadPatterns(t *testing.T) {
	for _, c := range []struct{ name, pattern string }{
		{"empty", ""},
		{"no method", "/a"},
		{"no slash", "GET a"},
		{"empty method", " /a"},
		{"open brace", "GET /a/{"},
		{"variable without a name", "GET /{}"},
		{"two variables", "GET /{a}/{b}"},
		{"a route that exists", "GET /signature"},
		{"another variable at the same place", "PUT /verify/{other}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			newMux().Handle(c.pattern, named(""))
		})
	}
}

func TestEmptyMux(t *testing.T) {
	w := httptest.NewRecorder()
	new(web.Mux).ServeHTTP(w, get("/"))
	if w.Code != http.StatusNotFound {
		t.Errorf("got %d", w.Code)
	}
}

func TestLogLine(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/nowhere/"+strings.Repeat("x", 300)+"?code=canary", nil)
	r.Header.Set("Cookie", "canary")
	r = r.WithContext(web.WithRequestID(r.Context(), "id-1"))
	_, line := serve(t, func(l *slog.Logger) http.Handler { return web.Log(newMux(), l, nil) }, r)
	for _, want := range []string{`"method":"GET"`, `"path":"/nowhere/xxx`, `"status":404`, `"duration_ms":`, `"code":"not_found"`, `"request_id":"id-1"`} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
	if strings.Contains(line, "canary") || strings.Count(line, "\n") != 1 || len(line) > 500 {
		t.Errorf("query, header, or too much: %s", line)
	}
}

func TestLogLineOfSuccess(t *testing.T) {
	_, line := serve(t, func(l *slog.Logger) http.Handler { return web.Log(newMux(), l, nil) }, get("/signature"))
	if !strings.Contains(line, `"status":200`) || strings.Contains(line, "code") || strings.Contains(line, "request_id") {
		t.Errorf("got %s", line)
	}
}

func TestRecover(t *testing.T) {
	tests := []struct {
		name  string
		panic func()
		want  string
	}{
		{"runtime error", func() { var s []int; _ = s[len(os.Args)] }, "index out of range"},
		{"other value", func() { panic("canary") }, `"panic":"string"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, logs := serve(t, func(l *slog.Logger) http.Handler {
				return web.Recover(web.Log(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { test.panic() }), l, nil), l)
			}, get("/"))
			if w.Code != http.StatusInternalServerError || codeOf(t, w) != "internal" {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if !strings.Contains(logs, test.want) || !strings.Contains(logs, "mux_test.go") || !strings.Contains(logs, `"status":500`) {
				t.Errorf("want the kind, the stack and a request line: %s", logs)
			}
			if strings.Contains(logs, "canary") {
				t.Errorf("the value was logged: %s", logs)
			}
		})
	}
}

func TestRecoverBreaksOffABegunAnswer(t *testing.T) {
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("want http.ErrAbortHandler")
		}
	}()
	serve(t, func(l *slog.Logger) http.Handler {
		return web.Recover(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			panic("late")
		}), l)
	}, get("/"))
}
