package app

import (
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"
	"os"
)

// Logger logs JSON lines, which CloudWatch understands. It also takes the
// standard logger, which net/http writes to, off what a server sent unasked.
func Logger(w io.Writer, level slog.Level) *slog.Logger {
	log.SetOutput(quietLog{w})
	log.SetFlags(0) // the runtime's own lines are JSON too
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

// WithRequestID has a logger add to each line the id of the invocation, which
// Lambda's own lines have too. For functions that serve requests package web does
// this, with the id that the gateway's log has.
func WithRequestID(logger *slog.Logger, id func(context.Context) string) *slog.Logger {
	return slog.New(identified{logger.Handler(), id})
}

type identified struct {
	slog.Handler
	id func(context.Context) string
}

func (h identified) Handle(ctx context.Context, r slog.Record) error {
	if id := h.id(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h identified) WithAttrs(attrs []slog.Attr) slog.Handler {
	return identified{h.Handler.WithAttrs(attrs), h.id}
}

func (h identified) WithGroup(name string) slog.Handler {
	return identified{h.Handler.WithGroup(name), h.id}
}

// quietLog drops net/http's one message that quotes an answer: it might be one
// of WeChat's, with a token in it.
type quietLog struct{ io.Writer }

func (q quietLog) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("Unsolicited response")) {
		return len(p), nil
	}
	return q.Writer.Write(p)
}

// ExitOn logs why a function cannot start and ends the process, which Lambda
// reports as a failed init. It does nothing on nil.
func ExitOn(logger *slog.Logger, err error) {
	if err != nil {
		logger.Error("cannot start", "error", err)
		os.Exit(1)
	}
}
