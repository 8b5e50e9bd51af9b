package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// read returns the text of a file, by its path from this folder.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every link of every page leads to a file or folder that exists, and to a heading of it.
func TestLinks(t *testing.T) {
	pages := []string{
		"../README.md", "../README.zh.md", "../CONTRIBUTING.md", "../events/README.md",
		"../client/README.md", "../client/README.zh.md", "../client/miniprogram/README.md",
	}
	for _, pattern := range []string{"*.md", "zh/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no pages %s: %v", pattern, err)
		}
		pages = append(pages, found...)
	}
	for _, page := range pages {
		t.Run(page, func(t *testing.T) {
			for _, found := range link.FindAllStringSubmatch(fence.ReplaceAllString(read(t, page), ""), -1) {
				target := found[1]
				if strings.Contains(target, "://") {
					continue
				}
				if strings.HasPrefix(target, "#") {
					target = filepath.Base(page) + target
				}
				if err := checkLink(filepath.Join(filepath.Dir(page), target)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// checkLink returns an error unless the link, from this folder, leads to a file or folder, and
// to a heading of the file where it names one.
func checkLink(target string) error {
	file, anchor, _ := strings.Cut(target, "#")
	if anchor == "" {
		_, err := os.Stat(file)
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for line := range strings.Lines(fence.ReplaceAllString(string(text), "")) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") && slug(title) == anchor {
			return nil
		}
	}
	return fmt.Errorf("%s has no heading #%s", file, anchor)
}

var notInSlug = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)

// slug is a heading's anchor, as GitHub makes it.
func slug(title string) string {
	return strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")
}
