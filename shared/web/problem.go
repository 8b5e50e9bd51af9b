// Package web is what every HTTP handler of wechatfn has in common: JSON
// answers, RFC 9457 problems, query parsing, CORS, routing and the request log.
// It is the only place that turns an error into a status code.
//
// It is linked into Lambda functions, so it uses the standard library alone.
package web

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Hint tells a developer what to do about a problem, in English and in Chinese.
type Hint struct {
	En string `json:"en,omitempty"`
	Zh string `json:"zh,omitempty"`
}

// Problem is an RFC 9457 problem and an error: a handler returns it, and
// [Handle] answers with it. A Problem that is shared between requests must not
// be changed.
type Problem struct {
	// Status is the HTTP status; anything below 400 is answered as 500.
	Status int
	// Code is stable and snake_case, such as "url_missing". Clients switch on it.
	Code string
	// Title says what kind of problem it is; empty means the status text.
	Title string
	// Detail says what was wrong with this request. It goes to the client.
	Detail string
	Hint   Hint
	// RetryAfter is sent as whole seconds, rounded up; zero sends none.
	RetryAfter time.Duration
	// Cause is logged, never sent. It may be nil.
	Cause error
}

func (p *Problem) Error() string {
	text := fmt.Sprintf("web: %d %s", p.status(), p.Code)
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	if p.Cause != nil {
		text += ": " + p.Cause.Error()
	}
	return text
}

// Unwrap returns the cause, so that errors.Is looks through a Problem.
func (p *Problem) Unwrap() error { return p.Cause }

func (p *Problem) status() int {
	if p.Status < 400 || p.Status > 599 {
		return http.StatusInternalServerError
	}
	return p.Status
}

func (p *Problem) title() string {
	if p.Title != "" {
		return p.Title
	}
	return http.StatusText(p.status())
}

// problemBody fixes the names and the order of the members on the wire.
type problemBody struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Code   string `json:"code"`
	Hint   Hint   `json:"hint,omitzero"`
}

// WriteProblem answers with p as application/problem+json. It is for the few
// places that are not a [HandlerFunc]; those return the Problem instead.
func WriteProblem(w http.ResponseWriter, p *Problem) {
	RecordProblem(w, p)
	header := w.Header()
	dropBodyHeaders(header)
	if p.RetryAfter > 0 {
		header.Set("Retry-After", strconv.FormatInt(wholeSeconds(p.RetryAfter), 10))
	}
	// Strings and a number always encode, and a client that has gone away is
	// not there to be told.
	_ = writeJSON(w, p.status(), "application/problem+json", problemBody{
		Type:   "urn:wechatfn:problem:" + p.Code,
		Title:  p.title(),
		Status: p.status(),
		Detail: p.Detail,
		Code:   p.Code,
		Hint:   p.Hint,
	})
}

// RecordProblem has [Log] record the problem's code, for who shows a problem in another
// form. WriteProblem does it itself.
func RecordProblem(w http.ResponseWriter, p *Problem) {
	if rec, ok := w.(*recorder); ok {
		rec.code = p.Code
	}
}

// dropBodyHeaders forgets what a handler said about a body that it will not
// send any more.
func dropBodyHeaders(header http.Header) {
	for _, name := range [...]string{"Content-Encoding", "Content-Length", "Etag", "Last-Modified"} {
		header.Del(name)
	}
}

// wholeSeconds rounds up: a client that comes back early is refused again.
func wholeSeconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}
