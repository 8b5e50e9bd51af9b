package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/e2e/lambdatest"
	"wechatfn/shared/credential"
)

// TestTwentyRefreshersAskOnce: the lease holds between processes.
func TestTwentyRefreshersAskOnce(t *testing.T) {
	const instances = 20
	w := newWorld(t)
	refresher := w.startMany("refresher", instances)
	event := recorded(t, "refresher")
	var wg sync.WaitGroup
	for range instances {
		wg.Go(func() {
			if _, err := refresher.invoke(event); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.wantWeChat(1, 1)
	// One epoch: the lease, the token kept, and all saved with the lease released.
	if got := refresher.table.take(); got["PutItem ticket"] != 1 || got["PutItem token"] != 3 {
		t.Errorf("calls of the table: %v", got)
	}
}

func TestClassicTokenMode(t *testing.T) {
	w := newWorld(t)
	w.settings["WECHAT_TOKEN_MODE"] = "classic"
	w.start("refresher").tick()
	if classic, stable := w.sim.Calls(wechatsim.PathToken), w.sim.Calls(wechatsim.PathStableToken); classic != 1 || stable != 0 {
		t.Errorf("%d classic and %d stable calls", classic, stable)
	}
}

func TestOperator(t *testing.T) {
	w := newWorld(t)
	w.twoAccounts()
	refresher := w.start("refresher")
	refresher.tick()
	w.wantWeChat(2, 2)
	refresher.table.take()

	status := refresher.report(recorded(t, "refresher-status"))
	if len(status.Accounts) != 2 || status.Accounts[0].App != "default" || status.Accounts[0].Token.SecondsLeft < 7000 {
		t.Errorf("status %+v", status)
	}
	refresher.wantCalls(calls{"GetItem token": 2})

	before := w.record(nil).Token.Fingerprint
	forced := refresher.report(recorded(t, "refresher-force"))
	if len(forced.Accounts) != 1 || forced.Accounts[0].App != "default" || w.record(nil).Token.Fingerprint == before {
		t.Errorf("forced refresh left the token as it was: %+v", forced)
	}
	call := wechatsim.Call{AppID: appID, Path: wechatsim.PathStableToken, Forced: true}
	if got, want := w.sim.Counts(), map[wechatsim.Call]int{call: 1}; !maps.Equal(got, want) {
		t.Errorf("WeChat was asked %v, want %v", got, want)
	}

	refused := map[string]string{
		`{"action":"force_refresh"}`:                  "needs the name of an account",
		`{"action":"force_refresh","app":"nobody"}`:   "unknown account",
		`{"action":"reboot"}`:                         "there are tick, status and force_refresh",
		`{"action":"FORCE_REFRESH","app":"second"}`:   "unknown action",
		`{"action":"force_refresh","app":"default"} `: "no forced refresh is left",
	}
	for event, want := range refused {
		_, err := refresher.invoke([]byte(event))
		if failure, ok := errors.AsType[*lambdatest.FunctionError](err); !ok || !strings.Contains(failure.Message, want) {
			t.Errorf("%s: %v, want %q", event, err, want)
		}
	}
	w.wantWeChat(1, 0)
	if _, err := refresher.invoke([]byte(`{"action":"force_refresh","app":"second"}`)); err != nil {
		t.Errorf("each account has a budget of its own: %v", err)
	}
	w.wantWeChat(1, 0)
}

// TestNewAppSecret: an AppSecret that was reset at WeChat works as soon as it
// is stored, in a process that still holds the old one (P10).
func TestNewAppSecret(t *testing.T) {
	const newSecret = "77665544332211007766554433221100"
	w := newWorld(t)
	w.canaries.plant(newSecret)
	refresher := w.start("refresher")
	refresher.tick()
	w.secrets.wantReads(1)
	if err := w.sim.SetSecret(appID, newSecret); err != nil {
		t.Fatal(err)
	}

	w.record(func(r *credential.Record) { // a renewal is due
		r.Token.ExpiresAt = time.Now().Add(4 * time.Minute).Unix()
		r.Token.PolledAt = 0
	})
	w.sim.ResetCounts()
	failure := refresher.tick().Accounts[0].Token.Failure
	if failure == nil || failure.Code != 40125 || failure.Class != "configuration" {
		t.Fatalf("failure %+v", failure)
	}
	w.wantWeChat(1, 0)
	w.secrets.wantReads(1) // the kept one was refused, and what is stored is no other
	refresher.tick()
	w.wantWeChat(0, 0)
	w.secrets.wantReads(1)

	w.secrets.put(map[string]string{"default": newSecret})
	if failure := refresher.tick().Accounts[0].Token.Failure; failure != nil {
		t.Errorf("failure %+v with the new AppSecret in place", failure)
	}
	w.wantWeChat(1, 0)
	w.secrets.wantReads(1)
	if record := w.record(nil); !w.sim.TokenAlive(appID, record.Token.Value) {
		t.Error("the token is not alive")
	}
}

// TestNoAppSecret: nothing stored yet, which is how a new deployment begins.
func TestNoAppSecret(t *testing.T) {
	w := newWorld(t)
	w.secrets.put(nil)
	refresher := w.start("refresher")
	if failure := refresher.tick().Accounts[0].Token.Failure; failure == nil || failure.Class != "secret" {
		t.Errorf("failure %+v", failure)
	}
	w.wantWeChat(0, 0)

	w.secrets.put(map[string]string{"default": appSecret})
	w.record(func(r *credential.Record) { r.Token.Failure.Until = 0 }) // a minute later
	refresher.tick()
	w.wantWeChat(1, 1)
}

// TestWeChatHangs: the refresher says so before Lambda would kill it (which
// would fail the tick), and the next tick does the work.
func TestWeChatHangs(t *testing.T) {
	w := newWorld(t)
	w.timeout = 4 * time.Second // of which the refresher keeps 3 back
	w.sim.Fail(wechatsim.Fault{Path: wechatsim.PathStableToken, Delay: time.Hour})
	refresher := w.start("refresher")
	failure := refresher.tick().Accounts[0].Token.Failure
	if failure == nil || failure.Op != "stable_token" || failure.Class != "busy" {
		t.Errorf("failure %+v", failure)
	}
	if record := w.record(nil); record.Lease.Owner != "" {
		t.Errorf("the lease is still held: %+v", record.Lease)
	}

	w.sim.ClearFaults()
	w.sim.ResetCounts()
	w.record(func(r *credential.Record) { r.Token.Failure.Until = 0 }) // a minute later
	if failure := refresher.tick().Accounts[0].Token.Failure; failure != nil {
		t.Errorf("failure %+v", failure)
	}
	w.wantWeChat(1, 1)
}

// TestKilledInTheMiddle: a refresher that dies while WeChat has its question
// leaves a lease behind, which keeps others away until it has ended.
func TestKilledInTheMiddle(t *testing.T) {
	w := newWorld(t)
	w.sim.Fail(wechatsim.Fault{Path: wechatsim.PathStableToken, Delay: time.Hour, Times: 1})
	refresher := w.start("refresher")
	event := recorded(t, "refresher")
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := refresher.invokeContext(ctx, event); !errors.Is(err, context.Canceled) {
			t.Errorf("the killed invocation: %v", err)
		}
	})
	<-w.wechat.asked
	for w.sim.Calls(wechatsim.PathStableToken) == 0 { // it is counted a moment later
		time.Sleep(time.Millisecond)
	}
	kill()
	wg.Wait()
	w.sim.ResetCounts()

	dead := w.record(nil).Lease.Epoch
	if epoch := refresher.tick().Accounts[0].Epoch; epoch != dead {
		t.Errorf("epoch %d while the lease of %d runs", epoch, dead)
	}
	w.wantWeChat(0, 0)
	w.record(func(r *credential.Record) { r.Lease.Deadline = time.Now().Unix() - 1 }) // 19 s later
	if one := refresher.tick().Accounts[0]; one.Epoch != dead+1 || one.Token.SecondsLeft < 7000 {
		t.Errorf("account %+v", one)
	}
	w.wantWeChat(1, 1)
}

// TestProxy: what goes to WeChat takes the proxy, with its login, and nothing
// else does. The host exists for the proxy alone.
func TestProxy(t *testing.T) {
	w := newWorld(t)
	w.canaries.plant(proxyPassword)
	proxy := serveProxy(t, w.wechat.URL)
	w.settings["WECHAT_API_BASE"] = "http://wechat.invalid"
	w.settings["WECHAT_PROXY_URL"] = proxy.address()
	refresher := w.start("refresher")
	refresher.tick()
	w.wantWeChat(1, 1)
	if got, want := proxy.seen(), map[string]int{"wechat.invalid": 2}; !maps.Equal(got, want) {
		t.Errorf("through the proxy went %v, want %v", got, want)
	}
	refresher.wantCalls(calls{"GetItem token": 1, "PutItem token": 3, "PutItem ticket": 1})
	w.secrets.wantReads(1)

	proxy.Close() // its address stands in the error of whoever dials it
	w.record(func(r *credential.Record) { r.Token.Invalid = true })
	if failure := refresher.tick().Accounts[0].Token.Failure; failure == nil || failure.Class != "busy" {
		t.Errorf("failure %+v without the proxy", failure)
	}
}

// TestRefreshersLogIsJSON: CloudWatch and the alarms read it.
func TestRefreshersLogIsJSON(t *testing.T) {
	w := newWorld(t)
	w.sim.Fail(wechatsim.Fault{ErrCode: 40164, ErrMsg: "invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist"})
	refresher := w.start("refresher")
	refresher.tick()
	refresher.Close()
	logs := refresher.Logs()
	if len(logs) != 2 { // the second has the metrics
		t.Fatalf("logs %q", logs)
	}
	var line struct {
		Level, Msg, App, IP string
		Errcode             int
		RequestID           string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(logs[0]), &line); err != nil {
		t.Fatal(err)
	}
	if line.Level != "ERROR" || line.Errcode != 40164 || line.IP != "203.0.113.9" || line.App != "default" || line.RequestID == "" {
		t.Errorf("log %s", logs[0])
	}
}
