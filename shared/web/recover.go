package web

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"

	"wechatfn/shared/problem"
)

// maxStack limits a log line to what log services accept.
const maxStack = 16 << 10

// Recover answers a panic of next with a 500 problem without detail, or breaks
// the connection off where the answer has begun. It is for servers other than
// Lambda, whose adapter does this itself. A nil logger means slog.Default().
func Recover(next http.Handler, logger *slog.Logger) http.Handler {
	logger = cmp.Or(logger, slog.Default())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := record(w)
		defer func() {
			if value := recover(); value != nil {
				LogPanic(r, logger, value)
				rec.giveUp(value)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

func (rec *recorder) giveUp(value any) {
	if rec.status != 0 || value == http.ErrAbortHandler {
		panic(http.ErrAbortHandler)
	}
	WriteProblem(rec, problem.Internal.New(""))
}

// LogPanic logs what was recovered, with the stack of the caller's goroutine.
// Of the value it logs the type, and the text only where the Go runtime made
// it: any other value may hold a secret. http.ErrAbortHandler, which is a way
// to give up rather than a bug, is not logged.
func LogPanic(r *http.Request, logger *slog.Logger, value any) {
	if value == http.ErrAbortHandler {
		return
	}
	stack := debug.Stack()
	logger.LogAttrs(r.Context(), slog.LevelError, "panic",
		slog.String("method", r.Method),
		slog.String("path", logPath(r)),
		slog.String("panic", describe(value)),
		slog.String("stack", string(stack[:min(len(stack), maxStack)])),
		requestIDAttr(r.Context()))
}

func describe(value any) string {
	if err, ok := value.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", value)
}
