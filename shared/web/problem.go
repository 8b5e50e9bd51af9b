// Package web is what every HTTP handler of wechatfn has in common: JSON
// answers, RFC 9457 problems, query parsing, CORS, routing and the request log.
// It is the only place that turns an error into a status code.
//
// It is linked into Lambda functions, so it uses the standard library alone.
package web

import (
	"net/http"
	"strconv"
	"time"

	"wechatfn/shared/problem"
)

// problemBody fixes the names and the order of the members on the wire.
type problemBody struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail,omitempty"`
	Code   problem.Code `json:"code"`
	Hint   problem.Hint `json:"hint,omitzero"`
}

// WriteProblem answers with p as application/problem+json. It is for the few
// places that are not a [HandlerFunc]; a HandlerFunc returns the problem instead.
func WriteProblem(w http.ResponseWriter, p *problem.Problem) {
	RecordProblem(w, p)
	header := w.Header()
	dropBodyHeaders(header)
	if p.RetryAfter > 0 {
		header.Set("Retry-After", strconv.FormatInt(wholeSeconds(p.RetryAfter), 10))
	}
	// Strings and a number always encode, and a client that has gone away is
	// not there to be told.
	_ = writeJSON(w, p.Status(), "application/problem+json", problemBody{
		Type:   "urn:wechatfn:problem:" + string(p.Code()),
		Title:  p.Title(),
		Status: p.Status(),
		Detail: p.Detail,
		Code:   p.Code(),
		Hint:   p.Hint(),
	})
}

// RecordProblem gives the problem's code to [Log]. Call it where a problem is shown in
// another form; WriteProblem does it itself.
func RecordProblem(w http.ResponseWriter, p *problem.Problem) {
	if rec, ok := w.(*recorder); ok {
		rec.code = string(p.Code())
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
