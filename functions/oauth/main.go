// Command oauth is the Lambda function that logs users in with WeChat, in web pages
// and mini-programs. It is an authorizer for an HTTP API too, and takes operators' events.
package main

import (
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"wechatfn/shared/app"
	"wechatfn/shared/aws/awsconfig"
	"wechatfn/shared/aws/secrets/appsecrets"
	"wechatfn/shared/config"
	"wechatfn/shared/lambdahttp"
)

func main() {
	c, err := config.Load(os.Getenv, app.OAuthNeeds|config.Table)
	logger := app.Logger(os.Stdout, c.LogLevel)
	app.ExitOn(logger, err)
	s, err := awsconfig.DynamoStore(c, app.OAuthReadBack)
	app.ExitOn(logger, err)
	client, err := app.WeChat(c)
	app.ExitOn(logger, err)
	logins, err := app.OAuth(c, s, client, appsecrets.Source(c), false, nil, logger)
	app.ExitOn(logger, err)
	lambda.Start(lambdahttp.New(logins, lambdahttp.Options{Logger: logger, Authorize: logins.Authorize, Direct: logins.Direct}))
}
