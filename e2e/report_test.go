package e2e_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"testing"
	"text/tabwriter"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/e2e/lambdatest"
	"wechatfn/shared/manifest"
)

var report = flag.Bool("report", false, "measure times as well and print them (make bench)")

const (
	startRounds = 30
	warmRounds  = 50
	warmCalls   = 400 // a round
)

// TestBenchmarkReport checks the sizes of the functions and, with -report, prints sizes,
// calls and times. Times depend on the machine and its other work, so no time fails a test.
// Each is printed with baselines that were measured in turns with it. Calls and allocations
// are checked by TestCallsOfASignature and the like, and by TestWarmAllocations.
func TestBenchmarkReport(t *testing.T) {
	for _, m := range manifest.Functions() {
		wantSize(t, m.Name, read(t, lambdatest.Build(t, "../functions/"+m.Name)))
	}
	if !*report {
		return
	}
	out := tabwriter.NewWriter(t.Output(), 0, 0, 2, ' ', 0)
	reportSizes(t, out)
	reportCalls(t, out)
	reportStarts(t, out)
	reportWarm(t, out)
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
}

func reportSizes(t *testing.T, out io.Writer) {
	fmt.Fprint(out, "\nBYTES\tbinary, arm64\tzip\tbinary, here\tzip\n")
	tree := copyTree(t, "tree", time.Now())
	for _, m := range manifest.Functions() {
		arm64, here := makeFunction(t, tree, m.Name), read(t, lambdatest.Build(t, "../functions/"+m.Name))
		fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%d\n", m.Name, len(arm64), zipped(t, arm64), len(here), zipped(t, here))
	}
	for _, name := range []string{"hello", "minimal", "getitem"} {
		here := read(t, baseline(t, name))
		fmt.Fprintf(out, "baseline %s\t\t\t%d\t%d\n", name, len(here), zipped(t, here))
	}
}

func reportCalls(t *testing.T, out io.Writer) {
	fx := newFixture(t, runtimeAPI)
	cold, refresher, signature, verify := fx.start("signature"), fx.start("refresher"), fx.start("signature"), fx.start("verify")
	push := fx.event(verify.pusher(), fx.sample("text"))
	fmt.Fprint(out, "\nCALLS\tof the table\tof WeChat\tof secrets\tof the bus\n")
	for _, step := range []struct {
		name  string
		f     *function
		event []byte
	}{
		{"signature, no ticket", cold, recorded(t, "signature")},
		{"refresher, refresh request, nothing stored", refresher, recorded(t, "refresher-refresh-request")},
		{"refresher, tick, nothing to renew", refresher, recorded(t, "refresher")},
		{"signature, first of a process", signature, recorded(t, "signature")},
		{"signature, warm", signature, recorded(t, "signature")},
		{"verify, a check of the URL, first of a process", verify, signedNow(t, "verify-check")},
		{"verify, a push", verify, push},
		{"verify, the same push again", verify, push},
		{"verify, a push that is too old", verify, recorded(t, "verify")},
	} {
		if _, err := step.f.invoke(step.event); err != nil {
			t.Fatal(err)
		}
		puts, _ := fx.bus.drain()
		fmt.Fprintf(out, "%s\t%v\t%d\t%d\t%d\n", step.name, step.f.table.take(),
			fx.weChatCalls(), fx.secrets.drain()+fx.pushes.drain(), puts)
		fx.sim.ResetCounts()
	}
	reportLogins(t, out)
}

// weChatCalls counts the calls of WeChat without the pages for browsers.
func (fx *fixture) weChatCalls() (n int) {
	for call, times := range fx.sim.Counts() {
		if call.Path != wechatsim.PathAuthorize && call.Path != wechatsim.PathQRConnect {
			n += times
		}
	}
	return n
}

// reportLogins does all that the oauth function can do for one user.
func reportLogins(t *testing.T, out io.Writer) {
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.start("oauth")
	one := oauth.browser("hua")
	var callback string
	begin := func() { callback = one.begin("scope=snsapi_userinfo&return_to=%2F") }
	finish := func() { one.wantLoggedIn(one.visit(callback)) }
	approve := func() { callback = one.answerAtWeChat(callback, wechatsim.AnswerApprove) }
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"oauth, authorize", begin},
		{"", approve},
		{"oauth, callback, a new user with a profile, first of a process", finish},
		{"oauth, the same callback again", finish},
		{"", begin}, {"", approve},
		{"oauth, callback, a known user", finish},
		{"", begin}, {"", approve},
		{"oauth, callback, a known user, once more", finish},
		{"oauth, session check", func() { one.session() }},
		{"oauth, authorizer", func() { authorizes(fx, oauth, one.cookie(sessionCookie), true) }},
		{"oauth, userinfo, token valid", func() { one.wantProfile("Li Hua") }},
		{"", func() { fx.setTokenExpiry(-time.Minute) }},
		{"oauth, userinfo, token expired", func() { one.wantProfile("Li Hua") }},
		{"oauth, refresh", func() { one.fetch(http.MethodPost, "/oauth/session/refresh", "") }},
		{"oauth, logout", func() { one.fetch(http.MethodDelete, "/oauth/session", "") }},
	} {
		step.do()
		used, asked, reads := oauth.table.take(), fx.weChatCalls(), fx.secrets.drain()
		fx.sim.ResetCounts()
		if step.name != "" {
			fmt.Fprintf(out, "%s\t%v\t%d\t%d\t0\n", step.name, used, asked, reads)
		}
	}
}

