package awsconfig

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// Retryer makes three tries of a call, soon after one another.
func Retryer() aws.Retryer {
	return retry.AddWithMaxBackoffDelay(retry.NewStandard(), maxBackoff)
}

// Wordless takes a service's words out of an SDK's error: a validation error
// quotes the request, which may hold what must not be logged. The code, the
// status and the request's ID stay. Errors that come from no answer (no
// connection, no time left) stay as they are.
func RedactSDKError(err error) error {
	answered := (*awshttp.ResponseError)(nil)
	if !errors.As(err, &answered) || answered.HTTPStatusCode() == 0 {
		return err
	}
	code := "the answer could not be read"
	if refusal := smithy.APIError(nil); errors.As(err, &refusal) {
		code = refusal.ErrorCode()
	}
	return fmt.Errorf("%s (HTTP status %d, request %s)", code, answered.HTTPStatusCode(), answered.ServiceRequestID())
}
