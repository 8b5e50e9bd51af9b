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

// TestBusFails: what the bus did not take WeChat sends again, and it is taken
// once.
func TestBusFails(t *testing.T) {
	const tries = 3 // the SDK's, of a call that may succeed later
	for name, c := range map[string]struct {
		failing         []string // answers of the bus before it recovers
		sent, busCalled int
		accepted        bool
	}{
		"throttled once":            {[]string{"ThrottlingException"}, 1, 2, true},
		"not granted at first":      {[]string{"AccessDeniedException"}, 2, 2, true},
		"refusing entries at first": {slices.Repeat([]string{"refuse the entry"}, 2), 3, 3, true},
		"down at first":             {slices.Repeat([]string{"InternalException"}, 3*tries), 4, 3*tries + 1, true},
		"down":                      {slices.Repeat([]string{"InternalException"}, 4*tries), 4, 4 * tries, false},
	} {
		t.Run(name, func(t *testing.T) {
			fx := newFixture(t)
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

			wantAccepted(t, verify.deliver(p, m)) // somebody has it sent once more
			fx.bus.want(map[bool]int{false: 1}[c.accepted], map[bool]int{false: 1}[c.accepted])
		})
	}
}

// TestAnswersInTime: whatever hangs, WeChat has an answer before Lambda would
// end the function, and hears success of what is handed over. All cases run at
// once, because each takes its seconds.
func TestAnswersInTime(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for name, c := range map[string]struct {
		hang   func(*fixture, *function)
		taken  bool
		called int    // calls of the bus
		logged string // as an error
	}{
		"the bus":                  {func(fx *fixture, _ *function) { fx.bus.next("hang") }, false, 1, ""},
		"the table":                {func(_ *fixture, f *function) { f.table.hang("") }, false, 0, ""},
		"the table, when it is in": {func(fx *fixture, f *function) { fx.bus.before(func() { f.table.hang("") }) }, true, 1, "push not marked as done"},
		"Secrets Manager":          {func(fx *fixture, _ *function) { fx.pushes.hang() }, false, 0, ""},
		"the reply function":       {func(fx *fixture, _ *function) { fx.replies.set(hanging) }, true, 1, "reply failed"},
	} {
		fx := newFixture(t)
		fx.settings["REPLY_FUNCTION"] = replyName
		verify := fx.start("verify")
		c.hang(fx, verify)
		wg.Go(func() {
			d := verify.deliver(verify.pusher(), fx.sample("text"))
			if c.taken && d.Body != "success" || !c.taken && d.Status < 500 {
				t.Errorf("%s hangs: answer %d %s, %v", name, d.Status, d.Body, d.Err)
			}
			fx.bus.want(c.called, map[bool]int{true: 1}[c.taken])
			if c.taken {
				verify.wantErrors(c.logged)
			}
		})
	}
	wg.Wait()
}

// TestBusHangs: a push that found the bus hanging is taken when it is sent again.
func TestBusHangs(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.timeout = time.Second
	verify := fx.start("verify")
	fx.bus.next("hang", "hang", "hang")
	o, err := verify.pusher().Push(t.Context(), fx.sample("text"))
	if err != nil || len(o.Deliveries) != 4 || !o.Accepted {
		t.Errorf("outcome %+v, %v", o, err)
	}
	verify.wantCalls(calls{"PutItem push": 8})
	fx.bus.want(4, 1)
	if n := len(verify.ColdStarts()); n != 1 {
		t.Errorf("%d processes were needed", n)
	}
}

// TestKilledBeforeTheHandOver: a process that dies with a push in its hands
// leaves a claim behind. Later deliveries wait for it to end, and take over.
func TestKilledBeforeTheHandOver(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
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
	if n := len(verify.ColdStarts()); n != 2 {
		t.Errorf("%d processes were started", n)
	}
}

