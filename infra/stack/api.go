package stack

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"wechatfn/shared/manifest"
)

// gateway makes the HTTP API, still without routes. It has no CORS of its own: the
// functions answer preflights, see docs/decisions.md.
//
// CDK's L1 classes are used throughout, because those above them make a permission
// for each route, and cannot throttle a single route.
func (b *builder) gateway() {
	b.api = awsapigatewayv2.NewCfnApi(b.stack, jsii.String("Api"), &awsapigatewayv2.CfnApiProps{
		Name:                      jsii.String(b.name("")),
		ProtocolType:              jsii.String("HTTP"),
		DisableExecuteApiEndpoint: b.Domain != nil && !b.KeepAPIURL,
	})
	b.accessLog = awslogs.NewLogGroup(b.stack, jsii.String("AccessLog"), &awslogs.LogGroupProps{
		// For other names the gateway adds to a policy of the account, whose length is limited.
		LogGroupName:  jsii.String("/aws/vendedlogs/" + b.name("api")),
		Retention:     retention(b.LogRetentionDays),
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
}

// publicURL is where browsers and WeChat find the API.
func (b *builder) publicURL() *string {
	if b.Domain != nil {
		return jsii.String("https://" + b.Domain.Name)
	}
	return b.api.AttrApiEndpoint()
}

// routes makes each route of the manifest.
func (b *builder) routes() {
	throttles := map[string]any{}
	var routes []awsapigatewayv2.CfnRoute
	for _, f := range b.included() {
		if len(f.Routes) == 0 {
			continue
		}
		target := b.integration(f)
		for _, r := range f.Gateway() {
			routes = append(routes, awsapigatewayv2.NewCfnRoute(b.stack, jsii.String("Route"+r.ID), &awsapigatewayv2.CfnRouteProps{
				ApiId: b.api.Ref(), RouteKey: jsii.String(r.Key), Target: target, AuthorizationType: jsii.String("NONE"),
			}))
			t := b.throttle(f, r)
			throttles[r.Key] = map[string]any{"ThrottlingRateLimit": t.Rate, "ThrottlingBurstLimit": t.Burst}
		}
	}
	stage := b.defaultStage(throttles)
	for _, route := range routes { // the throttle of a route that does not exist yet fails
		stage.AddResourceDependency(route, nil)
	}
	if b.Domain != nil {
		b.domain(stage)
	}
}

// integration routes to the function, and lets the gateway invoke it.
func (b *builder) integration(f manifest.Function) *string {
	function := b.functions[f.Name]
	integration := awsapigatewayv2.NewCfnIntegration(b.stack, jsii.String(title(f.Name)+"Integration"), &awsapigatewayv2.CfnIntegrationProps{
		ApiId: b.api.Ref(), IntegrationType: jsii.String("AWS_PROXY"), IntegrationUri: function.FunctionArn(), PayloadFormatVersion: jsii.String("2.0"),
	})
	b.permit(title(f.Name)+"Permission", function, b.arn("execute-api", *b.api.Ref(), "*/*", awscdk.ArnFormat_SLASH_RESOURCE_NAME))
	if f.Authorizer {
		for _, id := range b.AuthorizerAPIs {
			b.permit(title(f.Name)+"Authorizes"+id, function, b.arn("execute-api", id, "authorizers/*", awscdk.ArnFormat_SLASH_RESOURCE_NAME))
		}
	}
	return jsii.String("integrations/" + *integration.Ref())
}

func (b *builder) permit(id string, function awslambda.Function, source *string) {
	awslambda.NewCfnPermission(b.stack, &id, &awslambda.CfnPermissionProps{
		Action: jsii.String("lambda:InvokeFunction"), Principal: jsii.String("apigateway.amazonaws.com"), FunctionName: function.FunctionArn(), SourceArn: source,
	})
}

// throttle is the manifest's, unless the stage sets one for the function: that is for
// each of its routes.
func (b *builder) throttle(f manifest.Function, r manifest.GatewayRoute) manifest.Throttle {
	if own, ok := b.Throttles[f.Name]; ok {
		return manifest.Throttle(own)
	}
	return r.Throttle
}

// defaultStage serves the API at the root of its address, where WeChat looks for
// proofs of domains.
func (b *builder) defaultStage(throttles map[string]any) awsapigatewayv2.CfnStage {
	low := manifest.LowThrottle()
	return awsapigatewayv2.NewCfnStage(b.stack, jsii.String("Stage"), &awsapigatewayv2.CfnStageProps{
		ApiId:      b.api.Ref(),
		StageName:  jsii.String("$default"),
		AutoDeploy: true,
		DefaultRouteSettings: &awsapigatewayv2.CfnStage_RouteSettingsProperty{
			ThrottlingRateLimit: jsii.Number(low.Rate), ThrottlingBurstLimit: jsii.Number(low.Burst), DetailedMetricsEnabled: false,
		},
		RouteSettings:     throttles,
		AccessLogSettings: &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{DestinationArn: b.accessLog.LogGroupArn(), Format: jsii.String(accessLogFormat())},
	})
}

// accessLogFormat is a line of JSON. The query is left out: it holds codes, states
// and WeChat's signatures.
func accessLogFormat() string {
	line, _ := json.Marshal(map[string]string{ // of texts
		"time": "$context.requestTime", "requestId": "$context.requestId", "ip": "$context.identity.sourceIp", "userAgent": "$context.identity.userAgent",
		"method": "$context.httpMethod", "path": "$context.path", "route": "$context.routeKey", "status": "$context.status", "bytes": "$context.responseLength",
		"ms": "$context.responseLatency", "functionMs": "$context.integrationLatency", "error": "$context.integrationErrorMessage", "gatewayError": "$context.error.message",
	})
	return string(line)
}

// domain serves the API under a domain name of the team, whose DNS record must point
// to the output DomainTarget.
func (b *builder) domain(stage awsapigatewayv2.CfnStage) {
	name := awsapigatewayv2.NewCfnDomainName(b.stack, jsii.String("DomainName"), &awsapigatewayv2.CfnDomainNameProps{
		DomainName: jsii.String(b.Domain.Name),
		DomainNameConfigurations: &[]*awsapigatewayv2.CfnDomainName_DomainNameConfigurationProperty{{
			CertificateArn: jsii.String(b.Domain.CertificateARN), EndpointType: jsii.String("REGIONAL"), SecurityPolicy: jsii.String("TLS_1_2"),
		}},
	})
	awsapigatewayv2.NewCfnApiMapping(b.stack, jsii.String("DomainMapping"), &awsapigatewayv2.CfnApiMappingProps{
		ApiId: b.api.Ref(), DomainName: name.Ref(), Stage: stage.Ref(),
	})
	b.output("DomainTarget", name.AttrRegionalDomainName(), "CNAME of "+b.Domain.Name+" in your DNS")
}
