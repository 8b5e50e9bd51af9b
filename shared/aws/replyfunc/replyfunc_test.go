package replyfunc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"wechatfn/shared/message"
	"wechatfn/shared/web/logtest"
)

const canary = "canary"

// service simulates the part of Lambda that a client needs to invoke one function.
type service struct {
	t      *testing.T
	answer http.HandlerFunc
	calls  atomic.Int64
	body   string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.calls.Add(1)
	body, _ := io.ReadAll(r.Body)
	s.body = string(body)
	if got := r.Method + " " + r.URL.Path; got != "POST /2015-03-31/functions/replies/invocations" {
		s.t.Errorf("called %s", got)
	}
	if typ := r.Header.Get("X-Amz-Invocation-Type"); typ != "RequestResponse" {
		s.t.Errorf("invocation type %q", typ)
	}
	s.answer(w, r)
}

// countingSink counts deliveries.
type countingSink struct {
	err   error
	calls int
}

func (n *countingSink) Deliver(context.Context, *message.Message) ([]byte, error) {
	n.calls++
	return nil, n.err
}

// fixture is a Sink with its next sink, the simulated Lambda and the log.
type fixture struct {
	message.Sink
	next    countingSink
	service service
	log     logtest.Buffer
}

func newFixture(t *testing.T, answer http.HandlerFunc) *fixture {
	t.Helper()
	f := &fixture{service: service{t: t, answer: answer}}
	server := httptest.NewServer(&f.service)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_LAMBDA", server.URL)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", canary)
	f.Sink = New("replies", &f.next, f.log.Text())
	return f
}

func answers(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func refuses(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-ErrorType", code)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"Message":"could not parse `+canary+`","message":"`+canary+`"}`)
	}
}

func text() *message.Message {
	return &message.Message{App: "shop", AppID: "wx0123456789abcdef", MsgType: "text", JSON: []byte(`{"Content":"` + canary + `"}`)}
}

func TestPayloadOfTheFunctionIsTheReply(t *testing.T) {
	for _, c := range []struct{ name, payload string }{
		{"a text", `{"MsgType":"text","Content":"你好"}`},
		{"null", "null"},
		{"nothing", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, answers(c.payload))
			if reply, err := f.Deliver(t.Context(), text()); string(reply) != c.payload || err != nil || f.next.calls != 1 || f.service.calls.Load() != 1 || f.service.body != `{"Content":"canary"}` || f.log.String() != "" {
				t.Errorf("got %q, %v, %d deliveries, the function got %s, log %s", reply, err, f.next.calls, f.service.body, &f.log)
			}
		})
	}
}

func TestFailureOfTheFunctionIsLoggedAndMeansNoReply(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   string // in the log
	}{
		{"the function fails", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			_, _ = io.WriteString(w, `{"errorMessage":"`+canary+`"}`)
		}, "ended with an error: Unhandled"},
		{"throttled", refuses(429, "TooManyRequestsException"), "TooManyRequestsException (HTTP status 429"},
		{"Lambda fails", refuses(500, "ServiceException"), "ServiceException (HTTP status 500"},
		{"no such function", refuses(404, "ResourceNotFoundException"), "ResourceNotFoundException"},
		{"an error that quotes the event", refuses(400, "InvalidRequestContentException"), "InvalidRequestContentException"},
		{"the connection breaks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, c.answer)
			reply, err := f.Deliver(t.Context(), text())
			if reply != nil || err != nil || f.next.calls != 1 || f.service.calls.Load() != 1 {
				t.Errorf("%q, %v, %d deliveries, %d calls", reply, err, f.next.calls, f.service.calls.Load())
			}
			f.wantLog(t, c.want)
		})
	}
}

func (f *fixture) wantLog(t *testing.T, want string) {
	t.Helper()
	log := f.log.String()
	for _, part := range []string{"level=ERROR", `msg="reply failed"`, "account=shop", "type=text", want} {
		if strings.Count(log, part) != 1 {
			t.Errorf("not once %q in the log: %s", part, log)
		}
	}
	f.log.WantNoSecrets(t, canary)
}

func TestNoReplyIsAskedForIfTheDeliveryFails(t *testing.T) {
	f := newFixture(t, answers("{}"))
	f.next.err = errors.New("not taken")
	if reply, err := f.Deliver(t.Context(), text()); reply != nil || err != f.next.err || f.service.calls.Load() != 0 || f.log.String() != "" {
		t.Errorf("%q, %v, %d calls, log %s", reply, err, f.service.calls.Load(), &f.log)
	}
}

// hanging is an HTTP client that gets no answer.
type hanging struct{ calls int }

func (h *hanging) Do(r *http.Request) (*http.Response, error) {
	h.calls++
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestFunctionMayTakeTheTimeThatIsLeft(t *testing.T) {
	for _, left := range []time.Duration{4 * time.Second, time.Millisecond} {
		t.Run(left.String(), func(t *testing.T) {
			f, client := newFixture(t, nil), new(hanging)
			f.Sink.(*replier).client = newClient(client)
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), left)
				defer cancel()
				began := time.Now()
				reply, err := f.Deliver(ctx, text())
				if reply != nil || err != nil || f.next.calls != 1 || client.calls != 1 {
					t.Errorf("%q, %v, %d deliveries, %d calls", reply, err, f.next.calls, client.calls)
				}
				if took := time.Since(began); took != left {
					t.Errorf("it took %v", took)
				}
			})
			f.wantLog(t, "deadline exceeded")
		})
	}
}

// earlyAnswer is an HTTP client whose server answers before net/http has read the
// request's body to its end, as it sometimes happens.
type earlyAnswer struct{ lambda.HTTPClient }

func (c earlyAnswer) Do(r *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(io.LimitReader(r.Body, r.ContentLength))
	if err != nil {
		return nil, err
	}
	copied := r.WithContext(r.Context()) // the SDK closes r's body
	copied.Body = io.NopCloser(bytes.NewReader(sent))
	answer, err := c.HTTPClient.Do(copied)
	if err == nil {
		answer.Body = lateBody{answer.Body, r.Body}
	}
	return answer, err
}

// lateBody reads an answer after it has read the rest of the request, as net/http's
// writer does.
type lateBody struct{ answer, request io.ReadCloser }

func (l lateBody) Read(p []byte) (int, error) {
	if _, err := io.Copy(io.Discard, l.request); err != nil {
		return 0, net.ErrClosed
	}
	return l.answer.Read(p)
}

func (l lateBody) Close() error { return l.answer.Close() }

func TestEarlyAnswerIsReadToItsEnd(t *testing.T) {
	f := newFixture(t, answers(`{"MsgType":"text"}`))
	f.Sink.(*replier).client = newClient(earlyAnswer{httpClient()})
	if reply, err := f.Deliver(t.Context(), text()); string(reply) != `{"MsgType":"text"}` || err != nil || f.log.String() != "" {
		t.Errorf("got %q, %v, log %s", reply, err, &f.log)
	}
}

func TestWithoutAFunctionNewReturnsTheNextSink(t *testing.T) {
	sink := new(countingSink)
	if New("", sink, nil) != message.Sink(sink) {
		t.Error("New returns another sink")
	}
}

func TestNilLoggerMeansTheDefault(t *testing.T) {
	if New("replies", new(countingSink), nil).(*replier).logger == nil {
		t.Error("there is no logger")
	}
}

func TestIdleConnectionsAreClosedSoon(t *testing.T) {
	if timeout := httpClient().GetTransport().IdleConnTimeout; timeout <= 0 || timeout > 10*time.Second {
		t.Errorf("idle connections are reused for %v", timeout)
	}
}
