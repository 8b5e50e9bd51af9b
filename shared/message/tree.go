package message

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// These are far more than WeChat sends. They bound recursion, and the time that
// looking for repeated names takes.
const (
	maxDepth  = 16
	maxFields = 2000
)

type malformed string

func (m malformed) Error() string { return "message: malformed: " + string(m) }

const (
	errTooDeep malformed = "nested too deeply"
	errTooMany malformed = "too many fields"
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

// get returns the text of a member that is a text or a literal, else "".
func (t *tree) get(name string) string {
	for i := range t.children {
		if c := &t.children[i]; c.name == name && c.tree.kind <= aLiteral {
			return c.tree.text
		}
	}
	return ""
}

// isNumeric tells the members that consumers compare as numbers. XML does not
// tell numbers from texts, and WeChat's JSON is not of one mind.
func isNumeric(name string) bool {
	switch name {
	case "CreateTime", "Location_X", "Location_Y", "Scale", "Latitude", "Longitude", "Precision":
		return true
	}
	return false
}

// isID tells the members that are 64-bit numbers, which JavaScript would round.
func isID(name string) bool { return name == "MsgId" || name == "MsgID" || name == "MsgDataId" }

// isList tells the elements that are a list even where there is only one, so
// that consumers need not look.
func isList(name string) bool { return name == "item" || name == "List" }

// normalize gives the common members one type, whichever format they came in.
func (t *tree) normalize() {
	for i := range t.children {
		c := &t.children[i]
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
func (t *tree) message(account Account) (*Message, error) {
	t.normalize()
	m := &Message{
		App:          account.Name,
		AppID:        account.AppID,
		MsgType:      t.get("MsgType"),
		Event:        t.get("Event"),
		FromUserName: t.get("FromUserName"),
		ToUserName:   t.get("ToUserName"),
		MsgID:        t.get("MsgId"),
	}
	if m.MsgID == "" {
		m.MsgID = t.get("MsgID") // events spell it so
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
	body = clean(body)
	switch trimmed := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\uFEFF"))); {
	case len(trimmed) == 0:
		return tree{}, false, malformed("empty")
	case trimmed[0] == '<':
		t, err = parseXML(trimmed)
		return t, true, err
	default:
		t, err = parseJSON(trimmed)
		return t, false, err
	}
}

// clean replaces what users have been seen to put into texts, and what neither
// format allows: control characters, bytes that are not UTF-8, and two code
// points that are not characters. A message is not refused for them.
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

// add puts a child where it belongs: XML repeats an element to make a list.
func (t *tree) add(c child) {
	i := slices.IndexFunc(t.children, func(old child) bool { return old.name == c.name })
	switch {
	case i < 0 && isList(c.name):
		t.children = append(t.children, child{c.name, tree{kind: aList, children: []child{{tree: c.tree}}}})
	case i < 0:
		t.children = append(t.children, c)
	case t.children[i].tree.kind != aList:
		t.children[i].tree = tree{kind: aList, children: []child{{tree: t.children[i].tree}, {tree: c.tree}}}
	default:
		old := &t.children[i].tree
		old.children = append(old.children, child{tree: c.tree})
	}
}

func duplicate(name string) error {
	return malformed(fmt.Sprintf("%.64q stands there twice", name))
}
