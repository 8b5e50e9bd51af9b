package web

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"wechatfn/shared/problem"
)

// HandlerFunc is a handler that may fail. A *problem.Problem is for the client; any
// other error is for the log.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// Handle makes an http.Handler of h. It is the one place where errors become
// status codes:
//
//	*problem.Problem (also wrapped)      as it is; logged if it is a 5xx
//	the deadline, or the client, is gone 503 "timeout" with Retry-After; logged
//	anything else                        500 "internal" without detail; logged
//
// An error after the answer has begun is only logged. A nil logger means
// slog.Default().
func Handle(h HandlerFunc, logger *slog.Logger) http.Handler {
	return &errorHandler{h, cmp.Or(logger, slog.Default())}
}

type errorHandler struct {
	handle HandlerFunc
	logger *slog.Logger
}

func (e *errorHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := record(w)
	err := e.handle(rec, r)
	if err == nil {
		return
	}
	p := ProblemOf(r.Context(), err)
	if p.Status() >= 500 {
		e.log(r, p, err)
	}
	if rec.status == 0 {
		WriteProblem(rec, p)
	}
}

// Guard is for logins: it forbids caching of answers, and addresses, which hold
// codes and states, out of the Referer of what comes next. It ends a request's
// context after budget, in time for an answer, and not when the client hangs up: that
// may be the first of WeChat's two calls, which has used the code, and a logout is
// often the last that a page does.
func Guard(h HandlerFunc, budget time.Duration) HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		end := time.Now().Add(budget)
		if deadline, ok := r.Context().Deadline(); ok && deadline.Before(end) {
			end = deadline
		}
		ctx, cancel := context.WithDeadline(context.WithoutCancel(r.Context()), end)
		defer cancel()
		return h(w, r.WithContext(ctx))
	}
}

// log leaves the query out: it may hold an OAuth code.
func (e *errorHandler) log(r *http.Request, p *problem.Problem, err error) {
	level := slog.LevelError
	if p.Status() == http.StatusServiceUnavailable {
		level = slog.LevelWarn
	}
	e.logger.LogAttrs(r.Context(), level, "request failed",
		slog.String("method", r.Method),
		slog.String("path", logPath(r)),
		slog.String("code", string(p.Code())),
		slog.String("error", err.Error()),
		requestIDAttr(r.Context()))
}

// ProblemOf is the problem that [Handle] answers an error with, for a handler that shows
// it in another form.
func ProblemOf(ctx context.Context, err error) *problem.Problem {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p
	}
	if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return &problem.Problem{Type: &problem.Timeout, RetryAfter: 2 * time.Second, Cause: err}
	}
	return &problem.Problem{Type: &problem.Internal, Cause: err}
}
