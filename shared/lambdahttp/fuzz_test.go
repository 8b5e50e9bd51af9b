package lambdahttp_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"wechatfn/shared/lambdahttp"
)

// echo answers with all that the adapter made of a request.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Echo", r.Header.Get("X-Fuzz"))
	w.Header().Set("Location", r.URL.RequestURI())
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	_, _ = io.Copy(w, r.Body)
}

// Whatever comes, there is an answer that API Gateway can read.
func FuzzInvoke(f *testing.F) {
	for _, name := range []string{"signature", "push_base64", "multi_query", "decoded_path", "rest_v1"} {
		f.Add(load(f, name))
	}
	for _, text := range []string{"", "null", "{", `{"a":,}`, `{"version":"2.0","headers":{"a":"\`, `{"x":[}]}`, "\x00"} {
		f.Add([]byte(text))
	}
	h := lambdahttp.New(http.HandlerFunc(echo), lambdahttp.Options{Logger: slog.New(slog.DiscardHandler)})
	f.Fuzz(func(t *testing.T, payload []byte) {
		out, err := h.Invoke(context.Background(), payload)
		var a answer
		if err != nil || json.Unmarshal(out, &a) != nil || a.StatusCode < 200 {
			t.Fatalf("got %q, %v", out, err)
		}
	})
}

// What encoding/json writes, the adapter reads as it was, and the answer carries
// it back.
func FuzzRoundTrip(f *testing.F) {
	f.Add("/a%2Fb", "a=1&b=%20+", "x-fuzz", "value", "a=1", []byte("body"), "text/plain")
	f.Add("/\x00\"\\\u2028", "?#", "x-FUZZ", "\t\u007f<>&", "", []byte{0xff, 0}, "image/png")
	f.Fuzz(func(t *testing.T, path, query, name, value, cookie string, body []byte, contentType string) {
		for _, s := range []string{path, query, name, value, cookie, contentType} {
			if !utf8.ValidString(s) {
				return // the gateway sends UTF-8
			}
		}
		e := events.APIGatewayV2HTTPRequest{
			Version:         "2.0",
			RawPath:         "/" + path,
			RawQueryString:  query,
			Headers:         map[string]string{name: value, "content-type": contentType},
			Cookies:         []string{cookie},
			Body:            base64.StdEncoding.EncodeToString(body),
			IsBase64Encoded: true,
		}
		e.RequestContext.HTTP.Method = http.MethodPost
		payload, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		a, logs := invoke(t, func(w http.ResponseWriter, r *http.Request) {
			checkRoundTrip(t, r, e, name)
			got, _ = io.ReadAll(r.Body)
			w.Header().Set("Content-Type", contentType)
			_, _ = w.Write(got)
		}, payload)
		if logs != "" || a.StatusCode != http.StatusOK || string(got) != string(body) {
			t.Fatalf("got %+v, body %q, log %s", a, got, logs)
		}
		back := a.Body
		if a.IsBase64Encoded {
			decoded, err := base64.StdEncoding.DecodeString(back)
			if err != nil {
				t.Fatal(err)
			}
			back = string(decoded)
		}
		equal(t, "body of the answer", back, string(body))
	})
}

func checkRoundTrip(t *testing.T, r *http.Request, e events.APIGatewayV2HTTPRequest, name string) {
	equal(t, "query", r.URL.RawQuery, e.RawQueryString)
	equal(t, "cookie", r.Header.Get("Cookie"), e.Cookies[0])
	if raw := r.URL.RawPath; raw != "" {
		equal(t, "raw path", raw, e.RawPath)
	} else {
		equal(t, "path", r.URL.Path, e.RawPath)
	}
	switch canonical := textproto.CanonicalMIMEHeaderKey(name); canonical {
	case "Cookie", "Host", "Content-Type":
	default:
		equal(t, "header", strings.Join(r.Header[canonical], "|"), e.Headers[name])
	}
}
