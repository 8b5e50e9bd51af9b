package e2e_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/dev/wechatsim/push"
)

// WeChat checks the URL when it is saved in WeChat's console.
func TestCheckOfTheURL(t *testing.T) { onEachDriver(t, testCheckOfTheURL) }

func testCheckOfTheURL(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	verify := fx.start("verify")
	for _, mode := range []push.Mode{push.Plain, push.Compatible, push.Secure} {
		check(t, verify.pusher(func(c *push.Config) { c.Mode = mode }), http.StatusOK, "")
	}
	fx.pushes.wantReads(1)
	check(t, verify.pusher(tooOld), http.StatusForbidden, "timestamp_stale")
	fx.pushes.wantReads(0)
	check(t, verify.pusher(signedWith("guessed", pushKey)), http.StatusForbidden, "signature_invalid")
	fx.pushes.wantReads(1) // the token might be a new one
	verify.wantNoCalls()
}

func check(t *testing.T, p *push.Sender, status int, code string) {
	t.Helper()
	d, err := p.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if status != http.StatusOK {
		wantRefused(t, d, status, code)
	} else if d.Verdict != push.Accepted || d.ContentType != "text/plain; charset=utf-8" {
		t.Errorf("%v because of %s: answer %d %s", d.Verdict, d.Reason, d.Status, d.Body)
	}
}

// tooOld sends pushes that are too old by a minute.
func tooOld(c *push.Config) {
	c.Now = func() time.Time { return time.Now().Add(-11 * time.Minute) }
}

// Each type of message, in each mode and format, arrives on the bus with all its fields.
func TestEachMessageTypeReachesTheBus(t *testing.T) {
	onEachDriver(t, testEachMessageTypeReachesTheBus)
}

func testEachMessageTypeReachesTheBus(t *testing.T, launch launcher) {
	for _, tt := range []struct {
		name  string
		modes []push.Mode
	}{
		{"without a key", []push.Mode{push.Plain}},
		{"with a key", []push.Mode{push.Compatible, push.Secure}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fx := newFixture(t, launch)
			if len(tt.modes) == 1 {
				fx.plainMode()
			}
			verify := fx.start("verify")
			for _, mode := range tt.modes {
				for _, asJSON := range []bool{false, true} {
					p := verify.pusher(func(c *push.Config) { c.Mode, c.JSON, c.XMLLines = mode, asJSON, mode == push.Plain })
					for _, typ := range push.SampleTypes() {
						verify.wantOnBus(p, typ)
					}
				}
			}
			fx.pushes.wantReads(1)
			fx.secrets.wantReads(0)
		})
	}
}

// wantOnBus sends a message of that type and compares what arrives.
func (f *function) wantOnBus(p *push.Sender, typ string) {
	f.fx.Helper()
	m := f.fx.sample(typ)
	wantAccepted(f.fx, f.deliver(p, m))
	f.wantCalls(calls{"PutItem push": 2})
	events := f.fx.bus.want(1, 1)
	if len(events) != 1 {
		return
	}
	e := events[0]
	want := cmp.Or(m.Text("Event"), m.Text("MsgType"))
	if e.Source != "wechatfn" || e.DetailType != want || !slices.Equal(e.Resources, []string{appID}) || fmt.Sprint(int64(e.Time)) != m.Text("CreateTime") {
		f.fx.Errorf("event %+v of type %s", e, want)
	}
	detail := e.detail(f.fx)
	if got, want := leaves("", detail), sent("", m); !maps.Equal(got, want) {
		f.fx.Errorf("%s arrived as %v, want %v", typ, got, want)
	}
	for _, c := range []struct{ field, typ string }{{"CreateTime", "json.Number"}, {"MsgId", "string"}, {"MsgID", "string"}, {"Location_X", "json.Number"}} {
		if value, ok := detail[c.field]; ok && fmt.Sprintf("%T", value) != c.typ {
			f.fx.Errorf("%s: %s is a %T", typ, c.field, value)
		}
	}
}

// leaves counts the texts and numbers in a message, each with its name. It does not say
// whether one is in a list, because XML does not.
func leaves(name string, value any) map[string]int {
	all := map[string]int{}
	switch value := value.(type) {
	case map[string]any:
		for name, value := range value {
			addLeaves(all, leaves(name, value))
		}
	case []any:
		for _, value := range value {
			addLeaves(all, leaves(name, value))
		}
	default:
		if text := fmt.Sprint(value); text != "" {
			all[name+"="+text] = 1
		}
	}
	return all
}

