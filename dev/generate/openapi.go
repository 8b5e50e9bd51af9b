package generate

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	yaml "github.com/oasdiff/yaml3"

	"wechatfn/shared/problem"
)

// document is the part of an OpenAPI document that lists problems.
type document struct {
	Paths      map[string]map[string]yaml.Node
	Components struct{ Responses map[string]response }
}

type operation struct {
	Responses map[string]response
}

type response struct {
	Ref     string `yaml:"$ref"`
	Content map[string]struct {
		Schema struct {
			Properties struct{ Code struct{ Enum []problem.Code } }
		}
	}
}

// answer is a problem as an example shows it.
type answer struct {
	Type, Title string
	Status      int
	Code        problem.Code
	Hint        problem.Hint
}

// CheckOpenAPI compares docs/openapi.yaml, which is written by hand, with the catalogue
// of problems. The error names each difference:
//   - a response, or an example, has a code that is not in the catalogue
//   - it has a status, a title or a hint that the catalogue does not give that code
//   - a problem of the catalogue that a route has is in no response
func CheckOpenAPI(text []byte) error {
	var doc document
	var tree yaml.Node
	if err := errors.Join(yaml.Unmarshal(text, &doc), yaml.Unmarshal(text, &tree)); err != nil {
		return fmt.Errorf("openapi.yaml: %w", err)
	}
	c := check{doc: doc, types: map[problem.Code][]*problem.Type{}, seen: map[string]bool{}}
	for _, topic := range problem.Catalogue() {
		for _, e := range topic.Entries {
			c.types[e.Type.Code()] = append(c.types[e.Type.Code()], e.Type)
		}
	}
	c.responses()
	c.examples(&tree)
	c.missing()
	slices.Sort(c.found)
	if c.found = slices.Compact(c.found); len(c.found) > 0 {
		return errors.New("openapi.yaml and the catalogue of shared/problem differ:\n\t" + strings.Join(c.found, "\n\t"))
	}
	return nil
}

type check struct {
	doc   document
	types map[problem.Code][]*problem.Type
	seen  map[string]bool // status and code of each problem that a route has
	found []string        // the differences
}

func (c *check) differ(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

// responses checks the codes that each operation lists for a status.
func (c *check) responses() {
	for path, item := range c.doc.Paths {
		for method, node := range item {
			var o operation
			if node.Kind != yaml.MappingNode || node.Decode(&o) != nil {
				continue // the parameters of the path
			}
			for status, r := range o.Responses {
				c.response(strings.ToUpper(method)+" "+path, status, r)
			}
		}
	}
}

func (c *check) response(route, status string, r response) {
	if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
		r = c.doc.Components.Responses[name]
	}
	media, ok := r.Content["application/problem+json"]
	if !ok {
		return
	}
	codes := media.Schema.Properties.Code.Enum
	if len(codes) == 0 {
		c.differ("%s: the answer %s lists no codes", route, status)
	}
	for _, code := range codes {
		c.seen[status+" "+string(code)] = true
		if has := c.typesOf(route, code); has != nil && !slices.ContainsFunc(has, func(t *problem.Type) bool { return strconv.Itoa(t.Status()) == status }) {
			c.differ("%s: %s has not the status %s", route, code, status)
		}
	}
}

// typesOf returns the Types of a code, and reports a code that is not in the catalogue.
func (c *check) typesOf(where string, code problem.Code) []*problem.Type {
	types := c.types[code]
	if types == nil {
		c.differ("%s: the code %q is not in the catalogue", where, code)
	}
	return types
}

// examples checks each problem that is written out, wherever it is.
func (c *check) examples(n *yaml.Node) {
	var a answer
	if n.Kind == yaml.MappingNode && n.Decode(&a) == nil && strings.HasPrefix(a.Type, "urn:wechatfn:problem:") {
		c.example(fmt.Sprintf("line %d", n.Line), a)
	}
	for _, child := range n.Content {
		c.examples(child)
	}
}

func (c *check) example(line string, a answer) {
	if a.Type != "urn:wechatfn:problem:"+string(a.Code) {
		c.differ("%s: type %s, but code %s", line, a.Type, a.Code)
	}
	types := c.typesOf(line, a.Code)
	if types == nil {
		return
	}
	if title := types[0].Title(); a.Title != title {
		c.differ("%s: %s has the title %q, not %q", line, a.Code, title, a.Title)
	}
	same := func(t *problem.Type) bool { return t.Status() == a.Status && sameHint(t.Hint(), a.Hint) }
	if !slices.ContainsFunc(types, same) {
		c.differ("%s: %s has not the status %d with this hint", line, a.Code, a.Status)
	}
}

// sameHint takes any text for {}.
func sameHint(want, got problem.Hint) bool {
	return sameText(want.En, got.En) && sameText(want.Zh, got.Zh)
}

func sameText(want, got string) bool {
	before, after, ok := strings.Cut(want, "{}")
	if !ok {
		return want == got
	}
	return len(got) > len(before)+len(after) && strings.HasPrefix(got, before) && strings.HasSuffix(got, after)
}

// missing finds the problems of routes that no response lists.
func (c *check) missing() {
	for _, topic := range problem.Catalogue() {
		for _, e := range topic.Entries {
			status, code := e.Type.Status(), e.Type.Code()
			if !topic.NoRoute && !c.seen[fmt.Sprintf("%d %s", status, code)] {
				c.differ("%s with status %d is in no response", code, status)
			}
		}
	}
}
