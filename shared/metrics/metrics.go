// Package metrics puts CloudWatch metrics into log lines: CloudWatch makes them of
// any line of JSON that has a member _aws, so no call and no line more is needed.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
package metrics

import (
	"encoding/json"
	"log/slog"
	"strings"
	"time"
)

// Namespace is that of all metrics, and Dimension the name of their only
// dimension, whose value is the Lambda function's name.
const (
	Namespace = "wechatfn"
	Dimension = "FunctionName"
)

// Name is the name of a metric.
type Name string

// The metrics. Each belongs to one function, so there are ten in all, which is
// what CloudWatch gives away.
const (
	// The refresher's, once a tick. Seconds are the least over all accounts.
	TokenSecondsLeft  Name = "TokenSecondsLeft"
	TicketSecondsLeft Name = "TicketSecondsLeft"
	Refreshed         Name = "Refreshed"        // new tokens and tickets from WeChat
	RefreshFailed     Name = "RefreshFailed"    // calls of WeChat that gave no token or ticket
	WhitelistRefused  Name = "WhitelistRefused" // accounts whose last call WeChat refused, since our address is not on the IP whitelist

	Signed    Name = "Signed"    // signatures given
	NotSigned Name = "NotSigned" // signatures asked for and not given; the line's code says why

	Pushed      Name = "Pushed"      // pushes answered well, repeated ones included
	PushRefused Name = "PushRefused" // pushes refused or failed

	LoggedIn Name = "LoggedIn" // logins that ended in a session or in a login code
)

// units of the metrics that are no counts.
var units = map[Name]string{TokenSecondsLeft: "Seconds", TicketSecondsLeft: "Seconds"}

// Value is a metric with its value.
type Value struct {
	Name  Name
	Value int64
}

// Recorder makes the metric part of log lines. A nil Recorder makes none. It is
// safe for concurrent use.
type Recorder struct {
	function slog.Attr
	now      func() time.Time
	ones     map[Name]slog.Value // the directives of single metrics, which the hot paths use
}

// New returns a Recorder for the Lambda function of that name, or nil for the
// empty name: outside Lambda metrics are not read. A nil now means time.Now.
func New(function string, now func() time.Time) *Recorder {
	if function == "" {
		return nil
	}
	if now == nil {
		now = time.Now
	}
	r := &Recorder{function: slog.String(Dimension, function), now: now, ones: map[Name]slog.Value{}}
	for _, name := range []Name{Signed, NotSigned, Pushed, PushRefused, LoggedIn} {
		r.ones[name] = directive([]Value{{Name: name}})
	}
	return r
}

// Attr returns the values as an attribute for a line of a JSON logger, which
// must not be in a group: CloudWatch looks at the top of a line only. It is the
// zero Attr, which handlers leave out, where there is nothing to say.
func (r *Recorder) Attr(values ...Value) slog.Attr {
	if r == nil || len(values) == 0 {
		return slog.Attr{}
	}
	attrs := make([]slog.Attr, 0, 4+len(values))
	attrs = append(attrs, slog.Int64("Timestamp", r.now().UnixMilli()), slog.Attr{Key: "CloudWatchMetrics", Value: r.directive(values)})
	attrs = append(attrs, slog.Attr{Key: "_aws", Value: slog.GroupValue(attrs[:2:2]...)}, r.function)
	for _, v := range values {
		attrs = append(attrs, slog.Int64(string(v.Name), v.Value))
	}
	return slog.Attr{Value: slog.GroupValue(attrs[2:]...)} // a group without a name is written without braces
}

// Count is Attr for one event of that kind.
func (r *Recorder) Count(name Name) slog.Attr { return r.Attr(Value{name, 1}) }

func (r *Recorder) directive(values []Value) slog.Value {
	if one, ok := r.ones[values[0].Name]; ok && len(values) == 1 {
		return one
	}
	return directive(values)
}

// directive says to CloudWatch which members of the line are metrics.
func directive(values []Value) slog.Value {
	var b strings.Builder
	b.WriteString(`[{"Namespace":"` + Namespace + `","Dimensions":[["` + Dimension + `"]],"Metrics":[`)
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"Name":"` + string(v.Name) + `"`)
		if unit := units[v.Name]; unit != "" {
			b.WriteString(`,"Unit":"` + unit + `"`)
		}
		b.WriteByte('}')
	}
	b.WriteString(`]}]`)
	return slog.AnyValue(json.RawMessage(b.String()))
}
