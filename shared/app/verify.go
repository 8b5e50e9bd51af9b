package app

import (
	"log/slog"
	"net/http"
	"time"

	"wechatfn/shared/account"
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

// Verify builds the handler of the verify function.
func Verify(c *config.Config, s store.Store, keys message.KeySource, sink message.Sink, logger *slog.Logger) (http.Handler, error) {
	mc := message.Config{Accounts: c.Accounts.Where(account.Account.TakesPushes), Keys: keys, Sink: sink, Store: s, Proofs: c.DomainProofs, Window: c.PushWindow, Now: c.Now, Logger: logger}
	handler, err := message.New(mc)
	if err != nil {
		return nil, err
	}
	return web.Log(handler, logger, outcomes(c, http.MethodPost, metrics.Pushed, metrics.PushRefused)), nil
}
