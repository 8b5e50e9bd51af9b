// Command getitem is a baseline: it reads one item with the SDK as AWS's tutorials set it
// up. The event is the key of the item.
package main

import (
	"context"
	"errors"
	"log"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	client := dynamodb.NewFromConfig(cfg)
	lambda.Start(func(ctx context.Context, key string) (string, error) {
		out, err := client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName:      aws.String(os.Getenv("TABLE_NAME")),
			Key:            map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: key}},
			ConsistentRead: aws.Bool(true),
		})
		if err != nil {
			return "", err
		}
		value, ok := out.Item["value"].(*types.AttributeValueMemberS)
		if !ok {
			return "", errors.New("no such item")
		}
		return value.Value, nil
	})
}
