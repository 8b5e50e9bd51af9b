package push

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// node is an answer that was parsed, out of XML or JSON alike.
type node struct {
	name   string
	text   string
	number bool // in JSON, it was one
	fields []*node
}

// one is the field of that name; nil if there is none. It is an error if there are several, since
// nobody knows which one WeChat takes.
func (n *node) one(name string) (*node, error) {
	var found *node
	for _, f := range n.fields {
		if f.name != name {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%s stands twice", name)
		}
		found = f
	}
	return found, nil
}

// all are the fields of that name.
func (n *node) all(name string) (found []*node) {
	for _, f := range n.fields {
		if f.name == name {
			found = append(found, f)
		}
	}
	return found
}

// filled is the text of a field that must be there and not be empty.
func (n *node) filled(name string) (string, error) {
	f, err := n.one(name)
	if err != nil {
		return "", err
	}
	if f == nil || strings.TrimSpace(f.text) == "" {
		return "", fmt.Errorf("%s is missing or empty", name)
	}
	return f.text, nil
}

// parseXML takes one element called xml with nothing around it, and no DTD.
func parseXML(text string) (*node, error) {
	d := xml.NewDecoder(strings.NewReader(text))
	var root *node
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && root != nil {
			return root, nil
		}
		if err != nil {
			return nil, fmt.Errorf("it is not XML: %w", err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, errors.New("it has a DOCTYPE")
		case xml.StartElement:
			if root != nil || t.Name.Local != "xml" {
				return nil, errors.New("it is not one element called xml")
			}
			if root, err = element(d, t); err != nil {
				return nil, err
			}
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return nil, errors.New("it has text around the element xml")
			}
		}
	}
}

func element(d *xml.Decoder, start xml.StartElement) (*node, error) {
	n := &node{name: start.Name.Local}
	for {
		token, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("it is not XML: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			f, err := element(d, t)
			if err != nil {
				return nil, err
			}
			n.fields = append(n.fields, f)
		case xml.CharData:
			n.text += string(t)
		case xml.EndElement:
			return n, nil
		}
	}
}

// parseJSON takes one object with nothing after it. A list becomes several fields of its name.
func parseJSON(text string) (*node, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	root := new(node)
	first, err := d.Token()
	if err == nil && first != json.Delim('{') {
		err = errors.New("no object")
	}
	if err == nil {
		err = object(d, root)
	}
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return root, nil
		}
		err = errors.New("more follows")
	}
	return nil, fmt.Errorf("it is not a JSON object: %w", err)
}

// object reads fields up to the brace that ends them.
func object(d *json.Decoder, into *node) error {
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if err := value(d, into, fmt.Sprint(name)); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func value(d *json.Decoder, into *node, name string) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if token == json.Delim('[') {
		for d.More() {
			if err := value(d, into, name); err != nil {
				return err
			}
		}
		_, err := d.Token()
		return err
	}
	n := &node{name: name}
	into.fields = append(into.fields, n)
	switch t := token.(type) {
	case json.Delim:
		return object(d, n)
	case json.Number:
		n.text, n.number = t.String(), true
	case string:
		n.text = t
	}
	return nil
}
