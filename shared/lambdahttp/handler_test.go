package lambdahttp_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"wechatfn/shared/lambdahttp"
	"wechatfn/shared/web"
	"wechatfn/shared/web/logtest"
)

var _ lambda.Handler = (*lambdahttp.Handler)(nil)

// load reads a recorded event, without the white space that Lambda does not send.
func load(tb testing.TB, name string) []byte {
	tb.Helper()
	pretty, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		tb.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, pretty); err != nil {
		tb.Fatal(err)
	}
	return compact.Bytes()
}

type answer = events.APIGatewayV2HTTPResponse

// invoke serves one event and decodes the answer as API Gateway would.
func invoke(t *testing.T, h http.HandlerFunc, payload []byte) (answer, string) {
	t.Helper()
	var logs logtest.Buffer
	handler := lambdahttp.New(h, lambdahttp.Options{Logger: logs.JSON()})
	out, err := handler.Invoke(context.Background(), payload)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return a, logs.String()
}

// seen is what the handler got of a request.
type seen struct {
	*http.Request
	body, requestID string
}

func requestOf(t *testing.T, payload []byte) (got seen) {
	t.Helper()
	a, logs := invoke(t, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = seen{r, string(body), web.RequestID(r.Context())}
	}, payload)
	if a.StatusCode != http.StatusOK || got.Request == nil {
		t.Fatalf("got %+v, log %s", a, logs)
	}
	return got
}

