package stack

import (
	"net/url"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"wechatfn/shared/config"
)

// outputs are the values that the team needs after a deployment.
func (b *builder) outputs() {
	api := *b.publicURL()
	b.output("ApiUrl", jsii.String(api+"/"), "The API")
	if b.signs() {
		b.output("SignatureUrl", jsii.String(api+"/signature"), "For pages: append ?url=")
	}
	b.output("VerifyUrl", jsii.String(api+"/verify"), "Server URL, for WeChat's console")
	b.output("OAuthCallbackUrl", jsii.String(api+"/oauth/callback"), "Enter its host in WeChat's console")
	b.output("EgressIps", b.egressIPs(), "For WeChat's IP whitelist")
	if b.network != nil {
		b.output("EgressAllocationId", b.network.address, "For eipAllocationId, to use the address again")
	}
	b.output("AppSecretsArn", b.secrets[config.EnvSecretsARN].Ref(), `Put {"ACCOUNT": "APPSECRET"} into it`)
	b.output("PushSecretsArn", b.secrets[config.EnvPushSecretsARN].Ref(), `Put {"ACCOUNT": {"token": "...", "encodingAESKey": "..."}} into it`)
	b.output("TableName", b.table.TableName(), "The table")
	b.output("EventBusName", b.bus.EventBusName(), "Where messages go")
	b.output("FailuresQueueUrl", b.failures.QueueUrl(), "Invocations that failed for good")
	b.output("RefresherFunctionName", b.functions["refresher"].FunctionName(), "To invoke by hand")
	b.output("OAuthFunctionArn", b.functions["oauth"].FunctionArn(), "The authorizer for routes of your own")
	b.output("DashboardUrl", b.dashboardURL(), "The dashboard")
}

func (b *builder) output(id string, value *string, description string) {
	awscdk.NewCfnOutput(b.stack, &id, &awscdk.CfnOutputProps{Value: value, Description: &description})
}

// egressIPs is the address that WeChat sees, if the stack knows it.
func (b *builder) egressIPs() *string {
	switch {
	case b.network != nil && b.network.ip != nil:
		return b.network.ip
	case b.network != nil:
		return jsii.String("that of " + b.EIPAllocationID)
	case b.ProxyURL != "":
		u, _ := url.Parse(b.ProxyURL) // checked before
		return jsii.String("that of the proxy " + u.Host)
	case b.ProxySecretARN != "":
		return jsii.String("that of the proxy in proxySecretArn")
	}
	return jsii.String("any of AWS's: choose egress nat or proxy if WeChat enforces the whitelist")
}

// dashboardURL is in the console, which has another host in China.
func (b *builder) dashboardURL() *string {
	console := "console.aws.amazon.com"
	if b.china() {
		console = "console.amazonaws.cn"
	}
	return jsii.String("https://" + *b.stack.Region() + "." + console + "/cloudwatch/home?region=" + *b.stack.Region() + "#dashboards:name=" + b.name(""))
}
