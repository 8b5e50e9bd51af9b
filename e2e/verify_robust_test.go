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
			w := newWorld(t)
			verify := w.start("verify")
			w.bus.next(c.failing...)
			p, m := verify.pusher(), w.sample("text")
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
			w.bus.want(c.busCalled, map[bool]int{true: 1}[c.accepted])

			wantAccepted(t, verify.deliver(p, m)) // somebody has it sent once more
			w.bus.want(map[bool]int{false: 1}[c.accepted], map[bool]int{false: 1}[c.accepted])
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
		hang   func(*world, *function)
		taken  bool
		called int    // calls of the bus
		logged string // as an error
	}{
		"the bus":                  {func(w *world, _ *function) { w.bus.next("hang") }, false, 1, ""},
		"the table":                {func(_ *world, f *function) { f.table.hang("") }, false, 0, ""},
		"the table, when it is in": {func(w *world, f *function) { w.bus.before(func() { f.table.hang("") }) }, true, 1, "push not marked as done"},
		"Secrets Manager":          {func(w *world, _ *function) { w.pushes.hang() }, false, 0, ""},
		"the reply function":       {func(w *world, _ *function) { w.replies.set(hanging) }, true, 1, "reply failed"},
	} {
		w := newWorld(t)
		w.settings["REPLY_FUNCTION"] = replyName
		verify := w.start("verify")
		c.hang(w, verify)
		wg.Go(func() {
			d := verify.deliver(verify.pusher(), w.sample("text"))
			if c.taken && d.Body != "success" || !c.taken && d.Status < 500 {
				t.Errorf("%s hangs: answer %d %s, %v", name, d.Status, d.Body, d.Err)
			}
			w.bus.want(c.called, map[bool]int{true: 1}[c.taken])
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
	w := newWorld(t)
	w.timeout = time.Second
	verify := w.start("verify")
	w.bus.next("hang", "hang", "hang")
	o, err := verify.pusher().Push(t.Context(), w.sample("text"))
	if err != nil || len(o.Deliveries) != 4 || !o.Accepted {
		t.Errorf("outcome %+v, %v", o, err)
	}
	verify.wantCalls(calls{"PutItem push": 8})
	w.bus.want(4, 1)
	if n := len(verify.ColdStarts()); n != 1 {
		t.Errorf("%d processes were needed", n)
	}
}

// TestKilledBeforeTheHandOver: a process that dies with a push in its hands
// leaves a claim behind. Later deliveries wait for it to end, and take over.
func TestKilledBeforeTheHandOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	verify := w.start("verify")
	w.bus.next("hang")
	p, m := verify.pusher(), w.sample("text")
	verify.killed(p, m, w.bus.asked)
	w.bus.want(1, 0)
	o, err := p.Push(t.Context(), m)
	if err != nil || !o.Accepted {
		t.Errorf("outcome %+v, %v", o, err)
	}
	for _, d := range o.Deliveries[:len(o.Deliveries)-1] {
		wantRefused(t, d, http.StatusServiceUnavailable, "push_in_progress")
	}
	wantAccepted(t, verify.deliver(p, m))
	w.bus.want(1, 1)
	if n := len(verify.ColdStarts()); n != 2 {
		t.Errorf("%d processes were started", n)
	}
}

// TestKilledAfterTheHandOver: the bus has the event and nobody knows, so it gets
// it again. Consumers tell by the MsgId.
func TestKilledAfterTheHandOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.timeout = time.Second // so that a claim does not last for long
	verify := w.start("verify")
	w.bus.before(func() { verify.table.hang("") })
	p, m := verify.pusher(), w.sample("text")
	verify.killed(p, m, verify.table.stuck)
	first := w.bus.want(1, 1)
	w.bus.before(nil)
	verify.table.recover()
	if o, err := p.Push(t.Context(), m); err != nil || !o.Accepted {
		t.Errorf("outcome %+v, %v", o, err)
	}
	if second := w.bus.want(1, 1); len(first) != 1 || len(second) != 1 || first[0].Detail != second[0].Detail {
		t.Errorf("events %+v and %+v", first, second)
	}
}

// TestTableGone: what cannot be claimed is not handed over, and WeChat sends it
// again.
func TestTableGone(t *testing.T) {
	w := newWorld(t)
	verify := w.start("verify")
	verify.table.Close()
	if d := verify.deliver(verify.pusher(), w.sample("text")); d.Status < 500 {
		t.Errorf("answer %d %s, %v", d.Status, d.Body, d.Err)
	}
	w.bus.want(0, 0)
}

