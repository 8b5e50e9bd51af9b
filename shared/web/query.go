package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"wechatfn/shared/problem"
)

// maxParameters is how many known parameters one handler can have. It lets
// Query stay on the stack.
const maxParameters = 8

// Query holds the parameters of one request. It is a value; copies are
// independent as long as the caller does not change what Unknown returned.
type Query struct {
	params  [maxParameters]parameter
	n       int
	unknown []string
}

type parameter struct{ name, value string }

// ParseQuery parses r.URL.RawQuery for the known parameters, 8 at most (it
// panics on more, which is a programming error).
//
// A + stays a +, as in a path, instead of becoming a space as in a form: what
// these endpoints take is a page's URL and opaque codes, which never hold a raw
// space, and a client that forgot to encode its URL must not have its plus
// changed under it, since the signature would then be for another page.
//
// It is strict where guessing would sign the wrong thing. Errors:
// problem.ParameterRepeated when a known parameter comes twice,
// problem.QueryMalformed for bad percent-encoding anywhere.
func ParseQuery(r *http.Request, known ...string) (Query, error) {
	if len(known) > maxParameters {
		panic("web: too many known parameters")
	}
	var q Query
	for rest := r.URL.RawQuery; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if pair == "" {
			continue
		}
		if err := q.add(pair, known); err != nil {
			return Query{}, err
		}
	}
	return q, nil
}

func (q *Query) add(pair string, known []string) error {
	rawName, rawValue, _ := strings.Cut(pair, "=")
	name, err := url.PathUnescape(rawName)
	if err != nil {
		return malformed("a parameter's name")
	}
	value, err := url.PathUnescape(rawValue)
	if err != nil {
		return malformed(fmt.Sprintf("parameter %q", name))
	}
	if !slices.Contains(known, name) {
		q.unknown = append(q.unknown, name)
		return nil
	}
	if q.Has(name) {
		return repeated(name)
	}
	q.params[q.n] = parameter{name, value}
	q.n++
	return nil
}

// Get returns the decoded value of a known parameter, or "" where it is absent.
func (q *Query) Get(name string) string {
	for i := range q.n {
		if q.params[i].name == name {
			return q.params[i].value
		}
	}
	return ""
}

// Has reports whether a known parameter was sent, if only empty.
func (q *Query) Has(name string) bool {
	for i := range q.n {
		if q.params[i].name == name {
			return true
		}
	}
	return false
}

// Unknown returns the decoded names of all other parameters in the order they
// came, repeats included. They show a handler that a URL was sent unencoded:
// ?url=https://a/?x=1&y=2 has an unknown y, and a url that was cut short.
func (q *Query) Unknown() []string { return q.unknown }

func malformed(where string) *problem.Problem {
	return problem.QueryMalformed.New(where + " holds a % that is not followed by two hexadecimal digits")
}

func repeated(name string) *problem.Problem {
	return problem.ParameterRepeated.New(fmt.Sprintf("parameter %q was sent more than once", name))
}
