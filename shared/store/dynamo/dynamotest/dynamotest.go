// Package dynamotest gives tests a real DynamoDB engine: a process of its own on
// loopback, which `npm ci` installs, or one that is already running.
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

// EndpointVariable names the environment variable that makes Start use a running
// engine (DynamoDB Local, say) instead of starting one.
const EndpointVariable = "WECHATFN_DYNAMODB_ENDPOINT"

const (
	region     = "us-east-1"
	accessKey  = "test"
	secretKey  = "test"
	setupLimit = 30 * time.Second
)

// Engine is a DynamoDB engine and one table in it, fresh from dynamo.CreateTable.
type Engine struct {
	Endpoint string // URL, without a trailing slash
	Table    string
	Client   *dynamodb.Client
}

// Start starts an engine that ends with t, or takes the one that EndpointVariable
// names, and makes a table in it. A start takes milliseconds; tests that want
// to share an engine call Start in their parent and NewTable in each part.
// Without an engine the test fails: nothing is skipped.
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

// NewTable returns the same engine with another fresh table, deleted after t.
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

// NewClient returns another client of the engine, over transport (nil means
// http.DefaultTransport) and with options, such as a retryer. The credentials
// are dummies.
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

// Env is what another process needs in its environment for the AWS SDK's default
// configuration to reach the engine.
func (e Engine) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL_DYNAMODB=" + e.Endpoint,
		"AWS_REGION=" + region,
		"AWS_ACCESS_KEY_ID=" + accessKey,
		"AWS_SECRET_ACCESS_KEY=" + secretKey,
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// plainBodies hides the WriteTo of the SDK's request bodies. smithy-go closes the
// body as soon as it has the response, and its WriteTo then reports EOF as an
// error, for which net/http closes the connection, response half read. Only an
// engine that answers within microseconds loses that race; the SDK would retry.
type plainBodies struct{ http.RoundTripper }

func (p plainBodies) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		request = request.WithContext(request.Context())
		request.Body = struct{ io.ReadCloser }{request.Body}
	}
	return p.RoundTripper.RoundTrip(request)
}