// TestSecretsFail: without its secrets the function can take nothing, and says so
// with a status after which WeChat sends a push again.
func TestSecretsFail(t *testing.T) {
	w := newWorld(t)
	verify := w.start("verify")
	for _, value := range []any{nil, "text", map[string]string{"default": pushToken}, map[string]pushSecret{"default": {AESKey: pushKey}}} {
		w.pushes.put(value)
		wantRefused(t, verify.deliver(verify.pusher(), w.sample("text")), http.StatusServiceUnavailable, "push_secrets_unavailable")
		wantHealth(t, verify, http.StatusServiceUnavailable, `"status":"no_secrets"`)
	}
	verify.wantNothing()
	w.pushes.put(map[string]pushSecret{"default": {Token: pushToken, AESKey: pushKey}})
	wantAccepted(t, verify.deliver(verify.pusher(), w.sample("text")))
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
		"no format":       {said, bad, bad},
		"cut XML":         {"<xml><Content>" + said, bad, bad},
		"cut JSON":        {`{"Content":"` + said, bad, bad},
		"JSON of no kind": {`["` + said + `"]`, bad, bad},
		"null":            {"null", bad, bad},
		"another root":    {"<soap><Content>" + said + "</Content></soap>", bad, bad},
		"two roots":       {"<xml><a>1</a></xml><xml><a>" + said + "</a></xml>", bad, bad},
		"repeated field":  {"<xml><Content>" + said + "</Content><Content>2</Content></xml>", bad, bad},
		"repeated name":   {`{"Content":"` + said + `","Content":"2"}`, bad, bad},
		"entity bomb": {`<!DOCTYPE xml [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>` +
			"<xml><Content>&b;&b;&b;&b;" + said + "</Content></xml>", bad, bad},
		"external entity":  {`<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><Content>&a;` + said + "</Content></xml>", bad, bad},
		"unknown entity":   {"<xml><Content>&nbsp;" + said + "</Content></xml>", bad, bad},
		"deep XML":         {"<xml>" + strings.Repeat("<a>", 8000), bad, bad},
		"deep JSON":        {strings.Repeat(`{"a":`, 8000), bad, bad},
		"deep lists":       {`{"a":` + strings.Repeat(`[`, 40000), bad, bad},
		"many fields":      {"<xml>" + strings.Repeat("<a></a>", 9000/2) + "</xml>", bad, bad},
		"many JSON fields": {`{"a":[` + strings.Repeat("0,", 20000) + "0]}", bad, bad},
		"too large":        {"<xml><Content>" + strings.Repeat("a", 64<<10) + said + "</Content></xml>", large, large},
		"not a push":       {"<xml><Encrypt>" + said + "</Encrypt></xml>", refused, http.StatusOK},
	}
	for _, mode := range []push.Mode{push.Plain, push.Secure} {
		t.Run(mode.String(), func(t *testing.T) {
			w := newWorld(t)
			if mode == push.Plain {
				w.plainMode()
			}
			verify := w.start("verify")
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
					verify.wantNothing()
				} else {
					verify.wantPush() // of a type that nobody knows
				}
			}
			wantAccepted(t, verify.deliver(p, w.sample("text")))
			if n := len(verify.ColdStarts()); n != 1 {
				t.Errorf("%d processes were needed", n)
			}
		})
	}
}

// TestForgedPushes: whoever has no token is told nothing but that.
func TestForgedPushes(t *testing.T) {
	w := newWorld(t)
	verify := w.start("verify")
	p := verify.pusher()
	for name, forge := range map[string]func(*http.Request){
		"no query":          func(r *http.Request) { r.URL.RawQuery = "" },
		"another timestamp": replace("timestamp=", "timestamp=1"),
		"another nonce":     replace("nonce=", "nonce=1"),
		"no signature":      replace("&msg_signature=", "&x="),
		"the plain one":     replace("msg_signature=", "msg_signature=&encrypt_type=raw&x="),
		"another message":   func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("<xml><Encrypt>AAAA</Encrypt></xml>")) },
	} {
		t.Run(name, func(t *testing.T) {
			r, err := p.Request(t.Context(), w.sample("text"))
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
	wantRefused(t, verify.deliver(verify.pusher(plain), w.sample("text")), http.StatusForbidden, "push_refused")
	verify.wantNothing()
}

func replace(old, with string) func(*http.Request) {
	return func(r *http.Request) { r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, old, with) }
}
