package lambdahttp

import (
	"errors"
	"net/http"
	"net/textproto"
	"strings"
	"unicode/utf8"
)

// event is what of a payload 2.0 event makes a request. The rest, most of which
// repeats it in decoded form, is passed over.
type event struct {
	version    string
	rawPath    string
	rawQuery   string
	header     http.Header // without Host; cookies joined
	host       string
	body       string
	base64     bool
	method     string
	sourceIP   string
	requestID  string
	domainName string
	authorize  bool // it asks whether a request may pass, rather than for its answer
	action     bool // it has an action, as no gateway's has
}

// errNotJSON covers the types of the members, too. It does not say where: the
// offset would not help, and the bytes may hold a secret.
var errNotJSON = errors.New("not JSON of an event")

// direct: it was made by hand. What a gateway sends has a version and a request.
func (e *event) direct() bool {
	return e.action && e.version == "" && e.rawPath == "" && e.method == "" && e.header == nil
}

// parseEvent copies the payload, because aws-lambda-go uses its buffer again for
// the next event while strings of this one may still be in use.
func parseEvent(payload []byte) (*event, error) {
	if !utf8.Valid(payload) {
		return nil, errNotJSON
	}
	s := &scanner{text: string(payload)}
	e := new(event)
	e.scan(s)
	if !s.end() {
		return nil, errNotJSON
	}
	return e, nil
}

func (e *event) scan(s *scanner) {
	var cookies []string
	s.object(func(name string) {
		switch name {
		case "version":
			e.version = s.string()
		case "rawPath":
			e.rawPath = s.string()
		case "rawQueryString":
			e.rawQuery = s.string()
		case "cookies":
			s.array(func() { cookies = append(cookies, s.string()) })
		case "headers":
			e.scanHeaders(s)
		case "requestContext":
			e.scanContext(s)
		case "body":
			e.body = s.string()
		case "action":
			e.action = true
			s.skip()
		case "type":
			e.authorize = s.string() == "REQUEST"
		case "isBase64Encoded":
			e.base64 = s.boolean()
		default:
			s.skip()
		}
	})
	// Browsers send all cookies in one header; payload 2.0 takes them apart.
	if len(cookies) > 0 {
		e.setHeader("Cookie", strings.Join(cookies, "; "))
	}
}

func (e *event) scanContext(s *scanner) {
	s.object(func(name string) {
		switch name {
		case "requestId":
			e.requestID = s.string()
		case "domainName":
			e.domainName = s.string()
		case "http":
			e.scanHTTP(s)
		default:
			s.skip()
		}
	})
}

func (e *event) scanHTTP(s *scanner) {
	s.object(func(name string) {
		switch name {
		case "method":
			e.method = s.string()
		case "sourceIp":
			e.sourceIP = s.string()
		default:
			s.skip()
		}
	})
}

// usualHeaders is more than a browser and the gateway send together.
const usualHeaders = 24

// scanHeaders gives names their canonical form. Host is not among the headers of
// a request in Go.
func (e *event) scanHeaders(s *scanner) {
	e.header = make(http.Header, usualHeaders)
	values := make([]string, 0, usualHeaders) // one allocation for all the slices
	s.object(func(name string) {
		name = textproto.CanonicalMIMEHeaderKey(name)
		value := s.string()
		if name == "Host" {
			e.host = value
			return
		}
		if old := e.header[name]; old != nil { // it came in two spellings
			e.header[name] = append(old, value)
			return
		}
		values = append(values, value)
		e.header[name] = values[len(values)-1 : len(values) : len(values)]
	})
}

func (e *event) setHeader(name, value string) {
	if e.header == nil {
		e.header = make(http.Header)
	}
	e.header[name] = []string{value}
}

// check refuses REST API events (payload 1.0 and older), events of other
// services, and anything else that did not come through an HTTP API.
func (e *event) check() error {
	switch {
	case e.version != "2.0":
		return errors.New("version is not 2.0")
	case e.method == "":
		return errors.New("no requestContext.http.method")
	case !strings.HasPrefix(e.rawPath, "/"):
		return errors.New("rawPath does not begin with a slash")
	}
	return nil
}
