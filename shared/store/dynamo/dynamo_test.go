package dynamo_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"wechatfn/shared/store"
	"wechatfn/shared/store/dynamo"
	"wechatfn/shared/store/dynamo/dynamotest"
	"wechatfn/shared/store/storetest"
)

// A client without retries sees every fault. A client with retries is refused by its
// own first write.
func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name    string
		retryer func(*dynamodb.Options)
	}{{"no retries", noRetries}, {"retries", quickRetries}} {
		t.Run(c.name, func(t *testing.T) {
			engine := dynamotest.Start(t)
			storetest.Run(t, func(t testing.TB) storetest.Harness {
				engine := engine.NewTable(t)
				return storetest.Harness{Open: func(t testing.TB, env storetest.Env) store.Store {
					client := engine.NewClient(newTransport(t, env.Wire), c.retryer)
					return newStore(t, dynamo.Config{Client: client, Table: engine.Table, Now: env.Now})
				}}
			})
		})
	}
}

func noRetries(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// quickRetries is the SDK's own retryer without its pauses.
func quickRetries(o *dynamodb.Options) {
	o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Microsecond })
}

func newStore(t testing.TB, cfg dynamo.Config) *dynamo.Store {
	t.Helper()
	s, err := dynamo.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wiredTransport sends requests through a wire that may break.
type wiredTransport struct {
	http.RoundTripper
	wire *storetest.Wire
}

func newTransport(t testing.TB, wire *storetest.Wire) http.RoundTripper {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.MaxIdleConnsPerHost = 128
	t.Cleanup(base.CloseIdleConnections)
	return wiredTransport{base, wire}
}

func (w wiredTransport) RoundTrip(request *http.Request) (response *http.Response, err error) {
	err = w.wire.Do(isWrite(request), func() error {
		response, err = w.RoundTripper.RoundTrip(request)
		return err
	})
	if err != nil && response != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response, err
}

func isWrite(request *http.Request) bool {
	return !strings.HasSuffix(request.Header.Get("X-Amz-Target"), ".GetItem")
}
