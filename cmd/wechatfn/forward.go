package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"wechatfn/shared/message"
)

// forward posts messages to a local program, which stands in for the event bus
// and for the reply function: it takes a message over by answering with a 2xx
// status, and a JSON object in its answer is the reply.
type forward struct {
	url    string
	shown  string // without a password
	client http.Client
}

func newForward(address string) (*forward, error) {
	if address == "" {
		return nil, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("--forward: %q is not an http:// or https:// URL", address)
	}
	f := &forward{url: address, shown: u.Redacted()}
	// A redirect is no 2xx: what followed it would be a GET without the message.
	f.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return f, nil
}

// errXMLReply: the message is taken over, but that is no reply.
var errXMLReply = errors.New("its answer is XML, and a reply is a JSON object (docs/messages.md)")

// maxAnswer is more than any reply.
const maxAnswer = 64 << 10

func (f *forward) send(ctx context.Context, m *message.Message) (reply []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(m.JSON))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Wechatfn-App", m.App)
	r.Header.Set("X-Wechatfn-Appid", m.AppID)
	answer, err := f.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case answer.StatusCode < 200 || answer.StatusCode > 299:
		return nil, fmt.Errorf("%s answered %s", f.shown, answer.Status)
	case err != nil:
		return nil, err
	}
	// Programs answer "ok", a page, or nothing; none of that is a reply.
	switch body = bytes.TrimSpace(body); {
	case bytes.HasPrefix(body, []byte("{")):
		return body, nil
	case bytes.HasPrefix(body, []byte("<xml")):
		return nil, errXMLReply
	}
	return nil, nil
}
