// Command signature is the Lambda function that signs pages for the JS-SDK.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"wechatfn/shared/app"
	"wechatfn/shared/aws/awsconfig"
	"wechatfn/shared/boot"
	"wechatfn/shared/config"
	"wechatfn/shared/lambdahttp"
)

func main() {
	c, logger := boot.Load(app.SignatureNeeds | config.Table)
	s, err := awsconfig.DynamoStore(c.Table, 0)
	boot.ExitOn(logger, err)
	handler, err := app.Signature(c, app.Deps{Store: s, Logger: logger})
	boot.ExitOn(logger, err)
	lambda.Start(lambdahttp.New(handler, lambdahttp.Options{Logger: logger}))
}
