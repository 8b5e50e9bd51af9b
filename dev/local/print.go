package local

import (
	"strings"
	"time"
)

// Clock is a time of day as it is printed.
func Clock(t time.Time) string { return t.Format(time.TimeOnly) }

// Printable replaces control characters, which could steer the terminal.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 {
			return '\ufffd'
		}
		return r
	}, text)
}
