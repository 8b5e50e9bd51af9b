package app

import (
	"errors"

	"wechatfn/shared/account"
	"wechatfn/shared/config"
	"wechatfn/shared/refresher"
)

// RefresherNeeds is the part of the configuration that Refresher requires.
const RefresherNeeds = config.Secrets

// Refresher makes the refresher function, for the accounts that have an access token.
// Of Deps it uses Store, WeChat, Secrets, Now and Logger.
func Refresher(c *config.Config, d Deps) (*refresher.Refresher, error) {
	if d.WeChat == nil { // checked here: a nil *wechat.Client in an interface is not nil
		return nil, errors.New("app: Refresher needs WeChat")
	}
	return refresher.New(refresher.Config{
		Accounts: c.Accounts.Where(account.Account.HasToken), Store: d.Store, WeChat: d.WeChat, Secrets: d.Secrets,
		FunctionName: c.FunctionName, Now: d.Now, Logger: d.logger(),
	})
}
