package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// parseJSON reads one JSON object and nothing after it. No name may occur twice
// in an object.
func parseJSON(body []byte) (tree, error) {
	p := jsonParser{Decoder: json.NewDecoder(bytes.NewReader(body))}
	p.UseNumber() // a MsgId has more digits than a float64
	t, err := p.value(1)
	if err != nil {
		return tree{}, jsonError(err)
	}
	if t.kind != anObject {
		return tree{}, malformed("it is neither XML nor a JSON object")
	}
	if _, err := p.Token(); !errors.Is(err, io.EOF) {
		return tree{}, malformed("something follows the object")
	}
	return t, nil
}

// jsonError hides where it went wrong: the decoder's message quotes the body.
func jsonError(err error) error {
	if own, ok := errors.AsType[malformed](err); ok {
		return own
	}
	return malformed("it is neither XML nor JSON")
}

type jsonParser struct {
	*json.Decoder
	fields int // read so far
}

func (p *jsonParser) value(depth int) (tree, error) {
	if p.fields++; p.fields > maxFields {
		return tree{}, errTooMany
	}
	token, err := p.Token()
	if err != nil {
		return tree{}, err
	}
	switch token := token.(type) {
	case json.Delim:
		return p.children(token, depth)
	case string:
		return tree{text: token}, nil
	case json.Number:
		return tree{kind: aLiteral, text: token.String()}, nil
	case bool:
		if token {
			return tree{kind: aLiteral, text: "true"}, nil
		}
		return tree{kind: aLiteral, text: "false"}, nil
	}
	return tree{kind: aLiteral, text: "null"}, nil
}

func (p *jsonParser) children(open json.Delim, depth int) (tree, error) {
	if depth > maxDepth {
		return tree{}, errTooDeep
	}
	t := tree{kind: aList}
	if open == '{' {
		t.kind = anObject
	}
	for p.More() {
		c, err := p.member(&t, depth)
		if err != nil {
			return tree{}, err
		}
		t.children = append(t.children, c)
	}
	_, err := p.Token() // the end
	return t, err
}

func (p *jsonParser) member(t *tree, depth int) (c child, err error) {
	if t.kind == anObject {
		token, err := p.Token()
		if err != nil {
			return child{}, err
		}
		name, ok := token.(string)
		if !ok {
			return child{}, malformed("it is neither XML nor JSON")
		}
		if t.member(name) != nil {
			return child{}, duplicate(name)
		}
		c.name = name
	}
	c.tree, err = p.value(depth + 1)
	return c, err
}
