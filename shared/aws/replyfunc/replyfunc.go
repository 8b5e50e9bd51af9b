// Package replyfunc asks a Lambda function of the team's for replies to messages. It is a
// package of its own so that only the function that takes pushes links the client.
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
	"wechatfn/shared/message"
)

// idleTimeout is how long an idle connection is reused. A connection can break while the
// process is frozen; a call on it fails, and no call is made twice. So the time is
// shorter than the SDK's 90 s.
const idleTimeout = 5 * time.Second

// replier is a message.Sink that delivers each message to the next sink, and then asks
// the function for the reply.
type replier struct {
	next     message.Sink
	client   *lambda.Client
	function string
	logger   *slog.Logger
}

// New returns a Sink that delivers messages to next, and then asks the Lambda function of
// that name or ARN for a reply. The function gets the message as JSON and returns the
// reply as JSON, or null for no reply. If it fails, that is logged and there is no reply:
// the message has been delivered. If the name is empty, New returns next itself.
func New(function string, next message.Sink, logger *slog.Logger) message.Sink {
	if function == "" {
		return next
	}
	return &replier{next, newClient(httpClient()), function, cmp.Or(logger, slog.Default())}
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
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.IdleConnTimeout = idleTimeout })
}

// plainBodies hides the method WriteTo of the SDK's request bodies. smithy-go closes a
// body as soon as the answer begins. WriteTo then returns EOF as an error, and net/http
// may close the connection before the answer is read
// (https://github.com/aws/aws-sdk-go-v2/issues/2737). The SDK would make a second call
// then, which is not made here.
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

// ask invokes the function. ctx must end early enough to answer WeChat.
func (r *replier) ask(ctx context.Context, m *message.Message) ([]byte, error) {
	out, err := r.client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &r.function, InvocationType: types.InvocationTypeRequestResponse, Payload: m.JSON})
	if err != nil {
		return nil, awsconfig.RedactSDKError(err)
	}
	if out.FunctionError != nil { // the payload says more, and may quote the message
		return nil, fmt.Errorf("the function %s ended with an error: %s", r.function, *out.FunctionError)
	}
	return out.Payload, nil
}
