package dynamo_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"

	"wechatfn/shared/store"
	"wechatfn/shared/store/dynamo"
	"wechatfn/shared/store/dynamo/dynamotest"
)

// answer makes the response to one write request. It may send the request to the real
// engine.
type answer func(engine http.RoundTripper, request *http.Request) (*http.Response, error)

// applied has the engine apply the request, and replaces its answer by another.
func applied(then answer) answer {
	return func(engine http.RoundTripper, request *http.Request) (*http.Response, error) {
		response, err := engine.RoundTrip(request)
		if err != nil {
			return nil, err
		}
		_ = response.Body.Close()
		return then(engine, request)
	}
}

func fails(err error) answer {
	return func(http.RoundTripper, *http.Request) (*http.Response, error) { return nil, err }
}

func says(status int, body string) answer {
	return func(_ http.RoundTripper, request *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status,
			Header:     http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
			Body:       io.NopCloser(bytes.NewBufferString(body)),
			Request:    request,
		}, nil
	}
}

func problem(code string) string { return `{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `"}` }

var (
	errCut      = errors.New("connection reset by peer")
	refusedDial = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	throttled   = says(http.StatusBadRequest, problem("ProvisionedThroughputExceededException"))
	internal    = says(http.StatusInternalServerError, problem("InternalServerError"))
)

// failedWrites are answers to the attempts at a write, and what the store makes of them.
var failedWrites = []struct {
	name    string
	retryer func(*dynamodb.Options)
	answers []answer // to the attempts; the last one repeats
	reads   int
	success bool
}{
	{"throttled", noRetries, []answer{throttled}, 0, false},
	{"throttled in every try", quickRetries, []answer{throttled}, 0, false},
	{"throttled, then served", quickRetries, []answer{throttled, applied(says(http.StatusOK, "{}"))}, 0, true},
	{"no connection", noRetries, []answer{fails(refusedDial)}, 0, false},
	{"no permission", noRetries, []answer{says(http.StatusBadRequest, problem("AccessDeniedException"))}, 0, false},
	{"not valid", noRetries, []answer{says(http.StatusBadRequest, problem("ValidationException"))}, 0, false},
	{"cut before", noRetries, []answer{fails(errCut)}, 1, false},
	{"cut after", noRetries, []answer{applied(fails(errCut))}, 1, true},
	{"cut after, then throttled", quickRetries, []answer{applied(fails(errCut)), throttled}, 1, true},
	{"cut after, then no connection", quickRetries, []answer{applied(fails(errCut)), fails(refusedDial)}, 1, true},
	{"server error", noRetries, []answer{internal}, 1, false},
	{"server error, though applied", noRetries, []answer{applied(internal)}, 1, true},
	{"gateway timeout, though applied", noRetries, []answer{applied(says(http.StatusGatewayTimeout, ""))}, 1, true},
	{"unreadable success, though applied", noRetries, []answer{applied(says(http.StatusOK, `{"Attri`))}, 1, true},
}

// The store reads back after those failures after which the write may have been
// applied, and succeeds if it was.
func TestFailedWritesAreReadBack(t *testing.T) {
	engine := dynamotest.Start(t)
	for _, c := range failedWrites {
		t.Run(c.name, func(t *testing.T) {
			engine := engine.NewTable(t)
			script := &scripted{engine: http.DefaultTransport, answers: c.answers}
			s := newStore(t, dynamo.Config{Client: engine.NewClient(script, c.retryer), Table: engine.Table})

			item, err := s.Create(t.Context(), store.Item{Key: "state#canary", Value: []byte("canary")})
			if (err == nil) != c.success {
				t.Errorf("error %v, want success %t", err, c.success)
			}
			if script.reads != c.reads {
				t.Errorf("%d reads, want %d", script.reads, c.reads)
			}
			if c.success {
				if got, err := s.Get(t.Context(), item.Key); err != nil || got.Version != item.Version {
					t.Errorf("stored is %v (%v), want version %s", got, err, item.Version)
				}
			} else if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error quotes the item: %v", err)
			}
		})
	}
}

// scripted gives each write the next answer. It passes reads on to the engine.
type scripted struct {
	engine  http.RoundTripper
	answers []answer
	writes  int
	reads   int
}

func (s *scripted) RoundTrip(request *http.Request) (*http.Response, error) {
	if !isWrite(request) {
		s.reads++
		return s.engine.RoundTrip(request)
	}
	next := s.answers[min(s.writes, len(s.answers)-1)]
	s.writes++
	return next(s.engine, request)
}

// Callers can tell a missing table from throttling.
func TestErrorsWrapTheirCause(t *testing.T) {
	engine := dynamotest.Start(t)
	s := newStore(t, dynamo.Config{Client: engine.NewClient(nil, noRetries), Table: "no-such-table"})
	_, err := s.Get(t.Context(), "token#wx1234")
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "ResourceNotFoundException" {
		t.Errorf("get: error %v, want ResourceNotFoundException", err)
	}
}

func TestNewNeedsClientAndTable(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  dynamo.Config
	}{
		{"nothing", dynamo.Config{}},
		{"no client", dynamo.Config{Table: "t"}},
		{"no table", dynamo.Config{Client: dynamodb.New(dynamodb.Options{})}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := dynamo.New(c.cfg); err == nil {
				t.Error("no error")
			}
		})
	}
}