// sent counts those of a message of the simulated WeChat.
func sent(name string, value any) map[string]int {
	all := map[string]int{}
	switch value := value.(type) {
	case push.Message:
		for _, field := range value {
			addLeaves(all, sent(field.Name, field.Value))
		}
	case push.Inline:
		return sent(name, push.Message(value))
	case []push.Message:
		for _, item := range value {
			addLeaves(all, sent(name, item))
		}
	default:
		return leaves(name, value)
	}
	return all
}

func addLeaves(all, more map[string]int) {
	for leaf, n := range more {
		all[leaf] += n
	}
}

// A message is accepted whatever its text is. What XML cannot hold is replaced.
func TestTextsArriveUnchanged(t *testing.T) { onEachDriver(t, testTextsArriveUnchanged) }

func testTextsArriveUnchanged(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	fx.plainMode()
	verify := fx.start("verify")
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"white space", " \n\t ", " \n\t "},
		{"Unicode", "😀 你好 \u202e \u2028", "😀 你好 \u202e \u2028"},
		{"markup", "<b>&amp;</b> ]]> \"", "<b>&amp;</b> ]]> \""},
		{"control characters", "\x00\x1b[31m\xff", "\ufffd\ufffd[31m\ufffd"},
		{"the longest", strings.Repeat("长", 2048), strings.Repeat("长", 2048)},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantAccepted(t, verify.deliver(verify.pusher(plain), fx.sample("text").With("Content", c.text)))
			if events := fx.bus.want(1, 1); len(events) == 1 && events[0].detail(t)["Content"] != c.want {
				t.Errorf("arrived as %q", events[0].detail(t)["Content"])
			}
		})
	}
}

// WECHAT_PUSH_WINDOW limits how far the time of a push may be from now.
func TestPushWindow(t *testing.T) { onEachDriver(t, testPushWindow) }

func testPushWindow(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	fx.settings["WECHAT_PUSH_WINDOW"] = "24h"
	verify := fx.start("verify")
	for _, tt := range []struct {
		age    time.Duration
		status int
	}{
		{-24*time.Hour + time.Minute, http.StatusOK},
		{-24*time.Hour - time.Minute, http.StatusForbidden},
		{24*time.Hour - time.Minute, http.StatusOK},
		{24*time.Hour + time.Minute, http.StatusForbidden},
		{1 << 62, http.StatusForbidden},
	} {
		t.Run(tt.age.String(), func(t *testing.T) {
			p := verify.pusher(func(c *push.Config) { c.Now = func() time.Time { return time.Now().Add(-tt.age) } })
			if d := verify.deliver(p, fx.sample("text")); d.Status != tt.status {
				t.Errorf("answer %d %s", d.Status, d.Body)
			}
		})
	}
	now := time.Now().Unix()
	for second := now - 1; second < now+2; second++ { // the smallest numbers that a time can be
		p := verify.pusher(func(c *push.Config) { c.Now = func() time.Time { return time.Unix(math.MinInt64+second, 0) } })
		wantRefused(t, verify.deliver(p, fx.sample("text")), http.StatusForbidden, "push_refused")
	}
}

// There is one line for the outcome of a push, and one for the request.
func TestLogOfPushes(t *testing.T) { onEachDriver(t, testLogOfPushes) }

func testLogOfPushes(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	verify := fx.start("verify")
	m := fx.sample("SCAN")
	wantAccepted(t, verify.deliver(verify.pusher(), m))
	wantAccepted(t, verify.deliver(verify.pusher(), m))
	verify.deliver(verify.pusher(tooOld), m)
	verify.deliver(verify.pusher(plain), m)
	verify.deliver(verify.pusher(func(c *push.Config) { c.AppID = secondID }), m)
	verify.Close()
	var got []string
	for _, text := range verify.Logs() {
		var line struct{ Level, Msg, Account, Type, Check, Method, Path, Code string }
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got = append(got, strings.TrimRight(strings.Join([]string{line.Level, line.Msg, line.Account, line.Type, line.Check, line.Method, line.Path, line.Code}, ","), ","))
	}
	want := []string{
		"INFO,push taken,default,SCAN", "INFO,request,,,,POST,/verify",
		"INFO,push repeated,default,SCAN", "INFO,request,,,,POST,/verify",
		"WARN,push refused,default,,timestamp", "INFO,request,,,,POST,/verify,push_refused",
		"WARN,push refused,default,,not encrypted", "INFO,request,,,,POST,/verify,push_refused",
		"WARN,push refused,default,,appid", "INFO,request,,,,POST,/verify,push_refused",
	}
	if !slices.Equal(got, want) {
		t.Errorf("log %q,\nwant %q", got, want)
	}
}

