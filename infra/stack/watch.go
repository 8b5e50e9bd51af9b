package stack

import (
	"cmp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/jsii-runtime-go"

	"wechatfn/shared/metrics"
)

// watch makes the dashboard, and alarms for a production stage or where they have a receiver.
func (b *builder) watch() {
	if b.IsProduction() || b.AlarmEmail != "" {
		b.alarms()
	}
	b.makeDashboard()
}

// alarm describes one alarm. Its meaning is the text of the message; docs/operations.md
// has a section with its id, or with the name in section.
type alarm struct {
	id, meaning string
	section     string
	metric      awscloudwatch.IMetric
	threshold   float64
	below       bool // it goes off below the threshold, else at the threshold and above
	points, of  float64
	missing     awscloudwatch.TreatMissingData // what missing data means; empty: no problem
}

// alarms makes ten alarms, the number that is free of charge. Functions behind the API
// have no alarm of their own: each of their failures is a 5xx of the API. No alarm is on
// a sum of metrics: a metric of throttles has no data while nothing is throttled, and a
// sum has no data if one of its parts has none. WeChat may leave an account without a ticket for a minute every two hours
// (docs/architecture.md). That touches three points at most, and no alarm goes off.
func (b *builder) alarms() {
	topic := b.topic()
	for _, a := range []alarm{
		{id: "RefresherErrors", meaning: "The refresher failed twice within five minutes.", metric: b.lambda("refresher", "Errors", "Sum", 60), threshold: 1, points: 2, of: 5},
		{id: "RefresherSilent", meaning: "The refresher has not run for five minutes.", metric: b.lambda("refresher", "Invocations", "Sum", 60), threshold: 1, below: true, points: 5, of: 5, missing: awscloudwatch.TreatMissingData_BREACHING},
		{id: "TokenLow", meaning: "An access token has less than two minutes left, and no new one came.", metric: b.own("refresher", metrics.TokenSecondsLeft, "Minimum", 60), threshold: 120, below: true, points: 3, of: 3},
		{id: "TicketLow", meaning: "A ticket has less than a minute left, and no new one came.", metric: b.own("refresher", metrics.TicketSecondsLeft, "Minimum", 60), threshold: 60, below: true, points: 5, of: 5},
		{id: "WhitelistRefused", meaning: "WeChat refuses our address, which is not on an account's IP whitelist.", metric: b.own("refresher", metrics.WhitelistRefused, "Sum", 300), threshold: 1, points: 1, of: 1},
		{id: "DeadLetters", meaning: "Three invocations of the refresher failed for good within four days.", metric: b.queueLength(), threshold: 3, points: 1, of: 1},
		{id: "Api5xx", meaning: "The API answered with 5xx, twice a minute or more, in four of ten minutes.", metric: b.apiMetric("5xx", "Sum", 60), threshold: 2, points: 4, of: 10},
		{id: "ReadsThrottled", meaning: "DynamoDB throttled reads of the table for three minutes.", section: "StoreThrottled", metric: b.tableMetric("ReadThrottleEvents"), threshold: 1, points: 3, of: 3},
		{id: "WritesThrottled", meaning: "DynamoDB throttled writes to the table for three minutes.", section: "StoreThrottled", metric: b.tableMetric("WriteThrottleEvents"), threshold: 1, points: 3, of: 3},
		{id: "ThrottledFunctions", meaning: "Lambda throttled functions of this account and region for three minutes: their concurrency is used up.", metric: throttles(), threshold: 1, points: 3, of: 3},
	} {
		b.alarm(a).AddAlarmAction(awscloudwatchactions.NewSnsAction(topic))
	}
}

func (b *builder) alarm(a alarm) awscloudwatch.Alarm {
	comparison := awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD
	if a.below {
		comparison = awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD
	}
	if a.missing == "" {
		a.missing = awscloudwatch.TreatMissingData_NOT_BREACHING
	}
	return awscloudwatch.NewAlarm(b.stack, jsii.String(a.id), &awscloudwatch.AlarmProps{
		AlarmName:          jsii.String(b.name(a.id)),
		AlarmDescription:   jsii.String(a.meaning + " See docs/operations.md#" + strings.ToLower(cmp.Or(a.section, a.id))),
		Metric:             a.metric,
		Threshold:          jsii.Number(a.threshold),
		ComparisonOperator: comparison,
		DatapointsToAlarm:  jsii.Number(a.points),
		EvaluationPeriods:  jsii.Number(a.of),
		TreatMissingData:   a.missing,
	})
}

// topic receives the alarms. Its policy allows CloudWatch to publish explicitly,
// because a policy that only refuses plain http would remove that right.
func (b *builder) topic() awssns.Topic {
	topic := awssns.NewTopic(b.stack, jsii.String("Alarms"), &awssns.TopicProps{EnforceSSL: jsii.Bool(true)})
	statement := allow("Alarms", topic.TopicArn(), "sns:Publish")
	statement.AddPrincipals(awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil))
	statement.AddCondition(jsii.String("StringEquals"), map[string]any{"aws:SourceAccount": b.stack.Account()})
	topic.AddToResourcePolicy(statement)
	if b.AlarmEmail != "" {
		topic.AddSubscription(awssnssubscriptions.NewEmailSubscription(&b.AlarmEmail, nil))
	}
	b.output("AlarmTopicArn", topic.TopicArn(), "Subscribe those who respond to alarms")
	return topic
}

// metric describes a metric of AWS's or of ours.
func metric(space, name, statistic string, period float64, dimensions map[string]*string) awscloudwatch.Metric {
	props := &awscloudwatch.MetricProps{
		Namespace: &space, MetricName: &name, Statistic: &statistic, Period: seconds(period), Label: &name,
	}
	if dimensions != nil {
		props.DimensionsMap = &dimensions
	}
	return awscloudwatch.NewMetric(props)
}

func (b *builder) lambda(function, name, statistic string, period float64) awscloudwatch.Metric {
	return metric("AWS/Lambda", name, statistic, period, map[string]*string{"FunctionName": b.functions[function].FunctionName()})
}

// throttles is the sum over all functions of the account, which share their concurrency.
func throttles() awscloudwatch.Metric { return metric("AWS/Lambda", "Throttles", "Sum", 60, nil) }

// own is a metric that a function writes to its log.
func (b *builder) own(function string, name metrics.Name, statistic string, period float64) awscloudwatch.Metric {
	return metric(metrics.Namespace, string(name), statistic, period, map[string]*string{metrics.Dimension: b.functions[function].FunctionName()})
}

func (b *builder) apiMetric(name, statistic string, period float64) awscloudwatch.Metric {
	return metric("AWS/ApiGateway", name, statistic, period, map[string]*string{"ApiId": b.api.Ref()})
}

func (b *builder) tableMetric(name string) awscloudwatch.Metric {
	return metric("AWS/DynamoDB", name, "Sum", 60, map[string]*string{"TableName": b.table.TableName()})
}

func (b *builder) queueLength() awscloudwatch.Metric {
	return metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", 60, map[string]*string{"QueueName": b.failures.QueueName()})
}
