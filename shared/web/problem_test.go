package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"wechatfn/shared/problem"
	"wechatfn/shared/web"
	"wechatfn/shared/web/logtest"
)

// serve runs one request and returns the answer and what was logged.
func serve(t *testing.T, h func(*slog.Logger) http.Handler, r *http.Request) (*httptest.ResponseRecorder, string) {
	t.Helper()
	var logs logtest.Buffer
	w := httptest.NewRecorder()
	h(logs.JSON()).ServeHTTP(w, r)
	return w, logs.String()
}

func handle(f web.HandlerFunc) func(*slog.Logger) http.Handler {
	return func(logger *slog.Logger) http.Handler { return web.Handle(f, logger) }
}

func failing(err error) func(*slog.Logger) http.Handler {
	return handle(func(http.ResponseWriter, *http.Request) error { return err })
}

func get(target string) *http.Request { return httptest.NewRequest(http.MethodGet, target, nil) }

func TestProblemOnTheWire(t *testing.T) {
	w, logs := serve(t, failing(&problem.Problem{
		Type:       &problem.Timeout,
		Detail:     "a&b <c>",
		RetryAfter: 1500 * time.Millisecond,
		Cause:      errors.New("the cause"),
	}), get("/signature?url=secret"))

	want := `{"type":"urn:wechatfn:problem:timeout","title":"The answer took too long","status":503,` +
		`"detail":"a&b <c>","code":"timeout","hint":{"en":"Try again in a few seconds.","zh":"请几秒后重试。"}}` + "\n"
	if got := w.Body.String(); got != want {
		t.Errorf("body\n got %s\nwant %s", got, want)
	}
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
	for _, c := range []struct {
		name string
		want string
	}{
		{"Content-Type", "application/problem+json"},
		{"Cache-Control", "no-store"},
		{"X-Content-Type-Options", "nosniff"},
		{"Retry-After", "2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := w.Header().Get(c.name); got != c.want {
				t.Errorf("%s: got %q, want %q", c.name, got, c.want)
			}
		})
	}
	if !strings.Contains(logs, "the cause") || strings.Contains(logs, "secret") {
		t.Errorf("want the cause and no query in the log: %s", logs)
	}
}

func TestErrorsBecomeStatusCodes(t *testing.T) {
	refused := problem.MethodNotAllowed.New("")
	tests := []struct {
		name   string
		err    error
		status int
		code   string
		logged bool
	}{
		{"problem", refused, 405, "method_not_allowed", false},
		{"wrapped problem", fmt.Errorf("deep: %w", refused), 405, "method_not_allowed", false},
		{"problem without a type", &problem.Problem{Detail: "odd"}, 500, "internal", true},
		{"problem of a type that is not in the catalogue", new(problem.Type).New("odd"), 500, "internal", true},
		{"deadline", fmt.Errorf("read: %w", context.DeadlineExceeded), 503, "timeout", true},
		{"anything else", errors.New("canary"), 500, "internal", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, logs := serve(t, failing(test.err), get("/"))
			if w.Code != test.status || codeOf(t, w) != test.code {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, test.status, test.code)
			}
			if strings.Contains(w.Body.String(), "canary") {
				t.Errorf("the error reached the client: %s", w.Body)
			}
			if logged := strings.Contains(logs, "request failed"); logged != test.logged {
				t.Errorf("logged %v: %s", logged, logs)
			}
			if (w.Header().Get("Retry-After") != "") != (test.code == "timeout") {
				t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
			}
		})
	}
}

func TestEndedContextIsATimeout(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w, _ := serve(t, failing(errors.New("some client's own word for it")), get("/").WithContext(ctx))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("got %d, want 503", w.Code)
	}
}

func TestErrorAfterTheAnswerBeganIsOnlyLogged(t *testing.T) {
	w, logs := serve(t, handle(func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = w.Write([]byte("begun"))
		return errors.New("too late")
	}), get("/"))
	if w.Code != http.StatusOK || w.Body.String() != "begun" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	if !strings.Contains(logs, "too late") {
		t.Errorf("not logged: %s", logs)
	}
}

func TestProblemForgetsTheBodyThatWasPlanned(t *testing.T) {
	w, _ := serve(t, handle(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Length", "3")
		w.Header().Set("ETag", `"x"`)
		return problem.NotFound.New("")
	}), get("/"))
	if got := w.Header().Get("Content-Length") + w.Header().Get("ETag"); got != "" {
		t.Errorf("left over: %q", got)
	}
}

func TestJSONIsNotEscapedForHTML(t *testing.T) {
	w, _ := serve(t, handle(func(w http.ResponseWriter, _ *http.Request) error {
		return web.JSON(w, http.StatusCreated, map[string]string{"url": "https://a/?x=1&y=<2>"})
	}), get("/"))
	if got, want := w.Body.String(), `{"url":"https://a/?x=1&y=<2>"}`+"\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if w.Code != http.StatusCreated || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
}

func TestJSONThatCannotBeEncodedIsAnInternalError(t *testing.T) {
	w, logs := serve(t, handle(func(w http.ResponseWriter, _ *http.Request) error {
		return web.JSON(w, http.StatusOK, func() {})
	}), get("/"))
	if w.Code != http.StatusInternalServerError || !strings.Contains(logs, "encode answer") {
		t.Errorf("got %d, log %s", w.Code, logs)
	}
}

func TestReadBody(t *testing.T) {
	for _, test := range []struct {
		name   string
		body   string
		length int64
		status int
	}{
		{"fits", "1234", 4, 200},
		{"announced too large", "12345", 5, 413},
		{"found too large", "12345", -1, 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body))
			r.ContentLength = test.length
			w, _ := serve(t, handle(func(w http.ResponseWriter, r *http.Request) error {
				body, err := web.ReadBody(r, 4)
				if err != nil {
					return err
				}
				_, err = w.Write(body)
				return err
			}), r)
			if w.Code != test.status {
				t.Errorf("got %d, want %d", w.Code, test.status)
			}
		})
	}
}

func codeOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var body struct{ Code string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("not JSON: %s", w.Body)
	}
	return body.Code
}
