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

// measured closes the function and returns, for each line of its log that
// CloudWatch would make metrics of, what they would be.
func (f *function) measured() (lines []map[metrics.Name]int64) {
	f.w.Helper()
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
			f.w.Fatalf("not JSON: %s", text)
		}
		if line.AWS == nil {
			continue
		}
		directive := line.AWS.CloudWatchMetrics[0]
		if age := time.Since(time.UnixMilli(line.AWS.Timestamp)); directive.Namespace != metrics.Namespace || line.FunctionName != f.table.function.Name || age.Abs() > time.Hour {
			f.w.Errorf("line %s", text)
		}
		values := map[metrics.Name]int64{}
		for _, metric := range directive.Metrics {
			var value int64
			if err := json.Unmarshal(root[metric.Name], &value); err != nil {
				f.w.Errorf("%s: %v", text, err)
			}
			values[metric.Name] = value
		}
		lines = append(lines, values)
	}
	return lines
}

// total adds the lines up.
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

func TestSignaturesMetrics(t *testing.T) {
	w := newWorld(t)
	target := "/signature?url=" + url.QueryEscape(pageURL)
	cold := w.start("signature")
	cold.get(target)
	wantMetrics(t, total(cold.measured()), map[metrics.Name]int64{metrics.NotSigned: 1})

	w.start("refresher").tick()
	signature := w.start("signature")
	signature.get(target)
	signature.get("/get-signature?url=" + url.QueryEscape(pageURL))
	signature.get("/signature?url=https%3A%2F%2Fevil.example%2F")
	signature.get("/signature/health")
	wantMetrics(t, total(signature.measured()), map[metrics.Name]int64{metrics.Signed: 2, metrics.NotSigned: 1})
}

func TestVerifysMetrics(t *testing.T) {
	w := newWorld(t)
	verify := w.start("verify")
	m := w.sample("text")
	wantAccepted(t, verify.deliver(verify.pusher(), m))
	wantAccepted(t, verify.deliver(verify.pusher(), m))
	verify.deliver(verify.pusher(longAgo), m)
	check(t, verify.pusher(), http.StatusOK, "")
	verify.get("/verify/health")
	wantMetrics(t, total(verify.measured()), map[metrics.Name]int64{metrics.Pushed: 2, metrics.PushRefused: 1})
}

// TestOAuthsMetrics: a login counts once, however often its callback comes.
func TestOAuthsMetrics(t *testing.T) {
	w := newLoginWorld(t)
	oauth := w.start("oauth")
	b := oauth.browser("ming")
	back := b.decide(b.begin("return_to=%2Faccount"), wechatsim.AnswerApprove)
	b.landed(b.visit(back))
	b.visit(back)
	b.visit(b.decide(b.begin("scope=snsapi_userinfo&return_to=%2Faccount"), wechatsim.AnswerRefuse))
	wantMetrics(t, total(oauth.measured()), map[metrics.Name]int64{metrics.LoggedIn: 1})
}

// TestRefreshersMetrics: one line a tick for all accounts, whatever the level of
// the log; the life is that of the account that is worst off.
func TestRefreshersMetrics(t *testing.T) {
	w := newWorld(t)
	w.twoAccounts()
	w.settings["LOG_LEVEL"] = "error"
	refresher := w.start("refresher")
	refresher.tick()
	refresher.tick()
	refresher.report(recorded(t, "refresher-status"))
	refresher.report(recorded(t, "refresher-force"))
	w.record(func(r *credential.Record) {
		r.Token.Invalid = true // as though WeChat had refused it
	})
	w.sim.Fail(wechatsim.Fault{ErrCode: 40164, ErrMsg: "invalid ip 203.0.113.9, not in whitelist"})
	refresher.tick()
	refresher.tick() // it keeps away, and the whitelist is as it was
	lines := refresher.measured()
	if len(lines) != 5 {
		t.Fatalf("%d lines with metrics: %v", len(lines), lines)
	}
	if token, ticket := lines[0][metrics.TokenSecondsLeft], lines[0][metrics.TicketSecondsLeft]; token < 7000 || token > 7200 || ticket < 7000 || ticket > 7200 {
		t.Errorf("lives of %d and %d s", token, ticket)
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

// TestNothingIsAlive: before the first refresh no life is left, which is when an
// alarm should sound.
func TestNothingIsAlive(t *testing.T) {
	w := newWorld(t)
	w.secrets.put(nil)
	refresher := w.start("refresher")
	refresher.tick()
	wantMetrics(t, total(refresher.measured()), map[metrics.Name]int64{
		metrics.TokenSecondsLeft: 0, metrics.TicketSecondsLeft: 0, metrics.Refreshed: 0, metrics.RefreshFailed: 1, metrics.WhitelistRefused: 0,
	})
}
