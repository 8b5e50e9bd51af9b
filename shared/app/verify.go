package app

import (
	"net/http"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/config"
	"wechatfn/shared/message"
	"wechatfn/shared/metrics"
	"wechatfn/shared/web"
)

// VerifyNeeds is the part of the configuration that Verify requires.
const VerifyNeeds = config.Pushes

// VerifyReadBack is how long reading back a write of unknown outcome may take. It is
// short, because the answer must leave before Lambda ends the function.
const VerifyReadBack = 200 * time.Millisecond

// Verify makes the verify function. Of Deps it uses Store, PushKeys, Sink, Now and
// Logger.
func Verify(c *config.Config, d Deps) (http.Handler, error) {
	handler, err := message.New(message.Config{
		Accounts: c.Accounts.Where(account.Account.TakesPushes), Keys: d.PushKeys, Sink: d.Sink, Store: d.Store,
		Proofs: c.DomainProofs, Window: c.PushWindow, Now: d.Now, Logger: d.logger(),
	})
	if err != nil {
		return nil, err
	}
	return web.Log(handler, d.logger(), countByStatus(c, d, http.MethodPost, metrics.Pushed, metrics.PushRefused)), nil
}
