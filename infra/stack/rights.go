package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"wechatfn/shared/config"
	"wechatfn/shared/manifest"
)

// rights are all that a function may do: what the manifest says, and what this stack
// adds for itself.
func (b *builder) rights(f manifest.Function, logs awslogs.LogGroup) []awsiam.PolicyStatement {
	var rights []awsiam.PolicyStatement
	for _, s := range f.Statements() {
		if arn := b.arnOf(f, s.Resource); arn != nil {
			rights = append(rights, statement(s, arn))
		}
	}
	rights = append(rights, allow("Logs", logs.LogGroupArn(), "logs:CreateLogStream", "logs:PutLogEvents"))
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

// statement renders a statement of the manifest. ForAllValues is true for a request
// that names no key, hence Null.
func statement(s manifest.Statement, arn *string) awsiam.PolicyStatement {
	made := allow(s.ID, arn, s.Actions...)
	if len(s.Keys) > 0 {
		made.AddCondition(jsii.String("ForAllValues:StringLike"), map[string]any{"dynamodb:LeadingKeys": s.Keys})
		made.AddCondition(jsii.String("Null"), map[string]any{"dynamodb:LeadingKeys": "false"})
	}
	return made
}

// arnOf is the ARN of what a function's variable names, nil where the stage leaves
// the variable unset.
func (b *builder) arnOf(f manifest.Function, variable string) *string {
	switch variable {
	case config.EnvTableName:
		return b.table.TableArn()
	case f.Secret:
		return b.secrets[f.Secret].Ref()
	case f.Bus:
		return b.bus.EventBusArn()
	case f.Invokes:
		if b.ReplyFunction != "" {
			return b.functionARN(b.ReplyFunction)
		}
	}
	return nil
}

// networkRights let Lambda make the function's network interfaces. Lambda uses the
// function's own role for that, on any network; so the function's code is denied them.
// Each function that calls WeChat has these rights, whatever the egress: when a stage
// leaves its network, CloudFormation changes the role first. Without these rights
// Lambda could not delete its interfaces, nor CloudFormation the network.
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
