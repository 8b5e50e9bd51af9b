package web

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ReadBody reads the whole body, at most limit bytes. Errors: a 413 *Problem
// "body_too_large", a 400 *Problem "body_unreadable".
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, &Problem{Status: http.StatusBadRequest, Code: "body_unreadable", Title: "Unreadable body", Cause: err}
	}
	if int64(len(body)) > limit {
		return nil, tooLarge(limit)
	}
	return body, nil
}

// Bearer returns the token of an Authorization header, "" where there is none.
func Bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

func tooLarge(limit int64) *Problem {
	return &Problem{
		Status: http.StatusRequestEntityTooLarge,
		Code:   "body_too_large",
		Title:  "Body too large",
		Detail: fmt.Sprintf("the body may have %d bytes", limit),
	}
}
