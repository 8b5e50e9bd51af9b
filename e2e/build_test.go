package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wechatfn/shared/manifest"
)

// limits are the largest sizes of functions in bytes. The one without a name is for the
// functions that are not listed.
var limits = map[string]struct{ binary, zip int }{
	"signature": {9_500_000, 4_000_000},
	"verify":    {11_000_000, 4_200_000},
	"oauth":     {9_500_000, 4_000_000},
	"":          {12_000_000, 6_000_000},
}

// The Makefile makes the same bytes of the same sources, in any folder and at any time. So
// a function that has not changed is not deployed again.
func TestBuildIsReproducible(t *testing.T) {
	first, second := copyTree(t, "here", time.Now()), copyTree(t, "some/where else", time.Unix(1e9, 0))
	for _, m := range manifest.Functions() {
		one, other := makeFunction(t, first, m.Name), makeFunction(t, second, m.Name)
		if sha256.Sum256(one) != sha256.Sum256(other) {
			t.Errorf("%s: two different files of %d and %d bytes", m.Name, len(one), len(other))
		}
		wantSize(t, m.Name, one)
	}
}

func wantSize(t *testing.T, name string, binary []byte) {
	t.Helper()
	limit, ok := limits[name]
	if !ok {
		limit = limits[""]
	}
	if size := zipped(t, binary); len(binary) > limit.binary || size > limit.zip {
		t.Errorf("%s has %d bytes and zipped %d; the limits are %d and %d", name, len(binary), size, limit.binary, limit.zip)
	}
}

// zipped returns the size of the file that is uploaded, without some 100 bytes for names.
// It runs gzip, because with the race detector Go's own compression takes seconds.
func zipped(tb testing.TB, binary []byte) int {
	tb.Helper()
	gzip := exec.CommandContext(tb.Context(), "gzip", "-9", "-c")
	gzip.Stdin = bytes.NewReader(binary)
	out, err := gzip.Output()
	if err != nil {
		tb.Fatal(err)
	}
	return len(out)
}

// copyTree copies the files of this checkout that git does not ignore.
func copyTree(tb testing.TB, folder string, modified time.Time) string {
	tb.Helper()
	to := filepath.Join(tb.TempDir(), folder)
	for name := range strings.SplitSeq(run(tb, "..", "git", "ls-files", "-co", "--exclude-standard", "-z"), "\x00") {
		if info, err := os.Stat(filepath.Join("..", name)); err != nil || !info.Mode().IsRegular() {
			continue // the end of the list, or a file that was deleted and not yet committed
		}
		path := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, read(tb, filepath.Join("..", name)), 0o644); err != nil {
			tb.Fatal(err)
		}
		if err := os.Chtimes(path, modified, modified); err != nil {
			tb.Fatal(err)
		}
	}
	return to
}

// makeFunction builds a function for the architecture of the deployment.
func makeFunction(tb testing.TB, dir, name string) []byte {
	tb.Helper()
	run(tb, dir, "make", "build-arm64-"+name)
	return read(tb, filepath.Join(dir, "build", name, "bootstrap"))
}

func run(tb testing.TB, dir, name string, arguments ...string) string {
	tb.Helper()
	command := exec.CommandContext(tb.Context(), name, arguments...)
	command.Dir = dir
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		tb.Fatalf("%s: %v\n%s", command, err, &stderr)
	}
	return string(out)
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return content
}
