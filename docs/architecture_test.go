package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testName   = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w*(…?)`)
	testSource = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
)

// Every test that architecture.md and coming-from.md name exists. A name that ends in … is the
// beginning of one.
func TestPromisesNameExistingTests(t *testing.T) {
	existing := "\n" + strings.Join(testsOfTheProject(t), "\n") + "\n"
	for _, page := range []string{"architecture.md", "coming-from.md"} {
		names := testName.FindAllString(read(t, page), -1)
		if len(names) < 20 {
			t.Errorf("%s names only %d tests", page, len(names))
		}
		for _, name := range names {
			line := "\n" + name + "\n"
			if beginning, ok := strings.CutSuffix(name, "…"); ok {
				line = "\n" + beginning
			}
			if !strings.Contains(existing, line) {
				t.Errorf("%s: no test is called %s", page, name)
			}
		}
	}
}

// testsOfTheProject lists the names of all tests and fuzz targets in Go.
func testsOfTheProject(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".."):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		code, err := os.ReadFile(path)
		for _, match := range testSource.FindAllStringSubmatch(string(code), -1) {
			names = append(names, match[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
