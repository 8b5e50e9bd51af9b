package eventbus

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/shared/message"
)

var _ message.Sink = (*Bus)(nil)

const canary = "canary"

// service simulates the part of EventBridge that a client needs to put one event.
type service struct {
	t       *testing.T
	answers []string // one a call, and the last one for all further calls: JSON, the type of an error, "hang" or "drop"

	mu    sync.Mutex
	calls []map[string]any
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if target := r.Header.Get("X-Amz-Target"); target != "AWSEvents.PutEvents" {
		s.t.Errorf("target %q", target)
	}
	body, _ := io.ReadAll(r.Body)
	var in map[string]any
	if err := json.Unmarshal(body, &in); err != nil {
		s.t.Errorf("%v: %s", err, body)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch answer := s.record(in); {
	case answer == "hang":
		<-r.Context().Done()
	case answer == "drop":
		panic(http.ErrAbortHandler)
	case strings.HasPrefix(answer, "{"):
		_, _ = io.WriteString(w, answer)
	default:
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": answer, "message": "it quotes " + string(body)})
	}
}

// record stores a call and returns its answer.
func (s *service) record(in map[string]any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, in)
	return s.answers[min(len(s.calls), len(s.answers))-1]
}

// allCalls returns the calls until now.
func (s *service) allCalls() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

const accepted = `{"FailedEntryCount":0,"Entries":[{"EventId":"e-1"}]}`

func serve(t *testing.T, answers ...string) (*service, *Bus) {
	t.Helper()
	s := &service{t: t, answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", server.URL)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", canary)
	return s, New("bus")
}

func text() *message.Message {
	return &message.Message{App: "shop", AppID: "wx0123456789abcdef", MsgType: "text", CreateTime: 1_348_831_860, JSON: []byte(`{"Content":"` + canary + ` 你好"}`)}
}

func TestDeliverPutsOneEvent(t *testing.T) {
	s, bus := serve(t, accepted)
	reply, err := bus.Deliver(t.Context(), text())
	if err != nil || reply != nil {
		t.Fatalf("%s, %v", reply, err)
	}
	want := map[string]any{"Entries": []any{map[string]any{
		"EventBusName": "bus", "Source": "wechatfn", "DetailType": "text", "Detail": `{"Content":"canary 你好"}`,
		"Resources": []any{"wx0123456789abcdef"}, "Time": 1_348_831_860.0,
	}}}
	if len(s.allCalls()) != 1 || !reflect.DeepEqual(s.allCalls()[0], want) {
		t.Errorf("got  %v\nwant %v", s.allCalls(), want)
	}
}

func TestDetailTypeIsTruncatedAndOddTimesAreLeftOut(t *testing.T) {
	for _, c := range []struct {
		name string
		m    message.Message
		want string // the detail type
	}{
		{"an event", message.Message{MsgType: "event", Event: "subscribe"}, "subscribe"},
		{"no type", message.Message{}, "unknown"},
		{"a negative time", message.Message{CreateTime: -1}, "unknown"},
		{"a time after the year 2100", message.Message{CreateTime: 1 << 60}, "unknown"},
		{"the longest type", message.Message{MsgType: strings.Repeat("a", 128)}, strings.Repeat("a", 128)},
		{"a type that is too long", message.Message{MsgType: strings.Repeat("a", 129)}, strings.Repeat("a", 128)},
		{"a character that does not fit", message.Message{MsgType: strings.Repeat("a", 127) + "你"}, strings.Repeat("a", 127)},
		{"characters of which one fits", message.Message{MsgType: strings.Repeat("a", 125) + "你好"}, strings.Repeat("a", 125) + "你"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, bus := serve(t, accepted)
			c.m.JSON = []byte("{}")
			if _, err := bus.Deliver(t.Context(), &c.m); err != nil {
				t.Fatal(err)
			}
			entry := s.allCalls()[0]["Entries"].([]any)[0].(map[string]any)
			if _, timed := entry["Time"]; entry["DetailType"] != c.want || timed {
				t.Errorf("%v", entry)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []string
		calls   int
		want    string // part of the error; empty: there is none
	}{
		{"the entry is refused", []string{`{"FailedEntryCount":1,"Entries":[{"ErrorCode":"NotAuthorizedForSource","ErrorMessage":"no right"}]}`}, 1, "EventBridge: the event was refused: NotAuthorizedForSource: no right"},
		{"the entry is refused without a reason", []string{`{"FailedEntryCount":1,"Entries":[{}]}`}, 1, "the event was refused: no reason given"},
		{"an entry is refused and none is listed", []string{`{"FailedEntryCount":1}`}, 1, "the event was refused: no reason given"},
		{"throttled twice", []string{"ThrottlingException", "ThrottlingException", accepted}, 3, ""},
		{"throttled each time", []string{"ThrottlingException"}, 3, "EventBridge: ThrottlingException (HTTP status 400"},
		{"the answer is lost", []string{"drop", accepted}, 2, ""},
		{"no such bus", []string{"ResourceNotFoundException"}, 1, "ResourceNotFoundException"},
		{"not granted", []string{"AccessDeniedException"}, 1, "AccessDeniedException"},
		{"an error that quotes the event", []string{"ValidationException"}, 1, "ValidationException"},
		{"an answer that cannot be read", []string{`{"FailedEntryCount":"` + canary + `"}`}, 1, "could not be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, bus := serve(t, c.answers...)
			_, err := bus.Deliver(t.Context(), text())
			if len(s.allCalls()) != c.calls || (err == nil) != (c.want == "") {
				t.Errorf("%d calls, %v", len(s.allCalls()), err)
			}
			if err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary)) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestLongReasonIsTruncated(t *testing.T) {
	_, bus := serve(t, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"X","ErrorMessage":"`+strings.Repeat("a", 300)+`"}]}`)
	if _, err := bus.Deliver(t.Context(), text()); err == nil || strings.Count(err.Error(), "a") > 210 {
		t.Error(err)
	}
}

func TestDeliverEndsWithItsContext(t *testing.T) {
	_, bus := serve(t, "hang")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := bus.Deliver(ctx, text())
	if !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), canary) {
		t.Error(err)
	}
}

func TestClientRetriesWithinASecond(t *testing.T) {
	_, bus := serve(t, accepted)
	if delay, err := bus.client.Options().Retryer.RetryDelay(9, errors.New("x")); err != nil || delay > time.Second {
		t.Errorf("%v between tries, %v", delay, err)
	}
}
