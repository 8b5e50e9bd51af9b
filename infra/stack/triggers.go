package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsschedulertargets"
	"github.com/aws/jsii-runtime-go"

	"wechatfn/shared/manifest"
)

// triggers has the schedule and the table's stream invoke what the manifest says.
func (b *builder) triggers() {
	for _, f := range b.included() {
		if f.Schedule() != "" {
			b.schedule(f)
		}
		if len(f.Stream) > 0 {
			b.stream(f)
		}
	}
}

// schedule invokes the function with {}. The scheduler only delivers the event to
// Lambda. Events of invocations that fail go to the same queue.
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
		Schedule:    awsscheduler.ScheduleExpression_Expression(jsii.String(f.Schedule()), nil),
		Description: jsii.String(f.Description),
		Target: awsschedulertargets.NewLambdaInvoke(function, &awsschedulertargets.ScheduleTargetBaseProps{
			Input:           awsscheduler.ScheduleTargetInput_FromText(jsii.String("{}")),
			Role:            role.WithoutPolicyUpdates(nil),
			DeadLetterQueue: b.failures,
			MaxEventAge:     seconds(manifest.MaxEventAge.Seconds()),
			RetryAttempts:   jsii.Number(manifest.ScheduleRetries),
		}),
	})
	awslambda.NewCfnEventInvokeConfig(b.stack, jsii.String(id+"Invocations"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName: function.FunctionName(), Qualifier: jsii.String("$LATEST"),
		MaximumEventAgeInSeconds: jsii.Number(manifest.MaxEventAge.Seconds()), MaximumRetryAttempts: jsii.Number(manifest.InvocationRetries),
		DestinationConfig: map[string]any{"onFailure": map[string]any{"destination": b.failures.QueueArn()}},
	})
}

// stream invokes the function when items of its kinds are written. Refresh requests of
// several accounts come in one batch and are handled at the same time: otherwise an
// account for which WeChat does not answer would delay the others.
func (b *builder) stream(f manifest.Function) {
	awslambda.NewCfnEventSourceMapping(b.stack, jsii.String(title(f.Name)+"Stream"), &awslambda.CfnEventSourceMappingProps{
		FunctionName:              b.functions[f.Name].FunctionName(),
		EventSourceArn:            b.table.TableStreamArn(),
		StartingPosition:          jsii.String("LATEST"),
		BatchSize:                 jsii.Number(manifest.StreamBatch),
		MaximumRetryAttempts:      jsii.Number(manifest.StreamRetries),
		MaximumRecordAgeInSeconds: jsii.Number(manifest.MaxEventAge.Seconds()),
		FilterCriteria:            map[string]any{"filters": []any{map[string]any{"pattern": f.StreamFilter()}}},
		DestinationConfig:         map[string]any{"onFailure": map[string]any{"destination": b.failures.QueueArn()}},
	})
}