func equal(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestRequestOfABrowser(t *testing.T) {
	r := requestOf(t, load(t, "signature"))
	rawQuery := "url=https%3A%2F%2Fm.example.com%2Fact%2F2026%2F%3Fid%3D42%26from%3Dtimeline%26name%3D%25E5%25BC%25A0%25E4%25B8%2589"
	equal(t, "method", r.Method, "GET")
	equal(t, "path", r.URL.Path, "/signature")
	equal(t, "raw query", r.URL.RawQuery, rawQuery)
	equal(t, "request URI", r.RequestURI, "/signature?"+rawQuery)
	equal(t, "host", r.Host, "api.example.com")
	equal(t, "no host header", r.Header.Get("Host"), "")
	equal(t, "remote address", r.RemoteAddr, "203.0.113.24")
	equal(t, "request id", r.requestID, "fK3pZiYGoAMEVtQ=")
	equal(t, "cookies", r.Header.Get("Cookie"), "session=0f9c1d2e3b4a59687786a5b4c3d2e1f0; lang=zh_CN")
	equal(t, "header", r.Header.Get("X-Forwarded-Proto"), "https")
	equal(t, "origin", r.Header.Get("Origin"), "https://m.example.com")
	equal(t, "body", r.body, "")
	if cookie, err := r.Cookie("lang"); err != nil || cookie.Value != "zh_CN" {
		t.Errorf("cookie: %v %v", cookie, err)
	}
	if r.ContentLength != 0 || r.Proto != "HTTP/1.1" {
		t.Errorf("length %d, protocol %s", r.ContentLength, r.Proto)
	}
}

func TestRequestVariants(t *testing.T) {
	push := `<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName><Encrypt><![CDATA[aGVsbG8gd29ybGQ=]]></Encrypt></xml>`
	tests := []struct{ event, method, path, escaped, uri, body string }{
		{"empty_query", "GET", "/signature", "/signature", "/signature", ""},
		{"multi_query", "GET", "/signature", "/signature", "/signature?a=1&b=x%20y+z&a=2&empty=&flag&url=https%3A%2F%2Fm.example.com%2F%3Fx%3D1%26y%3D2", ""},
		{"function_url_encoded_path", "GET", "/verify/café/main", "/verify/caf%C3%A9%2Fmain", "/verify/caf%C3%A9%2Fmain?echostr=1", ""},
		{"decoded_path", "GET", "/verify/100% café", "/verify/100%25%20caf%C3%A9", "/verify/100%25%20caf%C3%A9", ""},
		{"push_base64", "POST", "/verify", "/verify", "/verify?signature=abc&timestamp=1794645005&nonce=123&encrypt_type=aes&msg_signature=def", push},
		{"push_text", "POST", "/verify", "/verify", "/verify?signature=abc&timestamp=1794645005&nonce=123&encrypt_type=aes&msg_signature=def", push},
	}
	for _, test := range tests {
		t.Run(test.event, func(t *testing.T) {
			r := requestOf(t, load(t, test.event))
			equal(t, "method", r.Method, test.method)
			equal(t, "path", r.URL.Path, test.path)
			equal(t, "escaped path", r.URL.EscapedPath(), test.escaped)
			equal(t, "request URI", r.RequestURI, test.uri)
			equal(t, "body", r.body, test.body)
			if r.ContentLength != int64(len(test.body)) {
				t.Errorf("content length %d", r.ContentLength)
			}
		})
	}
}

// edited returns the signature event with some members replaced.
func edited(t *testing.T, members map[string]any) []byte {
	t.Helper()
	var event map[string]any
	if err := json.Unmarshal(load(t, "signature"), &event); err != nil {
		t.Fatal(err)
	}
	for name, value := range members {
		event[name] = value
	}
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func TestHeaderDetails(t *testing.T) {
	r := requestOf(t, edited(t, map[string]any{
		"headers": map[string]string{"cookie": "old=1", "x-a": "1", "X-A": "2", "x-escaped": "\"\\ \u2028\n张"},
	}))
	equal(t, "cookies once", strings.Join(r.Header["Cookie"], "|"), "session=0f9c1d2e3b4a59687786a5b4c3d2e1f0; lang=zh_CN")
	equal(t, "escapes", r.Header.Get("X-Escaped"), "\"\\ \u2028\n张")
	equal(t, "host falls back", r.Host, "api.example.com")
	if both := strings.Join(r.Header["X-A"], ""); both != "12" && both != "21" {
		t.Errorf("two spellings: %q", both)
	}
}

func TestMembersMayBeNullOrAbsent(t *testing.T) {
	r := requestOf(t, edited(t, map[string]any{"headers": nil, "cookies": nil, "body": nil, "isBase64Encoded": nil}))
	equal(t, "body", r.body, "")
	requestOf(t, []byte(`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"}}}`)).Header.Set("usable", "map")
	r = requestOf(t, []byte(`{"version":"2.0","rawPath":"/","cookies":["a=1"],"requestContext":{"http":{"method":"GET"}}}`))
	equal(t, "cookie without headers", r.Header.Get("Cookie"), "a=1")
}

func TestBinaryBodyArrivesExactly(t *testing.T) {
	body := "\x00\xff\xfe\r\n\"\\"
	r := requestOf(t, edited(t, map[string]any{"isBase64Encoded": true, "body": base64.StdEncoding.EncodeToString([]byte(body))}))
	equal(t, "body", r.body, body)
}

func TestRequestCopiesThePayload(t *testing.T) {
	payload := load(t, "signature")
	r := requestOf(t, payload)
	clear(payload) // as aws-lambda-go does by reading the next event into it
	equal(t, "path", r.URL.Path, "/signature")
	equal(t, "origin", r.Header.Get("Origin"), "https://m.example.com")
}

func TestRefusedEvents(t *testing.T) {
	nested := strings.Repeat("[", 100000)
	tests := []struct {
		name    string
		payload []byte
		status  int
		code    string
	}{
		{"rest v1", load(t, "rest_v1"), 400, "event_unsupported"},
		{"version 1.0", edited(t, map[string]any{"version": "1.0"}), 400, "event_unsupported"},
		{"version a number", edited(t, map[string]any{"version": 2.0}), 400, "event_unsupported"},
		{"no context", edited(t, map[string]any{"requestContext": nil}), 400, "event_unsupported"},
		{"no path", edited(t, map[string]any{"rawPath": ""}), 400, "event_unsupported"},
		{"relative path", edited(t, map[string]any{"rawPath": "signature"}), 400, "event_unsupported"},
		{"headers a list", edited(t, map[string]any{"headers": []string{"a"}}), 400, "event_unsupported"},
		{"cookies a string", edited(t, map[string]any{"cookies": "a=1"}), 400, "event_unsupported"},
		{"schedule", []byte(`{"version":"0","source":"aws.scheduler","detail-type":"Scheduled Event","detail":{}}`), 400, "event_unsupported"},
		{"list", []byte(`[]`), 400, "event_unsupported"},
		{"null", []byte(`null`), 400, "event_unsupported"},
		{"empty", nil, 400, "event_unsupported"},
		{"cut short", load(t, "signature")[:900], 400, "event_unsupported"},
		{"two values", append(load(t, "signature"), "{}"...), 400, "event_unsupported"},
		{"not UTF-8", []byte("{\"version\":\"2.0\",\"x\":\"\xff\"}"), 400, "event_unsupported"},
		{"deep", []byte(`{"x":` + nested), 400, "event_unsupported"},
		{"deep headers", []byte(`{"headers":` + nested), 400, "event_unsupported"},
		{"not base64", edited(t, map[string]any{"isBase64Encoded": true, "body": "%%%"}), 400, "request_malformed"},
		{"bad method", edited(t, map[string]any{"requestContext": map[string]any{"http": map[string]string{"method": "G T"}}}), 400, "request_malformed"},
		{"oversize", edited(t, map[string]any{"body": strings.Repeat("x", 6<<20)}), 413, "event_too_large"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, logs := invoke(t, func(http.ResponseWriter, *http.Request) { t.Error("served") }, test.payload)
			if a.StatusCode != test.status || !strings.Contains(a.Body, `"code":"`+test.code+`"`) {
				t.Errorf("got %d %s", a.StatusCode, a.Body)
			}
			equal(t, "content type", a.Headers["Content-Type"], "application/problem+json")
			if !strings.Contains(logs, "event refused") || !strings.Contains(logs, test.code) {
				t.Errorf("log: %s", logs)
			}
		})
	}
}

func TestPanicIsAnsweredWith500(t *testing.T) {
	tests := []struct {
		name   string
		panic  func()
		logged string
	}{
		{"runtime error", func() { var s []int; _ = s[len(os.Args)] }, "index out of range"},
		{"string", func() { panic("canary") }, `"panic":"string"`},
		{"error", func() { panic(fmt.Errorf("canary %w", io.EOF)) }, `"panic":"*fmt.wrapError"`},
		{"nil", func() { panic(nil) }, "panic called with nil argument"},
		{"abort", func() { panic(http.ErrAbortHandler) }, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, logs := invoke(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Set-Cookie", "half=done")
				_, _ = w.Write([]byte("half"))
				test.panic()
			}, load(t, "signature"))
			if a.StatusCode != 500 || len(a.Cookies) != 0 || !strings.Contains(a.Body, `"code":"internal"`) || strings.Contains(a.Body, "half") {
				t.Errorf("got %+v", a)
			}
			if strings.Contains(logs+a.Body, "canary") {
				t.Errorf("the value got out: %s", logs)
			}
			if test.logged == "" {
				equal(t, "log", logs, "")
				return
			}
			if !strings.Contains(logs, test.logged) || !strings.Contains(logs, "handler_test.go") {
				t.Errorf("want kind and stack: %s", logs)
			}
		})
	}
}

