package e2e_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/credential"
	"wechatfn/shared/metrics"
)

// measured ends the function, and returns the metrics in each line of its log that
// CloudWatch would make metrics of.
func (f *function) measured() (lines []map[metrics.Name]int64) {
	f.fx.Helper()
	f.Close()
	for _, text := range f.Logs() {
		var line struct {
			AWS *struct {
				Timestamp         int64
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name metrics.Name }
				}
			} `json:"_aws"`
			FunctionName string
		}
		var root map[metrics.Name]json.RawMessage
		if json.Unmarshal([]byte(text), &line) != nil || json.Unmarshal([]byte(text), &root) != nil {
			f.fx.Fatalf("not JSON: %s", text)
		}
		if line.AWS == nil {
			continue
		}
		directive := line.AWS.CloudWatchMetrics[0]
		if age := time.Since(time.UnixMilli(line.AWS.Timestamp)); directive.Namespace != metrics.Namespace || line.FunctionName != f.manifest.Name || age.Abs() > time.Hour {
			f.fx.Errorf("line %s", text)
		}
		values := map[metrics.Name]int64{}
		for _, metric := range directive.Metrics {
			var value int64
			if err := json.Unmarshal(root[metric.Name], &value); err != nil {
				f.fx.Errorf("%s: %v", text, err)
			}
			values[metric.Name] = value
		}
		lines = append(lines, values)
	}
	return lines
}

// total returns the sums of all lines.
func total(lines []map[metrics.Name]int64) map[metrics.Name]int64 {
	sum := map[metrics.Name]int64{}
	for _, line := range lines {
		for name, value := range line {
			sum[name] += value
		}
	}
	return sum
}

func wantMetrics(t *testing.T, got, want map[metrics.Name]int64) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("metrics %v, want %v", got, want)
	}
}

func TestMetricsOfSignatures(t *testing.T) {
	fx := newFixture(t, runtimeAPI)
	target := "/signature?url=" + url.QueryEscape(pageURL)
	cold := fx.start("signature")
	cold.get(target)
	wantMetrics(t, total(cold.measured()), map[metrics.Name]int64{metrics.NotSigned: 1})

	fx.start("refresher").tick()
	signature := fx.start("signature")
	signature.get(target)
	signature.get("/get-signature?url=" + url.QueryEscape(pageURL))
	signature.get("/signature?url=https%3A%2F%2Fevil.example%2F")
	signature.get("/signature/health")
	wantMetrics(t, total(signature.measured()), map[metrics.Name]int64{metrics.Signed: 2, metrics.NotSigned: 1})
}

func TestMetricsOfPushes(t *testing.T) {
	fx := newFixture(t, runtimeAPI)
	verify := fx.start("verify")
	m := fx.sample("text")
	wantAccepted(t, verify.deliver(verify.pusher(), m))
	wantAccepted(t, verify.deliver(verify.pusher(), m))
	verify.deliver(verify.pusher(tooOld), m)
	check(t, verify.pusher(), http.StatusOK, "")
	verify.get("/verify/health")
	wantMetrics(t, total(verify.measured()), map[metrics.Name]int64{metrics.Pushed: 2, metrics.PushRefused: 1})
}

// A login counts once, however often its callback is opened.
func TestMetricsOfLogins(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.start("oauth")
	b := oauth.browser("ming")
	callback := b.answerAtWeChat(b.begin("return_to=%2Faccount"), wechatsim.AnswerApprove)
	b.wantLoggedIn(b.visit(callback))
	b.visit(callback)
	b.visit(b.answerAtWeChat(b.begin("scope=snsapi_userinfo&return_to=%2Faccount"), wechatsim.AnswerRefuse))
	wantMetrics(t, total(oauth.measured()), map[metrics.Name]int64{metrics.LoggedIn: 1})
}

// There is one line a tick for all accounts, whatever LOG_LEVEL is. The seconds left are the
// least of all accounts.
func TestMetricsOfTheRefresher(t *testing.T) {
	fx := newFixture(t, runtimeAPI)
	fx.twoAccounts()
	fx.settings["LOG_LEVEL"] = "error"
	refresher := fx.start("refresher")
	refresher.tick()
	refresher.tick()
	refresher.report(recorded(t, "refresher-status"))
	refresher.report(recorded(t, "refresher-force"))
	fx.record(func(r *credential.Record) {
		r.Token.Invalid = true // as though WeChat had refused it
	})
	fx.sim.Fail(wechatsim.Fault{ErrCode: 40164, ErrMsg: "invalid ip 203.0.113.9, not in whitelist"})
	refresher.tick()
	refresher.tick() // it waits, and the refusal is the last known state
	lines := refresher.measured()
	if len(lines) != 5 {
		t.Fatalf("%d lines with metrics: %v", len(lines), lines)
	}
	if token, ticket := lines[0][metrics.TokenSecondsLeft], lines[0][metrics.TicketSecondsLeft]; token < 7000 || token > 7200 || ticket < 7000 || ticket > 7200 {
		t.Errorf("%d and %d s left", token, ticket)
	}
	for i, want := range []map[metrics.Name]int64{
		{metrics.Refreshed: 4, metrics.RefreshFailed: 0, metrics.WhitelistRefused: 0},
		{metrics.Refreshed: 0, metrics.RefreshFailed: 0, metrics.WhitelistRefused: 0},
		{metrics.Refreshed: 1, metrics.RefreshFailed: 0},
		{metrics.Refreshed: 0, metrics.RefreshFailed: 1, metrics.WhitelistRefused: 1, metrics.TokenSecondsLeft: 0},
		{metrics.Refreshed: 0, metrics.RefreshFailed: 0, metrics.WhitelistRefused: 1, metrics.TokenSecondsLeft: 0},
	} {
		delete(lines[i], metrics.TicketSecondsLeft)
		if i < 2 {
			delete(lines[i], metrics.TokenSecondsLeft)
		}
		wantMetrics(t, lines[i], want)
	}
}

// Before the first refresh 0 seconds are left, so an alarm sounds.
func TestMetricsWithoutATokenAreZero(t *testing.T) {
	fx := newFixture(t, runtimeAPI)
	fx.secrets.put(nil)
	refresher := fx.start("refresher")
	refresher.tick()
	wantMetrics(t, total(refresher.measured()), map[metrics.Name]int64{
		metrics.TokenSecondsLeft: 0, metrics.TicketSecondsLeft: 0, metrics.Refreshed: 0, metrics.RefreshFailed: 1, metrics.WhitelistRefused: 0,
	})
}
