package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"wechatfn/shared/config"
)

// variableRow is a row of a table of variables: its name and its default.
var variableRow = regexp.MustCompile("(?m)^\\| `([A-Z][A-Z_]+)` \\| (?:`([^`|]*)`)? ?\\|")

// TestPagesNameTheDefaultsOfTheVariables, wherever a table of any page has one.
func TestPagesNameTheDefaultsOfTheVariables(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	chinese, err := filepath.Glob("zh/*.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, page := range append(pages, chinese...) {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range variableRow.FindAllStringSubmatch(string(text), -1) {
				rows++
				i := slices.IndexFunc(config.Variables(), func(v config.Variable) bool { return v.Name == row[1] })
				if i < 0 {
					t.Errorf("no variable is called %s", row[1])
				} else if want := config.Variables()[i].Default; row[2] != want {
					t.Errorf("%s: the page says that the default is %q, it is %q", row[1], row[2], want)
				}
			}
		})
	}
	if rows < len(config.Variables()) {
		t.Errorf("only %d rows were found", rows)
	}
}
