package push

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Message is what a push says: fields in the order in which WeChat writes them.
type Message []Field

// Field is a field of a message. Its Value is one of
//
//	string                   text: CDATA in XML, a string in JSON
//	int, int64, uint64,
//	json.Number              a number: bare in both
//	Message                  fields within a field
//	[]Message                several of them: the element repeated in XML, a list in JSON
//	Inline                   fields within a field in XML, without it in JSON
type Field struct {
	Name  string
	Value any
}

// Inline is for the events whose form in JSON has one level less than that in XML, such as
// subscribe_msg_popup_event.
type Inline Message

// Text is the field of that name as text, "" if there is none or it has fields of its own.
func (m Message) Text(name string) string {
	for _, f := range m {
		if f.Name == name {
			text, _ := scalar(f.Value)
			return text
		}
	}
	return ""
}

// With is m with a field of that name changed, or added at the end.
func (m Message) With(name string, value any) Message {
	m = slices.Clone(m)
	for i := range m {
		if m[i].Name == name {
			m[i].Value = value
			return m
		}
	}
	return append(m, Field{name, value})
}

// scalar is a value that has no fields, as text; number tells whether it is one.
func scalar(value any) (text string, number bool) {
	switch v := value.(type) {
	case string:
		return v, false
	case int, int64, uint64, json.Number:
		return fmt.Sprint(v), true
	}
	return "", false
}

// XML is the message as WeChat writes it in XML, on one line.
func (m Message) XML() ([]byte, error) { return m.xml(false) }

func (m Message) xml(lines bool) ([]byte, error) {
	inner, err := m.xmlFields(lines)
	return slices.Concat([]byte("<xml>"), inner, []byte("</xml>")), err
}

func (m Message) xmlFields(lines bool) ([]byte, error) {
	var b bytes.Buffer
	for _, f := range m {
		list, ok := f.Value.([]Message)
		if !ok {
			if err := f.xml(&b, f.Value, lines); err != nil {
				return nil, err
			}
		}
		for _, item := range list {
			if err := f.xml(&b, item, lines); err != nil {
				return nil, err
			}
		}
	}
	return b.Bytes(), nil
}

// xml writes one element.
func (f Field) xml(b *bytes.Buffer, value any, lines bool) (err error) {
	var inner []byte
	switch v := value.(type) {
	case string:
		// A CDATA section ends at the first ]]>, so one within the text is put into two sections.
		inner = []byte("<![CDATA[" + strings.ReplaceAll(v, "]]>", "]]]]><![CDATA[>") + "]]>")
	case Message:
		inner, err = v.xmlFields(lines)
	case Inline:
		inner, err = Message(v).xmlFields(lines)
	default:
		text, ok := scalar(v)
		if !ok {
			return fmt.Errorf("push: the field %s has a value of type %T", f.Name, v)
		}
		inner = []byte(text)
	}
	fmt.Fprintf(b, "<%s>%s</%s>", f.Name, inner, f.Name)
	if lines {
		b.WriteByte('\n')
	}
	return err
}

// JSON is the message as WeChat writes it in JSON.
func (m Message) JSON() ([]byte, error) {
	inner, err := m.jsonFields()
	return slices.Concat([]byte("{"), inner, []byte("}")), err
}

func (m Message) jsonFields() ([]byte, error) {
	var parts [][]byte
	for _, f := range m {
		if inline, ok := f.Value.(Inline); ok {
			inner, err := Message(inline).jsonFields()
			if err != nil {
				return nil, err
			}
			parts = append(parts, inner)
			continue
		}
		value, err := f.json(f.Value)
		if err != nil {
			return nil, err
		}
		parts = append(parts, slices.Concat(quote(f.Name), []byte(":"), value))
	}
	return bytes.Join(parts, []byte(",")), nil
}

func (f Field) json(value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		return quote(v), nil
	case Message:
		return v.JSON()
	case []Message:
		items := make([][]byte, len(v))
		for i := range v {
			var err error
			if items[i], err = v[i].JSON(); err != nil {
				return nil, err
			}
		}
		return slices.Concat([]byte("["), bytes.Join(items, []byte(",")), []byte("]")), nil
	}
	text, ok := scalar(value)
	if !ok {
		return nil, fmt.Errorf("push: the field %s has a value of type %T", f.Name, value)
	}
	return []byte(text), nil
}

// quote leaves <, > and & as they are, unlike json.Marshal.
func quote(text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string always encodes
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
