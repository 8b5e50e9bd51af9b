// Command refresher is the Lambda function that keeps access tokens and tickets valid.
// The schedule, the table's stream and operators invoke it.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"wechatfn/shared/app"
	"wechatfn/shared/aws/awsconfig"
	"wechatfn/shared/aws/secrets/appsecrets"
	"wechatfn/shared/boot"
	"wechatfn/shared/config"
)

func main() {
	c, logger := boot.Load(app.RefresherNeeds | config.Table)
	s, err := awsconfig.DynamoStore(c.Table, 0)
	boot.ExitOn(logger, err)
	client, err := app.NewWeChat(c)
	boot.ExitOn(logger, err)
	logger = boot.WithRequestID(logger, requestID)
	refresher, err := app.Refresher(c, app.Deps{Store: s, WeChat: client, Secrets: appsecrets.Source(c.SecretsARN, c.Secret), Logger: logger})
	boot.ExitOn(logger, err)
	lambda.Start(refresher)
}

func requestID(ctx context.Context) string {
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		return invocation.AwsRequestID
	}
	return ""
}
