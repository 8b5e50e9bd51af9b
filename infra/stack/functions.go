package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"wechatfn/shared/config"
	"wechatfn/shared/manifest"
)

// function makes one function of the manifest, with its log group and its role.
func (b *builder) function(f manifest.Function) error {
	env, err := b.environment(f, b.resources(f))
	if err != nil {
		return err
	}
	id := title(f.Name)
	logs := awslogs.NewLogGroup(b.stack, jsii.String(id+"Logs"), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String("/aws/lambda/" + b.name(f.Name)),
		Retention:     awslogs.RetentionDays(retention(b.LogRetentionDays)),
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	role := awsiam.NewRole(b.stack, jsii.String(id+"Role"), &awsiam.RoleProps{
		AssumedBy:      awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		InlinePolicies: &map[string]awsiam.PolicyDocument{"Function": document(b.rights(f, logs))},
	})
	props := &awslambda.FunctionProps{
		FunctionName: jsii.String(b.name(f.Name)),
		Description:  jsii.String(f.Description),
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Handler:      jsii.String("bootstrap"),
		Architecture: b.architecture(),
		Code:         awslambda.Code_FromAsset(jsii.String(b.folder(f.Name)), nil),
		Timeout:      seconds(f.Timeout.Seconds()),
		MemorySize:   jsii.Number(f.MemoryMB),
		Environment:  env,
		LogGroup:     logs,
		// The role has all its policies already: CDK must add none.
		Role:    role.WithoutPolicyUpdates(nil),
		Tracing: awslambda.Tracing_DISABLED,
	}
	if b.Tracing {
		props.Tracing = awslambda.Tracing_ACTIVE
	}
	if n := b.Reserved[f.Name]; n > 0 {
		props.ReservedConcurrentExecutions = jsii.Number(n)
	}
	if b.inNetwork(f) {
		props.Vpc = b.network.vpc
		props.VpcSubnets = &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS}
		props.SecurityGroups = &[]awsec2.ISecurityGroup{b.network.group}
	}
	b.logs[f.Name] = logs
	b.functions[f.Name] = awslambda.NewFunction(b.stack, jsii.String(id), props)
	return nil
}

// resources maps variables to the resources of the stack that they name.
func (b *builder) resources(f manifest.Function) map[string]*string {
	resources := map[string]*string{config.EnvTableName: b.table.TableName(), config.EnvPublicURL: b.publicURL()}
	if f.Secret != "" {
		resources[f.Secret] = b.secrets[f.Secret].Ref() // its ARN
	}
	if f.Bus != "" {
		resources[f.Bus] = b.bus.EventBusName()
	}
	return resources
}

func (b *builder) architecture() awslambda.Architecture {
	if b.Architecture == X8664 {
		return awslambda.Architecture_X86_64()
	}
	return awslambda.Architecture_ARM_64()
}

// retention is the constant of CDK for that many days.
func retention(days int) awslogs.RetentionDays {
	return map[int]awslogs.RetentionDays{
		1: awslogs.RetentionDays_ONE_DAY, 3: awslogs.RetentionDays_THREE_DAYS, 5: awslogs.RetentionDays_FIVE_DAYS, 7: awslogs.RetentionDays_ONE_WEEK,
		14: awslogs.RetentionDays_TWO_WEEKS, 30: awslogs.RetentionDays_ONE_MONTH, 60: awslogs.RetentionDays_TWO_MONTHS, 90: awslogs.RetentionDays_THREE_MONTHS,
		120: awslogs.RetentionDays_FOUR_MONTHS, 150: awslogs.RetentionDays_FIVE_MONTHS, 180: awslogs.RetentionDays_SIX_MONTHS, 365: awslogs.RetentionDays_ONE_YEAR,
		400: awslogs.RetentionDays_THIRTEEN_MONTHS, 545: awslogs.RetentionDays_EIGHTEEN_MONTHS, 731: awslogs.RetentionDays_TWO_YEARS,
		1096: awslogs.RetentionDays_THREE_YEARS, 1827: awslogs.RetentionDays_FIVE_YEARS, 2192: awslogs.RetentionDays_SIX_YEARS, 2557: awslogs.RetentionDays_SEVEN_YEARS,
		2922: awslogs.RetentionDays_EIGHT_YEARS, 3288: awslogs.RetentionDays_NINE_YEARS, 3653: awslogs.RetentionDays_TEN_YEARS,
	}[days]
}

// title capitalizes a name, as in the ids of resources.
func title(name string) string { return string(name[0]-'a'+'A') + name[1:] }