func TestContextEndsBeforeLambdaDoes(t *testing.T) {
	tests := []struct{ left, reserve, want time.Duration }{
		{10 * time.Second, 0, 9750 * time.Millisecond},
		{10 * time.Second, time.Second, 9 * time.Second},
		{400 * time.Millisecond, 0, 300 * time.Millisecond},
		{-time.Second, 0, -time.Second},
	}
	for _, test := range tests {
		t.Run(test.left.String()+test.reserve.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(context.Background(), test.left)
				defer cancel()
				h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					deadline, _ := r.Context().Deadline()
					if got := time.Until(deadline); got != test.want {
						t.Errorf("got %v, want %v", got, test.want)
					}
				})
				if _, err := lambdahttp.New(h, lambdahttp.Options{Reserve: test.reserve}).Invoke(ctx, load(t, "signature")); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestSlowHandlerStillAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		slow := web.Handle(func(_ http.ResponseWriter, r *http.Request) error {
			<-r.Context().Done()
			return r.Context().Err()
		}, slog.New(slog.DiscardHandler))
		out, err := lambdahttp.New(slow, lambdahttp.Options{}).Invoke(ctx, load(t, "signature"))
		if err != nil || ctx.Err() != nil || !strings.Contains(string(out), `"statusCode":503`) {
			t.Errorf("got %s, %v, context %v", out, err, ctx.Err())
		}
	})
}
