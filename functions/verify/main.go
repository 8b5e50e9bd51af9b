// Command verify is the Lambda function at the server URL: WeChat checks the URL and
// pushes messages to it.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"wechatfn/shared/app"
	"wechatfn/shared/aws/awsconfig"
	"wechatfn/shared/aws/eventbus"
	"wechatfn/shared/aws/replyfunc"
	"wechatfn/shared/aws/secrets/pushsecrets"
	"wechatfn/shared/boot"
	"wechatfn/shared/config"
	"wechatfn/shared/lambdahttp"
)

func main() {
	c, logger := boot.Load(app.VerifyNeeds | config.Table | config.Bus)
	s, err := awsconfig.DynamoStore(c.Table, app.VerifyReadBack)
	boot.ExitOn(logger, err)
	keys, err := pushsecrets.Source(c.PushSecretsARN, c.Accounts, c.PushSecretsOf, logger)
	boot.ExitOn(logger, err)
	sink := replyfunc.New(c.ReplyFunction, eventbus.New(c.EventBus), logger)
	handler, err := app.Verify(c, app.Deps{Store: s, PushKeys: keys, Sink: sink, Logger: logger})
	boot.ExitOn(logger, err)
	lambda.Start(lambdahttp.New(handler, lambdahttp.Options{Logger: logger}))
}
