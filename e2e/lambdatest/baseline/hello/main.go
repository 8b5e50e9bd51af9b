// Command hello is a baseline: the least that a Lambda function in Go can be.
package main

import "github.com/aws/aws-lambda-go/lambda"

func main() {
	lambda.Start(func() (string, error) { return "hello", nil })
}
