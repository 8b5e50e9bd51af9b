package dynamo

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"wechatfn/shared/store"
)

// defaultSettle bounds the read-back after a write of unknown outcome.
const defaultSettle = time.Second

// outcome is what is known after a write that returned an error.
type outcome struct {
	stands  store.Item // live or not; zero when nothing stands
	known   bool       // the engine has said what stands
	refused bool       // the condition did not hold
}

// settle finds out what a failed write left behind. A refusal tells; so does
// reading back where one of the attempts may have landed. An error that is sure
// to have changed nothing (a validation, a throttle, no connection) costs no call.
func (s *Store) settle(ctx context.Context, key string, sent attempts, err error) outcome {
	var refusal *types.ConditionalCheckFailedException
	if errors.As(err, &refusal) {
		return outcome{stands: unmarshal(refusal.Item), known: true, refused: true}
	}
	if !sent.mayHaveLanded {
		return outcome{}
	}
	// The end of the caller's context may be why the answer was lost.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.settleTime)
	defer cancel()
	stands, err := s.read(ctx, key)
	return outcome{stands: stands, known: err == nil}
}

// attempts watches the SDK's tries at one write, of which the returned error
// describes only the last: a lost answer followed by a throttled retry, say, may
// still have written.
type attempts struct {
	mayHaveLanded bool
}

// watch is an option of one call. It sits next to the wire, so what fails
// before sending (credentials, endpoint, serialization) does not count.
func (a *attempts) watch(options *dynamodb.Options) {
	note := middleware.DeserializeMiddlewareFunc("NoteWhetherLanded",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleDeserialize(ctx, in)
			a.mayHaveLanded = a.mayHaveLanded || !hadNoEffect(out.RawResponse, err)
			return out, metadata, err
		})
	options.APIOptions = append(options.APIOptions, func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(note, middleware.After)
	})
}

// hadNoEffect reports whether a try is sure to have written nothing: DynamoDB
// answers 4xx to what it does not carry out (conditions, validation, throttling,
// permissions), and a connection that was never made carried nothing.
func hadNoEffect(raw any, err error) bool {
	if response, ok := raw.(*smithyhttp.Response); ok && response != nil && response.Response != nil {
		status := response.StatusCode
		if status >= http.StatusBadRequest && status < http.StatusInternalServerError {
			return true
		}
	}
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial"
}
