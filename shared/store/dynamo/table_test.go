package dynamo_test

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"wechatfn/shared/store"
	"wechatfn/shared/store/dynamo"
	"wechatfn/shared/store/dynamo/dynamotest"
)

// The TTL setting of the table, the filter of its stream and the readers of that use
// these names.
func TestItemsHaveTheDocumentedAttributes(t *testing.T) {
	engine := dynamotest.Start(t)
	s := newStore(t, dynamo.Config{Client: engine.Client, Table: engine.Table})
	expiry := time.Now().Add(time.Hour).Truncate(time.Second)

	permanent, err := s.Create(t.Context(), store.Item{Key: "user#1", Value: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	wantAttributes(t, engine, permanent, map[string]types.AttributeValue{})

	permanent.ExpiresAt = expiry.Add(-time.Millisecond)
	expiring, err := s.Replace(t.Context(), permanent)
	if err != nil {
		t.Fatal(err)
	}
	wantAttributes(t, engine, expiring, map[string]types.AttributeValue{
		"expires_at": &types.AttributeValueMemberN{Value: strconv.FormatInt(expiry.Unix(), 10)},
	})
}

func wantAttributes(t *testing.T, engine dynamotest.Engine, item store.Item, want map[string]types.AttributeValue) {
	t.Helper()
	key := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: item.Key}}
	got, err := engine.Client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &engine.Table, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	want["pk"] = key["pk"]
	want["value"] = &types.AttributeValueMemberS{Value: string(item.Value)}
	want["version"] = &types.AttributeValueMemberS{Value: item.Version}
	if !reflect.DeepEqual(got.Item, want) {
		t.Errorf("attributes %v, want %v", got.Item, want)
	}
}

func TestCreateTableTwiceHasTTLAndStream(t *testing.T) {
	engine := dynamotest.Start(t)
	for range 2 {
		if err := dynamo.CreateTable(t.Context(), engine.Client, engine.Table); err != nil {
			t.Fatal(err)
		}
	}
	ttl, err := engine.Client.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &engine.Table})
	if err != nil {
		t.Fatal(err)
	}
	if got := ttl.TimeToLiveDescription; got.AttributeName == nil || *got.AttributeName != "expires_at" {
		t.Errorf("TTL %+v, want it on expires_at", got)
	}
	table, err := engine.Client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &engine.Table})
	if err != nil {
		t.Fatal(err)
	}
	if stream := table.Table.StreamSpecification; stream == nil || stream.StreamViewType != types.StreamViewTypeKeysOnly {
		t.Errorf("stream %+v, want one of keys", stream)
	}
}

// The request is checked: the test engines have no stale reads.
func TestReadsAreConsistent(t *testing.T) {
	engine := dynamotest.Start(t)
	seen := &lastBody{engine: http.DefaultTransport}
	s := newStore(t, dynamo.Config{Client: engine.NewClient(seen), Table: engine.Table})
	if _, err := s.Get(t.Context(), "ticket#wx1234#jsapi"); !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	if want := `"ConsistentRead":true`; !strings.Contains(seen.body, want) {
		t.Errorf("request %s, want %s in it", seen.body, want)
	}
}

// lastBody records the body of the last request.
type lastBody struct {
	engine http.RoundTripper
	body   string
}

func (l *lastBody) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	l.body = string(body)
	request = request.WithContext(request.Context())
	request.Body = io.NopCloser(strings.NewReader(l.body))
	return l.engine.RoundTrip(request)
}
