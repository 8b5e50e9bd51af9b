package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"wechatfn/shared/metrics"
)

const fiveMinutes = 300

// makeDashboard makes the dashboard.
func (b *builder) makeDashboard() {
	b.dashboard = awscloudwatch.NewDashboard(b.stack, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{
		DashboardName: jsii.String(b.name("")), DefaultInterval: seconds(24 * 3600),
	})
	b.row(
		graph("Seconds left (least of all accounts)", b.own("refresher", metrics.TokenSecondsLeft, "Minimum", 60), b.own("refresher", metrics.TicketSecondsLeft, "Minimum", 60)),
		graph("Refreshes", b.counts("refresher", metrics.Refreshed, metrics.RefreshFailed, metrics.WhitelistRefused)...),
		graph("Dead letters", b.queueLength()),
	)
	b.row(append(b.signatures(), graph("Logins", b.counts("oauth", metrics.LoggedIn)...))...)
	b.row(
		graph("Pushes", b.counts("verify", metrics.Pushed, metrics.PushRefused)...),
		graph("API", b.apiMetric("Count", "Sum", fiveMinutes), b.apiMetric("4xx", "Sum", fiveMinutes), b.apiMetric("5xx", "Sum", fiveMinutes)),
		graph("Failures of functions", append(b.each("Errors"), throttles())...),
	)
	b.row(
		graph("Table: throttled", b.tableMetric("ReadThrottleEvents"), b.tableMetric("WriteThrottleEvents")),
		graph("Cost: table, units", b.tableMetric("ConsumedReadCapacityUnits"), b.tableMetric("ConsumedWriteCapacityUnits")),
		graph("Cost: invocations", b.each("Invocations")...),
	)
	b.row(
		graph("Cost: time of functions, ms", b.each("Duration")...),
		graph("Cost: bytes of logs", b.logBytes()...),
		b.out(),
	)
}

func (b *builder) row(widgets ...awscloudwatch.IWidget) { b.dashboard.AddWidgets(widgets...) }

func graph(title string, lines ...awscloudwatch.IMetric) awscloudwatch.IWidget {
	return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{Title: &title, Left: &lines, Width: jsii.Number(8), Height: jsii.Number(6)})
}

// signatures has no graphs where nothing is signed.
func (b *builder) signatures() []awscloudwatch.IWidget {
	if !b.signs() {
		return nil
	}
	return []awscloudwatch.IWidget{
		graph("Signatures", b.counts("signature", metrics.Signed, metrics.NotSigned)...),
		graph("Signature, ms", b.lambda("signature", "Duration", "p50", fiveMinutes), b.lambda("signature", "Duration", "p99", fiveMinutes)),
	}
}

func (b *builder) counts(function string, names ...metrics.Name) (lines []awscloudwatch.IMetric) {
	for _, name := range names {
		lines = append(lines, b.own(function, name, "Sum", fiveMinutes))
	}
	return lines
}

// each returns a metric of all functions.
func (b *builder) each(name string) (lines []awscloudwatch.IMetric) {
	for _, f := range b.included() {
		lines = append(lines, b.lambda(f.Name, name, "Sum", fiveMinutes).With(&awscloudwatch.MetricOptions{Label: jsii.String(f.Name)}))
	}
	return lines
}

func (b *builder) logBytes() []awscloudwatch.IMetric {
	bytes := func(group *string, label string) awscloudwatch.IMetric {
		return metric("AWS/Logs", "IncomingBytes", "Sum", fiveMinutes, map[string]*string{"LogGroupName": group}).With(&awscloudwatch.MetricOptions{Label: &label})
	}
	lines := []awscloudwatch.IMetric{bytes(b.accessLog.LogGroupName(), "API")}
	for _, f := range b.included() {
		lines = append(lines, bytes(b.logs[f.Name].LogGroupName(), f.Name))
	}
	return lines
}

// out shows the bytes through the NAT gateway, or through the API where there is none.
func (b *builder) out() awscloudwatch.IWidget {
	if b.network == nil {
		return graph("Cost: bytes that the API receives and sends", b.apiMetric("DataProcessed", "Sum", fiveMinutes))
	}
	gateway := map[string]*string{"NatGatewayId": b.network.gateway}
	return graph("Cost: bytes of the NAT gateway", metric("AWS/NATGateway", "BytesOutToDestination", "Sum", fiveMinutes, gateway), metric("AWS/NATGateway", "BytesInFromDestination", "Sum", fiveMinutes, gateway))
}
