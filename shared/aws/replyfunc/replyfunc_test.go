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

	"wechatfn/shared/config"
	"wechatfn/shared/message"
	"wechatfn/shared/web/logtest"
)

const canary = "canary"

// service speaks as much of Lambda's protocol as a client needs to invoke one
// function.
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

// next is a Sink that counts.
type next struct {
	err   error
	calls int
}

func (n *next) Deliver(context.Context, *message.Message) ([]byte, error) {
	n.calls++
	return nil, n.err
}

// world is a Sink with all that is around it.
type world struct {
	message.Sink
	next    next
	service service
	log     logtest.Buffer
}

func start(t *testing.T, answer http.HandlerFunc) *world {
	t.Helper()
	w := &world{service: service{t: t, answer: answer}}
	server := httptest.NewServer(&w.service)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_LAMBDA", server.URL)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", canary)
	w.Sink = New(&config.Config{ReplyFunction: "replies"}, &w.next, w.log.Text())
	return w
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

func TestTheAnswerIsTheReply(t *testing.T) {
	for _, payload := range []string{`{"MsgType":"text","Content":"你好"}`, "null", ""} {
		w := start(t, answers(payload))
		if reply, err := w.Deliver(t.Context(), text()); string(reply) != payload || err != nil || w.next.calls != 1 || w.service.calls.Load() != 1 || w.service.body != `{"Content":"canary"}` || w.log.String() != "" {
			t.Errorf("%q: got %q, %v, %d hand-overs, the function got %s, log %s", payload, reply, err, w.next.calls, w.service.body, &w.log)
		}
	}
}

func TestNoReplyIsNoFailure(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"the function fails": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			_, _ = io.WriteString(w, `{"errorMessage":"`+canary+`"}`)
		}, "ended with an error: Unhandled"},
		"throttled":           {refuses(429, "TooManyRequestsException"), "TooManyRequestsException (HTTP status 429"},
		"broken":              {refuses(500, "ServiceException"), "ServiceException (HTTP status 500"},
		"no such function":    {refuses(404, "ResourceNotFoundException"), "ResourceNotFoundException"},
		"it quotes the event": {refuses(400, "InvalidRequestContentException"), "InvalidRequestContentException"},
		"lost":                {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, c.answer)
			reply, err := w.Deliver(t.Context(), text())
			if reply != nil || err != nil || w.next.calls != 1 || w.service.calls.Load() != 1 {
				t.Errorf("%q, %v, %d hand-overs, %d calls", reply, err, w.next.calls, w.service.calls.Load())
			}
			w.wantLog(t, c.want)
		})
	}
}

func (w *world) wantLog(t *testing.T, want string) {
	t.Helper()
	log := w.log.String()
	for _, part := range []string{"level=ERROR", `msg="reply failed"`, "account=shop", "type=text", want} {
		if strings.Count(log, part) != 1 {
			t.Errorf("not once %q in the log: %s", part, log)
		}
	}
	w.log.WantNoSecrets(t, canary)
}

func TestAFailedHandOverAsksNobody(t *testing.T) {
	w := start(t, answers("{}"))
	w.next.err = errors.New("not taken")
	if reply, err := w.Deliver(t.Context(), text()); reply != nil || err != w.next.err || w.service.calls.Load() != 0 || w.log.String() != "" {
		t.Errorf("%q, %v, %d calls, log %s", reply, err, w.service.calls.Load(), &w.log)
	}
}

// hanging is an HTTP client that gets no answer.
type hanging struct{ calls int }

func (h *hanging) Do(r *http.Request) (*http.Response, error) {
	h.calls++
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// The function gets the time that is left and no more.
func TestTheFunctionIsNotWaitedForTooLong(t *testing.T) {
	for _, left := range []time.Duration{4 * time.Second, time.Millisecond} {
		w, client := start(t, nil), new(hanging)
		w.Sink.(*replier).client = newClient(client)
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), left)
			defer cancel()
			began := time.Now()
			reply, err := w.Deliver(ctx, text())
			if reply != nil || err != nil || w.next.calls != 1 || client.calls != 1 {
				t.Errorf("%v left: %q, %v, %d hand-overs, %d calls", left, reply, err, w.next.calls, client.calls)
			}
			if took := time.Since(began); took != left {
				t.Errorf("%v left: it took %v", left, took)
			}
		})
		w.wantLog(t, "deadline exceeded")
	}
}

// racing is an HTTP client whose server has answered before net/http has looked
// whether the request's body goes on, as it sometimes is.
type racing struct{ lambda.HTTPClient }

func (c racing) Do(r *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(io.LimitReader(r.Body, r.ContentLength))
	if err != nil {
		return nil, err
	}
	copied := r.WithContext(r.Context()) // the SDK closes r's body
	copied.Body = io.NopCloser(bytes.NewReader(sent))
	answer, err := c.HTTPClient.Do(copied)
	if err == nil {
		answer.Body = late{answer.Body, r.Body}
	}
	return answer, err
}

// late reads an answer after it has looked at the rest of the request, as
// net/http's writer does.
type late struct{ answer, request io.ReadCloser }

func (l late) Read(p []byte) (int, error) {
	if _, err := io.Copy(io.Discard, l.request); err != nil {
		return 0, net.ErrClosed
	}
	return l.answer.Read(p)
}

func (l late) Close() error { return l.answer.Close() }

func TestAnAnswerIsReadToItsEnd(t *testing.T) {
	w := start(t, answers(`{"MsgType":"text"}`))
	w.Sink.(*replier).client = newClient(racing{httpClient()})
	if reply, err := w.Deliver(t.Context(), text()); string(reply) != `{"MsgType":"text"}` || err != nil || w.log.String() != "" {
		t.Errorf("got %q, %v, log %s", reply, err, &w.log)
	}
}

func TestWithoutAFunctionTheNextSinkIsAll(t *testing.T) {
	sink := new(next)
	if New(&config.Config{}, sink, nil) != message.Sink(sink) {
		t.Error("something is wrapped around it")
	}
}

func TestANilLoggerLogs(t *testing.T) {
	if New(&config.Config{ReplyFunction: "replies"}, new(next), nil).(*replier).logger == nil {
		t.Error("nothing logs")
	}
}

func TestIdleConnectionsAreNotTrusted(t *testing.T) {
	if kept := httpClient().GetTransport().IdleConnTimeout; kept <= 0 || kept > 10*time.Second {
		t.Errorf("idle connections are kept for %v", kept)
	}
}
