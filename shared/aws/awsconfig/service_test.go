package awsconfig

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

func TestRedactSDKError(t *testing.T) {
	for _, c := range []struct {
		name       string
		status     int
		body, want string
	}{
		{"a validation error", 400, `{"__type":"com.amazon.coral.validate#ValidationException","message":"Value 'canary' is not"}`, "ValidationException (HTTP status 400, request r-1)"},
		{"another error", 400, `{"__type":"ResourceNotFoundException","message":"canary"}`, "ResourceNotFoundException (HTTP status 400, request r-1)"},
		{"no JSON", 403, "canary", "the answer could not be read (HTTP status 403, request r-1)"},
		{"wrong JSON", 200, `{"TableNames":"canary"}`, "the answer could not be read (HTTP status 200, request r-1)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := RedactSDKError(call(t, t.Context(), func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Amzn-RequestId", "r-1")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestRedactSDKErrorReturnsOtherErrorsUnchanged(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if err := RedactSDKError(call(t, ctx, http.NotFound)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no time left: %v", err)
	}
	err := RedactSDKError(call(t, t.Context(), func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	if err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("no answer: %v", err)
	}
	if RedactSDKError(nil) != nil {
		t.Error("an error was made of none")
	}
}

func TestRetryerTriesThreeTimesWithShortPauses(t *testing.T) {
	if tries := Retryer().MaxAttempts(); tries != 3 {
		t.Errorf("%d tries", tries)
	}
	for attempt := range 40 {
		if delay, err := Retryer().RetryDelay(attempt, errors.New("x")); err != nil || delay > maxBackoff {
			t.Errorf("attempt %d: %v, %v", attempt, delay, err)
		}
	}
}

// call makes an SDK client call a service.
func call(t *testing.T, ctx context.Context, service http.HandlerFunc) error {
	t.Helper()
	server := httptest.NewServer(service)
	defer server.Close()
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
	_, err := client.ListTables(ctx, nil)
	return err
}
