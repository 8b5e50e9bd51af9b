package wechatfn

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// banned are words of our own that a stranger does not know. What to write instead:
// local, refresh request, newFixture, tombstone, deliver, in progress, statusPrinter,
// crashAfterN, redactSDKError, handleOperatorEvent.
var banned = regexp.MustCompile(`(?i)desk|kick|newworld|bury|hand_?over|in_?work\b|lifeline|mortal|wordless|obey`)

// allowed are words that hold a banned one.
var allowed = regexp.MustCompile(`(?i)desktop|kickstart`)

// wordsOf are the files that the list does not hold for: itself, the history, and what
// is made by others.
var wordsOf = []string{"words_test.go", "CHANGELOG.md", "go.sum", "package-lock.json"}

// TestLayoutWords looks at every tracked file, its name included.
func TestLayoutWords(t *testing.T) {
	out, err := exec.Command("git", "ls-files", "-z").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if len(files) < 300 {
		t.Fatalf("only %d files were found", len(files))
	}
	for _, file := range files {
		if name := allowed.ReplaceAllString(file, ""); banned.MatchString(name) {
			t.Errorf("%s: rename it, %q is a banned word", file, banned.FindString(name))
		}
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) || under(file, wordsOf...) || filepath.Ext(file) == ".png" {
			continue // deleted and not yet committed, or not ours
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			if word := banned.Find(allowed.ReplaceAll(line, nil)); word != nil {
				t.Errorf("%s:%d: %q is a banned word", file, i+1, word)
			}
		}
	}
}
