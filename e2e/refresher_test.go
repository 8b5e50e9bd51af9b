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

// The lease works between processes.
func TestTwentyProcessesAskWeChatOnce(t *testing.T) {
	const instances = 20
	fx := newFixture(t, runtimeAPI)
	refresher := fx.startMany("refresher", instances)
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
	fx.wantTokenCalls(1, 1)
	// One epoch: the lease is taken, the token is saved, and the rest is saved with the lease released.
	if got := refresher.table.take(); got["PutItem ticket"] != 1 || got["PutItem token"] != 3 {
		t.Errorf("calls of the table: %v", got)
	}
}

func TestClassicTokenMode(t *testing.T) {
	fx := newFixture(t, runtimeAPI)
	fx.settings["WECHAT_TOKEN_MODE"] = "classic"
	fx.start("refresher").tick()
	if classic, stable := fx.sim.Calls(wechatsim.PathToken), fx.sim.Calls(wechatsim.PathStableToken); classic != 1 || stable != 0 {
		t.Errorf("%d classic and %d stable calls", classic, stable)
	}
}

func TestOperatorOfTheRefresher(t *testing.T) {
	fx := newFixture(t, runtimeAPI)
	fx.twoAccounts()
	refresher := fx.start("refresher")
	refresher.tick()
	fx.wantTokenCalls(2, 2)
	refresher.table.take()

	status := refresher.report(recorded(t, "refresher-status"))
	if len(status.Accounts) != 2 || status.Accounts[0].App != "default" || status.Accounts[0].Token.SecondsLeft < 7000 {
		t.Errorf("status %+v", status)
	}
	refresher.wantCalls(calls{"GetItem token": 2})

	before := fx.record(nil).Token.Fingerprint
	forced := refresher.report(recorded(t, "refresher-force"))
	if len(forced.Accounts) != 1 || forced.Accounts[0].App != "default" || fx.record(nil).Token.Fingerprint == before {
		t.Errorf("the token is the same after a forced refresh: %+v", forced)
	}
	call := wechatsim.Call{AppID: appID, Path: wechatsim.PathStableToken, Forced: true}
	if got, want := fx.sim.Counts(), map[wechatsim.Call]int{call: 1}; !maps.Equal(got, want) {
		t.Errorf("WeChat was asked %v, want %v", got, want)
	}

	for _, c := range []struct{ name, event, want string }{
		{"no account", `{"action":"force_refresh"}`, "needs the name of an account"},
		{"an unknown account", `{"action":"force_refresh","app":"nobody"}`, "unknown account"},
		{"an unknown action", `{"action":"reboot"}`, "there are tick, status and force_refresh"},
		{"an action in capitals", `{"action":"FORCE_REFRESH","app":"second"}`, "unknown action"},
		{"a second time", `{"action":"force_refresh","app":"default"} `, "no forced refresh is left"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := refresher.invoke([]byte(c.event))
			if failure, ok := errors.AsType[*lambdatest.FunctionError](err); !ok || !strings.Contains(failure.Message, c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	fx.wantTokenCalls(1, 0)
	if _, err := refresher.invoke([]byte(`{"action":"force_refresh","app":"second"}`)); err != nil {
		t.Errorf("each account has a budget of its own: %v", err)
	}
	fx.wantTokenCalls(1, 0)
}

// An AppSecret that was reset at WeChat is used as soon as it is stored, by a process that
// has cached the old one.
func TestNewAppSecret(t *testing.T) {
	const newSecret = "77665544332211007766554433221100"
	fx := newFixture(t, runtimeAPI)
	fx.canaries.plant(newSecret)
	refresher := fx.start("refresher")
	refresher.tick()
	fx.secrets.wantReads(1)
	if err := fx.sim.SetSecret(appID, newSecret); err != nil {
		t.Fatal(err)
	}

	fx.record(func(r *credential.Record) { // a renewal is due
		r.Token.ExpiresAt = time.Now().Add(4 * time.Minute).Unix()
		r.Token.PolledAt = 0
	})
	fx.sim.ResetCounts()
	failure := refresher.tick().Accounts[0].Token.Failure
	if failure == nil || failure.Code != 40125 || failure.Class != "configuration" {
		t.Fatalf("failure %+v", failure)
	}
	fx.wantTokenCalls(1, 0)
	fx.secrets.wantReads(1) // the cached one was refused, and the stored one is the same
	refresher.tick()
	fx.wantTokenCalls(0, 0)
	fx.secrets.wantReads(1)

	fx.secrets.put(map[string]string{"default": newSecret})
	if failure := refresher.tick().Accounts[0].Token.Failure; failure != nil {
		t.Errorf("failure %+v with the new AppSecret in place", failure)
	}
	fx.wantTokenCalls(1, 0)
	fx.secrets.wantReads(1)
	if record := fx.record(nil); !fx.sim.TokenValid(appID, record.Token.Value) {
		t.Error("the token is not valid")
	}
}

// A new deployment has no AppSecret yet.
func TestNoAppSecret(t *testing.T) {
	fx := newFixture(t, runtimeAPI)
	fx.secrets.put(nil)
	refresher := fx.start("refresher")
	if failure := refresher.tick().Accounts[0].Token.Failure; failure == nil || failure.Class != "secret" {
		t.Errorf("failure %+v", failure)
	}
	fx.wantTokenCalls(0, 0)

	fx.secrets.put(map[string]string{"default": appSecret})
	fx.record(func(r *credential.Record) { r.Token.Failure.Until = 0 }) // a minute later
	refresher.tick()
	fx.wantTokenCalls(1, 1)
}

// If WeChat does not answer, the refresher ends its tick before Lambda ends the process,
// and the next tick renews.
func TestRefresherEndsInTime(t *testing.T) {
	fx := newFixture(t, runtimeAPI)
	fx.timeout = 4 * time.Second // of which the refresher reserves 3
	fx.sim.Fail(wechatsim.Fault{Path: wechatsim.PathStableToken, Delay: time.Hour})
	refresher := fx.start("refresher")
	failure := refresher.tick().Accounts[0].Token.Failure
	if failure == nil || failure.Op != "stable_token" || failure.Class != "busy" {
		t.Errorf("failure %+v", failure)
	}
	if record := fx.record(nil); record.Lease.Owner != "" {
		t.Errorf("the lease is still held: %+v", record.Lease)
	}

	fx.sim.ClearFaults()
	fx.sim.ResetCounts()
	fx.record(func(r *credential.Record) { r.Token.Failure.Until = 0 }) // a minute later
	if failure := refresher.tick().Accounts[0].Token.Failure; failure != nil {
		t.Errorf("failure %+v", failure)
	}
	fx.wantTokenCalls(1, 1)
}

// A refresher that crashes while it calls WeChat leaves its lease in the table. The others
// wait until the lease has expired.
func TestCrashDuringACallOfWeChat(t *testing.T) {
	fx := newFixture(t, runtimeAPI)
	fx.sim.Fail(wechatsim.Fault{Path: wechatsim.PathStableToken, Delay: time.Hour, Times: 1})
	refresher := fx.start("refresher")
	event := recorded(t, "refresher")
	ctx, crash := context.WithCancel(t.Context())
	defer crash()
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := refresher.invokeContext(ctx, event); !errors.Is(err, context.Canceled) {
			t.Errorf("the invocation that crashed: %v", err)
		}
	})
	<-fx.wechat.asked
	for fx.sim.Calls(wechatsim.PathStableToken) == 0 { // it is counted a moment later
		time.Sleep(time.Millisecond)
	}
	crash()
	wg.Wait()
	fx.sim.ResetCounts()

	crashed := fx.record(nil).Lease.Epoch
	if epoch := refresher.tick().Accounts[0].Epoch; epoch != crashed {
		t.Errorf("epoch %d, and the lease of epoch %d has not expired", epoch, crashed)
	}
	fx.wantTokenCalls(0, 0)
	fx.record(func(r *credential.Record) { r.Lease.Deadline = time.Now().Unix() - 1 }) // 19 s later
	if one := refresher.tick().Accounts[0]; one.Epoch != crashed+1 || one.Token.SecondsLeft < 7000 {
		t.Errorf("account %+v", one)
	}
	fx.wantTokenCalls(1, 1)
}

// Calls of WeChat go through the proxy, with user and password, and no other calls do. Only
// the proxy knows the host.
func TestProxyIsForWeChatOnly(t *testing.T) {
	fx := newFixture(t, runtimeAPI)
	fx.canaries.plant(proxyPassword)
	proxy := serveProxy(t, fx.wechat.URL)
	fx.settings["WECHAT_API_BASE"] = "http://wechat.invalid"
	fx.settings["WECHAT_PROXY_URL"] = proxy.address()
	refresher := fx.start("refresher")
	refresher.tick()
	fx.wantTokenCalls(1, 1)
	if got, want := proxy.seen(), map[string]int{"wechat.invalid": 2}; !maps.Equal(got, want) {
		t.Errorf("through the proxy went %v, want %v", got, want)
	}
	refresher.wantCalls(calls{"GetItem token": 1, "PutItem token": 3, "PutItem ticket": 1})
	fx.secrets.wantReads(1)

	proxy.Close() // an error of the connection has the address, with the password
	fx.record(func(r *credential.Record) { r.Token.Invalid = true })
	if failure := refresher.tick().Accounts[0].Token.Failure; failure == nil || failure.Class != "busy" {
		t.Errorf("failure %+v without the proxy", failure)
	}
}

// CloudWatch and the alarms read the log.
func TestLogOfTheRefresherIsJSON(t *testing.T) {
	fx := newFixture(t, runtimeAPI)
	fx.sim.Fail(wechatsim.Fault{ErrCode: 40164, ErrMsg: "invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist"})
	refresher := fx.start("refresher")
	refresher.tick()
	refresher.Close()
	logs := refresher.Logs()
	if len(logs) != 2 { // the second has the metrics
		t.Fatalf("logs %q", logs)
	}
	var line struct {
		Level, Msg, Account, IP string
		Errcode                 int
		RequestID               string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(logs[0]), &line); err != nil {
		t.Fatal(err)
	}
	if line.Level != "ERROR" || line.Errcode != 40164 || line.IP != "203.0.113.9" || line.Account != "default" || line.RequestID == "" {
		t.Errorf("log %s", logs[0])
	}
}
