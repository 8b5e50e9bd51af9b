package web

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"
)

// These bound what a scanner can make us pay for in log storage.
const (
	maxLogPath   = 200
	maxLogMethod = 16
)

// Log writes one line a request: method, path, status, duration_ms, the request
// id and the code of a problem where there is one. Never the query, a header or
// a body: they hold OAuth codes, cookies and tokens. A nil logger means
// slog.Default().
//
// extra, which may be nil, returns what else belongs into the line of a request that
// was answered with status; the zero Attr for nothing.
func Log(next http.Handler, logger *slog.Logger, extra func(r *http.Request, status int) slog.Attr) http.Handler {
	if extra == nil {
		extra = func(*http.Request, int) slog.Attr { return slog.Attr{} }
	}
	return &requestLog{next, cmp.Or(logger, slog.Default()), extra}
}

type requestLog struct {
	next   http.Handler
	logger *slog.Logger
	extra  func(r *http.Request, status int) slog.Attr
}

func (l *requestLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	rec := record(w)
	panicking := true
	defer func() { l.log(r, rec, panicking, time.Since(start)) }()
	l.next.ServeHTTP(rec, r)
	panicking = false
}

func (l *requestLog) log(r *http.Request, rec *recorder, panicking bool, took time.Duration) {
	if !l.logger.Enabled(r.Context(), slog.LevelInfo) {
		return
	}
	status := rec.answered(panicking)
	// The last three are zero Attrs where there is nothing to say, and handlers
	// leave those out.
	l.logger.LogAttrs(r.Context(), slog.LevelInfo, "request",
		slog.String("method", r.Method[:min(len(r.Method), maxLogMethod)]),
		slog.String("path", logPath(r)),
		slog.Int("status", status),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		codeAttr(rec.code),
		requestIDAttr(r.Context()),
		l.extra(r, status))
}

// answered is the status that the client sees.
func (rec *recorder) answered(panicking bool) int {
	switch {
	case panicking:
		return http.StatusInternalServerError
	case rec.status == 0:
		return http.StatusOK
	}
	return rec.status
}

func logPath(r *http.Request) string {
	if len(r.URL.Path) > maxLogPath {
		return r.URL.Path[:maxLogPath] + "..."
	}
	return r.URL.Path
}

func codeAttr(code string) slog.Attr {
	if code == "" {
		return slog.Attr{}
	}
	return slog.String("code", code)
}

type requestIDKey struct{}

// WithRequestID returns a context whose requests are logged under id, the one
// that the gateway's own log has.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID returns the id given to WithRequestID, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

func requestIDAttr(ctx context.Context) slog.Attr {
	id := RequestID(ctx)
	if id == "" {
		return slog.Attr{}
	}
	return slog.String("request_id", id)
}
