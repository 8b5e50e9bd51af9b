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
	for what, pair := range map[string][2]string{
		"version": {e.Version, "2.0"},
		"path":    {e.RawPath, "/verify/a b"},
		"query":   {e.RawQueryString, "x=1&x=2&y=%26"},
		"joined":  {e.QueryStringParameters["x"], "1,2"},
		"header":  {e.Headers["x-two"], "1,2"},
		"host":    {e.Headers["host"], "api.example.com"},
		"cookie":  {e.Headers["cookie"], ""},
		"domain":  {e.RequestContext.DomainName, "api.example.com"},
		"method":  {e.RequestContext.HTTP.Method, "POST"},
		"source":  {e.RequestContext.HTTP.SourceIP, "192.0.2.1"},
		"body":    {e.Body, "/w=="},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", what, pair[0], pair[1])
		}
	}
	if !e.IsBase64Encoded || !slices.Equal(e.Cookies, []string{"a=1", "b=2"}) {
		t.Errorf("base64 %v, cookies %q", e.IsBase64Encoded, e.Cookies)
	}
}

func TestGatewayInFrontOfAFunction(t *testing.T) {
	server := httptest.NewServer(start(t, lambdatest.Config{Env: []string{"START=http"}}))
	defer server.Close()
	for _, accept := range []string{"text/plain", "image/png"} { // as text, and as base64
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

func TestGatewayHidesWhatFailed(t *testing.T) {
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
		if _, err := lambdatest.Response([]byte(answer)); err == nil {
			t.Errorf("%q accepted", answer)
		}
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
