// Package logtest holds what the code under test logs, for its test to search.
package logtest

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// Buffer holds a log, or any other output. Its zero value is empty and ready to use.
// It is safe for concurrent use.
type Buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

var _ io.Writer = (*Buffer)(nil)

// Write implements [io.Writer]. It never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns all that was written since the last Reset.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Reset forgets what was written.
func (b *Buffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Reset()
}

// Text returns a logger that writes records of all levels as key=value pairs.
func (b *Buffer) Text() *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// JSON returns a logger that writes records of all levels as the functions do: a JSON
// object a line.
func (b *Buffer) JSON() *slog.Logger {
	return slog.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// WantNoSecrets fails t where one of the secrets was written. Empty ones are ignored.
func (b *Buffer) WantNoSecrets(t testing.TB, secrets ...string) {
	t.Helper()
	text := b.String()
	for _, secret := range secrets {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("the secret %q was logged:\n%s", secret, text)
		}
	}
}
