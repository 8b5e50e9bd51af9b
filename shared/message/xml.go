package message

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// parseXML reads <xml>...</xml> and nothing else: no document type (and so no
// entities), no attributes, no namespaces, no text beside elements, nothing after
// the root. Below the root an element may not stand twice, so that nobody can
// read another value than we do; further down a repeated element is a list.
func parseXML(body []byte) (tree, error) {
	p := xmlParser{Decoder: xml.NewDecoder(bytes.NewReader(body))}
	root, err := p.root()
	if err != nil {
		return tree{}, xmlError(err)
	}
	t, err := p.element(root, 1)
	if err != nil {
		return tree{}, xmlError(err)
	}
	if t.kind != anObject {
		return tree{}, malformed("the root holds no elements")
	}
	_, err = p.next()
	if !errors.Is(err, io.EOF) {
		return tree{}, malformed("something follows the root")
	}
	return t, nil
}

// xmlError hides where it went wrong: the decoder's message quotes the body.
func xmlError(err error) error {
	if own, ok := errors.AsType[malformed](err); ok {
		return own
	}
	return malformed("not well-formed XML")
}

type xmlParser struct {
	*xml.Decoder
	fields int // read so far
}

// next passes over comments, space between elements, and an <?xml?> declaration.
func (p *xmlParser) next() (xml.Token, error) {
	for {
		token, err := p.Token()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.Directive:
			return nil, malformed("a document type")
		case xml.Comment, xml.ProcInst:
			continue
		case xml.CharData:
			if len(bytes.TrimSpace(token)) == 0 {
				continue
			}
		}
		return token, nil
	}
}

func (p *xmlParser) root() (xml.StartElement, error) {
	token, err := p.next()
	if err != nil {
		return xml.StartElement{}, err
	}
	start, ok := token.(xml.StartElement)
	if !ok || start.Name.Local != "xml" {
		return start, malformed("the root is not <xml>")
	}
	return start, nil
}

// element reads up to the end of start.
func (p *xmlParser) element(start xml.StartElement, depth int) (tree, error) {
	p.fields++
	switch {
	case depth > maxDepth:
		return tree{}, errTooDeep
	case p.fields > maxFields:
		return tree{}, errTooMany
	case start.Name.Space != "" || len(start.Attr) > 0:
		return tree{}, malformed("an attribute or namespace")
	}
	var t tree
	var own strings.Builder
	for {
		token, err := p.Token()
		if err != nil {
			return tree{}, err
		}
		switch token := token.(type) {
		case xml.CharData:
			own.Write(token)
		case xml.StartElement:
			if err := p.child(&t, token, depth); err != nil {
				return tree{}, err
			}
		case xml.EndElement:
			return t.close(own.String())
		case xml.Directive:
			return tree{}, malformed("a document type")
		}
	}
}

func (p *xmlParser) child(t *tree, start xml.StartElement, depth int) error {
	read, err := p.element(start, depth+1)
	if err != nil {
		return err
	}
	if depth == 1 && t.has(start.Name.Local) {
		return duplicate(start.Name.Local)
	}
	t.kind = anObject
	t.add(child{start.Name.Local, read})
	return nil
}

func (t *tree) has(name string) bool {
	for i := range t.children {
		if t.children[i].name == name {
			return true
		}
	}
	return false
}

// close ends an element: it holds elements or a text, not both.
func (t tree) close(own string) (tree, error) {
	if t.kind != anObject {
		t.text = own
		return t, nil
	}
	if strings.TrimSpace(own) != "" {
		return tree{}, malformed("text beside elements")
	}
	return t, nil
}
