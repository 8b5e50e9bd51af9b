package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"wechatfn/shared/store"
	"wechatfn/shared/store/dynamo"
	"wechatfn/shared/store/sqlite"
)

// table is the name of the table that a desk uses in a DynamoDB engine.
const table = "wechatfn-dev"

func isEndpoint(path string) bool {
	return strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://")
}

// openStore opens a SQLite file, or the table in a DynamoDB engine.
func openStore(ctx context.Context, path string) (store.Store, func(), error) {
	if isEndpoint(path) {
		s, err := openDynamo(ctx, path)
		return s, func() {}, err
	}
	s, err := sqlite.Open(sqlite.Config{Path: path})
	if err != nil {
		return nil, nil, err
	}
	return s, func() { _ = s.Close() }, nil
}

func openDynamo(ctx context.Context, endpoint string) (store.Store, error) {
	options := []func(*awsconfig.LoadOptions) error{}
	if os.Getenv("AWS_REGION") == "" {
		options = append(options, awsconfig.WithRegion("us-east-1"))
	}
	if os.Getenv("AWS_ACCESS_KEY_ID") == "" { // a local engine takes any
		options = append(options, awsconfig.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")))
	}
	c, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, err
	}
	client := dynamodb.NewFromConfig(c, func(o *dynamodb.Options) { o.BaseEndpoint = aws.String(endpoint) })
	if err := dynamo.CreateTable(ctx, client, table); err != nil {
		return nil, fmt.Errorf("DynamoDB engine at %s: %w", endpoint, err)
	}
	return dynamo.New(dynamo.Config{Client: client, Table: table})
}
