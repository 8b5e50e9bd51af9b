// Command refresher is the Lambda function that keeps access tokens and tickets
// alive. The schedule, the table's stream and operators invoke it.
package main

import (
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"wechatfn/shared/app"
	"wechatfn/shared/app/secrets"
	"wechatfn/shared/config"
)

func main() {
	c, err := config.Load(os.Getenv, app.RefresherNeeds|config.Table)
	logger := app.Logger(os.Stdout, c.LogLevel)
	app.ExitOn(logger, err)
	s, err := app.DynamoStore(c, 0)
	app.ExitOn(logger, err)
	client, err := app.WeChat(c)
	app.ExitOn(logger, err)
	refresher, err := app.NewRefresher(c, s, client, secrets.Find(c), logger)
	app.ExitOn(logger, err)
	lambda.Start(refresher)
}
