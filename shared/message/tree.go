package message

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"wechatfn/shared/account"
)

// These are far more than WeChat sends. They limit recursion, and the time that it
// takes to look for repeated names.
const (
	maxDepth  = 16
	maxFields = 1000
)

type malformed string

func (m malformed) Error() string { return "message: malformed: " + string(m) }

const (
	errTooDeep malformed = "it is nested too deeply"
	errTooMany malformed = "it has too many fields"
	errNotXML  malformed = "it is not well-formed XML"
)

// tree is a message as it came, XML and JSON alike.
type tree struct {
	kind     kind
	text     string // of a string or a literal
	children []child
}

type kind int8

const (
	aText    kind = iota
	aLiteral      // a JSON number, true, false or null, as it is written
	anObject
	aList
)

// child is a member of an object, or a nameless one of a list.
type child struct {
	name string
	tree tree
}

// find returns the member of that name, or nil.
func (t *tree) member(name string) *tree {
	for i := range t.children {
		if t.children[i].name == name {
			return &t.children[i].tree
		}
	}
	return nil
}

// get returns the text of a member that is a text or a number, else "".
func (t *tree) get(name string) string {
	if c := t.member(name); c != nil && (c.kind == aText || c.kind == aLiteral && isNumber(c.text)) {
		return c.text
	}
	return ""
}

// id returns a member that is a 64-bit number in decimal, else "": a zero, as
// well as nothing, is the id of no message.
func (t *tree) id(name string) string {
	text := strings.TrimSpace(t.get(name))
	if strings.Trim(text, "0123456789") != "" || strings.Trim(text, "0") == "" {
		return ""
	}
	return text
}

// isNumeric reports whether consumers compare the member as a number. XML has no
// numbers, and WeChat's JSON writes them in both ways.
func isNumeric(name string) bool {
	switch name {
	case "CreateTime", "Location_X", "Location_Y", "Scale", "Latitude", "Longitude", "Precision":
		return true
	}
	return false
}

// isID reports whether the member is a 64-bit number, which JavaScript would round.
func isID(name string) bool { return name == "MsgId" || name == "MsgID" || name == "MsgDataId" }

// isList reports whether the member is a list even where it occurs once, so that
// consumers need not check. The last two are texts in other messages.
func isList(name string, k kind) bool {
	switch name {
	case "item", "List":
		return k != aList
	case "Actions", "detail":
		return k == anObject
	}
	return false
}

// normalize gives the common members one type, in XML and JSON and at any depth.
func (t *tree) normalize() {
	for i := range t.children {
		c := &t.children[i]
		if c.tree.normalize(); isList(c.name, c.tree.kind) {
			c.tree = tree{kind: aList, children: []child{{tree: c.tree}}}
			continue
		}
		switch {
		case c.tree.kind == aText && isNumeric(c.name):
			if number := strings.TrimSpace(c.tree.text); isNumber(number) {
				c.tree = tree{kind: aLiteral, text: number}
			}
		case c.tree.kind == aLiteral && isID(c.name) && isNumber(c.tree.text):
			c.tree.kind = aText
		}
	}
}

// isNumber reports whether s is a number as JSON writes it.
func isNumber(s string) bool {
	return s != "" && (s[0] == '-' || '0' <= s[0] && s[0] <= '9') && json.Valid([]byte(s))
}

// message reads the common members and writes all of them as JSON.
func (t *tree) message(account account.Account) (*Message, error) {
	t.normalize()
	m := &Message{
		App:          account.Name,
		AppID:        account.AppID,
		MsgType:      t.get("MsgType"),
		Event:        t.get("Event"),
		FromUserName: t.get("FromUserName"),
		ToUserName:   t.get("ToUserName"),
		MsgID:        t.id("MsgId"),
	}
	if m.MsgID == "" {
		m.MsgID = t.id("MsgID") // events spell it so
	}
	m.CreateTime, _ = strconv.ParseInt(t.get("CreateTime"), 10, 64)
	w := newJSONWriter()
	err := w.tree(t)
	m.JSON = w.buffer.Bytes()
	return m, err
}

// jsonWriter writes trees. Nothing is escaped for HTML: < stays <.
type jsonWriter struct {
	buffer  bytes.Buffer
	strings *json.Encoder
}

func newJSONWriter() *jsonWriter {
	w := new(jsonWriter)
	w.buffer.Grow(1024)
	w.strings = json.NewEncoder(&w.buffer)
	w.strings.SetEscapeHTML(false)
	return w
}

func (w *jsonWriter) tree(t *tree) error {
	switch t.kind {
	case aLiteral:
		w.buffer.WriteString(t.text)
		return nil
	case anObject:
		return w.children(t, '{', '}')
	case aList:
		return w.children(t, '[', ']')
	}
	return w.string(t.text)
}

func (w *jsonWriter) children(t *tree, open, end byte) error {
	w.buffer.WriteByte(open)
	for i := range t.children {
		if i > 0 {
			w.buffer.WriteByte(',')
		}
		if t.kind == anObject {
			if err := w.string(t.children[i].name); err != nil {
				return err
			}
			w.buffer.WriteByte(':')
		}
		if err := w.tree(&t.children[i].tree); err != nil {
			return err
		}
	}
	w.buffer.WriteByte(end)
	return nil
}

// string leaves out the line break that the encoder ends each value with.
func (w *jsonWriter) string(s string) error {
	err := w.strings.Encode(s)
	w.buffer.Truncate(w.buffer.Len() - 1)
	return err
}

// parse reads XML or JSON, whichever it is: content types are not to be relied
// on. The error is a malformed.
func parse(body []byte) (t tree, isXML bool, err error) {
	body = bytes.TrimRight(bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\uFEFF"))), "\x00")
	switch {
	case len(body) == 0:
		return tree{}, false, malformed("it is empty")
	case body[0] == '<':
		t, err = parseXML(clean(body))
		return t, true, err
	default:
		t, err = parseJSON(spaced(body))
		return t, false, err
	}
}

// clean replaces what users put into texts although neither format allows it: control
// characters, bytes that are not UTF-8, and two code points that are not characters.
// A message is not refused for them.
func clean(body []byte) []byte {
	if !slices.ContainsFunc(body, func(b byte) bool { return b < ' ' || b >= utf8.RuneSelf }) {
		return body
	}
	return bytes.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return utf8.RuneError
		}
		return r
	}, body)
}

// spaced replaces control characters with spaces: JSON allows some of them, and those
// between values only.
func spaced(body []byte) []byte {
	if !slices.ContainsFunc(body, func(b byte) bool { return b < ' ' }) {
		return body
	}
	return bytes.Map(func(r rune) rune { return max(r, ' ') }, body)
}

// add appends a child: XML repeats an element to make a list.
func (t *tree) add(c child) {
	switch old := t.member(c.name); {
	case old == nil:
		t.children = append(t.children, c)
	case old.kind != aList:
		*old = tree{kind: aList, children: []child{{tree: *old}, {tree: c.tree}}}
	default:
		old.children = append(old.children, child{tree: c.tree})
	}
}

func duplicate(name string) error {
	return malformed(fmt.Sprintf("field %.64q occurs twice", name))
}
