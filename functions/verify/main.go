// Command verify is the Lambda function behind the server URL: WeChat checks it
// and pushes messages to it.
package main

import (
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"wechatfn/shared/app"
	"wechatfn/shared/aws/awsconfig"
	"wechatfn/shared/aws/eventbus"
	"wechatfn/shared/aws/replyfunc"
	"wechatfn/shared/aws/secrets/pushsecrets"
	"wechatfn/shared/config"
	"wechatfn/shared/lambdahttp"
)

func main() {
	c, err := config.Load(os.Getenv, app.VerifyNeeds|config.Table|config.Bus)
	logger := app.Logger(os.Stdout, c.LogLevel)
	app.ExitOn(logger, err)
	s, err := awsconfig.DynamoStore(c, app.VerifyReadBack)
	app.ExitOn(logger, err)
	sink := replyfunc.New(c, eventbus.New(c), logger)
	keys, err := pushsecrets.Source(c, logger)
	app.ExitOn(logger, err)
	handler, err := app.Verify(c, s, keys, sink, logger)
	app.ExitOn(logger, err)
	lambda.Start(lambdahttp.New(handler, lambdahttp.Options{Logger: logger}))
}
