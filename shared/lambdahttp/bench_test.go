package lambdahttp_test

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"wechatfn/shared/lambdahttp"
	"wechatfn/shared/web"
)

// signer does the work of the signature function, store and all that apart.
func signer(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r, "url", "force", "app")
	if err != nil {
		return err
	}
	page := query.Get("url")
	sum := sha1.Sum([]byte("jsapi_ticket=sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy&noncestr=Wm3WZYTPz0wzccnW&timestamp=1414587457&url=" + page))
	return web.JSON(w, http.StatusOK, struct {
		AppID     string `json:"appId"`
		Timestamp int64  `json:"timestamp"`
		NonceStr  string `json:"nonceStr"`
		Signature string `json:"signature"`
		URL       string `json:"url"`
	}{"wx0123456789abcdef", 1414587457, "Wm3WZYTPz0wzccnW", hex.EncodeToString(sum[:]), page})
}

// whole is a function as it is deployed: log, CORS, routes, handler.
func whole(tb testing.TB) *lambdahttp.Handler {
	logger := slog.New(slog.NewJSONHandler(io.Discard, nil))
	var mux web.Mux
	mux.Handle("GET /signature", web.Handle(signer, logger))
	cors, err := web.CORS(web.CORSConfig{Origins: []string{"https://m.example.com"}}, &mux)
	if err != nil {
		tb.Fatal(err)
	}
	return lambdahttp.New(web.Log(cors, logger, nil), lambdahttp.Options{Logger: logger})
}

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"hello":"world"}`))
}

// invocation is what the runtime gives a handler: a context with a deadline.
func invocation(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	tb.Cleanup(cancel)
	return ctx
}

func BenchmarkInvoke(b *testing.B) {
	for _, c := range []struct {
		name    string
		handler *lambdahttp.Handler
	}{
		{"adapter", lambdahttp.New(http.HandlerFunc(hello), lambdahttp.Options{})},
		{"function", whole(b)},
	} {
		b.Run(c.name, func(b *testing.B) {
			payload, ctx := load(b, "signature"), invocation(b)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.handler.Invoke(ctx, payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDecodeReference is the baseline of BenchmarkInvoke: what decoding
// the same event costs with encoding/json and aws-lambda-go's own struct, before
// anything is done with it.
func BenchmarkDecodeReference(b *testing.B) {
	payload := load(b, "signature")
	b.ReportAllocs()
	for b.Loop() {
		var event events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(payload, &event); err != nil {
			b.Fatal(err)
		}
	}
}