// TestKilledAfterTheHandOver: the bus has the event and nobody knows, so it gets
// it again. Consumers tell by the MsgId.
func TestKilledAfterTheHandOver(t *testing.T) {
	t.Parallel()
	fx := newFixture(t)
	fx.timeout = time.Second // so that a claim does not last for long
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

// TestTableGone: what cannot be claimed is not handed over, and WeChat sends it
// again.
func TestTableGone(t *testing.T) {
	fx := newFixture(t)
	verify := fx.start("verify")
	verify.table.Close()
	if d := verify.deliver(verify.pusher(), fx.sample("text")); d.Status < 500 {
		t.Errorf("answer %d %s, %v", d.Status, d.Body, d.Err)
	}
	fx.bus.want(0, 0)
}

// TestSecretsFail: without its secrets the function can take nothing, and says so
// with a status after which WeChat sends a push again.
func TestSecretsFail(t *testing.T) {
	fx := newFixture(t)
	verify := fx.start("verify")
	for _, value := range []any{nil, "text", map[string]string{"default": pushToken}, map[string]pushSecret{"default": {AESKey: pushKey}}} {
		fx.pushes.put(value)
		wantRefused(t, verify.deliver(verify.pusher(), fx.sample("text")), http.StatusServiceUnavailable, "push_secrets_unavailable")
		wantHealth(t, verify, http.StatusServiceUnavailable, `"status":"no_secrets"`)
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

// TestHostilePushes: rightly signed, which is what a leaked token would allow,
// and wrong in all else. Each is answered at once, and costs no call.
func TestHostilePushes(t *testing.T) {
	const bad, refused, large = http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge
	hostile := map[string]struct {
		body          string
		plain, sealed int
	}{
		"nothing":         {"", bad, bad},
		"no format":       {messageText, bad, bad},
		"cut XML":         {"<xml><Content>" + messageText, bad, bad},
		"cut JSON":        {`{"Content":"` + messageText, bad, bad},
		"JSON of no kind": {`["` + messageText + `"]`, bad, bad},
		"null":            {"null", bad, bad},
		"another root":    {"<soap><Content>" + messageText + "</Content></soap>", bad, bad},
		"two roots":       {"<xml><a>1</a></xml><xml><a>" + messageText + "</a></xml>", bad, bad},
		"repeated field":  {"<xml><Content>" + messageText + "</Content><Content>2</Content></xml>", bad, bad},
		"repeated name":   {`{"Content":"` + messageText + `","Content":"2"}`, bad, bad},
		"entity bomb": {`<!DOCTYPE xml [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>` +
			"<xml><Content>&b;&b;&b;&b;" + messageText + "</Content></xml>", bad, bad},
		"external entity":  {`<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><Content>&a;` + messageText + "</Content></xml>", bad, bad},
		"unknown entity":   {"<xml><Content>&nbsp;" + messageText + "</Content></xml>", bad, bad},
		"deep XML":         {"<xml>" + strings.Repeat("<a>", 8000), bad, bad},
		"deep JSON":        {strings.Repeat(`{"a":`, 8000), bad, bad},
		"deep lists":       {`{"a":` + strings.Repeat(`[`, 40000), bad, bad},
		"many fields":      {"<xml>" + strings.Repeat("<a></a>", 9000/2) + "</xml>", bad, bad},
		"many JSON fields": {`{"a":[` + strings.Repeat("0,", 20000) + "0]}", bad, bad},
		"too large":        {"<xml><Content>" + strings.Repeat("a", 64<<10) + messageText + "</Content></xml>", large, large},
		"not a push":       {"<xml><Encrypt>" + messageText + "</Encrypt></xml>", refused, http.StatusOK},
	}
	for _, mode := range []push.Mode{push.Plain, push.Secure} {
		t.Run(mode.String(), func(t *testing.T) {
			fx := newFixture(t)
			if mode == push.Plain {
				fx.plainMode()
			}
			verify := fx.start("verify")
			p := verify.pusher(func(c *push.Config) { c.Mode = mode })
			for name, c := range hostile {
				want := c.plain
				if mode == push.Secure {
					want = c.sealed
				}
				r, err := p.RequestRaw(t.Context(), []byte(c.body), accountID, openID)
				if err != nil {
					t.Fatal(err)
				}
				if d, err := p.Send(r); err != nil || d.Status != want || len(d.Body) > 1000 {
					t.Errorf("%s: answer %d %.500s, want %d; %v, %v", name, d.Status, d.Body, want, err, d.Err)
				}
				if want != http.StatusOK {
					verify.wantNoCalls()
				} else {
					verify.wantCallsOfAPush() // of a type that nobody knows
				}
			}
			wantAccepted(t, verify.deliver(p, fx.sample("text")))
			if n := len(verify.ColdStarts()); n != 1 {
				t.Errorf("%d processes were needed", n)
			}
		})
	}
}

// TestForgedPushes: whoever has no token is told nothing but that.
func TestForgedPushes(t *testing.T) {
	fx := newFixture(t)
	verify := fx.start("verify")
	p := verify.pusher()
	for name, forge := range map[string]func(*http.Request){
		"no query":          func(r *http.Request) { r.URL.RawQuery = "" },
		"another timestamp": replaceInQuery("timestamp=", "timestamp=1"),
		"another nonce":     replaceInQuery("nonce=", "nonce=1"),
		"no signature":      replaceInQuery("&msg_signature=", "&x="),
		"the plain one":     replaceInQuery("msg_signature=", "msg_signature=&encrypt_type=raw&x="),
		"another message":   func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("<xml><Encrypt>AAAA</Encrypt></xml>")) },
	} {
		t.Run(name, func(t *testing.T) {
			r, err := p.Request(t.Context(), fx.sample("text"))
			if err != nil {
				t.Fatal(err)
			}
			forge(r)
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
