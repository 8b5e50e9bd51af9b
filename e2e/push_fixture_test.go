package e2e_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"wechatfn/dev/wechatsim/push"
	"wechatfn/e2e/lambdatest"
)

const (
	// These are in the recorded events, and in events/README.md.
	pushToken = "t0kenOfTheRecordedEvents"
	pushKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	openID    = "oFS7Fjl0WsZ9AMZqrI80nbIq8xrA"
	accountID = "gh_2d5c1f0b7a39"

	newToken = "t0kenAfterTheRotation"
	newKey   = "GFEDCBA9876543210zyxwvutsrqponmlkjihgfedcba"

	messageText = "what somebody wrote to the account" // in each text message
)

// pushFixture is what is around the function that takes pushes.
type pushFixture struct {
	bus     *eventBus
	replies *replyFunction
	pushes  *managedSecret
	private *canaries // what is private to users: it is no secret, and may not be logged
	serial  atomic.Uint64
}

// pushSecret is what a team stores for one account. The last two may be empty.
type pushSecret struct {
	Token          string `json:"token"`
	AESKey         string `json:"encodingAESKey,omitempty"`
	PreviousToken  string `json:"previousToken,omitempty"`
	PreviousAESKey string `json:"previousEncodingAESKey,omitempty"`
}

func (fx *fixture) addPushes() {
	fx.Helper()
	fx.bus, fx.replies, fx.private = serveBus(fx), serveReplies(fx), new(canaries)
	fx.pushes = fx.manager.add("WECHAT_PUSH_SECRETS_ARN", pushSecretARN, map[string]pushSecret{"default": {Token: pushToken, AESKey: pushKey}})
	fx.settings["WECHAT_PUSH_SECRETS_ARN"] = pushSecretARN
	fx.settings["EVENT_BUS_NAME"] = busName
	fx.canaries.plant(pushToken, pushKey, newToken, newKey)
	fx.private.plant(openID, messageText)
}

// plainMode removes the AES key.
func (fx *fixture) plainMode() { fx.pushes.put(map[string]pushSecret{"default": {Token: pushToken}}) }

// sample returns a new message of that type.
func (fx *fixture) sample(typ string) push.Message {
	fx.Helper()
	n := fx.serial.Add(1)
	made := time.Now().Add(-time.Duration(n) * time.Second) // which makes one event different from another
	m, ok := push.SampleMessage(typ, openID, accountID, made, 25004731936822907+n)
	if !ok {
		fx.Fatalf("no sample of type %s", typ)
	}
	if typ == "text" {
		m = m.With("Content", messageText)
	}
	return m
}

// pusher returns the sender of pushes: WeChat, in safe mode if change sets no other.
func (f *function) pusher(change ...func(*push.Config)) *push.Sender {
	f.fx.Helper()
	c := push.Config{
		URL:            "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/verify",
		Token:          pushToken,
		EncodingAESKey: pushKey,
		AppID:          appID,
		Mode:           push.Secure,
		HTTPClient:     &http.Client{Transport: f},
	}
	for _, change := range change {
		change(&c)
	}
	p, err := push.New(c)
	if err != nil {
		f.fx.Fatal(err)
	}
	return p
}

func plain(c *push.Config)  { c.Mode = push.Plain }
func inJSON(c *push.Config) { c.JSON = true }

// signedWith sets the secrets that WeChat uses.
func signedWith(token, key string) func(*push.Config) {
	return func(c *push.Config) { c.Token, c.EncodingAESKey = token, key }
}

// event returns the event that the gateway makes of the delivery of a message.
func (fx *fixture) event(p *push.Sender, m push.Message) []byte {
	fx.Helper()
	r, err := p.Request(fx.Context(), m)
	if err != nil {
		fx.Fatal(err)
	}
	event, err := lambdatest.APIGatewayEvent(r)
	if err != nil {
		fx.Fatal(err)
	}
	return event
}

// deliver sends a message once.
func (f *function) deliver(p *push.Sender, m push.Message) push.Delivery {
	f.fx.Helper()
	return f.again(p.Series(m))
}

