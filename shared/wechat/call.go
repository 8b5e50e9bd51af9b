package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"wechatfn/shared/wait"
)

const (
	minPause = 100 * time.Millisecond
	maxPause = 300 * time.Millisecond
	// worthwhile is what a second attempt needs to have a chance: TCP, TLS and one round trip.
	worthwhile = time.Second
)

// call is one request to WeChat and what may be done with it.
type call struct {
	op      string     // name in errors
	path    string     // below the base URL
	query   url.Values // GET, and POSTs that take an access token
	body    any        // nil: a GET; else POSTed as JSON
	repeat  bool       // a second attempt cannot do harm
	secrets []string   // what was sent and no error may show
}

// do runs the call, a second time where that is safe, worthwhile and in time, and decodes into out.
func (c *Client) do(ctx context.Context, r call, out any) error {
	err := c.attempt(ctx, r, out)
	if err == nil {
		return nil
	}
	if !r.repeat || !err.transient || !pause(ctx) {
		return err
	}
	if err := c.attempt(ctx, r, out); err != nil {
		return err
	}
	return nil
}

// pause waits 100 to 300 ms and reports whether a second attempt still makes sense.
func pause(ctx context.Context) bool {
	d := minPause + rand.N(maxPause-minPause)
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d+worthwhile {
		return false
	}
	return wait.For(ctx, d) == nil
}

func (c *Client) attempt(ctx context.Context, r call, out any) *Error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	clean := newRedactor(append(r.secrets, c.redact...))
	req, err := c.request(ctx, r)
	if err != nil {
		return &Error{Op: r.op, Err: clean.err(err)}
	}
	res, err := c.http.Do(req)
	if err != nil {
		return &Error{Op: r.op, Err: clean.err(err), transient: true}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return &Error{Op: r.op, Status: res.StatusCode, Err: clean.err(err), transient: true}
	}
	return read(r.op, res.StatusCode, body, out, clean)
}

func (c *Client) request(ctx context.Context, r call) (*http.Request, error) {
	method, body := http.MethodGet, []byte(nil)
	if r.body != nil {
		b, err := json.Marshal(r.body)
		if err != nil {
			return nil, errors.New("the request cannot be encoded")
		}
		method, body = http.MethodPost, b
	}
	target := c.base + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if method == http.MethodGet {
		// An empty body of unknown length sends nothing, but prevents net/http from quietly
		// repeating a GET whose reused connection broke: a classic token call made twice
		// yields two tokens, and the first one would be lost.
		req.Body, req.GetBody = io.NopCloser(bytes.NewReader(nil)), nil
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// read turns an answer into out or into an Error.
func read(op string, status int, body []byte, out any, clean redactor) *Error {
	switch {
	case status >= 500:
		return &Error{Op: op, Status: status, Message: "HTTP " + http.StatusText(status), transient: true}
	case status >= 300 && status < 400:
		return &Error{Op: op, Status: status, Message: "redirects are not followed"}
	case status != http.StatusOK:
		return &Error{Op: op, Status: status, Message: "HTTP " + http.StatusText(status)}
	case len(body) > maxBody:
		return &Error{Op: op, Status: status, Message: "answer larger than 64 KiB"}
	}
	code, message, err := decode(body, out)
	if err != nil {
		return &Error{Op: op, Status: status, Message: err.Error()}
	}
	if code != 0 {
		return &Error{Op: op, Status: status, Code: code, Message: clean.text(message), transient: code == codeBusy}
	}
	return nil
}
