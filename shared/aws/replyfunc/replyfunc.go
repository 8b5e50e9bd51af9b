// Package replyfunc asks a Lambda function of the user's for replies to messages.
// It stands apart from package app so that only the function that takes pushes
// holds its client.
package replyfunc

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"wechatfn/shared/aws/awsconfig"
	"wechatfn/shared/config"
	"wechatfn/shared/message"
)

// idle: a call on a connection that died while the process was frozen would fail,
// and no call is made twice. The SDK keeps connections for 90 s.
const idle = 5 * time.Second

// replier is a message.Sink that hands each message to the next one, and then
// asks the function for the reply.
type replier struct {
	next     message.Sink
	client   *lambda.Client
	function string
	logger   *slog.Logger
}

// New returns a Sink that hands messages to next and then asks the Lambda function
// that the configuration names for a reply: it gets the message as JSON and
// returns the reply as JSON, or null for none. Whatever goes wrong with that is
// logged and means no reply, because the message is handed over. Where no function
// is named New returns next itself.
func New(c *config.Config, next message.Sink, logger *slog.Logger) message.Sink {
	if c.ReplyFunction == "" {
		return next
	}
	return &replier{next, newClient(httpClient()), c.ReplyFunction, cmp.Or(logger, slog.Default())}
}

func newClient(h lambda.HTTPClient) *lambda.Client {
	return lambda.New(lambda.Options{
		Region:       awsconfig.Region(),
		Credentials:  awsconfig.Credentials("LAMBDA"),
		BaseEndpoint: awsconfig.Endpoint("LAMBDA"),
		HTTPClient:   plainBodies{h},
		Retryer:      aws.NopRetryer{}, // the function may have run though the call failed
	})
}

func httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.IdleConnTimeout = idle })
}

// plainBodies hides the WriteTo of the SDK's request bodies. smithy-go closes a
// body once the answer has begun, and its WriteTo then reports EOF as an error,
// for which net/http may close the connection with the answer half read
// (https://github.com/aws/aws-sdk-go-v2/issues/2737). The SDK heals that with a
// second call, which is not made here.
type plainBodies struct{ lambda.HTTPClient }

// Do implements lambda.HTTPClient.
func (p plainBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body} // r is the SDK's copy for this one call
	}
	return p.HTTPClient.Do(r)
}

// Deliver implements message.Sink. Its errors are the next sink's.
func (r *replier) Deliver(ctx context.Context, m *message.Message) ([]byte, error) {
	if _, err := r.next.Deliver(ctx, m); err != nil {
		return nil, err
	}
	reply, err := r.ask(ctx, m)
	if err != nil {
		r.logger.ErrorContext(ctx, "reply failed", "account", m.App, "type", m.Type(), "error", err)
		return nil, nil
	}
	return reply, nil
}

// ask invokes the function. ctx ends while there is time to answer WeChat.
func (r *replier) ask(ctx context.Context, m *message.Message) ([]byte, error) {
	out, err := r.client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &r.function, InvocationType: types.InvocationTypeRequestResponse, Payload: m.JSON})
	if err != nil {
		return nil, awsconfig.RedactSDKError(err)
	}
	if out.FunctionError != nil { // its payload tells more, and may quote the message
		return nil, fmt.Errorf("the function %s ended with an error: %s", r.function, *out.FunctionError)
	}
	return out.Payload, nil
}
