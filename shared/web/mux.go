package web

import (
	"net/http"
	"slices"
	"strings"

	"wechatfn/shared/problem"
)

// Mux routes by method and path, and answers with problems where http.ServeMux
// answers with text: 404 "not_found", and 405 "method_not_allowed" with Allow.
// HEAD is served by the GET handler, unless GETOnly is set. A path is matched as it is: no redirects,
// no cleaning, because API Gateway matches that way too.
//
// The zero Mux is empty and ready. Register before serving; serving is then
// safe for concurrent use.
type Mux struct {
	// GETOnly refuses HEAD, for GET handlers that change something. Set it first.
	GETOnly bool

	exact    map[string]*route
	wildcard []*route // the most specific one first
}

// route is one path. A path with a wildcard is prefix{name}suffix.
type route struct {
	prefix, name, suffix string
	methods              map[string]http.Handler
	allow                string
}

// Handle registers h for a pattern such as "GET /signature", "POST
// /verify/{app}" or "GET /MP_verify_{code}.txt": a method and a path with at
// most one {name}, which matches one or more bytes without a slash and is
// read with r.PathValue. An exact path wins over a wildcard, a longer pattern
// over a shorter one. It panics on a malformed or repeated pattern.
func (m *Mux) Handle(pattern string, h http.Handler) {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok || method == "" || !strings.HasPrefix(path, "/") {
		panic("web: malformed pattern " + pattern)
	}
	r := m.route(path)
	if r.methods[method] != nil {
		panic("web: repeated pattern " + pattern)
	}
	r.methods[method] = h
	r.allow = m.allowed(r.methods)
}

// route finds or makes the route of a path.
func (m *Mux) route(path string) *route {
	made := newRoute(path)
	if made.name == "" {
		if m.exact == nil {
			m.exact = make(map[string]*route)
		}
		if m.exact[path] == nil {
			m.exact[path] = made
		}
		return m.exact[path]
	}
	for _, old := range m.wildcard {
		if old.prefix == made.prefix && old.suffix == made.suffix {
			if old.name != made.name {
				panic("web: two names for the wildcard of " + path)
			}
			return old
		}
	}
	m.wildcard = append(m.wildcard, made)
	slices.SortStableFunc(m.wildcard, func(a, b *route) int { return b.literal() - a.literal() })
	return made
}

func newRoute(path string) *route {
	r := &route{prefix: path, methods: make(map[string]http.Handler)}
	prefix, rest, ok := strings.Cut(path, "{")
	if !ok {
		return r
	}
	name, suffix, ok := strings.Cut(rest, "}")
	if !ok || name == "" || strings.ContainsAny(suffix, "{}") {
		panic("web: malformed path " + path)
	}
	r.prefix, r.name, r.suffix = prefix, name, suffix
	return r
}

func (r *route) literal() int { return len(r.prefix) + len(r.suffix) }

// match returns what the wildcard matches.
func (r *route) match(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, r.prefix)
	if !ok {
		return "", false
	}
	value, ok := strings.CutSuffix(rest, r.suffix)
	return value, ok && value != "" && !strings.Contains(value, "/")
}

func (m *Mux) find(path string) (found *route, value string) {
	if r := m.exact[path]; r != nil {
		return r, ""
	}
	for _, r := range m.wildcard {
		if value, ok := r.match(path); ok {
			return r, value
		}
	}
	return nil, ""
}

func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found, value := m.find(r.URL.Path)
	if found == nil {
		WriteProblem(w, problem.NotFound.New(""))
		return
	}
	h := found.methods[r.Method]
	if h == nil && r.Method == http.MethodHead && !m.GETOnly {
		h = found.methods[http.MethodGet]
	}
	if h == nil {
		w.Header().Set("Allow", found.allow)
		WriteProblem(w, problem.MethodNotAllowed.New(""))
		return
	}
	if found.name != "" {
		r.SetPathValue(found.name, value)
	}
	h.ServeHTTP(w, r)
}

// allowed is the Allow header: sorted, with the HEAD that a GET brings.
func (m *Mux) allowed(methods map[string]http.Handler) string {
	names := make([]string, 0, len(methods)+1)
	for name := range methods {
		names = append(names, name)
	}
	if methods[http.MethodGet] != nil && methods[http.MethodHead] == nil && !m.GETOnly {
		names = append(names, http.MethodHead)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
