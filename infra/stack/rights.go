package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"wechatfn/shared/manifest"
)

// rights are all that a function may do.
func (b *builder) rights(f manifest.Function, logs awslogs.LogGroup) []awsiam.PolicyStatement {
	rights := append(b.tableRights(f.Grants), allow("Logs", logs.LogGroupArn(), "logs:CreateLogStream", "logs:PutLogEvents"))
	if f.Secret != "" {
		rights = append(rights, allow("Secret", b.secrets[f.Secret].Ref(), "secretsmanager:GetSecretValue"))
	}
	if f.Bus != "" {
		rights = append(rights, allow("Bus", b.bus.EventBusArn(), "events:PutEvents"))
	}
	if f.Invokes != "" && b.ReplyFunction != "" {
		rights = append(rights, allow("Invoke", b.functionARN(b.ReplyFunction), "lambda:InvokeFunction"))
	}
	if len(f.Stream) > 0 {
		stream := b.table.TableStreamArn()
		rights = append(rights, allow("Stream", stream, "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
			allow("Streams", jsii.String(*b.table.TableArn()+"/stream/*"), "dynamodb:ListStreams"))
	}
	if f.Every > 0 || len(f.Stream) > 0 {
		rights = append(rights, allow("Failures", b.failures.QueueArn(), "sqs:SendMessage"))
	}
	if f.CallsWeChat {
		rights = append(rights, b.networkRights(f)...)
	}
	if b.Tracing { // X-Ray knows no resources
		rights = append(rights, allow("Traces", jsii.String("*"), "xray:PutTraceSegments", "xray:PutTelemetryRecords"))
	}
	return rights
}

// tableRights grants each set of actions on its kinds of items. ForAllValues alone
// holds for a request that names no key, hence Null.
func (b *builder) tableRights(grants []manifest.Grant) (rights []awsiam.PolicyStatement) {
	var order []manifest.Access
	kinds := map[manifest.Access][]string{}
	for _, g := range grants {
		if kinds[g.Access] == nil {
			order = append(order, g.Access)
		}
		kinds[g.Access] = append(kinds[g.Access], g.Kind+"#*")
	}
	for _, access := range order {
		statement := allow("Items"+strings.Join(access.Actions(), ""), b.table.TableArn(), prefixed("dynamodb:", access.Actions())...)
		statement.AddCondition(jsii.String("ForAllValues:StringLike"), map[string]any{"dynamodb:LeadingKeys": kinds[access]})
		statement.AddCondition(jsii.String("Null"), map[string]any{"dynamodb:LeadingKeys": "false"})
		rights = append(rights, statement)
	}
	return rights
}

// networkRights let Lambda make the function's network interfaces. It asks for them on
// any network, and with the function's own role; so they are denied to the function's
// code. A function has them whatever the egress, if it may ever be in a network: of a
// stage that leaves one, CloudFormation changes the role first, and without these
// rights Lambda could not take its interfaces away, nor CloudFormation the network.
//
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
// https://github.com/aws/aws-cdk/issues/34400
func (b *builder) networkRights(f manifest.Function) []awsiam.PolicyStatement {
	actions := []string{
		"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
		"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
	}
	denied := allow("NetworkNotByCode", jsii.String("*"), actions...)
	denied.SetEffect(awsiam.Effect_DENY)
	denied.AddCondition(jsii.String("ArnEquals"), map[string]any{"lambda:SourceFunctionArn": b.functionARN(b.name(f.Name))})
	return []awsiam.PolicyStatement{allow("Network", jsii.String("*"), actions...), denied}
}

// functionARN is that of a function that is named by its name or its ARN.
func (b *builder) functionARN(name string) *string {
	if strings.HasPrefix(name, "arn:") {
		return &name
	}
	return b.arn("lambda", "function", name, awscdk.ArnFormat_COLON_RESOURCE_NAME)
}

func allow(id string, resource *string, actions ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: &id, Actions: jsii.Strings(actions...), Resources: &[]*string{resource},
	})
}

func document(statements []awsiam.PolicyStatement) awsiam.PolicyDocument {
	return awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &statements})
}

func prefixed(prefix string, names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = prefix + name
	}
	return out
}
