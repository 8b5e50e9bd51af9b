// Package devservertest runs a dev server for a test.
package devservertest

import (
	"context"
	"io"
	"net/http"
	"testing"

	"wechatfn/dev/devserver"
)

// New makes a dev server with a store in memory, on a free port of this machine.
// Nothing runs before Run. env are its variables.
func New(t *testing.T, env map[string]string) *devserver.Server {
	t.Helper()
	s, err := devserver.New(t.Context(), devserver.Config{
		Addr: "127.0.0.1:0", Store: ":memory:", Out: io.Discard, Getenv: func(name string) string { return env[name] },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Run runs s until the test ends. It returns when requests are answered, so the first
// ticket is there.
func Run(t *testing.T, s *devserver.Server) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	answer, err := http.Get(s.URL() + "signature/health")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
}

// Start is New and Run. It returns the address of the page.
func Start(t *testing.T) string {
	t.Helper()
	s := New(t, nil)
	Run(t, s)
	return s.URL()
}
