package e2e_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"wechatfn/shared/app"
	"wechatfn/shared/config"
	"wechatfn/shared/lambdahttp"
	"wechatfn/shared/store"
)

// ticketStore is a store that has one ticket and nothing else.
type ticketStore struct{ store.Store }

func (ticketStore) Get(_ context.Context, key string) (store.Item, error) {
	if key != "ticket#"+appID+"#jsapi" {
		return store.Item{}, store.ErrNotFound
	}
	end := time.Now().Add(2 * time.Hour)
	value, err := json.Marshal(map[string]any{"ticket": "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy-90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg", "expires_at": end.Unix(), "epoch": 1})
	return store.Item{Key: key, Value: value, Version: "1", ExpiresAt: end}, err
}

// warmSignature returns a function that makes one invocation of the signature function,
// from the bytes of the event to those of the answer. The ticket is in its cache.
func warmSignature(tb testing.TB) func() {
	tb.Helper()
	c, err := config.Load(func(name string) string {
		return map[string]string{"WECHAT_APP_ID": appID, "ALLOWED_ORIGINS": origin, "AWS_LAMBDA_FUNCTION_NAME": "signature"}[name]
	}, app.SignatureNeeds)
	if err != nil {
		tb.Fatal(err)
	}
	logger := slog.New(slog.NewJSONHandler(io.Discard, nil))
	handler, err := app.Signature(c, app.Deps{Store: ticketStore{}, Logger: logger})
	if err != nil {
		tb.Fatal(err)
	}
	return invocation(tb, handler, logger, recorded(tb, "signature"))
}

// invocation returns a function that makes one invocation, whose answer must be 200.
func invocation(tb testing.TB, handler http.Handler, logger *slog.Logger, event []byte) func() {
	tb.Helper()
	function := lambdahttp.New(handler, lambdahttp.Options{Logger: logger})
	ctx, cancel := context.WithTimeout(tb.Context(), time.Hour)
	tb.Cleanup(cancel)
	invoke := func() {
		if answer, err := function.Invoke(ctx, event); err != nil || string(answer[:18]) != `{"statusCode":200,` {
			tb.Errorf("answer %s, %v", answer, err)
		}
	}
	invoke()
	return invoke
}

// decodeEvent is the baseline: what aws-lambda-go does before a handler of its own type gets
// the event.
func decodeEvent(tb testing.TB, event []byte) func() {
	return func() {
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(event, &e); err != nil {
			tb.Error(err)
		}
	}
}

func BenchmarkWarmSignature(b *testing.B) { bench(b, warmSignature(b)) }

func BenchmarkDecodeEvent(b *testing.B) { bench(b, decodeEvent(b, recorded(b, "signature"))) }

func bench(b *testing.B, once func()) {
	b.ReportAllocs()
	for b.Loop() {
		once()
	}
}
