package lambdatest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// builds remembers what this test process has compiled. It is the one piece of
// state that outlives a test: every test of a process asks for the same few
// binaries, and linking one takes a second.
var builds struct {
	sync.Mutex
	paths map[string]string
}

// Build compiles the function in a package, given as an import path or as
// ./folder, for this machine with the flags of production, and returns the path
// of its bootstrap. A test process compiles a package once; the result stays in
// the user's cache, one file a package, so that nothing piles up.
func Build(tb testing.TB, pkg string) string {
	tb.Helper()
	builds.Lock()
	defer builds.Unlock()
	if path, ok := builds.paths[pkg]; ok {
		return path
	}
	path, err := build(pkg)
	if err != nil {
		tb.Fatalf("lambdatest: build %s: %v", pkg, err)
	}
	if builds.paths == nil {
		builds.paths = make(map[string]string)
	}
	builds.paths[pkg] = path
	return path
}

// build makes the new file beside the old one and renames it, so that another
// test process, which may be about to run it, always finds a whole one.
func build(pkg string) (string, error) {
	dir, err := touchSources(pkg)
	if err != nil {
		return "", err
	}
	folder, err := cacheFolder(dir)
	if err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(folder, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	path := filepath.Join(folder, "bootstrap")
	if _, err := goTool("build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc",
		"-ldflags=-s -w -buildid=", "-o", filepath.Join(fresh, "bootstrap"), pkg); err != nil {
		return "", err
	}
	return path, os.Rename(filepath.Join(fresh, "bootstrap"), path)
}

// touchSources looks at every source file of the function, and returns the
// package's folder. What a child process reads is unknown to the test cache of
// go test: it would call a test passed after the function has changed.
func touchSources(pkg string) (dir string, err error) {
	const format = `{{if not .Standard}}{{with .Module}}{{.GoMod}}{{end}}{{range .GoFiles}}
{{$.Dir}}/{{.}}{{end}}{{end}}`
	files, err := goTool("list", "-deps", "-tags", "lambda.norpc", "-f", format, pkg)
	if err != nil {
		return "", err
	}
	for file := range strings.SplitSeq(strings.TrimSpace(files), "\n") {
		_, _ = os.Stat(file) // being asked about is what counts
		dir = filepath.Dir(file)
	}
	return dir, nil // go list names dependencies first, and the package last
}

// cacheFolder is the package's own, and the checkout's: two of them may be under
// test at once.
func cacheFolder(dir string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil { // no home
		cache = os.TempDir()
	}
	sum := sha256.Sum256([]byte(dir))
	folder := filepath.Join(cache, "wechatfn-lambdatest", hex.EncodeToString(sum[:8]))
	return folder, os.MkdirAll(folder, 0o700)
}

// goTool runs the go command of the PATH, which under go test is the one that
// runs the test.
func goTool(arguments ...string) (string, error) {
	command := exec.Command("go", arguments...)
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", arguments[0], err, stderr.Bytes())
	}
	return string(out), nil
}
