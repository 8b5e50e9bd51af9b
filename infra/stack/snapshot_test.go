package stack

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var (
	update    = flag.Bool("update", false, "write testdata again")
	templates = flag.String("templates", "", "folder to write the template of every variant to")
)

var assetHash = regexp.MustCompile(`[0-9a-f]{64}\.zip`)

// text is a variant's template, without what every build changes.
func text(t *testing.T, name string) []byte {
	t.Helper()
	return assetHash.ReplaceAll([]byte(synth(t, name).text), []byte("HASH.zip"))
}

// TestSnapshots shows in a diff what a change does to the templates of two stages. The
// tests in stages_test.go say what the other stages have instead.
func TestSnapshots(t *testing.T) {
	for _, name := range []string{"prod", "china"} {
		t.Run(name, func(t *testing.T) {
			path, got := "testdata/"+name+".template.json", text(t, name)
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || string(want) != string(got) {
				t.Errorf("%s differs: read the diff after go test ./infra/stack -update (%v)", path, err)
			}
		})
	}
}

// TestTemplatesAreWritten writes the template of every variant where -templates says,
// for make check-templates.
func TestTemplatesAreWritten(t *testing.T) {
	folder := *templates
	if folder == "" {
		folder = t.TempDir()
	}
	for _, v := range variants(t) {
		t.Run(v.name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(folder, v.name+".template.json"), text(t, v.name), 0o644); err != nil {
				t.Error(err)
			}
		})
	}
}
