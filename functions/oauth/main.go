// Command oauth is the Lambda function that logs users in with WeChat, in web pages
// and mini-programs. It is an authorizer for an HTTP API too, and handles operators'
// events.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"wechatfn/shared/app"
	"wechatfn/shared/aws/awsconfig"
	"wechatfn/shared/aws/secrets/appsecrets"
	"wechatfn/shared/boot"
	"wechatfn/shared/config"
	"wechatfn/shared/lambdahttp"
)

func main() {
	c, logger := boot.Load(app.OAuthNeeds | config.Table)
	s, err := awsconfig.DynamoStore(c.Table, app.OAuthReadBack)
	boot.ExitOn(logger, err)
	client, err := app.NewWeChat(c)
	boot.ExitOn(logger, err)
	logins, err := app.OAuth(c, app.Deps{Store: s, WeChat: client, Secrets: appsecrets.Source(c.SecretsARN, c.Secret), Logger: logger})
	boot.ExitOn(logger, err)
	lambda.Start(lambdahttp.New(logins, lambdahttp.Options{Logger: logger, Authorize: logins.Authorize, Direct: logins.Operator.Handle}))
}
