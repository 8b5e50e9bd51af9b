package app

import (
	"io"
	"log/slog"
	"os"
)

// Logger logs JSON lines, which CloudWatch understands.
func Logger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

// ExitOn logs why a function cannot start and ends the process, which Lambda
// reports as a failed init. It does nothing on nil.
func ExitOn(logger *slog.Logger, err error) {
	if err != nil {
		logger.Error("cannot start", "error", err)
		os.Exit(1)
	}
}
