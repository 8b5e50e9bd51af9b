package docs_test

import (
	"regexp"
	"strings"
	"testing"
)

// replacement is a row of coming-from.md: names of the old library, and what replaces them.
type replacement struct{ old, here string }

func replacements(t *testing.T) (rows []replacement) {
	t.Helper()
	for line := range strings.Lines(read(t, "coming-from.md")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || strings.TrimSpace(cells[len(cells)-1]) == "here" {
			continue
		}
		if len(cells) != 2 {
			t.Fatalf("the row has %d cells: %s", len(cells), line)
		}
		rows = append(rows, replacement{cells[0], cells[1]})
	}
	return rows
}

// Every name that the three libraries export has a row.
func TestComingFromHasEveryName(t *testing.T) {
	var spans []string
	for _, row := range replacements(t) {
		spans = append(spans, span.FindAllString(row.old, -1)...)
	}
	known := strings.Join(spans, "\n")
	names := 0
	for line := range strings.Lines(read(t, "testdata/coming-from.txt")) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for name := range strings.FieldsSeq(line) {
			names++
			if !regexp.MustCompile(`(^|[^\w/])` + regexp.QuoteMeta(name) + `($|\W)`).MatchString(known) {
				t.Errorf("no row has %s", name)
			}
		}
	}
	if names < 150 {
		t.Errorf("only %d names were compared", names)
	}
}

var (
	labelled = regexp.MustCompile(`\[([^\]]+)\]\(([^)]+)\)`)
	goName   = regexp.MustCompile("^`?(?:[*a-z]+\\.(?:Client\\.)?|\\b)([A-Z]\\w+)`?$")
)

// Every row has a link that leads somewhere. A link to Go code with a name as its label leads
// to a file that declares the name.
func TestComingFromLinksToWhatReplaces(t *testing.T) {
	for _, row := range replacements(t) {
		links := labelled.FindAllStringSubmatch(row.here, -1)
		if len(links) == 0 {
			t.Errorf("the row has no link: %s", row.old)
		}
		for _, link := range links {
			label, target := link[1], link[2]
			if err := checkLink(target); err != nil {
				t.Errorf("%s: %v", row.old, err)
				continue
			}
			name := goName.FindStringSubmatch(label)
			if name == nil || !strings.HasSuffix(target, ".go") {
				continue
			}
			if !declares(read(t, target), name[1]) {
				t.Errorf("%s: %s does not declare %s", row.old, target, name[1])
			}
		}
	}
}

// declares reports whether Go code has a function, method or type of that name.
func declares(code, name string) bool {
	return strings.Contains(code, "func "+name+"(") || strings.Contains(code, ") "+name+"(") || strings.Contains(code, "type "+name+" ")
}
