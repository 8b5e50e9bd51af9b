package e2e_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"wechatfn/shared/app"
	"wechatfn/shared/aws/secrets/pushsecrets"
	"wechatfn/shared/config"
	"wechatfn/shared/message"
	"wechatfn/shared/store"
)

// acceptingStore accepts each write and stores nothing, so the same push is new each time.
type acceptingStore struct{ store.Store }

func (acceptingStore) Create(_ context.Context, item store.Item) (store.Item, error) {
	item.Version = "1"
	return item, nil
}

func (acceptingStore) Replace(_ context.Context, item store.Item) (store.Item, error) {
	return item, nil
}

// discardSink is a sink that discards messages.
type discardSink struct{}

func (discardSink) Deliver(context.Context, *message.Message) ([]byte, error) { return nil, nil }

// warmPush returns a function that makes one invocation of the verify function with an
// encrypted text message, without calls of AWS.
func warmPush(tb testing.TB) func() {
	tb.Helper()
	c, err := config.Load(func(name string) string {
		return map[string]string{"WECHAT_APP_ID": appID, "WECHAT_TOKEN": pushToken, "WECHAT_ENCODING_AES_KEY": pushKey, "WECHAT_PUSH_WINDOW": "24h", "AWS_LAMBDA_FUNCTION_NAME": "verify"}[name]
	}, app.VerifyNeeds)
	if err != nil {
		tb.Fatal(err)
	}
	logger := slog.New(slog.NewJSONHandler(io.Discard, nil))
	keys, err := pushsecrets.Source(c.PushSecretsARN, c.Accounts, c.PushSecretsOf, logger)
	if err != nil {
		tb.Fatal(err)
	}
	handler, err := app.Verify(c, app.Deps{Store: acceptingStore{}, PushKeys: keys, Sink: discardSink{}, Logger: logger})
	if err != nil {
		tb.Fatal(err)
	}
	return invocation(tb, handler, logger, signedNow(tb, "verify"))
}

// minimalPush is the other baseline: the least work for a push, with the standard library
// and without the event. It checks the signature, decrypts, and reads both XML documents.
func minimalPush(tb testing.TB) func() {
	tb.Helper()
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(signedNow(tb, "verify"), &e); err != nil {
		tb.Fatal(err)
	}
	query, err := url.ParseQuery(e.RawQueryString)
	if err != nil {
		tb.Fatal(err)
	}
	key, err := base64.StdEncoding.DecodeString(pushKey + "=")
	if err != nil {
		tb.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		tb.Fatal(err)
	}
	return func() {
		var outer struct{ ToUserName, Encrypt string }
		if err := xml.Unmarshal([]byte(e.Body), &outer); err != nil {
			tb.Error(err)
		}
		parts := []string{pushToken, query.Get("timestamp"), query.Get("nonce"), outer.Encrypt}
		slices.Sort(parts)
		sum := sha1.Sum([]byte(strings.Join(parts, "")))
		if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(query.Get("msg_signature"))) != 1 {
			tb.Error("signature")
		}
		text, err := base64.StdEncoding.DecodeString(outer.Encrypt)
		if err != nil {
			tb.Error(err)
		}
		cipher.NewCBCDecrypter(block, key[:aes.BlockSize]).CryptBlocks(text, text)
		var inner struct{ ToUserName, FromUserName, CreateTime, MsgType, Content, MsgId string }
		text = text[20 : len(text)-int(text[len(text)-1])-len(appID)]
		if err := xml.Unmarshal(text, &inner); err != nil || inner.FromUserName != openID {
			tb.Errorf("%s: %v", text, err)
		}
	}
}

func BenchmarkWarmPush(b *testing.B) { bench(b, warmPush(b)) }

func BenchmarkMinimalPush(b *testing.B) { bench(b, minimalPush(b)) }

func BenchmarkDecodePushEvent(b *testing.B) { bench(b, decodeEvent(b, signedNow(b, "verify"))) }
