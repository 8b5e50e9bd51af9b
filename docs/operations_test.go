package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
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

var (
	queriedList = regexp.MustCompile(`msg in \[([^\]]+)\]`)
	queriedOne  = regexp.MustCompile(`msg="([^"]+)"`)
	quoted      = regexp.MustCompile(`"([^"]+)"`)
)

// Every log message that operations.md explains or searches for is in the code.
func TestRunbookKnowsTheLogMessages(t *testing.T) {
	page, code := read(t, "operations.md"), codeOfTheFunctions(t)
	var messages []string
	_, section, _ := strings.Cut(page, "\n## What the log says\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			messages = append(messages, span.FindAllString(cells[1], -1)...)
		}
	}
	for _, list := range queriedList.FindAllStringSubmatch(page, -1) {
		for _, message := range quoted.FindAllStringSubmatch(list[1], -1) {
			messages = append(messages, message[1])
		}
	}
	for _, message := range queriedOne.FindAllStringSubmatch(page, -1) {
		messages = append(messages, message[1])
	}
	if len(messages) < 50 {
		t.Fatalf("only %d messages were found", len(messages))
	}
	for _, message := range messages {
		message = strings.Trim(message, "`")
		if strings.Contains(message, "/") { // a path
			continue
		}
		if _, ok := strings.CutSuffix(message, " not read"); ok { // after the kind of an item
			message = " not read"
		}
		if !strings.Contains(code, `"`+message+`"`) {
			t.Errorf("no function logs %q", message)
		}
	}
}

// codeOfTheFunctions is the Go code of shared, without tests.
func codeOfTheFunctions(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("../shared", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		all.Write(code)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
