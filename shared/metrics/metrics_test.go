package metrics_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"wechatfn/shared/metrics"
)

var at = time.UnixMilli(1795233671123)

func recorder() *metrics.Recorder {
	return metrics.New("wechatfn-prod-refresher", func() time.Time { return at })
}

// written is the line that a logger makes of an attribute.
func written(t *testing.T, attrs ...slog.Attr) string {
	t.Helper()
	var b bytes.Buffer
	noTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{ReplaceAttr: noTime})).LogAttrs(t.Context(), slog.LevelInfo, "request", attrs...)
	return strings.TrimSpace(b.String())
}

// The two shapes of a line, byte by byte.
func TestLinesHaveTheFormatOfCloudWatch(t *testing.T) {
	const (
		one = `{"level":"INFO","msg":"request","status":200,"_aws":{"Timestamp":1795233671123,"CloudWatchMetrics":[` +
			`{"Namespace":"wechatfn","Dimensions":[["FunctionName"]],"Metrics":[{"Name":"Signed"}]}]},` +
			`"FunctionName":"wechatfn-prod-refresher","Signed":1}`
		several = `{"level":"INFO","msg":"request","_aws":{"Timestamp":1795233671123,"CloudWatchMetrics":[` +
			`{"Namespace":"wechatfn","Dimensions":[["FunctionName"]],"Metrics":[{"Name":"TokenSecondsLeft","Unit":"Seconds"},{"Name":"Refreshed"}]}]},` +
			`"FunctionName":"wechatfn-prod-refresher","TokenSecondsLeft":7200,"Refreshed":0}`
	)
	r := recorder()
	if got := written(t, slog.Int("status", 200), r.Count(metrics.Signed)); got != one {
		t.Errorf("%s, want\n%s", got, one)
	}
	got := written(t, r.Attr(metrics.Value{Name: metrics.TokenSecondsLeft, Value: 7200}, metrics.Value{Name: metrics.Refreshed}))
	if got != several {
		t.Errorf("%s, want\n%s", got, several)
	}
}

func all() []metrics.Name {
	return []metrics.Name{
		metrics.TokenSecondsLeft, metrics.TicketSecondsLeft, metrics.Refreshed, metrics.RefreshFailed, metrics.WhitelistRefused,
		metrics.Signed, metrics.NotSigned, metrics.Pushed, metrics.PushRefused, metrics.LoggedIn,
	}
}

// units that CloudWatch knows and that we use; none means None.
var units = []string{"", "Seconds"}

// Each metric's line follows the specification's rules.
func TestSpecification(t *testing.T) {
	for _, name := range all() {
		line := written(t, recorder().Count(name))
		var root map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &root); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		var aws struct {
			Timestamp         int64 // milliseconds
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		}
		d := json.NewDecoder(bytes.NewReader(root["_aws"]))
		d.DisallowUnknownFields() // there must be no further members
		if err := d.Decode(&aws); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if aws.Timestamp != at.UnixMilli() || len(aws.CloudWatchMetrics) != 1 {
			t.Fatalf("_aws is %s", root["_aws"])
		}
		directive := aws.CloudWatchMetrics[0]
		if directive.Namespace != "wechatfn" || len(directive.Dimensions) != 1 || len(directive.Metrics) != 1 || directive.Metrics[0].Name != string(name) {
			t.Fatalf("directive %+v", directive)
		}
		for _, dimension := range directive.Dimensions[0] {
			var value string
			if err := json.Unmarshal(root[dimension], &value); err != nil || value == "" {
				t.Errorf("%s: the dimension %s is not a text at the root", line, dimension)
			}
		}
		var value int64
		if err := json.Unmarshal(root[string(name)], &value); err != nil || value != 1 {
			t.Errorf("%s: the metric is not a number at the root", line)
		}
		if !slices.Contains(units, directive.Metrics[0].Unit) {
			t.Errorf("%s: unit %s", name, directive.Metrics[0].Unit)
		}
		if keys := slices.Sorted(maps.Keys(root)); len(keys) != 5 { // level, msg, _aws, FunctionName, the metric
			t.Errorf("members %v", keys)
		}
	}
}

// More would be paid for.
func TestTenMetricsAreFree(t *testing.T) {
	names := all()
	slices.Sort(names)
	if n := len(slices.Compact(names)); n != 10 {
		t.Errorf("%d metrics", n)
	}
}

// Outside Lambda nothing is written.
func TestOutsideLambda(t *testing.T) {
	r := metrics.New("", nil)
	if got := written(t, r.Count(metrics.Signed)); got != `{"level":"INFO","msg":"request"}` {
		t.Error(got)
	}
	if got := written(t, recorder().Attr()); got != `{"level":"INFO","msg":"request"}` {
		t.Error(got)
	}
}
