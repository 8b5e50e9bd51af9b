// Package awsconfig says how functions reach AWS: credentials, region, endpoints and
// retries, and the table. Of the SDK's clients it links that of DynamoDB only.
package awsconfig

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"wechatfn/shared/store"
	"wechatfn/shared/store/dynamo"
)

// Credentials reads the AWS credentials from the environment. Lambda passes them to a
// function there and nowhere else, so the SDK's chain of providers (profiles, SSO, STS,
// instance metadata) is left out: it would be part of each binary and each cold start.
//
// A service at a plain http address is a local one, which imitates AWS. It gets the
// credentials "local", because sam local passes the developer's own to a function.
func Credentials(service string) aws.CredentialsProvider {
	if endpoint := Endpoint(service); endpoint != nil && strings.HasPrefix(*endpoint, "http://") {
		return aws.CredentialsProviderFunc(localCredentials)
	}
	return aws.CredentialsProviderFunc(environmentCredentials)
}

func localCredentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local", Source: "local"}, nil
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

// Endpoint reads the SDK's own variable for the address of a service, such as that of a
// local engine: AWS_ENDPOINT_URL_DYNAMODB. Nil means AWS's address.
func Endpoint(service string) *string {
	if url := os.Getenv("AWS_ENDPOINT_URL_" + service); url != "" {
		return &url
	}
	return nil
}

// DynamoStore opens a table. readBackTimeout is how long, after its context has ended, a
// write whose outcome is unknown may be read back; 0 means the default of package dynamo.
func DynamoStore(table string, readBackTimeout time.Duration) (store.Store, error) {
	return dynamo.New(dynamo.Config{Table: table, ReadBackTimeout: readBackTimeout, Client: dynamodb.New(dynamodb.Options{
		Region:       Region(),
		Credentials:  Credentials("DYNAMODB"),
		BaseEndpoint: Endpoint("DYNAMODB"),
		Retryer:      Retryer(),
	})})
}
