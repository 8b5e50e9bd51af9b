package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	title    = regexp.MustCompile(`(?m)^#+ (.+)$`)
	inner    = regexp.MustCompile(`\]\(#([a-z0-9-]+)\)`)
	noAnchor = regexp.MustCompile(`[^a-z0-9 -]`)
)

// TestRunbook: an alarm's message names a section of operations.md, which is there
// and says all four things; and no link within the page leads nowhere.
func TestRunbook(t *testing.T) {
	page, err := os.ReadFile("operations.md")
	if err != nil {
		t.Fatal(err)
	}
	anchors := map[string]bool{}
	for _, match := range title.FindAllStringSubmatch(string(page), -1) {
		anchors[strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-")] = true
	}
	for _, match := range inner.FindAllStringSubmatch(string(page), -1) {
		if !anchors[match[1]] {
			t.Errorf("a link leads to #%s, which is not there", match[1])
		}
	}
	for _, alarm := range []string{
		"RefresherErrors", "RefresherSilent", "TokenLow", "TicketLow", "WhitelistRefused",
		"DeadLetters", "Api5xx", "FunctionErrors", "StoreThrottled", "ThrottledFunctions",
	} {
		_, section, ok := strings.Cut(string(page), "\n### "+alarm+"\n")
		section, _, _ = strings.Cut(section, "\n#")
		if !ok || !strings.Contains(section, "**Means**") || !strings.Contains(section, "**Users notice**") ||
			!strings.Contains(section, "**Look**") || !strings.Contains(section, "**Do**") {
			t.Errorf("the section of %s is %q", alarm, section)
		}
	}
}
