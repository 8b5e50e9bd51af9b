package message

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// parseXML reads <xml>...</xml> and nothing else: no document type (and so no
// entities), no attributes, no namespaces, nothing after the root. Below the root
// an element with a text may not occur twice, so that no other reader can find another
// value than this one; one with elements, and any further down, is a list where it
// repeats.
func parseXML(body []byte) (tree, error) {
	t, err := readXML(body)
	if err != errNotXML {
		return t, err
	}
	if repaired := repairCDATA(body); repaired != nil {
		return readXML(repaired)
	}
	return t, err
}

// repairCDATA ends each CDATA section where its element ends, not at the first ]]>
// inside: WeChat does not seem to split a user's text there. Nil: there is nothing to
// repair.
func repairCDATA(body []byte) []byte {
	const begin = "<![CDATA["
	last := lastEnds(body)
	var out []byte
	for rest := body; ; {
		head, inside, ok := bytes.Cut(rest, []byte(begin))
		name := lastTag(head)
		if !ok || name == "" {
			if out == nil {
				return nil
			}
			return append(out, rest...)
		}
		at := last[name] - (len(body) - len(inside))
		if at < 0 { // it has no end, or the end is before it
			return nil
		}
		out = append(append(out, head...), begin...)
		out = append(out, bytes.ReplaceAll(inside[:at], []byte(end), []byte("]]"+end+begin+">"))...)
		out = append(out, end...)
		rest = inside[at+len(end):]
	}
}

// end is that of a CDATA section.
const end = "]]>"

// lastEnds returns, for each element that ends in a CDATA section, where it does so
// last. Searching again for each element would take quadratic time, a second for a
// body that an attacker has made for it.
func lastEnds(body []byte) map[string]int {
	last := map[string]int{}
	for at := 0; ; {
		i := bytes.Index(body[at:], []byte(end+"</"))
		if i < 0 {
			return last
		}
		name := body[at+i+len(end+"</"):]
		if j := bytes.IndexAny(name, "<>"); j >= 0 && name[j] == '>' {
			last[string(name[:j])] = at + i
		}
		at += i + len(end)
	}
}

// lastTag is the name of the start tag that text ends with, "" if it does not.
func lastTag(text []byte) string {
	i := bytes.LastIndexByte(text, '<')
	if i < 0 || text[len(text)-1] != '>' {
		return ""
	}
	return string(text[i+1 : len(text)-1])
}

func readXML(body []byte) (tree, error) {
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
	return errNotXML
}

type xmlParser struct {
	*xml.Decoder
	fields int // read so far
}

// next skips comments, space between elements, and an <?xml?> declaration.
func (p *xmlParser) next() (xml.Token, error) {
	for {
		token, err := p.Token()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.Directive:
			return nil, malformed("it holds a document type")
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
		return tree{}, malformed("it holds an attribute or a namespace")
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
			return t.close(own.String(), depth)
		case xml.Directive:
			return tree{}, malformed("it holds a document type")
		}
	}
}

func (p *xmlParser) child(t *tree, start xml.StartElement, depth int) error {
	read, err := p.element(start, depth+1)
	if err != nil {
		return err
	}
	old := t.member(start.Name.Local)
	if depth == 1 && old != nil && (read.kind != anObject || old.kind < anObject) {
		return duplicate(start.Name.Local)
	}
	t.kind = anObject
	t.add(child{start.Name.Local, read})
	return nil
}

// close ends an element: it holds elements or a text, not both. The root may hold both:
// the marks that WeChat's clients leave there (webwx_msg_cli_ver_0x1) mean nothing.
func (t tree) close(own string, depth int) (tree, error) {
	if t.kind != anObject {
		t.text = own
		return t, nil
	}
	if depth > 1 && strings.TrimSpace(own) != "" {
		return tree{}, malformed("it has text beside elements")
	}
	return t, nil
}
