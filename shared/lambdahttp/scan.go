package lambdahttp

import (
	"encoding/json"
	"strings"
)

// scanner reads an event in one pass. encoding/json takes two, and four times
// as long for one allocation a key and a value; here all strings without escapes
// are parts of the one that holds the event. It is exact about what it reads,
// and only counts brackets in what it skips: Lambda passes valid JSON.
//
// After the first error every method does nothing and returns zero.
type scanner struct {
	text string
	at   int
	bad  bool
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for ; !s.bad && s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// take consumes c if it is next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c || s.at == len(s.text) {
		return false
	}
	s.at++
	return true
}

func (s *scanner) expect(c byte) {
	if !s.take(c) {
		s.bad = true
	}
}

// null consumes a null, which encoding/json, too, takes for any absent value.
func (s *scanner) null() bool { return s.word("null") }

func (s *scanner) word(word string) bool {
	if s.peek() != word[0] || !strings.HasPrefix(s.text[s.at:], word) {
		return false
	}
	s.at += len(word)
	return true
}

// object calls member for each name; member consumes the value.
func (s *scanner) object(member func(name string)) {
	if s.null() {
		return
	}
	s.expect('{')
	if s.take('}') {
		return
	}
	for !s.bad {
		name := s.quoted()
		s.expect(':')
		member(name)
		if !s.take(',') {
			s.expect('}')
			return
		}
	}
}

// array calls element once for each element, which consumes it.
func (s *scanner) array(element func()) {
	if s.null() {
		return
	}
	s.expect('[')
	if s.take(']') {
		return
	}
	for !s.bad {
		element()
		if !s.take(',') {
			s.expect(']')
			return
		}
	}
}

func (s *scanner) boolean() bool {
	if s.word("true") {
		return true
	}
	s.bad = s.bad || !s.word("false") && !s.null()
	return false
}

// string reads a string, or a null as "".
func (s *scanner) string() string {
	if s.null() {
		return ""
	}
	return s.quoted()
}

func (s *scanner) quoted() string {
	s.expect('"')
	start := s.at
	for ; !s.bad && s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[start : s.at-1]
		case c == '\\':
			return s.escaped(start - 1)
		case c < ' ':
			s.bad = true
		}
	}
	s.bad = true
	return ""
}

// escaped leaves a string with escapes, which is rare, to encoding/json.
func (s *scanner) escaped(start int) string {
	for ; s.at < len(s.text) && s.text[s.at] != '"'; s.at++ {
		if s.text[s.at] == '\\' {
			s.at++
		}
	}
	if s.at >= len(s.text) { // past it, where a backslash was the last byte
		s.at, s.bad = len(s.text), true
		return ""
	}
	s.at++
	var decoded string
	if json.Unmarshal([]byte(s.text[start:s.at]), &decoded) != nil {
		s.bad = true
	}
	return decoded
}

// skip passes over any value. It does not recurse, so no depth is too deep.
func (s *scanner) skip() {
	for depth := 0; ; {
		switch s.peek() {
		case '{', '[':
			depth++
			s.at++
		case '}', ']':
			depth--
			s.at++
		case ',', ':':
			s.at++
		case '"':
			s.quoted()
		default:
			s.scalar()
		}
		if s.bad || depth < 0 {
			s.bad = true
			return
		}
		if depth == 0 {
			return
		}
	}
}

// scalar passes over a number, true, false or null.
func (s *scanner) scalar() {
	rest := s.text[s.at:]
	end := strings.IndexAny(rest, ",:]}[{\" \t\r\n")
	if end < 0 {
		end = len(rest)
	}
	s.at += end
	s.bad = s.bad || end == 0
}

// end reports whether everything was read without an error.
func (s *scanner) end() bool {
	s.peek()
	return !s.bad && s.at == len(s.text)
}
