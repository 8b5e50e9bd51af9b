// Package forward posts messages to a program of the developer's.
package forward

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

// Program is a local program that takes messages. It replaces the event bus and the
// reply function: it accepts a message by answering with a 2xx status, and a JSON
// object in its answer is the reply. It is safe for concurrent use.
type Program struct {
	url    string
	shown  string // without a password
	client http.Client
}

// New checks the address of a program.
func New(address string) (*Program, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not an http:// or https:// URL", address)
	}
	f := &Program{url: address, shown: u.Redacted()}
	// A redirect is no 2xx: what followed it would be a GET without the message.
	f.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return f, nil
}

// ErrXMLReply means that the program accepted the message, and answered in XML.
var ErrXMLReply = errors.New("its answer is XML, and a reply is a JSON object (docs/messages.md)")

// maxAnswer is more than any reply.
const maxAnswer = 64 << 10

// String is the address without its password.
func (f *Program) String() string { return f.shown }

// Send posts the message. The reply is nil where the program has none. The error is
// ErrXMLReply where the message is accepted, but the answer cannot be a reply.
func (f *Program) Send(ctx context.Context, m *message.Message) (reply []byte, err error) {
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
	// Programs answer "ok", a page, or nothing; none of these is a reply.
	switch body = bytes.TrimSpace(body); {
	case bytes.HasPrefix(body, []byte("{")):
		return body, nil
	case bytes.HasPrefix(body, []byte("<xml")):
		return nil, ErrXMLReply
	}
	return nil, nil
}
