package stack

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsschedulertargets"
	"github.com/aws/jsii-runtime-go"

	"wechatfn/shared/manifest"
)

// soon is how old an event may be: after a minute the next one does the same.
const soon = 60

// triggers has the schedule and the table's stream invoke what the manifest says.
func (b *builder) triggers() {
	for _, f := range b.included() {
		if f.Every > 0 {
			b.schedule(f)
		}
		if len(f.Stream) > 0 {
			b.stream(f)
		}
	}
}

// schedule invokes the function with {}. The scheduler only hands over; what then
// fails is Lambda's, whose events go to the same queue.
func (b *builder) schedule(f manifest.Function) {
	function, id := b.functions[f.Name], title(f.Name)
	role := awsiam.NewRole(b.stack, jsii.String(id+"ScheduleRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("scheduler.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": b.stack.Account()}},
		}),
		InlinePolicies: &map[string]awsiam.PolicyDocument{"Schedule": document([]awsiam.PolicyStatement{
			allow("Invoke", function.FunctionArn(), "lambda:InvokeFunction"),
			allow("Failures", b.failures.QueueArn(), "sqs:SendMessage"),
		})},
	})
	awsscheduler.NewSchedule(b.stack, jsii.String(id+"Schedule"), &awsscheduler.ScheduleProps{
		Schedule:    awsscheduler.ScheduleExpression_Rate(seconds(f.Every.Seconds())),
		Description: jsii.String(f.Description),
		Target: awsschedulertargets.NewLambdaInvoke(function, &awsschedulertargets.ScheduleTargetBaseProps{
			Input:           awsscheduler.ScheduleTargetInput_FromText(jsii.String("{}")),
			Role:            role.WithoutPolicyUpdates(nil),
			DeadLetterQueue: b.failures,
			MaxEventAge:     seconds(soon),
			RetryAttempts:   jsii.Number(1),
		}),
	})
	awslambda.NewCfnEventInvokeConfig(b.stack, jsii.String(id+"Invocations"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName: function.FunctionName(), Qualifier: jsii.String("$LATEST"),
		MaximumEventAgeInSeconds: jsii.Number(soon), MaximumRetryAttempts: jsii.Number(0),
		DestinationConfig: map[string]any{"onFailure": map[string]any{"destination": b.failures.QueueArn()}},
	})
}

// stream invokes the function for writes of the kinds that it listens to; what TTL
// deletes is none. Kicks of several accounts come in one batch, and are answered side
// by side: one by one, an account whose WeChat hangs would hold up the others.
func (b *builder) stream(f manifest.Function) {
	var prefixes []any
	for _, kind := range f.Stream {
		prefixes = append(prefixes, map[string]any{"prefix": kind + "#"})
	}
	pattern, _ := json.Marshal(map[string]any{ // of texts
		"eventName": []string{"INSERT", "MODIFY"},
		"dynamodb":  map[string]any{"Keys": map[string]any{manifest.TableKey: map[string]any{"S": prefixes}}},
	})
	awslambda.NewCfnEventSourceMapping(b.stack, jsii.String(title(f.Name)+"Stream"), &awslambda.CfnEventSourceMappingProps{
		FunctionName:              b.functions[f.Name].FunctionName(),
		EventSourceArn:            b.table.TableStreamArn(),
		StartingPosition:          jsii.String("LATEST"),
		BatchSize:                 jsii.Number(100),
		MaximumRetryAttempts:      jsii.Number(1),
		MaximumRecordAgeInSeconds: jsii.Number(soon),
		FilterCriteria:            map[string]any{"filters": []any{map[string]any{"pattern": string(pattern)}}},
		DestinationConfig:         map[string]any{"onFailure": map[string]any{"destination": b.failures.QueueArn()}},
	})
}
