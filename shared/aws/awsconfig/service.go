package awsconfig

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// maxBackoff is the longest pause between two tries of a call. It is for functions that
// answer within seconds; the SDK's default is 20 s.
const maxBackoff = 200 * time.Millisecond

// Retryer tries a call three times at most, with short pauses.
func Retryer() aws.Retryer {
	return retry.AddWithMaxBackoffDelay(retry.NewStandard(), maxBackoff)
}

// RedactSDKError removes a service's own text from an error of the SDK: a validation
// error quotes the request, which may hold what must not be logged. The code, the status
// and the ID of the request remain. If there was no answer (no connection, no time left),
// it returns the error unchanged.
func RedactSDKError(err error) error {
	response := (*awshttp.ResponseError)(nil)
	if !errors.As(err, &response) || response.HTTPStatusCode() == 0 {
		return err
	}
	code := "the answer could not be read"
	if apiError := smithy.APIError(nil); errors.As(err, &apiError) {
		code = apiError.ErrorCode()
	}
	return fmt.Errorf("%s (HTTP status %d, request %s)", code, response.HTTPStatusCode(), response.ServiceRequestID())
}
