// Package awsconfig says how functions reach AWS: identity, region, endpoints and
// retries, and the table. It links no client but that of DynamoDB.
package awsconfig

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"wechatfn/shared/config"
	"wechatfn/shared/store"
	"wechatfn/shared/store/dynamo"
)

// Credentials reads the AWS identity from the environment. Lambda hands it to a
// function there and nowhere else, so the SDK's chain of providers (profiles,
// SSO, STS, instance metadata) is left out: it would be part of each binary and
// each cold start.
//
// A service at a plain http address is a stand-in on a desk, and is never shown a
// real identity: sam local hands the developer's own to a function.
func Credentials(service string) aws.CredentialsProvider {
	if endpoint := Endpoint(service); endpoint != nil && strings.HasPrefix(*endpoint, "http://") {
		return aws.CredentialsProviderFunc(localCredentials)
	}
	return aws.CredentialsProviderFunc(environmentCredentials)
}

func localCredentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local", Source: "desk"}, nil
}

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

// Region is the AWS region that Lambda sets.
func Region() string { return os.Getenv("AWS_REGION") }

// Endpoint reads the SDK's own variable for a service elsewhere, such as a local
// engine: AWS_ENDPOINT_URL_DYNAMODB. Nil means AWS's.
func Endpoint(service string) *string {
	if url := os.Getenv("AWS_ENDPOINT_URL_" + service); url != "" {
		return &url
	}
	return nil
}

// maxBackoff between tries fits functions that answer within seconds; the SDK's
// own is 20 s.
const maxBackoff = 200 * time.Millisecond

// DynamoStore opens the table named by the configuration. settle is how long past
// its time a write of unknown outcome may be read back; 0 for the store's own.
func DynamoStore(c *config.Config, settle time.Duration) (store.Store, error) {
	return dynamo.New(dynamo.Config{Table: c.Table, ReadBackTimeout: settle, Client: dynamodb.New(dynamodb.Options{
		Region:       Region(),
		Credentials:  Credentials("DYNAMODB"),
		BaseEndpoint: Endpoint("DYNAMODB"),
		Retryer:      Retryer(),
	})})
}
