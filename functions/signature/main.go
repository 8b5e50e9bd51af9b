// Command signature is the Lambda function that signs pages for the JS-SDK.
package main

import (
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"wechatfn/shared/app"
	"wechatfn/shared/aws/awsconfig"
	"wechatfn/shared/config"
	"wechatfn/shared/lambdahttp"
)

func main() {
	c, err := config.Load(os.Getenv, app.SignatureNeeds|config.Table)
	logger := app.Logger(os.Stdout, c.LogLevel)
	app.ExitOn(logger, err)
	s, err := awsconfig.DynamoStore(c, 0)
	app.ExitOn(logger, err)
	handler, err := app.Signature(c, s, nil, logger)
	app.ExitOn(logger, err)
	lambda.Start(lambdahttp.New(handler, lambdahttp.Options{Logger: logger}))
}
