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
	startTries = 5 // another process can take the free port first
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

// findEngine returns the engine in node_modules, beside go.mod.
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

// moduleRoot is the nearest folder with a go.mod, from the test's folder upwards.
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

// launch runs the engine until t or this process ends.
func launch(t testing.TB, binary string) (string, error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	out := &output{ready: make(chan struct{})}
	cmd := exec.Command(binary, "serve", "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	cmd.Stdout, cmd.Stderr = out, out
	endWithParent(cmd)

	exited, err := run(cmd)
	if err != nil {
		return "", err
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-exited
	})
	select {
	case <-out.ready:
		return "http://127.0.0.1:" + strconv.Itoa(port), nil
	case <-exited:
		return "", fmt.Errorf("it ended: %s", out)
	case <-time.After(startLimit):
		return "", fmt.Errorf("it did not answer within %v: %s", startLimit, out)
	}
}

// run starts cmd and waits for it on a thread of its own: Linux ends a process with the
// thread that started it, not with the whole program.
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

// output is what the engine prints. It closes ready when the engine listens.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	once  sync.Once
	ready chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	if bytes.Contains(o.text.Bytes(), []byte("listening on")) {
		o.once.Do(func() { close(o.ready) })
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
