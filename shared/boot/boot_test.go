package boot

import (
	"bytes"
	"context"
	"errors"
	"log"
	"log/slog"
	"os"
	"strings"
	"testing"
)

// logTo returns a logger that writes to a buffer, and gives the standard logger back
// when the test ends.
func logTo(t *testing.T, level slog.Level) (*slog.Logger, *bytes.Buffer) {
	t.Helper()
	t.Cleanup(func() { log.SetOutput(os.Stderr); log.SetFlags(log.LstdFlags) })
	out := new(bytes.Buffer)
	return newLogger(out, level), out
}

func TestStandardLoggerDropsUnsolicitedResponses(t *testing.T) {
	_, out := logTo(t, slog.LevelInfo)
	log.Printf("Unsolicited response received on idle HTTP channel starting with %q; err=<nil>", `{"access_token":"canary"}`)
	if out.Len() != 0 {
		t.Errorf("the log quotes the response: %s", out)
	}
	log.Print("http: another message")
	if out.String() != "http: another message\n" {
		t.Errorf("another message is logged as %q", out)
	}
}

func TestLoggerWritesJSONFromTheLevelOn(t *testing.T) {
	logger, out := logTo(t, slog.LevelWarn)
	logger.Info("too detailed")
	logger.Warn("shown")
	if strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), `"level":"WARN","msg":"shown"`) {
		t.Errorf("log %s", out)
	}
}

func TestWithRequestID(t *testing.T) {
	type key struct{}
	withID := context.WithValue(t.Context(), key{}, "id-1")
	for _, c := range []struct {
		name string
		log  func(*slog.Logger)
		want string
	}{
		{"a line with an id", func(l *slog.Logger) { l.InfoContext(withID, "m") }, `"msg":"m","request_id":"id-1"}`},
		{"a context without an id", func(l *slog.Logger) { l.InfoContext(t.Context(), "m") }, `"msg":"m"}`},
		{"a logger with an attribute", func(l *slog.Logger) { l.With("a", 1).InfoContext(withID, "m") }, `"msg":"m","a":1,"request_id":"id-1"}`},
		{"a logger with a group", func(l *slog.Logger) { l.WithGroup("g").InfoContext(withID, "m", "a", 1) }, `"msg":"m","g":{"a":1,"request_id":"id-1"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			logger, out := logTo(t, slog.LevelInfo)
			c.log(WithRequestID(logger, func(ctx context.Context) string { id, _ := ctx.Value(key{}).(string); return id }))
			if line := strings.TrimSpace(out.String()); !strings.HasSuffix(line, c.want) {
				t.Errorf("log %s, want the end %s", line, c.want)
			}
		})
	}
}

func TestExitOnNilGoesOn(t *testing.T) {
	logger, out := logTo(t, slog.LevelInfo)
	ExitOn(logger, errors.Join())
	if out.Len() != 0 {
		t.Errorf("log %s", out)
	}
}
