package stack

import (
	"os"
	"slices"
	"strings"
	"testing"

	"wechatfn/shared/metrics"
)

// TestAlarms: each has a section in docs/operations.md, wakes somebody, and all of
// them look at no more metrics than CloudWatch gives away.
func TestAlarms(t *testing.T) {
	m := synth(t, "prod")
	runbook, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for id, a := range m.all("AWS::CloudWatch::Alarm") {
		name := strings.TrimPrefix(a.Properties["AlarmName"].(string), "wechatfn-prod-")
		ids = append(ids, name)
		_, section, _ := strings.Cut(a.Properties["AlarmDescription"].(string), " See docs/operations.md#")
		if want := strings.NewReplacer("ReadsThrottled", "StoreThrottled", "WritesThrottled", "StoreThrottled").Replace(name); !strings.HasPrefix(id, name) || section != strings.ToLower(want) {
			t.Errorf("%s: %s", id, a.Properties["AlarmDescription"])
		}
		if !strings.Contains(strings.ToLower(string(runbook)), "\n### "+section+"\n") {
			t.Errorf("docs/operations.md has no section %s", section)
		}
		if actions, _ := a.Properties["AlarmActions"].([]any); len(actions) != 1 {
			t.Errorf("%s wakes nobody", id)
		}
		if metrics, _ := a.Properties["Metrics"].([]any); len(metrics) > 1 {
			t.Errorf("%s adds up metrics, and is silent where one of them is", id)
		}
	}
	slices.Sort(ids)
	want := []string{"Api5xx", "DeadLetters", "ReadsThrottled", "RefresherErrors", "RefresherSilent", "ThrottledFunctions", "TicketLow", "TokenLow", "WhitelistRefused", "WritesThrottled"}
	if !slices.Equal(ids, want) {
		t.Errorf("got %q, want %q", ids, want)
	}
	if len(ids) > 10 {
		t.Errorf("%d alarms; beyond 10 each costs 10 cents a month", len(ids))
	}
	if silent := m.alarm(t, "RefresherSilent"); silent["TreatMissingData"] != "breaching" {
		t.Error(show(silent))
	}
	// The minute without a ticket is none that anybody is woken for.
	for _, name := range []string{"TicketLow", "Api5xx"} {
		a := m.alarm(t, name)
		if points, _ := a["DatapointsToAlarm"].(float64); points < 4 || at(a, "Metrics", 0, "MetricStat", "Period") != 60.0 {
			t.Errorf("%s sounds for a minute without a ticket: %s", name, show(a))
		}
	}
	// Nor is a single failed tick, which the next one makes good; and its alarm must end by itself.
	if a := m.alarm(t, "RefresherErrors"); a["DatapointsToAlarm"] != 2.0 || a["Threshold"] != 1.0 {
		t.Errorf("a failed tick: %s", show(a))
	}
	if a, queue := m.alarm(t, "DeadLetters"), m.one(t, "AWS::SQS::Queue").Properties; a["Threshold"] != 3.0 || queue["MessageRetentionPeriod"] != 4*24*3600.0 {
		t.Errorf("a failed tick: %s, queue %s", show(a), show(queue))
	}
	if n := len(synth(t, "dev").all("AWS::CloudWatch::Alarm")); n != 0 {
		t.Errorf("dev has %d alarms, and nobody who minds", n)
	}
}

func (m *template) alarm(t *testing.T, name string) map[string]any {
	t.Helper()
	for _, a := range m.all("AWS::CloudWatch::Alarm") {
		if strings.HasSuffix(a.Properties["AlarmName"].(string), "-"+name) {
			return a.Properties
		}
	}
	t.Fatalf("no alarm %s", name)
	return nil
}

// TestAlarmsGetOut: the topic's policy must let CloudWatch in.
func TestAlarmsGetOut(t *testing.T) {
	policy := show(synth(t, "full").one(t, "AWS::SNS::TopicPolicy").Properties)
	for _, want := range []string{`"Service":"cloudwatch.amazonaws.com"`, `"aws:SourceAccount"`, `"aws:SecureTransport":"false"`} {
		if !strings.Contains(policy, want) {
			t.Errorf("no %s in %s", want, policy)
		}
	}
	if got := synth(t, "full").one(t, "AWS::SNS::Subscription").Properties; got["Endpoint"] != "ops@example.com" || got["Protocol"] != "email" {
		t.Error(show(got))
	}
}

// TestDashboard shows all metrics of our own, and what costs money.
func TestDashboard(t *testing.T) {
	each(t, func(t *testing.T, m *template) {
		body := show(m.one(t, "AWS::CloudWatch::Dashboard").Properties["DashboardBody"])
		for _, name := range []metrics.Name{
			metrics.TokenSecondsLeft, metrics.TicketSecondsLeft, metrics.Refreshed, metrics.RefreshFailed, metrics.WhitelistRefused, metrics.Signed, metrics.NotSigned, metrics.Pushed, metrics.PushRefused, metrics.LoggedIn,
			"Duration", "Invocations", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "IncomingBytes", "5xx",
		} {
			if !strings.Contains(body, string(name)) {
				t.Errorf("%s is not on the dashboard", name)
			}
		}
	})
}
