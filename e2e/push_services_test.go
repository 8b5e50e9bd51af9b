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

// The names of the simulated services in the configuration of the functions.
const (
	busName   = "wechatfn"
	replyName = "wechat-replies"
)

// busEvent is an event that was put on the bus. Time is in Unix seconds.
type busEvent struct {
	EventBusName, Source, DetailType, Detail string
	Resources                                []string
	Time                                     float64
}

// eventBus simulates the part of EventBridge that putting events needs:
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
type eventBus struct {
	*httptest.Server
	tb    testing.TB
	asked chan struct{} // gets a value when an event was put, if a test waits for it

	mu      sync.Mutex
	answers []string // of the next calls, see next
	then    func()   // called before an event is accepted; may be nil
	calls   int
	events  []busEvent
}

func serveBus(tb testing.TB) *eventBus {
	b := &eventBus{tb: tb, asked: make(chan struct{}, 1)}
	b.Server = httptest.NewServer(b)
	tb.Cleanup(b.Close)
	return b
}

// next sets the answers of the next calls: "hang", "refuse the entry" or a code of AWS's
// errors. The calls after them are accepted.
func (b *eventBus) next(answers ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers = answers
}

// before sets a function that is called before each event is accepted.
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

// signal says that the bus has an event.
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

// drain returns the number of calls since the last drain, and their events.
func (b *eventBus) drain() (calls int, events []busEvent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	calls, events = b.calls, b.events
	b.calls, b.events = 0, nil
	return calls, events
}

// want drains the bus, and checks the number of calls and of events.
func (b *eventBus) want(calls, events int) []busEvent {
	b.tb.Helper()
	called, taken := b.drain()
	if called != calls || len(taken) != events {
		b.tb.Errorf("%d calls put %d events on the bus, want %d and %d", called, len(taken), calls, events)
	}
	return taken
}

// replyFunction simulates the part of Lambda that invoking the team's function needs:
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
type replyFunction struct {
	*httptest.Server
	tb testing.TB

	mu     sync.Mutex
	answer http.HandlerFunc
	asked  []string // the payloads of the calls
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

// want checks how often the function was called since it was last checked.
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

// replying answers as a function that returns that payload.
func replying(payload string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, payload) }
}

// failing answers as a function that returns an error.
func failing(payload string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_, _ = io.WriteString(w, payload)
	}
}

// refusing answers as Lambda does if it does not run the function.
func refusing(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", code)
		refuse(w, status, code)
	}
}

func hanging(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// detail reads the message in an event.
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
