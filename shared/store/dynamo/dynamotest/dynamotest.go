// Package dynamotest gives tests a real DynamoDB engine: a process on loopback, which
// `npm ci` installs, or one that is running already.
package dynamotest

import (
	"cmp"
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"wechatfn/shared/store/dynamo"
)

// EndpointVariable is the environment variable that has Start use a running engine,
// such as DynamoDB Local, instead of starting one.
const EndpointVariable = "WECHATFN_DYNAMODB_ENDPOINT"

const (
	region     = "us-east-1"
	accessKey  = "test"
	secretKey  = "test"
	setupLimit = 30 * time.Second
)

// Engine is a DynamoDB engine and one table in it, made by dynamo.CreateTable.
type Engine struct {
	Endpoint string // URL, without a trailing slash
	Table    string
	Client   *dynamodb.Client
}

// Start starts an engine that ends with t, or uses the one that EndpointVariable names,
// and makes a table in it. A start takes milliseconds. Tests that share an engine call
// Start in their parent and NewTable in each subtest. Without an engine the test fails:
// it is not skipped.
//
// In a test that uses testing/synctest, call it outside the bubble.
func Start(t testing.TB) Engine {
	t.Helper()
	engine := Engine{Endpoint: os.Getenv(EndpointVariable)}
	if engine.Endpoint == "" {
		engine.Endpoint = startProcess(t)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 128
	t.Cleanup(transport.CloseIdleConnections)
	engine.Client = engine.NewClient(transport)
	return engine.NewTable(t)
}

// NewTable returns the same engine with another new table, which is deleted after t.
func (e Engine) NewTable(t testing.TB) Engine {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), setupLimit)
	defer cancel()
	e.Table = "wechatfn-" + rand.Text()
	if err := dynamo.CreateTable(ctx, e.Client, e.Table); err != nil {
		t.Fatalf("%s: %v", e.Endpoint, err)
	}
	t.Cleanup(func() { e.deleteTable(t) })
	return e
}

func (e Engine) deleteTable(t testing.TB) {
	ctx, cancel := context.WithTimeout(context.Background(), setupLimit)
	defer cancel()
	if _, err := e.Client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &e.Table}); err != nil {
		t.Logf("delete table: %v", err)
	}
}

// NewClient returns another client of the engine, with the transport (nil means
// http.DefaultTransport) and options, such as a retryer. Its credentials are dummies.
func (e Engine) NewClient(transport http.RoundTripper, options ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: &e.Endpoint,
		Region:       region,
		HTTPClient:   &http.Client{Transport: plainBodies{cmp.Or(transport, http.DefaultTransport)}},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}, nil
		}),
	}, options...)
}

// Env are the environment variables with which the AWS SDK's default configuration
// reaches the engine, for another process.
func (e Engine) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL_DYNAMODB=" + e.Endpoint,
		"AWS_REGION=" + region,
		"AWS_ACCESS_KEY_ID=" + accessKey,
		"AWS_SECRET_ACCESS_KEY=" + secretKey,
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// plainBodies hides the WriteTo of the SDK's request bodies. smithy-go closes the body
// when it has the response. WriteTo then returns EOF as an error, and net/http closes
// the connection before the response is read to its end. This happens only with an
// engine that answers within microseconds, and the SDK would retry.
type plainBodies struct{ http.RoundTripper }

func (p plainBodies) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		request = request.WithContext(request.Context())
		request.Body = struct{ io.ReadCloser }{request.Body}
	}
	return p.RoundTripper.RoundTrip(request)
}
