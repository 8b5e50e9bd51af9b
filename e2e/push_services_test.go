package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// busName and replyName are what the functions know the fakes by.
const (
	busName   = "wechatfn"
	replyName = "wechat-replies"
)

// busEvent is an event as it was put on the bus. Time is in Unix seconds.
type busEvent struct {
	EventBusName, Source, DetailType, Detail string
	Resources                                []string
	Time                                     float64
}

// eventBus is as much of EventBridge as putting events takes:
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
type eventBus struct {
	*httptest.Server
	tb    testing.TB
	asked chan struct{} // each event that was put, as far as anybody listens

	mu      sync.Mutex
	answers []string // of the calls to come, see next
	then    func()   // done before an event is taken; nil for nothing
	calls   int
	events  []busEvent
}

func serveBus(tb testing.TB) *eventBus {
	b := &eventBus{tb: tb, asked: make(chan struct{}, 1)}
	b.Server = httptest.NewServer(b)
	tb.Cleanup(b.Close)
	return b
}

// next says how the calls to come are answered: "hang", "refuse the entry" or a
// code of AWS's errors. All after them are taken.
func (b *eventBus) next(answers ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers = answers
}

// before is done before each event is taken.
func (b *eventBus) before(then func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.then = then
}

func (b *eventBus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var input struct{ Entries []busEvent }
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return // the function has ended
	}
	err = json.Unmarshal(text, &input)
	if target := r.Header.Get("X-Amz-Target"); err != nil || target != "AWSEvents.PutEvents" || caller(r).Bus == "" || len(input.Entries) != 1 || input.Entries[0].EventBusName != busName {
		b.tb.Errorf("EventBridge was asked by %q for %s: %s, %v", caller(r).Name, target, text, err)
		refuse(w, http.StatusBadRequest, "AccessDeniedException")
		return
	}
	b.answer(w, r, b.call(), input.Entries[0])
}

func (b *eventBus) answer(w http.ResponseWriter, r *http.Request, answer string, event busEvent) {
	switch answer {
	case "":
		b.take(event)
		b.signal()
		_, _ = io.WriteString(w, `{"FailedEntryCount":0,"Entries":[{"EventId":"17793124-05d4-b198-2fde-7ededc63b103"}]}`)
	case "hang":
		b.signal()
		<-r.Context().Done()
	case "refuse the entry":
		_, _ = io.WriteString(w, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InternalFailure","ErrorMessage":"try later"}]}`)
	case "InternalException":
		refuse(w, http.StatusInternalServerError, answer)
	default:
		refuse(w, http.StatusBadRequest, answer)
	}
}

// tell says that the bus has something in its hands.
func (b *eventBus) signal() {
	select {
	case b.asked <- struct{}{}:
	default:
	}
}

// call counts a call and returns its answer.
func (b *eventBus) call() (answer string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if len(b.answers) > 0 {
		answer, b.answers = b.answers[0], b.answers[1:]
	}
	return answer
}

func (b *eventBus) take(event busEvent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, event)
	if b.then != nil {
		b.then()
	}
}

// drain returns how many calls there were since the last time, and the events
// that they left.
func (b *eventBus) drain() (calls int, events []busEvent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	calls, events = b.calls, b.events
	b.calls, b.events = 0, nil
	return calls, events
}

// want checks what there is to drain.
func (b *eventBus) want(calls, events int) []busEvent {
	b.tb.Helper()
	called, taken := b.drain()
	if called != calls || len(taken) != events {
		b.tb.Errorf("%d calls put %d events on the bus, want %d and %d", called, len(taken), calls, events)
	}
	return taken
}

// replyFunction is as much of Lambda as invoking the user's function takes:
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
type replyFunction struct {
	*httptest.Server
	tb testing.TB

	mu     sync.Mutex
	answer http.HandlerFunc
	asked  []string // the payloads
}

func serveReplies(tb testing.TB) *replyFunction {
	f := &replyFunction{tb: tb, answer: replying("null")}
	f.Server = httptest.NewServer(f)
	tb.Cleanup(f.Close)
	return f
}

func (f *replyFunction) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return // the function has ended
	}
	want := "/" + caller(r).Name + "/2015-03-31/functions/" + replyName + "/invocations"
	if caller(r).Invokes == "" || r.Method != http.MethodPost || r.URL.Path != want || r.Header.Get("X-Amz-Invocation-Type") != "RequestResponse" {
		f.tb.Errorf("Lambda was asked by %q for %s %s", caller(r).Name, r.Method, r.URL.Path)
	}
	f.mu.Lock()
	f.asked = append(f.asked, string(payload))
	answer := f.answer
	f.mu.Unlock()
	answer(w, r)
}

func (f *replyFunction) set(answer http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// want checks how often the function was asked since it was last checked.
func (f *replyFunction) want(calls int) (payloads []string) {
	f.tb.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.asked) != calls {
		f.tb.Errorf("the reply function was asked %d times, want %d", len(f.asked), calls)
	}
	payloads, f.asked = f.asked, nil
	return payloads
}

// replying is a function that returns that payload.
func replying(payload string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, payload) }
}

// failing is a function that ends with an error.
func failing(payload string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_, _ = io.WriteString(w, payload)
	}
}

// refusing is a Lambda that does not run the function.
func refusing(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", code)
		refuse(w, status, code)
	}
}

func hanging(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// detail reads the message of an event.
func (e busEvent) detail(tb testing.TB) map[string]any {
	tb.Helper()
	decoder := json.NewDecoder(strings.NewReader(e.Detail))
	decoder.UseNumber()
	var detail map[string]any
	if err := decoder.Decode(&detail); err != nil || decoder.More() {
		tb.Fatalf("detail %s: %v", e.Detail, err)
	}
	return detail
}
