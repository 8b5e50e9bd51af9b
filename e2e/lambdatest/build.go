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

// builds caches what this test process has compiled. It is the only state that several
// tests share: all tests need the same few binaries, and linking one takes a second.
var builds struct {
	sync.Mutex
	paths map[string]string
}

// Build compiles the function in a package, given as an import path or as ./folder, for
// this machine and with the flags of production. It returns the path of the bootstrap. A
// test process compiles a package once. The result is in the user's cache folder, one
// file a package, which the next build replaces.
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

// build makes the new file beside the old one and renames it. So another test process,
// which may start the file at any time, never finds a part of it.
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

// touchSources calls Stat on every source file of the function, and returns the package's
// folder. The test cache of go test does not know what a child process reads, so without
// this it would report a cached result after the function has changed.
func touchSources(pkg string) (dir string, err error) {
	const format = `{{if not .Standard}}{{with .Module}}{{.GoMod}}{{end}}{{range .GoFiles}}
{{$.Dir}}/{{.}}{{end}}{{end}}`
	files, err := goTool("list", "-deps", "-tags", "lambda.norpc", "-f", format, pkg)
	if err != nil {
		return "", err
	}
	for file := range strings.SplitSeq(strings.TrimSpace(files), "\n") {
		_, _ = os.Stat(file) // the call is what the test cache records
		dir = filepath.Dir(file)
	}
	return dir, nil // go list names dependencies first, and the package last
}

// cacheFolder returns a folder for one package of one checkout: two checkouts can be
// tested at the same time.
func cacheFolder(dir string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil { // no home
		cache = os.TempDir()
	}
	sum := sha256.Sum256([]byte(dir))
	folder := filepath.Join(cache, "wechatfn-lambdatest", hex.EncodeToString(sum[:8]))
	return folder, os.MkdirAll(folder, 0o700)
}

// goTool runs the go command of the PATH. Under go test it is the one that runs the test.
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
