package lambdahttp_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"testing"
)

// reply answers the signature event with h.
func reply(t *testing.T, h http.HandlerFunc) answer {
	t.Helper()
	a, _ := invoke(t, h, load(t, "signature"))
	return a
}

func TestHeadersAndCookiesOfAnAnswer(t *testing.T) {
	a := reply(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Vary", "Origin")
		w.Header().Add("Vary", "Accept")
		w.Header()["X-Empty"] = nil
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1", Path: "/", HttpOnly: true})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		http.Redirect(w, &http.Request{Method: "GET"}, "https://m.example.com/?a=1&b=2", http.StatusFound)
	})
	if a.StatusCode != http.StatusFound {
		t.Errorf("status %d", a.StatusCode)
	}
	equal(t, "vary", a.Headers["Vary"], "Origin, Accept")
	equal(t, "location", a.Headers["Location"], "https://m.example.com/?a=1&b=2")
	if want := []string{"a=1; Path=/; HttpOnly", "b=2"}; !slices.Equal(a.Cookies, want) {
		t.Errorf("cookies %q", a.Cookies)
	}
	for _, name := range []string{"Set-Cookie", "X-Empty"} {
		if _, ok := a.Headers[name]; ok {
			t.Errorf("%s among the headers", name)
		}
	}
}

func TestHeadersCannotBeSplit(t *testing.T) {
	a := reply(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/x\r\nSet-Cookie: evil=1")
		w.Header().Set("X-Bytes", "a\xffb")
		w.Header().Set("Set-Cookie", "a=1\nX: y")
	})
	equal(t, "location", a.Headers["Location"], "/x  Set-Cookie: evil=1")
	equal(t, "bytes", a.Headers["X-Bytes"], "a\uFFFDb")
	equal(t, "cookie", a.Cookies[0], "a=1 X: y")
}

func TestBodyOfAnAnswer(t *testing.T) {
	every := make([]byte, 0x80)
	for i := range every {
		every[i] = byte(i)
	}
	tests := []struct {
		name, contentType, encoding, body string
		isBase64                          bool
	}{
		{"json", "application/json", "", `{"url":"https://a/?x=1&y=<2>"}`, false},
		{"all of ASCII", "text/plain; charset=utf-8", "", string(every), false},
		{"Chinese", "text/html", "", "张三\u2028\U0001F600", false},
		{"problem", "application/problem+json", "", "{}", false},
		{"svg", "image/svg+xml", "", "<svg/>", false},
		{"xml", "application/xml", "", "<xml/>", false},
		{"script", "text/javascript", "", "a<b", false},
		{"binary", "application/octet-stream", "", "text all the same", true},
		{"png", "image/png", "", "\x89PNG\r\n", true},
		{"text in another charset", "text/plain; charset=gbk", "", "\xc4\xe3", true},
		{"compressed", "application/json", "gzip", "looks like text", true},
		{"broken type", "text/;;", "", "x", true},
		{"empty", "image/png", "", "", false},
		{"sniffed text", "", "", "<html>", false},
		{"sniffed binary", "", "", "\x89PNG\x0D\x0A\x1A\x0A", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := reply(t, func(w http.ResponseWriter, _ *http.Request) {
				if test.contentType != "" {
					w.Header().Set("Content-Type", test.contentType)
				}
				if test.encoding != "" {
					w.Header().Set("Content-Encoding", test.encoding)
				}
				_, _ = w.Write([]byte(test.body))
			})
			if a.IsBase64Encoded != test.isBase64 {
				t.Errorf("base64 %v", a.IsBase64Encoded)
			}
			body := a.Body
			if a.IsBase64Encoded {
				decoded, err := base64.StdEncoding.DecodeString(body)
				if err != nil {
					t.Fatal(err)
				}
				body = string(decoded)
			}
			equal(t, "body", body, test.body)
			if test.body != "" && a.Headers["Content-Type"] == "" {
				t.Error("no content type")
			}
		})
	}
}

func TestWriteHeader(t *testing.T) {
	tests := []struct {
		name  string
		write func(http.ResponseWriter)
		want  int
	}{
		{"nothing", func(http.ResponseWriter) {}, 200},
		{"the first counts", func(w http.ResponseWriter) { w.WriteHeader(201); w.WriteHeader(500) }, 201},
		{"informational", func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(404) }, 404},
		{"too late", func(w http.ResponseWriter) { _, _ = w.Write(nil); w.WriteHeader(500) }, 200},
		{"no status", func(w http.ResponseWriter) { w.WriteHeader(99) }, 500},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if a := reply(t, func(w http.ResponseWriter, _ *http.Request) { test.write(w) }); a.StatusCode != test.want {
				t.Errorf("got %d, want %d", a.StatusCode, test.want)
			}
		})
	}
}

func TestNoContentHasNoBody(t *testing.T) {
	a := reply(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrBodyNotAllowed) {
			t.Errorf("got %v", err)
		}
	})
	if a.StatusCode != 204 || a.Body != "" {
		t.Errorf("got %+v", a)
	}
}

func TestHeadHasTheHeadersOfAGet(t *testing.T) {
	context := map[string]any{"http": map[string]string{"method": "HEAD"}}
	a, _ := invoke(t, hello, edited(t, map[string]any{"requestContext": context}))
	if a.StatusCode != 200 || a.Body != "" || a.Headers["Content-Type"] != "application/json" {
		t.Errorf("got %+v", a)
	}
}
