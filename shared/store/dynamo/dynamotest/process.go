package dynamotest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

const (
	startTries = 5 // another process may take the free port first
	startLimit = 10 * time.Second
)

// startProcess starts the engine on a free loopback port and returns its URL.
func startProcess(t testing.TB) string {
	t.Helper()
	binary := findEngine(t)
	var err error
	for range startTries {
		var url string
		if url, err = launch(t, binary); err == nil {
			return url
		}
	}
	t.Fatalf("start %s: %v", binary, err)
	return ""
}

// findEngine looks in node_modules beside go.mod.
func findEngine(t testing.TB) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	binary := filepath.Join(root, "node_modules", "@dynoxide", runtime.GOOS+"-"+arch, "dynoxide")
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("no DynamoDB engine: %v\nrun `npm ci` in %s; where npm has none for this platform, "+
			"start any DynamoDB engine (scripts/dynamodb-local.sh) and name its URL in %s", err, root, EndpointVariable)
	}
	return binary
}

// moduleRoot is the nearest folder above the test's with a go.mod.
func moduleRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod above %s", start)
		}
	}
}

// launch runs the engine until t ends, or until this process dies.
func launch(t testing.TB, binary string) (string, error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	said := &banner{said: make(chan struct{})}
	cmd := exec.Command(binary, "serve", "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	cmd.Stdout, cmd.Stderr = said, said
	dieWithParent(cmd)

	exited, err := run(cmd)
	if err != nil {
		return "", err
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-exited
	})
	select {
	case <-said.said:
		return "http://127.0.0.1:" + strconv.Itoa(port), nil
	case <-exited:
		return "", fmt.Errorf("it ended: %s", said)
	case <-time.After(startLimit):
		return "", fmt.Errorf("it did not answer within %v: %s", startLimit, said)
	}
}

// run starts and awaits cmd on a thread of its own: Linux takes the end of the
// thread that started a process, not of the whole program, for its parent's death.
func run(cmd *exec.Cmd) (exited <-chan struct{}, err error) {
	started, done := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	return done, <-started
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// banner keeps what the engine prints and tells when it says that it listens.
type banner struct {
	mu   sync.Mutex
	text bytes.Buffer
	once sync.Once
	said chan struct{}
}

func (b *banner) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Write(p)
	if bytes.Contains(b.text.Bytes(), []byte("listening on")) {
		b.once.Do(func() { close(b.said) })
	}
	return len(p), nil
}

func (b *banner) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