func baseline(tb testing.TB, name string) string {
	return lambdatest.Build(tb, "./lambdatest/baseline/"+name)
}

// measuredStart is a function whose start is measured.
type measuredStart struct {
	name, binary string
	event        func() []byte
	env          []string
	init, first  []time.Duration
}

// reportStarts measures from exec to the first answer. In this time hello does nothing,
// verify reads its secret, writes to the table twice and puts an event on the bus, oauth
// writes to the table once, and the others read the table once.
func reportStarts(t *testing.T, out io.Writer) {
	fx := newFixture(t, runtimeAPI)
	fx.start("refresher").tick()
	quoted, _ := json.Marshal("ticket#" + appID + "#jsapi")
	key := func() []byte { return quoted }
	p := fx.start("verify").pusher()
	env := func(name string) []string {
		m, _ := manifest.Lookup(name)
		return append(fx.environment(m), fx.endpoints(m, fx.engine.Endpoint)...)
	}
	all := []*measuredStart{
		{name: "baseline hello", binary: baseline(t, "hello"), event: key},
		{name: "baseline minimal", binary: baseline(t, "minimal"), event: key, env: env("signature")},
		{name: "baseline getitem", binary: baseline(t, "getitem"), event: key, env: env("signature")},
		{name: "signature", binary: lambdatest.Build(t, "../functions/signature"), event: func() []byte { return recorded(t, "signature") }, env: env("signature")},
		{name: "oauth, authorize", binary: lambdatest.Build(t, "../functions/oauth"), event: func() []byte { return recorded(t, "oauth") }, env: env("oauth")},
		{name: "verify, a push", binary: lambdatest.Build(t, "../functions/verify"), event: func() []byte { return fx.event(p, fx.sample("text")) }, env: env("verify")},
	}
	for range startRounds {
		for _, c := range all {
			c.start(t)
		}
	}
	fx.bus.want(startRounds, startRounds)
	minimal, getitem := all[1], all[2]
	fmt.Fprintf(out, "\nSTART, median of %d\tasks for an event\thas answered\tx getitem\tx minimal\n", startRounds)
	for _, c := range all {
		fmt.Fprintf(out, "%s\t%s\t%s\t%.2f\t%.2f\n", c.name, ms(median(c.init)), ms(median(c.first)), ratio(c.first, getitem.first), ratio(c.first, minimal.first))
	}
}

func (c *measuredStart) start(t *testing.T) {
	f := lambdatest.Start(t, lambdatest.Config{Binary: c.binary, Env: c.env, MemoryMB: 256})
	defer f.Close()
	if answer, err := f.Invoke(t.Context(), c.event()); err != nil {
		t.Fatalf("%s: %s, %v", c.name, answer, err)
	}
	cold := f.ColdStarts()[0]
	c.init, c.first = append(c.init, cold.Init), append(c.first, cold.FirstAnswer)
}

func reportWarm(t *testing.T, out io.Writer) {
	fmt.Fprintf(out, "\nWARM, median of %d\ttime\tallocations\tratio\n", warmRounds)
	reportWarmAgainst(t, out, decodeEvent(t, recorded(t, "signature")), map[string]func(){"signature, event to answer": warmSignature(t)})
	reportWarmAgainst(t, out, decodeEvent(t, signedNow(t, "verify")), map[string]func(){
		"verify, push to answer":                warmPush(t),
		"baseline: signature, AES and XML only": minimalPush(t),
	})
	reportWarmAgainst(t, out, decodeEvent(t, recorded(t, "oauth-session")), map[string]func(){"oauth, session check, event to answer": warmSession(t)})
}

// reportWarmAgainst prints times and their ratio to the time for decoding the event.
func reportWarmAgainst(t *testing.T, out io.Writer, decode func(), measured map[string]func()) {
	times := map[string][]time.Duration{}
	var baseline []time.Duration
	for range warmRounds {
		baseline = append(baseline, perCall(decode))
		for name, once := range measured {
			times[name] = append(times[name], perCall(once))
		}
	}
	fmt.Fprintf(out, "encoding/json decodes the event\t%s\t%.0f\t%.2f\n", us(median(baseline)), testing.AllocsPerRun(1000, decode), 1.0)
	for _, name := range slices.Sorted(maps.Keys(measured)) {
		fmt.Fprintf(out, "%s\t%s\t%.0f\t%.2f\n", name, us(median(times[name])), testing.AllocsPerRun(1000, measured[name]), ratio(times[name], baseline))
	}
}

func perCall(once func()) time.Duration {
	start := time.Now()
	for range warmCalls {
		once()
	}
	return time.Since(start) / warmCalls
}

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}

func ratio(times, baseline []time.Duration) float64 {
	return float64(median(times)) / float64(median(baseline))
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1e3) }

func us(d time.Duration) string { return fmt.Sprintf("%.1f us", float64(d.Nanoseconds())/1e3) }
