package stack

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"wechatfn/shared/metrics"
)

// TestAlarms: each has a section in docs/operations.md and a receiver, and all of them
// together look at no more metrics than are free of charge.
func TestAlarms(t *testing.T) {
	m := synth(t, "prod")
	runbook, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for id, a := range m.all("AWS::CloudWatch::Alarm") {
		name := strings.TrimPrefix(a.Properties["AlarmName"].(string), "wechatfn-prod-")
		names = append(names, name)
		t.Run(name, func(t *testing.T) {
			_, section, _ := strings.Cut(a.Properties["AlarmDescription"].(string), " See docs/operations.md#")
			if want := strings.NewReplacer("ReadsThrottled", "StoreThrottled", "WritesThrottled", "StoreThrottled").Replace(name); !strings.HasPrefix(id, name) || section != strings.ToLower(want) {
				t.Errorf("%s: %s", id, a.Properties["AlarmDescription"])
			}
			if !strings.Contains(strings.ToLower(string(runbook)), "\n### "+section+"\n") {
				t.Errorf("docs/operations.md has no section %s", section)
			}
			if actions, _ := a.Properties["AlarmActions"].([]any); len(actions) != 1 {
				t.Errorf("%d receivers", len(actions))
			}
			if metrics, _ := a.Properties["Metrics"].([]any); len(metrics) > 1 {
				t.Error("it adds metrics up, and is silent where one of them is missing")
			}
		})
	}
	slices.Sort(names)
	want := []string{"Api5xx", "DeadLetters", "ReadsThrottled", "RefresherErrors", "RefresherSilent", "ThrottledFunctions", "TicketLow", "TokenLow", "WhitelistRefused", "WritesThrottled"}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if len(names) > 10 {
		t.Errorf("%d alarms; beyond 10 each costs 10 cents a month", len(names))
	}
}

func TestNoAlarmForAMinuteWithoutATicket(t *testing.T) {
	for _, name := range []string{"TicketLow", "Api5xx"} {
		t.Run(name, func(t *testing.T) {
			a := synth(t, "prod").alarm(t, name)
			if points, _ := a["DatapointsToAlarm"].(float64); points < 4 || at(a, "Metrics", 0, "MetricStat", "Period") != 60.0 {
				t.Error(show(a))
			}
		})
	}
}

// The next tick does what a failed one did not. Its dead letter expires, so that the
// alarm ends without anybody.
func TestNoAlarmForASingleFailedTick(t *testing.T) {
	m := synth(t, "prod")
	if a := m.alarm(t, "RefresherErrors"); a["DatapointsToAlarm"] != 2.0 || a["Threshold"] != 1.0 {
		t.Error(show(a))
	}
	if a, queue := m.alarm(t, "DeadLetters"), m.one(t, "AWS::SQS::Queue").Properties; a["Threshold"] != 3.0 || queue["MessageRetentionPeriod"] != 4*24*3600.0 {
		t.Errorf("%s, queue %s", show(a), show(queue))
	}
}

// silent is a period for which CloudWatch has no data.
const silent = -1

// TestAlarmsGoOff gives each alarm data, a number a period, at which it must go off, and
// some at which it must not. The metric is named as CloudWatch names it.
func TestAlarmsGoOff(t *testing.T) {
	const none, full = 0, 7200 // seconds left
	for _, c := range []struct {
		name, metric string
		off          []float64 // the data at which it goes off
		quiet        []float64
	}{
		{"RefresherErrors", "AWS/Lambda Errors Sum 60 FunctionName", []float64{1, 0, 0, 0, 1}, []float64{1, 0, 0, 0, 0, 1, silent}},
		{"RefresherSilent", "AWS/Lambda Invocations Sum 60 FunctionName", []float64{silent, silent, silent, silent, silent}, []float64{silent, silent, silent, silent, 1, silent, silent, silent, silent}},
		{"TokenLow", "wechatfn TokenSecondsLeft Minimum 60 FunctionName", []float64{119, 59, none}, []float64{130, 119, 59, full, none, silent, silent}},
		{"TicketLow", "wechatfn TicketSecondsLeft Minimum 60 FunctionName", []float64{59, none, none, none, none}, []float64{60, 59, none, none, full, silent, silent, silent, silent}},
		{"WhitelistRefused", "wechatfn WhitelistRefused Sum 300 FunctionName", []float64{0, 1}, []float64{0, silent}},
		{"DeadLetters", "AWS/SQS ApproximateNumberOfMessagesVisible Maximum 60 QueueName", []float64{1, 2, 3}, []float64{1, 2, 2, silent}},
		{"Api5xx", "AWS/ApiGateway 5xx Sum 60 ApiId", []float64{2, silent, 9, 0, 2, 0, silent, 0, 0, 3}, []float64{1, 1, 1, 1, 1, 1, 500, 500, 500, 1, 0, silent}},
		{"ReadsThrottled", "AWS/DynamoDB ReadThrottleEvents Sum 60 TableName", []float64{1, 1, 1}, []float64{90, 90, silent, 90}},
		{"WritesThrottled", "AWS/DynamoDB WriteThrottleEvents Sum 60 TableName", []float64{1, 1, 1}, []float64{90, 90, silent, 90}},
		{"ThrottledFunctions", "AWS/Lambda Throttles Sum 60", []float64{1, 1, 1}, []float64{90, 90, silent, 90}},
	} {
		t.Run(c.name, func(t *testing.T) {
			alarm := synth(t, "prod").alarm(t, c.name)
			stat := at(alarm, "Metrics", 0, "MetricStat")
			metric := fmt.Sprint(at(stat, "Metric", "Namespace"), " ", at(stat, "Metric", "MetricName"), " ", at(stat, "Stat"), " ", at(stat, "Period"))
			if dimension := at(stat, "Metric", "Dimensions", 0, "Name"); dimension != nil {
				metric += fmt.Sprint(" ", dimension)
			}
			if metric != c.metric {
				t.Errorf("its metric is %s, want %s", metric, c.metric)
			}
			if !goesOff(alarm, c.off) {
				t.Errorf("it does not go off at %v", c.off)
			}
			if goesOff(alarm, c.quiet) {
				t.Errorf("it goes off at %v", c.quiet)
			}
		})
	}
}

// goesOff reports whether CloudWatch sets off the alarm at some time in the course of
// the data: when enough of the last periods are beyond the threshold.
func goesOff(alarm map[string]any, data []float64) bool {
	threshold, below := alarm["Threshold"].(float64), alarm["ComparisonOperator"] == "LessThanThreshold"
	of, points := int(alarm["EvaluationPeriods"].(float64)), int(alarm["DatapointsToAlarm"].(float64))
	var beyond []bool
	for _, value := range data {
		switch {
		case value == silent:
			beyond = append(beyond, alarm["TreatMissingData"] == "breaching")
		case below:
			beyond = append(beyond, value < threshold)
		default:
			beyond = append(beyond, value >= threshold)
		}
		count := 0
		for _, b := range beyond[max(0, len(beyond)-of):] {
			if b {
				count++
			}
		}
		if count >= points {
			return true
		}
	}
	return false
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

// TestAlarmsAreSent: the topic's policy must allow CloudWatch to publish.
func TestAlarmsAreSent(t *testing.T) {
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

// TestDashboard shows all metrics of our own, and what costs money. A dashboard with
// more than fifty metrics is not free.
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
		if n := strings.Count(body, `\"stat\"`); n < 30 || n > 50 {
			t.Errorf("%d metrics on the dashboard", n)
		}
	})
}
