package lambdahttp

import (
	"encoding/base64"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// response collects an answer. Unlike net/http's it also takes headers that are
// set after the body has begun, since nothing is sent before the end.
type response struct {
	header  http.Header
	status  int // 0 until the answer has begun
	body    []byte
	discard bool // the request was a HEAD
}

func newResponse() *response { return &response{header: make(http.Header, 8)} }

func (w *response) Header() http.Header { return w.header }

// WriteHeader is net/http's: the first final status counts, and one that is no
// status at all panics.
func (w *response) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("lambdahttp: invalid status %d", status))
	}
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	w.body = append(w.body, p...)
	return len(p), nil
}

// reset forgets everything, for an answer that a panic cut short.
func (w *response) reset() {
	clear(w.header)
	w.status, w.body = 0, w.body[:0]
}

// encode writes the answer in payload format 2.0.
func (w *response) encode() []byte {
	w.finish()
	out := make([]byte, 0, 512+len(w.body)+len(w.body)/3)
	out = append(out, `{"statusCode":`...)
	out = strconv.AppendInt(out, int64(w.status), 10)
	out = append(out, `,"headers":{`...)
	out = w.appendHeaders(out)
	out = append(out, '}')
	out = w.appendCookies(out)
	out = w.appendBody(out)
	return append(out, '}')
}

// finish does what net/http does when a handler returns.
func (w *response) finish() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if len(w.body) > 0 && len(w.header["Content-Type"]) == 0 {
		w.header["Content-Type"] = []string{http.DetectContentType(w.body)}
	}
	if w.discard {
		w.body = nil
	}
}

// appendHeaders joins the values of a header into one, as HTTP allows for all
// headers but Set-Cookie.
func (w *response) appendHeaders(out []byte) []byte {
	separator := ""
	for name, values := range w.header {
		if name == "Set-Cookie" || len(values) == 0 {
			continue
		}
		out = append(out, separator...)
		out = appendString(out, clean(name))
		out = append(out, ':')
		out = appendString(out, clean(strings.Join(values, ", ")))
		separator = ","
	}
	return out
}

func (w *response) appendCookies(out []byte) []byte {
	cookies := w.header["Set-Cookie"]
	if len(cookies) == 0 {
		return out
	}
	out = append(out, `,"cookies":`...)
	separator := byte('[')
	for _, cookie := range cookies {
		out = append(out, separator)
		out = appendString(out, clean(cookie))
		separator = ','
	}
	return append(out, ']')
}

func (w *response) appendBody(out []byte) []byte {
	out = append(out, `,"body":`...)
	if w.isText() {
		out = appendString(out, w.body)
		return append(out, `,"isBase64Encoded":false`...)
	}
	out = append(out, '"')
	out = base64.StdEncoding.AppendEncode(out, w.body)
	return append(out, `","isBase64Encoded":true`...)
}

// isText reports whether the body survives as a JSON string. A compressed one
// would not, whatever its type says; nor would text in another charset.
func (w *response) isText() bool {
	if len(w.body) == 0 {
		return true
	}
	return len(w.header["Content-Encoding"]) == 0 &&
		isTextType(w.header.Get("Content-Type")) && utf8.Valid(w.body)
}

func isTextType(contentType string) bool {
	if contentType == "application/json" || contentType == "application/problem+json" {
		return true // nearly all answers; no need to parse
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	if strings.HasPrefix(mediaType, "text/") || strings.HasSuffix(mediaType, "+json") || strings.HasSuffix(mediaType, "+xml") {
		return true
	}
	return slices.Contains([]string{"application/json", "application/xml", "application/javascript", "application/x-www-form-urlencoded"}, mediaType)
}

// clean makes a header safe to send: a line break, which could begin another
// header, becomes a space as in net/http, and other bytes become valid UTF-8,
// without which the whole answer would not be JSON.
func clean(value string) string {
	if strings.ContainsAny(value, "\r\n") {
		value = strings.NewReplacer("\r", " ", "\n", " ").Replace(value)
	}
	return strings.ToValidUTF8(value, "\uFFFD")
}

// appendString appends s, which is valid UTF-8, as a JSON string. encoding/json
// would do, but not without a copy of every body.
func appendString[S string | []byte](out []byte, s S) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		out = append(out, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		default:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
	}
	out = append(out, s[start:]...)
	return append(out, '"')
}
