package wechatsim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"wechatfn/dev/wechatsim/wait"
)

// defaultCaller is where in-process requests come from (RFC 5737).
const defaultCaller = "192.0.2.1"

// Client calls the simulator in-process, whatever host the URL names: no sockets and no
// goroutines, so it works inside testing/synctest. Contexts and http.Client.Timeout are honoured.
func (s *Sim) Client() *http.Client { return s.ClientFrom(defaultCaller) }

// ClientFrom is Client with ip as the caller's address.
func (s *Sim) ClientFrom(ip string) *http.Client { return &http.Client{Transport: transport{s, ip}} }

type transport struct {
	sim *Sim
	ip  string
}

// RoundTrip handles the request as a server receives it.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	in := r.Clone(ctx)
	in.RemoteAddr = net.JoinHostPort(t.ip, "50000")
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	a, err := t.sim.handle(ctx, in)
	if errors.Is(err, errDropped) {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {a.contentType}}
	maps.Copy(header, a.header)
	return &http.Response{
		StatusCode: a.status, Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: int64(len(a.body)),
		Header: header, Body: newStalling(ctx, a),
	}, nil
}

// stalling is a body whose second half is delayed.
type stalling struct {
	ctx    context.Context // the request's: a body is read after RoundTrip has returned
	stall  time.Duration
	first  *bytes.Reader
	second *bytes.Reader
}

func newStalling(ctx context.Context, a answer) io.ReadCloser {
	half := len(a.body)
	if a.stall > 0 {
		half /= 2
	}
	return &stalling{ctx, a.stall, bytes.NewReader(a.body[:half]), bytes.NewReader(a.body[half:])}
}

func (b *stalling) Read(p []byte) (int, error) {
	if b.first.Len() > 0 {
		return b.first.Read(p)
	}
	if err := wait.For(b.ctx, b.stall); err != nil {
		return 0, err
	}
	b.stall = 0
	return b.second.Read(p)
}

func (b *stalling) Close() error { return nil }
