package app

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"wechatfn/shared/config"
	"wechatfn/shared/message"
	"wechatfn/shared/metrics"
	"wechatfn/shared/store"
	"wechatfn/shared/web"
)

// VerifyNeeds is what the verify function cannot run without.
const VerifyNeeds = config.Pushes

// VerifySettle is short: the answer has to be out before Lambda ends the function.
const VerifyReadBack = 200 * time.Millisecond

// Keys finds the secrets of an account, see message.Config.
type Keys = func(ctx context.Context, account message.Account, fresh bool) (*message.Keyring, error)

// Verify builds the handler of the verify function.
func Verify(c *config.Config, s store.Store, keys Keys, sink message.Sink, logger *slog.Logger) (http.Handler, error) {
	mc := message.Config{Keys: keys, Sink: sink, Store: s, Proofs: c.DomainProofs, Window: c.PushWindow, Now: c.Now, Logger: logger}
	for _, app := range c.Apps {
		if app.TakesPushes() {
			mc.Accounts = append(mc.Accounts, message.Account{Name: app.Name, AppID: app.AppID})
		}
	}
	handler, err := message.New(mc)
	if err != nil {
		return nil, err
	}
	return web.Log(handler, logger, outcomes(c, http.MethodPost, metrics.Pushed, metrics.PushRefused)), nil
}
