package lambdahttp

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"wechatfn/shared/problem"
	"wechatfn/shared/web"
)

// parse reads an event. A problem is returned as its own type: there is no other kind
// of error here.
func (h *Handler) parse(payload []byte) (*event, *problem.Problem) {
	if len(payload) > maxEventBytes {
		return nil, tooLarge()
	}
	e, err := parseEvent(payload)
	switch {
	case err != nil:
	case e.direct() && h.direct != nil:
		return e, nil
	case e.check() != nil:
		err = e.check()
	case e.authorize && h.authorize == nil:
		err = errors.New("this function is no authorizer")
	}
	if err != nil {
		return nil, unsupported(err)
	}
	return e, nil
}

func (e *event) request(ctx context.Context) (*http.Request, *problem.Problem) {
	body, err := e.decodeBody()
	if err != nil {
		return nil, malformed("the body is not base64")
	}
	ctx = web.WithRequestID(ctx, e.requestID)
	r, err := http.NewRequestWithContext(ctx, e.method, "/", nil)
	if err != nil {
		return nil, malformed("the method is not a token")
	}
	e.setURL(r.URL)
	r.RequestURI = r.URL.RequestURI()
	if e.header != nil {
		r.Header = e.header
	}
	r.Host = e.host
	if r.Host == "" {
		r.Host = e.domainName
	}
	r.RemoteAddr = e.sourceIP
	r.Body = http.NoBody
	if body != "" {
		r.Body = io.NopCloser(strings.NewReader(body))
		r.ContentLength = int64(len(body))
	}
	return r, nil
}

func (e *event) decodeBody() (string, error) {
	if !e.base64 {
		return e.body, nil
	}
	decoded, err := base64.StdEncoding.DecodeString(e.body)
	return string(decoded), err
}

// setURL does not change the bytes: the query is not parsed, and the path as it
// came stays in RawPath, where net/url wants it.
//
// Function URLs send the path encoded, HTTP APIs have decoded it already. Of the
// latter a path may not decode (a % alone), and is then meant literally.
func (e *event) setURL(u *url.URL) {
	u.RawQuery = e.rawQuery
	u.Path = e.rawPath
	if path, err := url.PathUnescape(e.rawPath); err == nil && path != e.rawPath {
		u.Path, u.RawPath = path, e.rawPath
	}
}

func tooLarge() *problem.Problem {
	return problem.EventTooLarge.New("an event may have " + strconv.Itoa(maxEventBytes) + " bytes")
}

// unsupported hints at the usual reason.
func unsupported(cause error) *problem.Problem {
	return problem.EventUnsupported.New("this function serves events of an API Gateway HTTP API or a function URL, payload format 2.0").Because(cause)
}

func malformed(detail string) *problem.Problem { return problem.RequestMalformed.New(detail) }
