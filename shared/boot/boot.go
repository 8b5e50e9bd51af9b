// Package boot starts the process of a function: it loads the configuration, makes the
// logger, and ends a process that cannot start.
package boot

import (
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"
	"os"

	"wechatfn/shared/config"
)

// Load reads the configuration from the environment and makes the logger that it asks
// for. If something is wrong with the configuration, Load logs it and ends the process.
func Load(needs config.Part) (*config.Config, *slog.Logger) {
	c, err := config.Load(os.Getenv, needs)
	logger := newLogger(os.Stdout, c.LogLevel)
	ExitOn(logger, err)
	return c, logger
}

// ExitOn does nothing if err is nil. Otherwise it logs the error and ends the process,
// which Lambda reports as a failed init.
func ExitOn(logger *slog.Logger, err error) {
	if err != nil {
		logger.Error("cannot start", "error", err)
		os.Exit(1)
	}
}

// newLogger returns a logger of JSON lines, which CloudWatch understands. It also changes
// the standard logger of package log, which net/http uses: its lines go to w, through
// responseFilter.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	log.SetOutput(responseFilter{w})
	log.SetFlags(0) // the lines of Lambda's runtime are JSON, with a time of their own
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

// responseFilter drops the one message of net/http that quotes a response. It may be a
// response of WeChat's, with a token in it.
type responseFilter struct{ io.Writer }

func (f responseFilter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("Unsolicited response")) {
		return len(p), nil
	}
	return f.Writer.Write(p)
}

// WithRequestID returns a logger that adds an id to each line, as request_id, where id
// returns one for the context. The refresher adds the id of the invocation, which the
// lines of Lambda's runtime have too. In functions that serve requests, package web
// adds the id that is in the gateway's log.
func WithRequestID(logger *slog.Logger, id func(context.Context) string) *slog.Logger {
	return slog.New(requestIDHandler{logger.Handler(), id})
}

type requestIDHandler struct {
	slog.Handler
	id func(context.Context) string
}

func (h requestIDHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := h.id(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h requestIDHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestIDHandler{h.Handler.WithAttrs(attrs), h.id}
}

func (h requestIDHandler) WithGroup(name string) slog.Handler {
	return requestIDHandler{h.Handler.WithGroup(name), h.id}
}
