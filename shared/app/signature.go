package app

import (
	"net/http"

	"wechatfn/shared/account"
	"wechatfn/shared/config"
	"wechatfn/shared/credential"
	"wechatfn/shared/jssdk"
	"wechatfn/shared/metrics"
	"wechatfn/shared/web"
)

// SignatureNeeds is the part of the configuration that Signature requires.
const SignatureNeeds = config.Origins

// Signature makes the signature function. Of Deps it uses Store, OnRefreshRequest, Now
// and Logger.
func Signature(c *config.Config, d Deps) (http.Handler, error) {
	reader, err := credential.NewReader(credential.ReaderConfig{Store: d.Store, OnRefreshRequest: d.OnRefreshRequest, Now: d.Now, Logger: d.logger()})
	if err != nil {
		return nil, err
	}
	jc := jssdk.Config{
		Accounts: c.Accounts.Where(account.Is(account.OfficialAccount)), Origins: c.Origins,
		Tickets: reader, RetryAfter: credential.RetryAfter, Now: d.Now, Logger: d.logger(),
	}
	if c.SignatureCache == config.CacheTable {
		jc.Table = d.Store
	}
	handler, err := jssdk.New(jc)
	if err != nil {
		return nil, err
	}
	return web.Log(handler, d.logger(), countByStatus(c, d, http.MethodGet, metrics.Signed, metrics.NotSigned)), nil
}
