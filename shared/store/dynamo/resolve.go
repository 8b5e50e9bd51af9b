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

// defaultReadBackTimeout limits the read-back after a write whose outcome is unknown.
const defaultReadBackTimeout = time.Second

// outcome is what is known after a write that returned an error.
type outcome struct {
	current store.Item // expired or not; zero if nothing is stored
	known   bool       // the engine has returned current
	refused bool       // the condition did not hold
}

// resolve finds out what is stored after a failed write. A refusal contains it. Where
// one of the attempts may have been applied, resolve reads it back. After an error that
// is sure to have changed nothing (validation, throttling, no connection) it makes no
// call.
func (s *Store) resolve(ctx context.Context, key string, sent attempts, err error) outcome {
	var refusal *types.ConditionalCheckFailedException
	if errors.As(err, &refusal) {
		return outcome{current: unmarshal(refusal.Item), known: true, refused: true}
	}
	if !sent.maybeApplied {
		return outcome{}
	}
	// The end of the caller's context may be the reason for the error.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.readBackTimeout)
	defer cancel()
	current, err := s.read(ctx, key)
	return outcome{current: current, known: err == nil}
}

// attempts watches the attempts that the SDK makes at one write. The error that the SDK
// returns is that of the last one alone: after a lost answer and a throttled retry, for
// example, the write may still have been applied.
type attempts struct {
	maybeApplied bool
}

// watch is an option of one call. It is the last step before the network, so what fails
// before that (credentials, endpoint, serialization) does not count.
func (a *attempts) watch(options *dynamodb.Options) {
	observe := middleware.DeserializeMiddlewareFunc("ObserveWhetherApplied",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleDeserialize(ctx, in)
			a.maybeApplied = a.maybeApplied || !wasNotApplied(out.RawResponse, err)
			return out, metadata, err
		})
	options.APIOptions = append(options.APIOptions, func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(observe, middleware.After)
	})
}

// wasNotApplied reports whether an attempt is sure to have written nothing. DynamoDB
// answers 4xx if it does not apply a request (conditions, validation, throttling,
// permissions), and without a connection nothing is sent.
func wasNotApplied(raw any, err error) bool {
	if response, ok := raw.(*smithyhttp.Response); ok && response != nil && response.Response != nil {
		status := response.StatusCode
		if status >= http.StatusBadRequest && status < http.StatusInternalServerError {
			return true
		}
	}
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial"
}
