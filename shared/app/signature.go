// Package app is the composition root: one constructor a function, each building
// only what that function needs.
package app

import (
	"log/slog"
	"net/http"

	"wechatfn/shared/account"
	"wechatfn/shared/config"
	"wechatfn/shared/credential"
	"wechatfn/shared/jssdk"
	"wechatfn/shared/metrics"
	"wechatfn/shared/store"
	"wechatfn/shared/web"
)

// SignatureNeeds is what the signature function cannot run without.
const SignatureNeeds = config.Origins

// Signature builds the handler of the signature function. onKick may be nil:
// then the table's stream tells the refresher.
func Signature(c *config.Config, s store.Store, onRefreshRequest func(appID string), logger *slog.Logger) (http.Handler, error) {
	reader, err := credential.NewReader(credential.ReaderConfig{Store: s, OnRefreshRequest: onRefreshRequest, Now: c.Now, Logger: logger})
	if err != nil {
		return nil, err
	}
	jc := jssdk.Config{Accounts: c.Accounts.Where(account.Is(account.OfficialAccount)), Origins: c.Origins, Tickets: reader, RetryAfter: credential.RetryAfter, Now: c.Now, Logger: logger}
	if c.SignatureCache == config.CacheTable {
		jc.Table = s
	}
	handler, err := jssdk.New(jc)
	if err != nil {
		return nil, err
	}
	return web.Log(handler, logger, outcomes(c, http.MethodGet, metrics.Signed, metrics.NotSigned)), nil
}
