package e2e_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/dev/wechatsim/push"
)

// A message that the bus did not accept is sent by WeChat again, and is on the bus once.
func TestBusFails(t *testing.T) {
	const tries = 3 // of the SDK, for a call that may succeed later
	for _, c := range []struct {
		name            string
		failing         []string // answers of the bus before it recovers
		sent, busCalled int
		accepted        bool
	}{
		{"throttled once", []string{"ThrottlingException"}, 1, 2, true},
		{"not granted at first", []string{"AccessDeniedException"}, 2, 2, true},
		{"refusing entries at first", slices.Repeat([]string{"refuse the entry"}, 2), 3, 3, true},
		{"down at first", slices.Repeat([]string{"InternalException"}, 3*tries), 4, 3*tries + 1, true},
		{"down", slices.Repeat([]string{"InternalException"}, 4*tries), 4, 4 * tries, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			fx := newFixture(t, runtimeAPI)
			verify := fx.start("verify")
			fx.bus.next(c.failing...)
			p, m := verify.pusher(), fx.sample("text")
			o, err := p.Push(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range o.Deliveries[:c.sent-1] {
				wantRefused(t, d, http.StatusInternalServerError, "delivery_failed")
			}
			if len(o.Deliveries) != c.sent || o.Accepted != c.accepted {
				t.Errorf("sent %d times, want %d; accepted: %v", len(o.Deliveries), c.sent, o.Accepted)
			}
			verify.wantCalls(calls{"PutItem push": 2 * c.sent}) // claimed, and done or released
			fx.bus.want(c.busCalled, map[bool]int{true: 1}[c.accepted])

			wantAccepted(t, verify.deliver(p, m)) // WeChat sends it once more
			fx.bus.want(map[bool]int{false: 1}[c.accepted], map[bool]int{false: 1}[c.accepted])
		})
	}
}

// Whatever does not answer, WeChat gets an answer before Lambda ends the function: success
// if the message was delivered. All cases run at the same time, because each takes some
// seconds.
func TestPushAnswersInTime(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		hang      func(*fixture, *function)
		delivered bool
		busCalls  int
		logged    string // the only error in the log
	}{
		{"the bus", func(fx *fixture, _ *function) { fx.bus.next("hang") }, false, 1, ""},
		{"the table", func(_ *fixture, f *function) { f.table.hang("") }, false, 0, ""},
		{"the table after the delivery", func(fx *fixture, f *function) { fx.bus.before(func() { f.table.hang("") }) }, true, 1, "push not marked as done"},
		{"Secrets Manager", func(fx *fixture, _ *function) { fx.pushes.hang() }, false, 0, ""},
		{"the reply function", func(fx *fixture, _ *function) { fx.replies.set(hanging) }, true, 1, "reply failed"},
	}
	deliveries, functions := make([]push.Delivery, len(cases)), make([]*function, len(cases))
	var wg sync.WaitGroup
	for i, c := range cases {
		fx := newFixture(t, runtimeAPI)
		fx.settings["REPLY_FUNCTION"] = replyName
		functions[i] = fx.start("verify")
		c.hang(fx, functions[i])
		wg.Go(func() { deliveries[i] = functions[i].deliver(functions[i].pusher(), fx.sample("text")) })
	}
	wg.Wait()
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, verify := deliveries[i], functions[i]
			if c.delivered && d.Body != "success" || !c.delivered && d.Status < 500 {
				t.Errorf("answer %d %s, %v", d.Status, d.Body, d.Err)
			}
			verify.fx.bus.want(c.busCalls, map[bool]int{true: 1}[c.delivered])
			if c.delivered {
				verify.wantErrors(c.logged)
			}
		})
	}
}

// If the bus does not answer, the push is delivered when it is sent again.
func TestBusDoesNotAnswer(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, runtimeAPI)
	fx.timeout = time.Second
	verify := fx.start("verify")
	fx.bus.next("hang", "hang", "hang")
	o, err := verify.pusher().Push(t.Context(), fx.sample("text"))
	if err != nil || len(o.Deliveries) != 4 || !o.Accepted {
		t.Errorf("outcome %+v, %v", o, err)
	}
	verify.wantCalls(calls{"PutItem push": 8})
	fx.bus.want(4, 1)
	verify.wantProcesses(1)
}

