package local

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"time"
)

// Logger writes text to standard error.
func Logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

// ShutDown ends a server within three seconds.
func ShutDown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close() // a browser holds a connection open
}