// again sends the message of a series once more.
func (f *function) again(s *push.Series) push.Delivery {
	f.fx.Helper()
	d, err := s.Deliver(f.fx.Context())
	if err != nil {
		f.fx.Fatal(err)
	}
	return d
}

// wantAccepted checks that WeChat accepts the answer, and that it has no reply.
func wantAccepted(tb testing.TB, d push.Delivery) {
	tb.Helper()
	if d.Verdict != push.Accepted || d.Body != "success" || d.ContentType != "text/plain; charset=utf-8" {
		tb.Errorf("%v because of %s: answer %d %s", d.Verdict, d.Reason, d.Status, d.Body)
	}
}

// wantRefused checks that the answer is a problem. WeChat then sends a push again.
func wantRefused(tb testing.TB, d push.Delivery, status int, code string) {
	tb.Helper()
	var problem struct{ Code string }
	if err := json.Unmarshal([]byte(d.Body), &problem); err != nil || d.Status != status || problem.Code != code {
		tb.Errorf("answer %d %s (%v), want %d %s", d.Status, d.Body, d.Err, status, code)
	}
}

// wantCallsOfAPush checks the calls for a push that is accepted at once.
func (f *function) wantCallsOfAPush() {
	f.fx.Helper()
	f.wantCalls(calls{"PutItem push": 2})
	f.fx.bus.want(1, 1)
	f.fx.replies.want(0)
}

// wantNoCalls checks that requests caused no calls of other services.
func (f *function) wantNoCalls() {
	f.fx.Helper()
	f.wantCalls(calls{})
	f.fx.bus.want(0, 0)
	f.fx.replies.want(0)
}

// deliverAndCrash sends a message, and ends the process when the channel gets a value.
func (f *function) deliverAndCrash(p *push.Sender, m push.Message, when <-chan struct{}) {
	f.fx.Helper()
	ctx, crash := context.WithCancel(f.fx.Context())
	defer crash()
	ended := make(chan error, 1)
	go func() {
		_, err := p.Deliver(ctx, m)
		ended <- err
	}()
	select {
	case <-when:
		crash()
	case err := <-ended:
		f.fx.Fatalf("the delivery ended before the crash: %v", err)
	}
	if err := <-ended; err == nil {
		f.fx.Error("the delivery was answered, though its process crashed")
	}
}

// signedNow returns a recorded event of the function verify with the time and signature of
// now.
func signedNow(tb testing.TB, name string) []byte {
	tb.Helper()
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(recorded(tb, name), &e); err != nil {
		tb.Fatal(err)
	}
	body := e.Body
	if e.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			tb.Fatal(err)
		}
		body = string(decoded)
	}
	query, err := url.ParseQuery(e.RawQueryString)
	if err != nil {
		tb.Fatal(err)
	}
	signed := []string{pushToken, strconv.FormatInt(time.Now().Unix(), 10), query.Get("nonce")}
	query.Set("timestamp", signed[1])
	query.Set("signature", signature(signed...))
	if _, encrypted, ok := strings.Cut(body, "<Encrypt><![CDATA["); ok {
		encrypted, _, _ = strings.Cut(encrypted, "]]>")
		query.Set("msg_signature", signature(append(signed, encrypted)...))
	}
	e.RawQueryString = query.Encode()
	event, err := json.Marshal(e)
	if err != nil {
		tb.Fatal(err)
	}
	return event
}

// signature computes WeChat's signature without the code under test.
func signature(parts ...string) string {
	slices.Sort(parts)
	return sha1Hex(strings.Join(parts, ""))
}

// tableText returns all texts in the table.
func (fx *fixture) tableText() string {
	fx.Helper()
	out, err := fx.engine.Client.Scan(fx.Context(), &dynamodb.ScanInput{TableName: &fx.engine.Table, ConsistentRead: aws.Bool(true)})
	if err != nil {
		fx.Fatal(err)
	}
	var text strings.Builder
	for _, item := range out.Items {
		for name, value := range item {
			if value, ok := value.(*types.AttributeValueMemberS); ok {
				fmt.Fprintln(&text, name, value.Value)
			}
		}
	}
	return text.String()
}