// This counts the calls for a push.
func TestCallsOfAPush(t *testing.T) { onEachDriver(t, testCallsOfAPush) }

func testCallsOfAPush(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	verify := fx.start("verify")
	p, m := verify.pusher(), fx.sample("text")
	wantAccepted(t, verify.deliver(p, m))
	verify.wantCallsOfAPush()
	fx.pushes.wantReads(1)
	for range 3 { // WeChat repeats it
		wantAccepted(t, verify.deliver(p, m))
		verify.wantCalls(calls{"PutItem push refused": 1})
		fx.bus.want(0, 0)
	}
	wantAccepted(t, verify.deliver(p, fx.sample("text")))
	verify.wantCallsOfAPush()

	wantRefused(t, verify.deliver(verify.pusher(tooOld), m), http.StatusForbidden, "push_refused")
	fx.pushes.wantReads(0)
	for range 3 { // the first one causes a read
		wantRefused(t, verify.deliver(verify.pusher(signedWith("guessed", pushKey)), m), http.StatusForbidden, "push_refused")
	}
	fx.pushes.wantReads(1)
	verify.wantNoCalls()
	fx.secrets.wantReads(0)
	verify.wantProcesses(1)
	fx.wantNoMessageStored()
}

// wantNoMessageStored reads the whole table: it has records of pushes, and neither their
// texts nor their senders.
func (fx *fixture) wantNoMessageStored() {
	fx.Helper()
	if len(fx.keys("push")) == 0 {
		fx.Error("no push in the table")
	}
	if text := fx.tableText(); fx.private.foundIn(text) || fx.canaries.foundIn(text) {
		fx.Errorf("the table holds %s", text)
	}
}

// If many processes get the same push, one delivers it, and WeChat accepts each answer.
func TestTwentyProcessesDeliverOneEvent(t *testing.T) {
	const processes = 20
	fx := newFixture(t, runtimeAPI)
	verify := fx.startMany("verify", processes)
	p, m := verify.pusher(), fx.sample("subscribe")
	var wg sync.WaitGroup
	for range processes {
		wg.Go(func() {
			if d, err := p.Deliver(t.Context(), m); err != nil {
				t.Error(err)
			} else {
				wantAccepted(t, d)
			}
		})
	}
	wg.Wait()
	fx.bus.want(1, 1)
	if got := verify.table.take(); got["PutItem push"] != 2 || got["PutItem push refused"] != processes-1 {
		t.Errorf("calls of the table: %v", got)
	}
	fx.pushes.wantReads(verify.processes())
}

// A recorded push is refused because it is too old, as events/README.md says. With the time
// and signature of now it is accepted.
func TestRecordedPushes(t *testing.T) { onEachDriver(t, testRecordedPushes) }

func testRecordedPushes(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	verify := fx.start("verify")
	for _, c := range []struct{ event, code string }{{"verify", "push_refused"}, {"verify-base64", "push_refused"}, {"verify-check", "timestamp_stale"}} {
		t.Run(c.event, func(t *testing.T) {
			wantProblem(t, verify.serve(recorded(t, c.event)), http.StatusForbidden, c.code)
		})
	}
	verify.wantNoCalls()

	for _, name := range []string{"verify-base64", "verify"} {
		t.Run(name+", signed now", func(t *testing.T) {
			if a := verify.serve(signedNow(t, name)); a.status != http.StatusOK || string(a.body) != "success" {
				t.Errorf("answer %d %s", a.status, a.body)
			}
		})
	}
	verify.wantCalls(calls{"PutItem push": 2, "PutItem push refused": 1}) // it is one message
	if events := fx.bus.want(1, 1); len(events) == 1 && events[0].detail(t)["FromUserName"] != openID {
		t.Errorf("event %+v", events[0])
	}
	echo := verify.serve(signedNow(t, "verify-check"))
	if echo.status != http.StatusOK || !strings.Contains(string(recorded(t, "verify-check")), `"echostr": "`+string(echo.body)+`"`) {
		t.Errorf("answer %d %s", echo.status, echo.body)
	}
}
