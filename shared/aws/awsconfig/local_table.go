package awsconfig

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"wechatfn/shared/store"
	"wechatfn/shared/store/dynamo"
)

// LocalTable opens a table in the DynamoDB engine at url, and creates it if it is
// missing. The engine gets the credentials "local", never real ones. now may be nil:
// time.Now.
func LocalTable(ctx context.Context, url, table string, now func() time.Time) (store.Store, error) {
	client := dynamodb.New(dynamodb.Options{
		Region:       cmp.Or(Region(), "us-east-1"),
		Credentials:  aws.CredentialsProviderFunc(localCredentials),
		BaseEndpoint: &url,
	})
	if err := dynamo.CreateTable(ctx, client, table); err != nil {
		return nil, fmt.Errorf("DynamoDB engine at %s: %w", url, err)
	}
	return dynamo.New(dynamo.Config{Client: client, Table: table, Now: now})
}
