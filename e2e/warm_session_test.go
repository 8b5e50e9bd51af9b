package e2e_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"wechatfn/shared/app"
	"wechatfn/shared/config"
	"wechatfn/shared/session"
	"wechatfn/shared/store"
)

// memoryStore is a store in memory, for one caller.
type memoryStore struct {
	store.Store
	items map[string]store.Item
}

func (r memoryStore) Get(_ context.Context, key string) (store.Item, error) {
	item, ok := r.items[key]
	if !ok {
		return store.Item{}, store.ErrNotFound
	}
	return item, nil
}

func (r memoryStore) Create(_ context.Context, item store.Item) (store.Item, error) {
	item.Version = "1"
	r.items[item.Key] = item
	return item, nil
}

// warmSession returns a function that makes one check of a session by its cookie, without
// calls of AWS.
func warmSession(tb testing.TB) func() {
	tb.Helper()
	c, err := config.Load(func(name string) string {
		return map[string]string{"WECHAT_APP_ID": appID, "WECHAT_APP_SECRET": appSecret, "ALLOWED_ORIGINS": origin}[name]
	}, app.OAuthNeeds)
	if err != nil {
		tb.Fatal(err)
	}
	table := memoryStore{items: map[string]store.Item{}}
	sessions, err := session.New(session.Config{Store: table, TTL: c.SessionTTL, IdleTimeout: c.SessionIdleTimeout, MaxDevices: c.SessionDevices})
	if err != nil {
		tb.Fatal(err)
	}
	token, _, _, err := sessions.Issue(tb.Context(), session.Login{App: "default", AppID: appID, OpenID: openID})
	if err != nil {
		tb.Fatal(err)
	}
	logger := slog.New(slog.NewJSONHandler(io.Discard, nil))
	client, err := app.NewWeChat(c)
	if err != nil {
		tb.Fatal(err)
	}
	handler, err := app.OAuth(c, app.Deps{Store: table, WeChat: client, Secrets: c.Secret, Logger: logger})
	if err != nil {
		tb.Fatal(err)
	}
	return invocation(tb, handler, logger, bytes.ReplaceAll(recorded(tb, "oauth-session"), []byte(strings.Repeat("Q", session.TokenLength)), []byte(token)))
}

func BenchmarkWarmSession(b *testing.B) { bench(b, warmSession(b)) }

func BenchmarkDecodeSessionEvent(b *testing.B) {
	bench(b, decodeEvent(b, recorded(b, "oauth-session")))
}
