package stack

import (
	"errors"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"wechatfn/shared/manifest"
)

// builder builds the stack, one part after the other. A part puts what later parts
// use into a field.
type builder struct {
	stack awscdk.Stack
	*Settings

	table    awsdynamodb.Table
	secrets  map[string]awssecretsmanager.CfnSecret // by the variable that names it
	bus      awsevents.EventBus
	failures awssqs.Queue

	network *network // nil where functions need none

	api       awsapigatewayv2.CfnApi
	accessLog awslogs.LogGroup

	functions map[string]awslambda.Function
	logs      map[string]awslogs.LogGroup
	dashboard awscloudwatch.Dashboard
}

// New builds the stack wechatfn-STAGE from checked settings. Errors: the manifest
// needs something that no part makes.
func New(scope constructs.Construct, s *Settings) (awscdk.Stack, error) {
	props := &awscdk.StackProps{
		StackName:             jsii.String(s.name("")),
		Description:           jsii.String("wechatfn: signatures, logins, messages and tokens for WeChat pages"),
		AnalyticsReporting:    jsii.Bool(false),
		TerminationProtection: jsii.Bool(s.IsProduction()),
	}
	if s.Region != "" { // without the account: with one CDK looks up zones, which needs credentials
		props.Env = &awscdk.Environment{Region: jsii.String(s.Region)}
	}
	b := &builder{stack: awscdk.NewStack(scope, jsii.String(s.name("")), props), Settings: s}
	b.data()
	b.egress()
	b.gateway()
	if err := b.allFunctions(); err != nil {
		return nil, err
	}
	b.routes()
	b.triggers()
	b.watch()
	b.outputs()
	if s.placeholder() {
		awscdk.Annotations_Of(b.stack).AddWarningV2(jsii.String("wechatfn:placeholder"),
			jsii.String("apps: "+placeholderAppID+" is the placeholder of cdk.json; write the AppID of your account before you deploy"))
	}
	return b.stack, nil
}

// name is that of a thing of this stage: wechatfn-prod-signature.
func (s *Settings) name(part string) string {
	name := "wechatfn-" + s.Stage
	if part != "" {
		name += "-" + part
	}
	return name
}

// unlessFailed retains a resource when the stack is deleted, but not when the first
// deployment fails, so that nothing is left to pay for.
const unlessFailed = awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE

// retained is the policy of a production stage; in others data is destroyed.
func (b *builder) retained(production awscdk.RemovalPolicy) awscdk.RemovalPolicy {
	if b.IsProduction() {
		return production
	}
	return awscdk.RemovalPolicy_DESTROY
}

// included are the functions of the manifest that the stage needs. The one that signs
// pages does not start where there are only mini-programs.
func (s *Settings) included() []manifest.Function {
	return slices.DeleteFunc(manifest.Functions(), func(f manifest.Function) bool { return f.Name == "signature" && !s.signs() })
}

func (b *builder) allFunctions() error {
	b.functions, b.logs = map[string]awslambda.Function{}, map[string]awslogs.LogGroup{}
	var problems []error
	for _, f := range b.included() {
		problems = append(problems, b.function(f))
	}
	return errors.Join(problems...)
}

// seconds converts to CDK's type.
func seconds(n float64) awscdk.Duration { return awscdk.Duration_Seconds(jsii.Number(n)) }

// arn is an ARN of this stack's partition, region and account.
func (b *builder) arn(service, resource, name string, format awscdk.ArnFormat) *string {
	return b.stack.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String(service), Resource: jsii.String(resource), ResourceName: jsii.String(name), ArnFormat: format,
	})
}
