package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// comingFrom is the rows of coming-from.md, as what there was and what is here.
func comingFrom(t *testing.T) (rows [][2]string) {
	t.Helper()
	for line := range strings.Lines(read(t, "coming-from.md")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || strings.TrimSpace(cells[len(cells)-1]) == "here" {
			continue
		}
		if len(cells) != 2 {
			t.Fatalf("%d cells: %s", len(cells), line)
		}
		rows = append(rows, [2]string{cells[0], cells[1]})
	}
	return rows
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every name that the three libraries offer has a row.
func TestComingFromNames(t *testing.T) {
	var there []string
	for _, row := range comingFrom(t) {
		there = append(there, span.FindAllString(row[0], -1)...)
	}
	known := strings.Join(there, "\n")
	names := 0
	for line := range strings.Lines(read(t, "testdata/coming-from.txt")) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for name := range strings.FieldsSeq(line) {
			names++
			if !regexp.MustCompile(`(^|[^\w/])` + regexp.QuoteMeta(name) + `($|\W)`).MatchString(known) {
				t.Errorf("no row tells of %s", name)
			}
		}
	}
	if names < 150 {
		t.Errorf("only %d names", names)
	}
}

var labelled = regexp.MustCompile(`\[([^\]]+)\]\(([^)]+)\)`)

// Every row leads somewhere, and what a link to code names is there.
func TestComingFromLinks(t *testing.T) {
	for _, row := range comingFrom(t) {
		links := labelled.FindAllStringSubmatch(row[1], -1)
		if len(links) == 0 {
			t.Errorf("%s: it leads nowhere", row[0])
		}
		for _, link := range links {
			if why := brokenLink(link[2]); why != "" {
				t.Errorf("%s: %s", row[0], why)
			} else if name := symbol(link[1]); strings.HasSuffix(link[2], ".go") && name != "" && !strings.Contains(read(t, link[2]), "func "+name+"(") &&
				!strings.Contains(read(t, link[2]), ") "+name+"(") && !strings.Contains(read(t, link[2]), "type "+name+" ") {
				t.Errorf("%s: %s has no %s", row[0], link[2], name)
			}
		}
	}
}

// symbol is the last part of a name in code; empty where a label is prose.
func symbol(label string) string {
	if code := inCode.FindStringSubmatch(label); code != nil {
		return code[1]
	}
	return ""
}

var inCode = regexp.MustCompile("^`?(?:[*a-z]+\\.(?:Client\\.)?|\\b)([A-Z]\\w+)`?$")

// Every link of every page leads to a file that is there, and to a heading of it.
func TestLinks(t *testing.T) {
	pages := []string{"../README.md", "../README.zh.md", "../client/README.md", "../client/README.zh.md", "../client/miniprogram/README.md", "../CONTRIBUTING.md"}
	here, err := filepath.Glob("*.md")
	if err != nil || len(here) < 10 {
		t.Fatal(here, err)
	}
	for _, page := range append(pages, here...) {
		for _, found := range link.FindAllStringSubmatch(fence.ReplaceAllString(read(t, page), ""), -1) {
			target := found[1]
			if strings.Contains(target, "://") {
				continue
			}
			if strings.HasPrefix(target, "#") {
				target = filepath.Base(page) + target
			}
			if why := brokenLink(filepath.Join(filepath.Dir(page), target)); why != "" {
				t.Errorf("%s: %s", page, why)
			}
		}
	}
}

// brokenLink says what is wrong with a link from a page of this folder; "" when it leads
// to a file, and to a heading of it where it names one.
func brokenLink(target string) string {
	file, anchor, _ := strings.Cut(target, "#")
	text, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		return err.Error()
	}
	if anchor == "" {
		return ""
	}
	for line := range strings.Lines(fence.ReplaceAllString(string(text), "")) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") && slug(title) == anchor {
			return ""
		}
	}
	return file + " has no heading #" + anchor
}

var unsluggish = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)

// slug is a heading's anchor, as GitHub makes it.
func slug(title string) string {
	return strings.ReplaceAll(unsluggish.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")
}
