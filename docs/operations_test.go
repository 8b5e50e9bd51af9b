package docs_test

import (
	"strings"
	"testing"
)

// An alarm's message names a section of operations.md. The section has all four parts.
func TestRunbookHasASectionForEachAlarm(t *testing.T) {
	page := read(t, "operations.md")
	for _, alarm := range []string{
		"RefresherErrors", "RefresherSilent", "TokenLow", "TicketLow", "WhitelistRefused",
		"DeadLetters", "Api5xx", "FunctionErrors", "StoreThrottled", "ThrottledFunctions",
	} {
		t.Run(alarm, func(t *testing.T) {
			_, section, ok := strings.Cut(page, "\n### "+alarm+"\n")
			if !ok {
				t.Fatal("the section is missing")
			}
			section, _, _ = strings.Cut(section, "\n#")
			for _, part := range []string{"**Means**", "**Users notice**", "**Look**", "**Do**"} {
				if !strings.Contains(section, part) {
					t.Errorf("the section has no part %s", part)
				}
			}
		})
	}
}
