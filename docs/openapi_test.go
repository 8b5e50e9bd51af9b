// Package docs_test compares the documents with the program. It serves requests with the real
// handlers and looks up each answer in openapi.yaml.
package docs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"wechatfn/shared/manifest"
)

// load reads and checks the document. That checks the examples, too.
func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaPatternValidation()); err != nil {
		t.Fatal(err)
	}
	return doc
}

// operation is one of the document's.
type operation struct {
	method, path string
	item         *openapi3.PathItem
	*openapi3.Operation
}

func (o operation) String() string { return o.method + " " + o.path }

func operations(doc *openapi3.T) (all []operation) {
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			all = append(all, operation{method, path, item, o})
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// The document has each route of the functions, and no others.
func TestOpenAPIRoutes(t *testing.T) {
	var documented, served []string
	for _, o := range operations(load(t)) {
		documented = append(documented, o.String())
	}
	for _, f := range manifest.Functions() {
		for _, r := range f.Routes {
			served = append(served, r.Method+" "+r.Path)
		}
	}
	slices.Sort(served)
	if !slices.Equal(documented, served) || len(served) == 0 {
		t.Errorf("documented:\n%q\nserved:\n%q", documented, served)
	}
}

// codes are the problem codes of a response; none if it is not a problem.
func codes(r *openapi3.Response) (all []string) {
	media := r.Content["application/problem+json"]
	if media == nil {
		return nil
	}
	for _, part := range media.Schema.Value.AllOf {
		if code := part.Value.Properties["code"]; code != nil {
			for _, value := range code.Value.Enum {
				all = append(all, value.(string))
			}
		}
	}
	return all
}

// Each problem that a response lists has one example at least, with its own code and
// status. `wechatfn generate --check` compares both with the catalogue.
func TestOpenAPIProblems(t *testing.T) {
	checked := 0
	for _, o := range operations(load(t)) {
		for status, response := range o.Responses.Map() {
			media := response.Value.Content["application/problem+json"]
			if media == nil {
				continue
			}
			checked++
			if found := codes(response.Value); !slices.Equal(found, exampled(t, media, status)) {
				t.Errorf("%s, %s: %q are not those of the examples", o, status, found)
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d responses were found", checked)
	}
}

// exampled lists the codes of the examples, each once.
func exampled(t *testing.T, media *openapi3.MediaType, status string) (all []string) {
	t.Helper()
	for name, example := range media.Examples {
		value := example.Value.Value.(map[string]any)
		code, _ := value["code"].(string)
		if fmt.Sprint(value["status"]) != status || !strings.HasPrefix(name, code) || value["type"] != "urn:wechatfn:problem:"+code {
			t.Errorf("example %s is not one of %s: %v", name, status, value)
		}
		if !slices.Contains(all, code) {
			all = append(all, code)
		}
	}
	enum := codes(&openapi3.Response{Content: openapi3.Content{"application/problem+json": media}})
	slices.SortFunc(all, func(a, b string) int { return slices.Index(enum, a) - slices.Index(enum, b) })
	return all
}

// forbidOtherFields forbids the fields that the document does not name, so that a new field of an
// answer needs a line there. Clients must still accept other fields.
func forbidOtherFields(doc *openapi3.T) {
	done := map[*openapi3.Schema]bool{}
	var walk func(ref *openapi3.SchemaRef)
	walk = func(ref *openapi3.SchemaRef) {
		if ref == nil || done[ref.Value] {
			return
		}
		s := ref.Value
		done[s] = true
		if s.Type.Is("object") && len(s.Properties) > 0 {
			no := false
			s.AdditionalProperties.Has = &no
		}
		for _, property := range s.Properties {
			walk(property)
		}
		for _, part := range slices.Concat(s.AllOf, s.OneOf) {
			walk(part)
		}
		walk(s.Items)
	}
	for _, schema := range doc.Components.Schemas {
		walk(schema)
	}
	for _, o := range operations(doc) {
		for _, response := range o.Responses.Map() {
			for _, media := range response.Value.Content {
				walk(media.Schema)
			}
		}
	}
}

func init() {
	for _, text := range []string{"text/html", "text/xml", "application/xml"} {
		openapi3filter.RegisterBodyDecoder(text, openapi3filter.PlainBodyDecoder)
	}
}

// witness looks up every exchange in the document, and records what it saw.
type witness struct {
	testing.TB
	doc  *openapi3.T
	seen *sync.Map // keys: operation and status; and the same with the code of a problem
}

func newWitness(t *testing.T) *witness {
	w := &witness{TB: t, doc: load(t), seen: &sync.Map{}}
	forbidOtherFields(w.doc)
	return w
}

// in is the same witness in a subtest.
func (w *witness) in(t testing.TB) *witness { return &witness{t, w.doc, w.seen} }

// route finds the operation as the gateway does: an exact path first.
func (w *witness) route(r *http.Request) (operation, map[string]string) {
	w.Helper()
	var found operation
	var params map[string]string
	for _, o := range operations(w.doc) {
		if o.method != r.Method {
			continue
		}
		prefix, rest, wild := strings.Cut(o.path, "{")
		if !wild && o.path == r.URL.Path {
			return o, nil
		}
		name, suffix, _ := strings.Cut(rest, "}")
		if value, ok := strings.CutPrefix(r.URL.Path, prefix); wild && ok && strings.HasSuffix(value, suffix) {
			found, params = o, map[string]string{name: strings.TrimSuffix(value, suffix)}
		}
	}
	if found.Operation == nil {
		w.Fatalf("%s %s is not in the document", r.Method, r.URL.Path)
	}
	return found, params
}

// check compares an exchange with the document: the answer always, the request if it succeeded.
func (w *witness) check(r *http.Request, sent []byte, answer *http.Response, body []byte) {
	w.Helper()
	o, params := w.route(r)
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(sent))
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params,
		Route:   &routers.Route{Spec: w.doc, Path: o.path, PathItem: o.item, Method: o.method, Operation: o.Operation},
		Options: &openapi3filter.Options{AuthenticationFunc: authenticate},
	}
	if answer.StatusCode == 200 || answer.StatusCode == 204 || answer.StatusCode == 303 {
		if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
			w.Errorf("%s succeeded, against the document: %v", o, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: answer.StatusCode, Header: answer.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateResponse(r.Context(), out.SetBodyBytes(body)); err != nil {
		w.Errorf("%s: answer %d %s: %v", o, answer.StatusCode, body, err)
	}
	if response := o.Responses.Status(answer.StatusCode); response != nil && len(response.Value.Content) == 0 && len(body) > 0 && answer.StatusCode/100 != 3 {
		w.Errorf("%s: answer %d has a body that is not in the document: %s", o, answer.StatusCode, body)
	}
	w.record(o, answer, body)
}

func (w *witness) record(o operation, answer *http.Response, body []byte) {
	key := o.String() + " " + strconv.Itoa(answer.StatusCode)
	var problem struct{ Code, Title string }
	if answer.Header.Get("Content-Type") == "application/problem+json" && json.Unmarshal(body, &problem) == nil {
		w.checkTitle(problem.Code, problem.Title)
	}
	w.seen.Store(key, true)
	w.seen.Store(key+" "+problem.Code, true)
}

// checkTitle compares the title of a problem with that of its example.
func (w *witness) checkTitle(code, title string) {
	w.Helper()
	example := w.doc.Components.Examples[code]
	if example == nil || example.Value.Value.(map[string]any)["title"] != title {
		w.Errorf("the example of %s has not the title %q", code, title)
	}
}

// authenticate returns an error unless the request has the credentials of the scheme.
func authenticate(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	r := in.RequestValidationInput.Request
	switch s := in.SecurityScheme; s.Type {
	case "apiKey":
		_, err := r.Cookie(s.Name)
		return err
	case "http":
		if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
			return nil
		}
	}
	return fmt.Errorf("no %s", in.SecuritySchemeName)
}

// unseen lists what the document promises and no answer has shown. An answer for our own errors
// alone need be shown for one operation only.
func (w *witness) unseen() (missing []string) {
	var seen []string
	w.seen.Range(func(key, _ any) bool { seen = append(seen, key.(string)); return true })
	for _, o := range operations(w.doc) {
		for status, response := range o.Responses.Map() {
			key := o.String() + " " + status
			found := codes(response.Value)
			own := len(found) > 0 && !slices.ContainsFunc(found, func(code string) bool { return code != "internal" && code != "timeout" })
			if !slices.Contains(seen, key) && !own {
				missing = append(missing, key)
			}
		}
	}
	for _, code := range []string{"500 internal", "503 timeout"} {
		if !slices.ContainsFunc(seen, func(key string) bool { return strings.HasSuffix(key, code) }) {
			missing = append(missing, code)
		}
	}
	return missing
}
