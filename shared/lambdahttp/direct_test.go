package lambdahttp_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"wechatfn/shared/lambdahttp"
	"wechatfn/shared/web/logtest"
)

// directly sends an event to a function that operators invoke, too.
func directly(t *testing.T, direct func(context.Context, []byte) ([]byte, error), payload string) (answer, logs string, err error) {
	t.Helper()
	var log logtest.Buffer
	h := lambdahttp.New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }),
		lambdahttp.Options{Logger: log.JSON(), Authorize: allow, Direct: direct})
	out, err := h.Invoke(t.Context(), []byte(payload))
	return string(out), log.String(), err
}

func TestDirect(t *testing.T) {
	echo := func(_ context.Context, payload []byte) ([]byte, error) { return payload, nil }
	for _, payload := range []string{`{"action":"logout"}`, ` {"app":"a","action":{"x":[1]}}`} {
		if out, _, err := directly(t, echo, payload); out != payload || err != nil {
			t.Errorf("%s: answer %s, %v", payload, out, err)
		}
	}
	refused := errors.New("refused")
	if _, _, err := directly(t, func(context.Context, []byte) ([]byte, error) { return nil, refused }, `{"action":1}`); !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
	out, logs, err := directly(t, func(context.Context, []byte) ([]byte, error) { panic("canary") }, `{"action":1}`)
	if out != "" || err == nil || strings.Contains(err.Error()+logs, "canary") || !strings.Contains(logs, `"panic"`) {
		t.Errorf("a panic: answer %s, %v, log %s", out, err, logs)
	}
	if out, _, err := directly(t, nil, `{"action":1}`); !strings.Contains(out, "event_unsupported") || err != nil {
		t.Errorf("where none is taken: answer %s, %v", out, err)
	}
}

// What comes through a gateway never is an event by hand, whatever a client sends.
func TestDirectIsNoRequest(t *testing.T) {
	for _, c := range []struct {
		name    string
		payload string
	}{
		{"a request", string(load(t, "push_text"))},
		{"its query", strings.Replace(string(load(t, "signature")), `{`, `{"action":"logout",`, 1)},
		{"asked", strings.Replace(string(load(t, "authorizer")), `{`, `{"action":"logout",`, 1)},
		{"REST", strings.Replace(string(load(t, "rest_v1")), `{`, `{"action":"logout",`, 1)},
		{"headers alone", `{"action":"logout","headers":{}}`},
		{"a version", `{"action":"logout","version":"0"}`},
		{"a path", `{"action":"logout","rawPath":"/"}`},
		{"a method", `{"action":"logout","requestContext":{"http":{"method":"GET"}}}`},
		{"cookies alone", `{"action":"logout","cookies":["a=b"]}`},
		{"no action", `{"app":"a"}`},
		{"another case", `{"Action":"logout"}`},
		{"a list", `[{"action":"logout"}]`},
		{"inside another", `{"body":{"action":"logout"},"detail":{"action":"logout"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := directly(t, func(context.Context, []byte) ([]byte, error) { t.Errorf("%s: taken", c.name); return nil, nil }, c.payload)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		})
	}
}
