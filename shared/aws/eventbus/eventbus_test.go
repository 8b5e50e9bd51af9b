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

	"wechatfn/shared/config"
	"wechatfn/shared/message"
)

var _ message.Sink = (*Bus)(nil)

const canary = "canary"

// service speaks as much of EventBridge's protocol as a client needs to put one
// event.
type service struct {
	t       *testing.T
	answers []string // one a call, the last one for all further calls: JSON, or the type of an error

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
	switch answer := s.next(in); {
	case answer == "hang":
		<-r.Context().Done()
	case answer == "lose":
		panic(http.ErrAbortHandler)
	case strings.HasPrefix(answer, "{"):
		_, _ = io.WriteString(w, answer)
	default:
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": answer, "message": "it quotes " + string(body)})
	}
}

// next notes a call and returns its answer.
func (s *service) next(in map[string]any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, in)
	return s.answers[min(len(s.calls), len(s.answers))-1]
}

// made returns the calls until now.
func (s *service) made() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

const taken = `{"FailedEntryCount":0,"Entries":[{"EventId":"e-1"}]}`

func serve(t *testing.T, answers ...string) (*service, *Bus) {
	t.Helper()
	s := &service{t: t, answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", server.URL)
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", canary)
	return s, New(&config.Config{EventBus: "bus"})
}

func text() *message.Message {
	return &message.Message{App: "shop", AppID: "wx0123456789abcdef", MsgType: "text", CreateTime: 1_348_831_860, JSON: []byte(`{"Content":"` + canary + ` 你好"}`)}
}

func TestOneEventAMessage(t *testing.T) {
	s, bus := serve(t, taken)
	reply, err := bus.Deliver(t.Context(), text())
	if err != nil || reply != nil {
		t.Fatalf("%s, %v", reply, err)
	}
	want := map[string]any{"Entries": []any{map[string]any{
		"EventBusName": "bus", "Source": "wechatfn", "DetailType": "text", "Detail": `{"Content":"canary 你好"}`,
		"Resources": []any{"wx0123456789abcdef"}, "Time": 1_348_831_860.0,
	}}}
	if len(s.made()) != 1 || !reflect.DeepEqual(s.made()[0], want) {
		t.Errorf("got  %v\nwant %v", s.made(), want)
	}
}

func TestDetailTypeAndTime(t *testing.T) {
	for name, c := range map[string]struct {
		m    message.Message
		want string
	}{
		"an event":        {message.Message{MsgType: "event", Event: "subscribe"}, "subscribe"},
		"nothing":         {message.Message{}, "unknown"},
		"before all time": {message.Message{CreateTime: -1}, "unknown"},
		"after all time":  {message.Message{CreateTime: 1 << 60}, "unknown"},
		"longest":         {message.Message{MsgType: strings.Repeat("a", 128)}, strings.Repeat("a", 128)},
		"too long":        {message.Message{MsgType: strings.Repeat("a", 129)}, strings.Repeat("a", 128)},
		"whole runes":     {message.Message{MsgType: strings.Repeat("a", 127) + "你"}, strings.Repeat("a", 127)},
		"runes that fit":  {message.Message{MsgType: strings.Repeat("a", 125) + "你好"}, strings.Repeat("a", 125) + "你"},
	} {
		t.Run(name, func(t *testing.T) {
			s, bus := serve(t, taken)
			c.m.JSON = []byte("{}")
			if _, err := bus.Deliver(t.Context(), &c.m); err != nil {
				t.Fatal(err)
			}
			entry := s.made()[0]["Entries"].([]any)[0].(map[string]any)
			if _, timed := entry["Time"]; entry["DetailType"] != c.want || timed {
				t.Errorf("%v", entry)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string
		calls   int
		want    string // empty: it ends well
	}{
		"refused entry":       {[]string{`{"FailedEntryCount":1,"Entries":[{"ErrorCode":"NotAuthorizedForSource","ErrorMessage":"no right"}]}`}, 1, "EventBridge: the event was refused: NotAuthorizedForSource: no right"},
		"refused, no reason":  {[]string{`{"FailedEntryCount":1,"Entries":[{}]}`}, 1, "the event was refused: no reason given"},
		"refused, no entry":   {[]string{`{"FailedEntryCount":1}`}, 1, "the event was refused: no reason given"},
		"throttled":           {[]string{"ThrottlingException", "ThrottlingException", taken}, 3, ""},
		"throttled for good":  {[]string{"ThrottlingException"}, 3, "EventBridge: ThrottlingException (HTTP status 400"},
		"lost":                {[]string{"lose", taken}, 2, ""},
		"no such bus":         {[]string{"ResourceNotFoundException"}, 1, "ResourceNotFoundException"},
		"not granted":         {[]string{"AccessDeniedException"}, 1, "AccessDeniedException"},
		"it quotes the event": {[]string{"ValidationException"}, 1, "ValidationException"},
		"no answer of its":    {[]string{`{"FailedEntryCount":"` + canary + `"}`}, 1, "could not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			s, bus := serve(t, c.answers...)
			_, err := bus.Deliver(t.Context(), text())
			if len(s.made()) != c.calls || (err == nil) != (c.want == "") {
				t.Errorf("%d calls, %v", len(s.made()), err)
			}
			if err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary)) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestALongReasonIsCut(t *testing.T) {
	_, bus := serve(t, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"X","ErrorMessage":"`+strings.Repeat("a", 300)+`"}]}`)
	if _, err := bus.Deliver(t.Context(), text()); err == nil || strings.Count(err.Error(), "a") > 210 {
		t.Error(err)
	}
}

func TestEndsWithItsContext(t *testing.T) {
	_, bus := serve(t, "hang")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := bus.Deliver(ctx, text())
	if !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), canary) {
		t.Error(err)
	}
}

func TestTheClientIsQuick(t *testing.T) {
	_, bus := serve(t, taken)
	if delay, err := bus.client.Options().Retryer.RetryDelay(9, errors.New("x")); err != nil || delay > time.Second {
		t.Errorf("%v between tries, %v", delay, err)
	}
}
