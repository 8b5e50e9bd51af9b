package lambdatest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"wechatfn/e2e/lambdatest"
)

func TestAPIGatewayEvent(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "https://api.example.com/verify/a%20b?x=1&x=2&y=%26", strings.NewReader("\xff"))
	r.Header.Add("X-Two", "1")
	r.Header.Add("X-Two", "2")
	r.Header.Set("Cookie", "a=1; b=2")
	payload, err := lambdatest.APIGatewayEvent(r)
	if err != nil {
		t.Fatal(err)
	}
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &e); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, got, want string }{
		{"version", e.Version, "2.0"},
		{"path", e.RawPath, "/verify/a b"},
		{"query", e.RawQueryString, "x=1&x=2&y=%26"},
		{"joined parameters", e.QueryStringParameters["x"], "1,2"},
		{"joined headers", e.Headers["x-two"], "1,2"},
		{"host", e.Headers["host"], "api.example.com"},
		{"cookie header", e.Headers["cookie"], ""},
		{"domain", e.RequestContext.DomainName, "api.example.com"},
		{"method", e.RequestContext.HTTP.Method, "POST"},
		{"source IP", e.RequestContext.HTTP.SourceIP, "192.0.2.1"},
		{"body", e.Body, "/w=="},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got %q, want %q", c.got, c.want)
			}
		})
	}
	if !e.IsBase64Encoded || !slices.Equal(e.Cookies, []string{"a=1", "b=2"}) {
		t.Errorf("base64 %v, cookies %q", e.IsBase64Encoded, e.Cookies)
	}
}

func TestRequestOfAnEventIsTheOriginalRequest(t *testing.T) {
	for _, c := range []struct{ name, body string }{
		{"text", `{"a":1}`},
		{"bytes that are not UTF-8", "\xff"},
		{"no body", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "https://api.example.com/verify/a%20b?x=1&x=2&y=%26", strings.NewReader(c.body))
			r.Header.Set("X-One", "1")
			r.Header.Set("Cookie", "a=1; b=2")
			event, err := lambdatest.APIGatewayEvent(r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := lambdatest.Request(event)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(got.Body)
			if err != nil || string(body) != c.body || got.Method != r.Method || got.URL.String() != r.URL.String() || got.Host != r.Host {
				t.Errorf("%s %s of %s with %q, %v", got.Method, got.URL, got.Host, body, err)
			}
			if got.Header.Get("X-One") != "1" || got.Header.Get("Cookie") != "a=1; b=2" {
				t.Errorf("headers %v", got.Header)
			}
		})
	}
}

func TestRequestRefusesWhatIsNoEvent(t *testing.T) {
	for _, event := range []string{"", "[]", `{"body":"%","isBase64Encoded":true}`, `{"requestContext":{"http":{"method":"GET / HTTP"}}}`} {
		t.Run(event, func(t *testing.T) {
			if _, err := lambdatest.Request([]byte(event)); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestGatewayInFrontOfAFunction(t *testing.T) {
	server := httptest.NewServer(start(t, lambdatest.Config{Env: []string{"START=http"}}))
	defer server.Close()
	for _, accept := range []string{"text/plain", "image/png"} { // the event has text, and base64
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/a%20b?x=%26", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", accept)
		r.Header.Set("Cookie", "a=1; b=2")
		response, body := do(t, r)
		if response.StatusCode != http.StatusTeapot || body != "GET /a b?x=%26 a=1; b=2" {
			t.Errorf("got %s %q", response.Status, body)
		}
		if cookies := response.Cookies(); len(cookies) != 1 || cookies[0].Name != "seen" || response.Header.Get("Content-Type") != accept {
			t.Errorf("got %v", response.Header)
		}
	}
}

func TestGatewayDoesNotSayWhyTheFunctionFailed(t *testing.T) {
	server := httptest.NewServer(start(t, lambdatest.Config{Env: []string{"START=http"}}))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/exit", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, body := do(t, r)
	if response.StatusCode != 500 || body != `{"message":"Internal Server Error"}` {
		t.Errorf("got %s %q", response.Status, body)
	}
}

func TestResponseRefusesWhatIsNoAnswer(t *testing.T) {
	for _, answer := range []string{"", "{}", "[]", `{"statusCode":200,"body":"%","isBase64Encoded":true}`} {
		t.Run(answer, func(t *testing.T) {
			if _, err := lambdatest.Response([]byte(answer)); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func do(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}
