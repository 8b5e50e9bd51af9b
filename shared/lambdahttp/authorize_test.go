package lambdahttp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/lambdahttp"
	"wechatfn/shared/web"
	"wechatfn/shared/web/logtest"
)

// ask sends an event to a function that is an authorizer, too, and returns its
// answer, its error and its log.
func ask(t *testing.T, authorize func(*http.Request) (map[string]any, error), payload []byte) (answer, logs string, err error) {
	t.Helper()
	var log logtest.Buffer
	h := lambdahttp.New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }),
		lambdahttp.Options{Logger: log.JSON(), Authorize: authorize})
	out, err := h.Invoke(context.Background(), payload)
	return string(out), log.String(), err
}

func allow(*http.Request) (map[string]any, error) { return nil, nil }

// TestAuthorizeAnswers: simple responses are
// {"isAuthorized": true, "context": {...}}.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
func TestAuthorizeAnswers(t *testing.T) {
	for _, c := range []struct {
		name string

		context map[string]any
		err     error
		want    string
	}{
		{"yes", nil, nil, `{"isAuthorized":true}`},
		{"yes, and who", map[string]any{"openid": "o1", "n": 1}, nil, `{"isAuthorized":true,"context":{"n":1,"openid":"o1"}}`},
		{"no", nil, lambdahttp.ErrUnauthorized, `{"isAuthorized":false}`},
		{"no, because ...", nil, fmt.Errorf("ended: %w", lambdahttp.ErrUnauthorized), `{"isAuthorized":false}`},
		{"no and a context", map[string]any{"why": "ended"}, lambdahttp.ErrUnauthorized, `{"isAuthorized":false,"context":{"why":"ended"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, logs, err := ask(t, func(*http.Request) (map[string]any, error) { return c.context, c.err }, load(t, "authorizer"))
			if out != c.want || err != nil || logs != "" {
				t.Errorf("answer %s, %v, log %s", out, err, logs)
			}
		})
	}
}

// TestAuthorizeRequest: it sees the request that the guarded function will.
func TestAuthorizeRequest(t *testing.T) {
	_, _, err := ask(t, func(r *http.Request) (map[string]any, error) {
		equal(t, "method", r.Method, "GET")
		equal(t, "path", r.URL.Path, "/orders/42")
		equal(t, "raw query", r.URL.RawQuery, "fields=a&fields=b%20c")
		equal(t, "host", r.Host, "api.example.com")
		equal(t, "header", r.Header.Get("Authorization"), "Bearer 0f9c1d2e3b4a59687786a5b4c3d2e1f0")
		equal(t, "cookies", r.Header.Get("Cookie"), "session=0f9c1d2e3b4a59687786a5b4c3d2e1f0; lang=zh_CN")
		equal(t, "remote address", r.RemoteAddr, "203.0.113.24")
		equal(t, "request id", web.RequestID(r.Context()), "fK3pZiYGoAMEVtQ=")
		return nil, nil
	}, load(t, "authorizer"))
	if err != nil {
		t.Error(err)
	}
}

// TestAuthorizeFails: the gateway caches a refusal and not an error, so that a
// failure must not look like one. The error that Lambda logs says nothing.
func TestAuthorizeFails(t *testing.T) {
	out, logs, err := ask(t, func(*http.Request) (map[string]any, error) { return nil, errors.New("the table is gone") }, load(t, "authorizer"))
	if out != "" || err == nil || strings.Contains(err.Error(), "table") || !strings.Contains(logs, "the table is gone") {
		t.Errorf("answer %s, %v, log %s", out, err, logs)
	}
}

// TestAuthorizeInTime: it gets the time that any other request gets.
func TestAuthorizeInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := lambdahttp.New(http.NotFoundHandler(), lambdahttp.Options{Logger: slog.New(slog.DiscardHandler), Authorize: func(r *http.Request) (map[string]any, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		out, err := h.Invoke(ctx, load(t, "authorizer"))
		if took := time.Since(start); out != nil || err == nil || took != 10*time.Second-250*time.Millisecond {
			t.Errorf("answer %s, %v after %v", out, err, took)
		}
	})
}

// TestAuthorizePanics: a panic is a failure like any other, and does not end the
// process.
func TestAuthorizePanics(t *testing.T) {
	defer func() {
		if value := recover(); value != nil {
			t.Errorf("it panicked: %v", value)
		}
	}()
	out, logs, err := ask(t, func(*http.Request) (map[string]any, error) { panic("c4nary") }, load(t, "authorizer"))
	if out != "" || err == nil || strings.Contains(err.Error(), "c4nary") || logs == "" {
		t.Errorf("answer %s, %v, log %s", out, err, logs)
	}
}

// TestAuthorizeOrServe: the type of an event says which of the two it is for
// alone, which no client can send.
func TestAuthorizeOrServe(t *testing.T) {
	event := load(t, "authorizer")
	answered := func(out string) string {
		var a answer
		if err := json.Unmarshal([]byte(out), &a); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		return fmt.Sprint(a.StatusCode)
	}
	for _, c := range []struct {
		name string

		payload []byte
		want    string
	}{
		{"a request", load(t, "signature"), "418"},
		{"a type in its query", bytes.ReplaceAll(load(t, "signature"), []byte(`"rawQueryString":"`), []byte(`"rawQueryString":"type=REQUEST&`)), "418"},
		{"a type in a header", bytes.ReplaceAll(load(t, "signature"), []byte(`"headers":{`), []byte(`"headers":{"type":"REQUEST",`)), "418"},
		{"another type", bytes.ReplaceAll(event, []byte(`"REQUEST"`), []byte(`"TOKEN"`)), "418"},
		{"format 1.0", bytes.ReplaceAll(event, []byte(`"version":"2.0"`), []byte(`"version":"1.0"`)), "400"},
		{"a type of no kind", bytes.ReplaceAll(event, []byte(`"REQUEST"`), []byte(`["REQUEST"]`)), "400"},
		{"no path", bytes.ReplaceAll(event, []byte(`"rawPath":"/orders/42"`), []byte(`"rawPath":""`)), "400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, _, err := ask(t, allow, c.payload)
			if err != nil || answered(out) != c.want {
				t.Errorf("answer %s, %v, want %s", out, err, c.want)
			}
		})
	}
	out, logs, err := ask(t, nil, event) // no authorizer
	if err != nil || answered(out) != "400" || !strings.Contains(logs, "no authorizer") {
		t.Errorf("answer %s, %v, log %s", out, err, logs)
	}
}

// FuzzAuthorize: whatever comes, there is an answer, or an error that quotes
// nothing of it.
func FuzzAuthorize(f *testing.F) {
	f.Add(load(f, "authorizer"))
	f.Add(load(f, "signature"))
	f.Add([]byte(`{"version":"2.0","type":"REQUEST","rawPath":"/","requestContext":{"http":{"method":"GET"}}}`))
	f.Add([]byte(`{"type":"REQUEST","type":"x"}`))
	h := lambdahttp.New(http.HandlerFunc(echo), lambdahttp.Options{Logger: slog.New(slog.DiscardHandler), Authorize: func(r *http.Request) (map[string]any, error) {
		if r.Header.Get("Authorization") == "" {
			return nil, lambdahttp.ErrUnauthorized
		}
		return map[string]any{"path": r.URL.Path}, nil
	}})
	f.Fuzz(func(t *testing.T, payload []byte) {
		out, err := h.Invoke(context.Background(), payload)
		var a struct {
			StatusCode   int
			IsAuthorized *bool
		}
		if err != nil || json.Unmarshal(out, &a) != nil || (a.StatusCode < 200) == (a.IsAuthorized == nil) {
			t.Fatalf("got %q, %v", out, err)
		}
	})
}
