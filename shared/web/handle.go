package web

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// HandlerFunc is a handler that may fail. A *Problem is for the client; any
// other error is for the log.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// Handle makes an http.Handler of h. It is the one place where errors become
// status codes:
//
//	*Problem (also wrapped)              as it is; logged if it is a 5xx
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
	problem := ProblemOf(r.Context(), err)
	if problem.status() >= 500 {
		e.log(r, problem, err)
	}
	if rec.status == 0 {
		WriteProblem(rec, problem)
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
func (e *errorHandler) log(r *http.Request, problem *Problem, err error) {
	level := slog.LevelError
	if problem.status() == http.StatusServiceUnavailable {
		level = slog.LevelWarn
	}
	e.logger.LogAttrs(r.Context(), level, "request failed",
		slog.String("method", r.Method),
		slog.String("path", logPath(r)),
		slog.String("code", problem.Code),
		slog.String("error", err.Error()),
		requestIDAttr(r.Context()))
}

// ProblemOf is the problem that [Handle] answers an error with, for who shows it in
// another form.
func ProblemOf(ctx context.Context, err error) *Problem {
	if problem, ok := errors.AsType[*Problem](err); ok {
		return problem
	}
	if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return timeout(err)
	}
	return Internal(err)
}

// Internal is the problem for an error that no client can do anything about.
// cause is logged by [Handle] and never sent; it may be nil.
func Internal(cause error) *Problem {
	return &Problem{Status: http.StatusInternalServerError, Code: "internal", Title: "Internal error", Cause: cause}
}

func timeout(cause error) *Problem {
	return &Problem{
		Status: http.StatusServiceUnavailable,
		Code:   "timeout",
		Title:  "The answer took too long",
		Hint: Hint{
			En: "Try again in a few seconds.",
			Zh: "请几秒后重试。",
		},
		RetryAfter: 2 * time.Second,
		Cause:      cause,
	}
}