// A process that crashes before it has delivered a push leaves its claim in the table. When
// the claim has expired, a repeated push takes over.
func TestCrashBeforeTheDelivery(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, runtimeAPI)
	verify := fx.start("verify")
	fx.bus.next("hang")
	p, m := verify.pusher(), fx.sample("text")
	verify.deliverAndCrash(p, m, fx.bus.asked)
	fx.bus.want(1, 0)
	o, err := p.Push(t.Context(), m)
	if err != nil || !o.Accepted {
		t.Errorf("outcome %+v, %v", o, err)
	}
	for _, d := range o.Deliveries[:len(o.Deliveries)-1] {
		wantRefused(t, d, http.StatusServiceUnavailable, "push_in_progress")
	}
	wantAccepted(t, verify.deliver(p, m))
	fx.bus.want(1, 1)
	verify.wantProcesses(2)
}

// If a process crashes after the bus got the event and before this is stored, the bus gets
// the event again. Consumers recognize it by its MsgId.
func TestCrashAfterTheDelivery(t *testing.T) {
	t.Parallel()
	fx := newFixture(t, runtimeAPI)
	fx.timeout = time.Second // so that a claim expires soon
	verify := fx.start("verify")
	fx.bus.before(func() { verify.table.hang("") })
	p, m := verify.pusher(), fx.sample("text")
	verify.deliverAndCrash(p, m, verify.table.hanging)
	first := fx.bus.want(1, 1)
	fx.bus.before(nil)
	verify.table.recover()
	if o, err := p.Push(t.Context(), m); err != nil || !o.Accepted {
		t.Errorf("outcome %+v, %v", o, err)
	}
	if second := fx.bus.want(1, 1); len(first) != 1 || len(second) != 1 || first[0].Detail != second[0].Detail {
		t.Errorf("events %+v and %+v", first, second)
	}
}

// A push that cannot be claimed is not delivered, and WeChat sends it again.
func TestPushWithoutTheTable(t *testing.T) {
	fx := newFixture(t, runtimeAPI)
	verify := fx.start("verify")
	verify.table.Close()
	if d := verify.deliver(verify.pusher(), fx.sample("text")); d.Status < 500 {
		t.Errorf("answer %d %s, %v", d.Status, d.Body, d.Err)
	}
	fx.bus.want(0, 0)
}

// Without its secrets the function accepts no push, and answers with a status after which
// WeChat sends a push again.
func TestPushWithoutTheSecrets(t *testing.T) {
	fx := newFixture(t, runtimeAPI)
	verify := fx.start("verify")
	for _, c := range []struct {
		name   string
		secret any
	}{
		{"no secret", nil},
		{"text", "text"},
		{"account is a text", map[string]string{"default": pushToken}},
		{"no token", map[string]pushSecret{"default": {AESKey: pushKey}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fx.pushes.put(c.secret)
			wantRefused(t, verify.deliver(verify.pusher(), fx.sample("text")), http.StatusServiceUnavailable, "push_secrets_unavailable")
			wantHealth(t, verify, http.StatusServiceUnavailable, `"status":"no_secrets"`)
		})
	}
	verify.wantNoCalls()
	fx.pushes.put(map[string]pushSecret{"default": {Token: pushToken, AESKey: pushKey}})
	wantAccepted(t, verify.deliver(verify.pusher(), fx.sample("text")))
	wantHealth(t, verify, http.StatusOK, `{"status":"ok","accounts":[{"app":"default","ready":true}]}`)
}

func wantHealth(t *testing.T, verify *function, status int, part string) {
	t.Helper()
	if a := verify.get("/verify/health"); a.status != status || !strings.Contains(string(a.body), part) {
		t.Errorf("answer %d %s, want %d %s", a.status, a.body, status, part)
	}
}

