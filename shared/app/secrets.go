package app

import (
	"context"
	"fmt"

	"wechatfn/shared/config"
	"wechatfn/shared/credential"
)

// EnvironmentSecrets finds AppSecrets where config.Load did: in the environment.
func EnvironmentSecrets(c *config.Config) credential.Secrets {
	return func(_ context.Context, account credential.Account, _ bool) (config.Secret, error) {
		app, _ := c.App(account.Name)
		return RequireSecret(app.Secret, account)
	}
}

// Present makes an absent AppSecret an error that names the account.
func RequireSecret(secret config.Secret, account credential.Account) (config.Secret, error) {
	if secret.IsZero() {
		return secret, fmt.Errorf("no AppSecret is stored for account %q (%s)", account.Name, account.AppID)
	}
	return secret, nil
}
