package app

import (
	"context"
	"errors"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"wechatfn/shared/config"
	"wechatfn/shared/store"
	"wechatfn/shared/store/dynamo"
)

// Lambda hands a function its identity in these variables and nowhere else, so
// the SDK's chain of providers (profiles, SSO, STS, instance metadata) is left
// out: it is a third of the binary and part of each cold start.
func environmentCredentials(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	if !c.HasKeys() {
		return c, errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")
	}
	return c, nil
}

// endpoint is the SDK's own variable for a service elsewhere: a local engine.
func endpoint(service string) *string {
	if url := os.Getenv("AWS_ENDPOINT_URL_" + service); url != "" {
		return &url
	}
	return nil
}

// DynamoStore opens the table named by the configuration.
func DynamoStore(c *config.Config) (store.Store, error) {
	return dynamo.New(dynamo.Config{Table: c.Table, Client: dynamodb.New(dynamodb.Options{
		Region:       os.Getenv("AWS_REGION"),
		Credentials:  aws.CredentialsProviderFunc(environmentCredentials),
		BaseEndpoint: endpoint("DYNAMODB"),
	})})
}
