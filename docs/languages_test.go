package docs_test

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	heading  = regexp.MustCompile(`(?m)^(#+) `)
	fence    = regexp.MustCompile("(?s)```.*?```")
	commands = regexp.MustCompile("(?s)```sh\n(.*?)```")
	comment  = regexp.MustCompile(`\s+# .*`)
	span     = regexp.MustCompile("`[^`\n]+`")
	errcode  = regexp.MustCompile(`\b[4-9]\d{4}\b`)
	link     = regexp.MustCompile(`\]\(([^)]+)\)`)
	source   = regexp.MustCompile(`(?m)^\[.+\]: .+$`) // the address of a reference link
)

// outline is what a page has in every language, by what it is.
type outline map[string][]string

// outlineOf reads a page. The path is from the root of the repository.
func outlineOf(t *testing.T, page string) outline {
	t.Helper()
	text := read(t, filepath.Join("..", page))
	o := outline{"commands": commandLines(text)}
	text = fence.ReplaceAllString(text, "")
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		o["headings"] = append(o["headings"], match[1])
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "|") {
			o["names in table rows"] = append(o["names in table rows"], strings.Join(names(line), " "))
		}
	}
	o["names"] = names(text)
	o["errcodes"] = sorted(errcode.FindAllString(text, -1))
	for _, match := range link.FindAllStringSubmatch(text, -1) {
		o["links"] = append(o["links"], linked(page, match[1]))
	}
	o["links"] = slices.Compact(sorted(o["links"]))
	o["sources"] = source.FindAllString(text, -1)
	return o
}

// commandLines are the lines of shell code, without their comments.
func commandLines(text string) (lines []string) {
	for _, block := range commands.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			lines = append(lines, comment.ReplaceAllString(strings.TrimSpace(line), ""))
		}
	}
	return lines
}

// names are the code spans of a text, each once: variables, routes, problem codes,
// commands. What holds Chinese characters is a text, not a name.
func names(text string) (all []string) {
	for _, code := range span.FindAllString(text, -1) {
		if !strings.ContainsFunc(code, func(c rune) bool { return unicode.Is(unicode.Han, c) }) {
			all = append(all, code)
		}
	}
	return slices.Compact(sorted(all))
}

func sorted(all []string) []string {
	slices.Sort(all)
	return all
}

// linked is where a link of a page leads, whatever the language of the page is.
func linked(page, target string) string {
	if strings.Contains(target, "://") {
		return target
	}
	file, _, _ := strings.Cut(target, "#") // an anchor is a heading, in the page's language
	if file == "" {
		file = path.Base(page)
	}
	return strings.NewReplacer("docs/zh/", "docs/", ".zh.md", ".md", "demo-zh.png", "demo.png").Replace(path.Join(path.Dir(page), file))
}

// A page in Chinese has the names, commands, headings and links of the page in English.
func TestPagesAgreeInBothLanguages(t *testing.T) {
	pages := []struct{ english, chinese string }{{"README.md", "README.zh.md"}}
	chinese, err := filepath.Glob("zh/*.md")
	if err != nil || len(chinese) == 0 {
		t.Fatal("no pages in docs/zh", err)
	}
	for _, page := range chinese {
		name := filepath.Base(page)
		pages = append(pages, struct{ english, chinese string }{"docs/" + name, "docs/zh/" + name})
	}
	for _, p := range pages {
		t.Run(p.english, func(t *testing.T) {
			want, got := outlineOf(t, p.english), outlineOf(t, p.chinese)
			if len(want["headings"]) < 2 || len(want["names"]) < 4 {
				t.Fatalf("the page has only %d headings and %d names", len(want["headings"]), len(want["names"]))
			}
			for what := range want {
				if !slices.Equal(want[what], got[what]) {
					t.Errorf("%s differ: in English alone %q, in Chinese alone %q", what, without(want[what], got[what]), without(got[what], want[what]))
				}
			}
		})
	}
}

// without returns what is in all more often than in others.
func without(all, others []string) (rest []string) {
	others = slices.Clone(others)
	for _, one := range all {
		if i := slices.Index(others, one); i >= 0 {
			others = slices.Delete(others, i, i+1)
		} else {
			rest = append(rest, one)
		}
	}
	return rest
}