// A push with the right signature, as a leaked token allows, and with a wrong body is
// refused without a call.
func TestHostilePushes(t *testing.T) {
	const bad, refused, large = http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge
	hostile := []struct {
		name, body       string
		plain, encrypted int // status in plain mode and in safe mode
	}{
		{"nothing", "", bad, bad},
		{"no format", messageText, bad, bad},
		{"cut XML", "<xml><Content>" + messageText, bad, bad},
		{"cut JSON", `{"Content":"` + messageText, bad, bad},
		{"JSON of no kind", `["` + messageText + `"]`, bad, bad},
		{"null", "null", bad, bad},
		{"another root", "<soap><Content>" + messageText + "</Content></soap>", bad, bad},
		{"two roots", "<xml><a>1</a></xml><xml><a>" + messageText + "</a></xml>", bad, bad},
		{"repeated field", "<xml><Content>" + messageText + "</Content><Content>2</Content></xml>", bad, bad},
		{"repeated name", `{"Content":"` + messageText + `","Content":"2"}`, bad, bad},
		{"entity bomb", `<!DOCTYPE xml [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>` +
			"<xml><Content>&b;&b;&b;&b;" + messageText + "</Content></xml>", bad, bad},
		{"external entity", `<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><Content>&a;` + messageText + "</Content></xml>", bad, bad},
		{"unknown entity", "<xml><Content>&nbsp;" + messageText + "</Content></xml>", bad, bad},
		{"deep XML", "<xml>" + strings.Repeat("<a>", 8000), bad, bad},
		{"deep JSON", strings.Repeat(`{"a":`, 8000), bad, bad},
		{"deep lists", `{"a":` + strings.Repeat(`[`, 40000), bad, bad},
		{"many fields", "<xml>" + strings.Repeat("<a></a>", 9000/2) + "</xml>", bad, bad},
		{"many JSON fields", `{"a":[` + strings.Repeat("0,", 20000) + "0]}", bad, bad},
		{"too large", "<xml><Content>" + strings.Repeat("a", 64<<10) + messageText + "</Content></xml>", large, large},
		{"not a push", "<xml><Encrypt>" + messageText + "</Encrypt></xml>", refused, http.StatusOK},
	}
	for _, mode := range []push.Mode{push.Plain, push.Secure} {
		t.Run(mode.String(), func(t *testing.T) {
			fx := newFixture(t, runtimeAPI)
			if mode == push.Plain {
				fx.plainMode()
			}
			verify := fx.start("verify")
			p := verify.pusher(func(c *push.Config) { c.Mode = mode })
			for _, c := range hostile {
				want := c.plain
				if mode == push.Secure {
					want = c.encrypted
				}
				t.Run(c.name, func(t *testing.T) { verify.wantStatus(t, p, c.body, want) })
			}
			wantAccepted(t, verify.deliver(p, fx.sample("text")))
			verify.wantProcesses(1)
		})
	}
}

// wantStatus sends a body, and checks the status and the calls.
func (f *function) wantStatus(t *testing.T, p *push.Sender, body string, want int) {
	t.Helper()
	r, err := p.RequestRaw(t.Context(), []byte(body), accountID, openID)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := p.Send(r); err != nil || d.Status != want || len(d.Body) > 1000 {
		t.Errorf("answer %d %.500s, want %d; %v, %v", d.Status, d.Body, want, err, d.Err)
	}
	if want != http.StatusOK {
		f.wantNoCalls()
	} else {
		f.wantCallsOfAPush() // its type is unknown
	}
}

// Without the token nobody can send a push. All refusals are the same.
func TestForgedPushes(t *testing.T) { onEachDriver(t, testForgedPushes) }

func testForgedPushes(t *testing.T, launch launcher) {
	fx := newFixture(t, launch)
	verify := fx.start("verify")
	p := verify.pusher()
	for _, c := range []struct {
		name  string
		forge func(*http.Request)
	}{
		{"no query", func(r *http.Request) { r.URL.RawQuery = "" }},
		{"another timestamp", replaceInQuery("timestamp=", "timestamp=1")},
		{"another nonce", replaceInQuery("nonce=", "nonce=1")},
		{"no signature", replaceInQuery("&msg_signature=", "&x=")},
		{"the signature of plain mode", replaceInQuery("msg_signature=", "msg_signature=&encrypt_type=raw&x=")},
		{"another message", func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("<xml><Encrypt>AAAA</Encrypt></xml>")), -1
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := p.Request(t.Context(), fx.sample("text"))
			if err != nil {
				t.Fatal(err)
			}
			c.forge(r)
			d, err := p.Send(r)
			if err != nil {
				t.Fatal(err)
			}
			wantRefused(t, d, http.StatusForbidden, "push_refused")
		})
	}
	wantRefused(t, verify.deliver(verify.pusher(plain), fx.sample("text")), http.StatusForbidden, "push_refused")
	verify.wantNoCalls()
}

func replaceInQuery(old, with string) func(*http.Request) {
	return func(r *http.Request) { r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, old, with) }
}
