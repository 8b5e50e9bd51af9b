package docs_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// outline is what two languages of one text have in common.
type outline struct {
	Levels   []string // of headings
	Code     []string // what is typed, line by line, without comments
	Requests []string // the first cells of tables
	Links    []string
}

var (
	heading = regexp.MustCompile(`(?m)^(#+) `)
	fenced  = regexp.MustCompile("(?s)```sh\n(.*?)```")
	comment = regexp.MustCompile(`\s+# .*`)
	span    = regexp.MustCompile("`[^`]+`")
	link    = regexp.MustCompile(`\]\(([^)]+)\)`)
)

func outlineOf(t *testing.T, name string) (o outline) {
	t.Helper()
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(file)
	for _, block := range fenced.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			o.Code = append(o.Code, comment.ReplaceAllString(strings.TrimSpace(line), ""))
		}
	}
	for _, match := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		o.Levels = append(o.Levels, match[1])
	}
	for line := range strings.Lines(text) {
		if cells := strings.Split(line, "|"); len(cells) > 2 && cells[0] == "" {
			o.Requests = append(o.Requests, strings.Join(span.FindAllString(cells[1], -1), " "))
		}
	}
	for _, match := range link.FindAllStringSubmatch(text, -1) {
		if target := strings.NewReplacer(".zh.md", ".md", "demo-zh.png", "demo.png").Replace(match[1]); !slices.Contains(o.Links, target) {
			o.Links = append(o.Links, target)
		}
	}
	slices.Sort(o.Links)
	return o
}

// The README says the same in Chinese: as many parts, the same commands, requests
// and links.
func TestReadmeInBothLanguages(t *testing.T) {
	en, zh := outlineOf(t, "../README.md"), outlineOf(t, "../README.zh.md")
	for name, pair := range map[string][2][]string{
		"headings": {en.Levels, zh.Levels}, "commands": {en.Code, zh.Code}, "requests": {en.Requests, zh.Requests}, "links": {en.Links, zh.Links},
	} {
		if len(pair[0]) < 4 || !slices.Equal(pair[0], pair[1]) {
			t.Errorf("%s differ:\n%q\n%q", name, pair[0], pair[1])
		}
	}
}

// Every file that a README leads to is there.
func TestReadmeLinks(t *testing.T) {
	for _, name := range []string{"README.md", "README.zh.md"} {
		for _, target := range outlineOf(t, "../"+name).Links {
			if _, err := os.Stat("../" + target); err != nil && !strings.Contains(target, "://") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
