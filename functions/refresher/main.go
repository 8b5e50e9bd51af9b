// Command refresher is the Lambda function that keeps access tokens and tickets
// alive. The schedule, the table's stream and operators invoke it.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"wechatfn/shared/app"
	"wechatfn/shared/aws/awsconfig"
	"wechatfn/shared/aws/secrets/appsecrets"
	"wechatfn/shared/config"
)

func main() {
	c, err := config.Load(os.Getenv, app.RefresherNeeds|config.Table)
	logger := app.WithRequestID(app.Logger(os.Stdout, c.LogLevel), requestID)
	app.ExitOn(logger, err)
	s, err := awsconfig.DynamoStore(c, 0)
	app.ExitOn(logger, err)
	client, err := app.WeChat(c)
	app.ExitOn(logger, err)
	refresher, err := app.NewRefresher(c, s, client, appsecrets.Source(c), logger)
	app.ExitOn(logger, err)
	lambda.Start(refresher)
}

func requestID(ctx context.Context) string {
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		return invocation.AwsRequestID
	}
	return ""
}
