package web

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"wechatfn/shared/problem"
)

// ReadBody reads the whole body, at most limit bytes. Errors: problem.BodyTooLarge,
// problem.BodyUnreadable.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, &problem.Problem{Type: &problem.BodyUnreadable, Cause: err}
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

func tooLarge(limit int64) *problem.Problem {
	return problem.BodyTooLarge.New(fmt.Sprintf("the body may have %d bytes", limit))
}
