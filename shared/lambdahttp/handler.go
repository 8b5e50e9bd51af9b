// Package lambdahttp runs an http.Handler behind an API Gateway HTTP API or a
// Lambda function URL: events of payload format 2.0 go in, answers come out.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
package lambdahttp

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"wechatfn/shared/problem"
	"wechatfn/shared/web"
)

const (
	// defaultReserve is the time left for sending an answer that says "too
	// slow", instead of being killed without one.
	defaultReserve = 250 * time.Millisecond
	// maxEventBytes is what Lambda itself takes in one invocation.
	maxEventBytes = 6 << 20
)

// Options may be left zero.
type Options struct {
	// Logger gets panics and events that are not HTTP; nil means slog.Default().
	Logger *slog.Logger
	// Reserve is how long before Lambda's deadline the request's context ends:
	// 250 ms by default, and never more than a quarter of the time that is left.
	Reserve time.Duration
	// Authorize, where it is set, has the function serve as a Lambda authorizer too:
	// events of type REQUEST, payload format 2.0, with simple responses. It returns
	// what the guarded function finds under requestContext.authorizer.lambda, or
	// ErrUnauthorized; any other error makes the gateway answer 500.
	Authorize func(r *http.Request) (map[string]any, error)
	// Direct, where it is set, serves events that came through no gateway, but from who
	// may invoke the function: objects with an action, and without what each of a gateway's
	// events has. Its error becomes the invocation's, so it must hold no secret.
	Direct func(ctx context.Context, payload []byte) ([]byte, error)
}

var (
	errAuthorizer = errors.New("lambdahttp: the authorizer failed")
	errDirect     = errors.New("lambdahttp: internal error")
)

// ErrUnauthorized refuses the request that an Authorize function was asked about.
var ErrUnauthorized = errors.New("lambdahttp: unauthorized")

// Handler is an http.Handler as Lambda sees it. It implements lambda.Handler, so
// lambda.Start passes it the bytes of an event as they came, without reflection.
// It is safe for concurrent use if the http.Handler is.
type Handler struct {
	next      http.Handler
	logger    *slog.Logger
	reserve   time.Duration
	authorize func(r *http.Request) (map[string]any, error)
	direct    func(ctx context.Context, payload []byte) ([]byte, error)
}

// New returns a Handler that serves events with h.
func New(h http.Handler, options Options) *Handler {
	made := &Handler{h, options.Logger, options.Reserve, options.Authorize, options.Direct}
	if made.logger == nil {
		made.logger = slog.Default()
	}
	if made.reserve <= 0 {
		made.reserve = defaultReserve
	}
	return made
}

// Invoke serves one event. The request that the http.Handler sees is the one
// that net/http would make: path and query as they came, cookies in one header,
// base64 bodies decoded, the source IP (without a port) as RemoteAddr, the
// gateway's request id in [web.RequestID].
//
// The error is nil but for an authorizer that fails, and for Direct's: an event of another kind, a request that cannot be
// decoded and a panic are answered with a problem, and logged. Neither payload
// nor what it decodes to is held afterwards.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := withReserve(ctx, h.reserve)
	defer cancel()
	w := newResponse()
	e, p := h.parse(payload)
	if p == nil && e.direct() {
		return h.directly(ctx, payload)
	}
	var r *http.Request
	if p == nil {
		r, p = e.request(ctx)
	}
	if p != nil {
		h.refuse(ctx, w, p)
		return w.encode(), nil
	}
	if e.authorize {
		return h.authorizes(r)
	}
	w.discard = r.Method == http.MethodHead
	h.serve(w, r)
	return w.encode(), nil
}

// directly answers an event that was made by hand.
func (h *Handler) directly(ctx context.Context, payload []byte) (answer []byte, err error) {
	defer func() {
		if value := recover(); value != nil {
			web.LogPanic((&http.Request{URL: new(url.URL)}).WithContext(ctx), h.logger, value)
			answer, err = nil, errDirect
		}
	}()
	return h.direct(ctx, payload)
}

// authorizes answers an authorizer's event. A panic is an error, so that the gateway
// answers 500 and lets no request through.
func (h *Handler) authorizes(r *http.Request) (answer []byte, err error) {
	defer func() {
		if value := recover(); value != nil {
			web.LogPanic(r, h.logger, value)
			answer, err = nil, errAuthorizer
		}
	}()
	granted, err := h.authorize(r)
	if err != nil && !errors.Is(err, ErrUnauthorized) {
		h.logger.LogAttrs(r.Context(), slog.LevelError, "authorizer failed", slog.String("error", err.Error()))
		return nil, errAuthorizer
	}
	return json.Marshal(struct {
		IsAuthorized bool           `json:"isAuthorized"`
		Context      map[string]any `json:"context,omitempty"`
	}{err == nil, granted})
}

// serve answers a panic with 500 instead of taking the process down: what comes
// next would only wait for a cold start.
func (h *Handler) serve(w *response, r *http.Request) {
	defer func() {
		if value := recover(); value != nil {
			web.LogPanic(r, h.logger, value)
			w.reset()
			web.WriteProblem(w, problem.Internal.New(""))
		}
	}()
	h.next.ServeHTTP(w, r)
}

// refuse logs why, because the one who wired the function to another kind of
// event looks there.
func (h *Handler) refuse(ctx context.Context, w http.ResponseWriter, p *problem.Problem) {
	h.logger.LogAttrs(ctx, slog.LevelError, "event refused",
		slog.String("code", string(p.Code())), slog.String("error", p.Error()))
	web.WriteProblem(w, p)
}

// withReserve ends ctx early enough for an answer to go out.
func withReserve(ctx context.Context, reserve time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	reserve = min(reserve, max(0, time.Until(deadline)/4))
	return context.WithDeadline(ctx, deadline.Add(-reserve))
}
