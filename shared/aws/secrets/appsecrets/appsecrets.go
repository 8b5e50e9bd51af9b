// Package appsecrets finds AppSecrets in Secrets Manager. It stands apart from
// package app so that only the functions that need it hold its client.
package appsecrets

import (
	"context"
	"fmt"

	"wechatfn/shared/app"
	"wechatfn/shared/aws/secrets"
	"wechatfn/shared/config"
	"wechatfn/shared/credential"
)

// Find returns where AppSecrets come from: Secrets Manager when the configuration
// names a secret there, else the environment.
func Source(c *config.Config) credential.Secrets {
	if c.SecretsARN == "" {
		return app.EnvironmentSecrets(c)
	}
	secret := secrets.New(secrets.Config[config.AppSecrets]{
		ARN:   c.SecretsARN,
		What:  "AppSecrets",
		Form:  "a JSON object of account name to AppSecret",
		Parse: parse,
	})
	return func(ctx context.Context, account credential.Account, fresh bool) (config.Secret, error) {
		secrets, err := secret.Get(ctx, fresh)
		if err != nil {
			return config.Secret{}, err
		}
		return app.RequireSecret(secrets.For(config.App{Name: account.Name, AppID: account.AppID}), account)
	}
}

func parse(text string) (config.AppSecrets, error) {
	secrets, err := config.ParseAppSecrets(text)
	if err != nil {
		return nil, fmt.Errorf("the secret is %w", err)
	}
	return secrets, nil
}
