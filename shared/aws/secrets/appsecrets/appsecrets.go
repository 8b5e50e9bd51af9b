// Package appsecrets reads AppSecrets from Secrets Manager. It is separate from package
// pushsecrets so that each function links the one kind of secret that it needs.
package appsecrets

import (
	"context"
	"fmt"

	"wechatfn/shared/account"
	"wechatfn/shared/aws/secrets"
	"wechatfn/shared/secret"
)

// Source returns where AppSecrets come from: the secret with that ARN in Secrets
// Manager, or the environment if the ARN is empty.
func Source(arn string, environment account.SecretSource) account.SecretSource {
	if arn == "" {
		return environment
	}
	stored := secrets.New(secrets.Config[secret.AppSecrets]{
		ARN:    arn,
		Name:   "AppSecrets",
		Format: "a JSON object of account name to AppSecret",
		Parse:  parse,
	})
	return func(ctx context.Context, a account.Account, fresh bool) (secret.Secret, error) {
		all, err := stored.Get(ctx, fresh)
		if err != nil {
			return secret.Secret{}, err
		}
		return account.RequireSecret(all.For(a.Name, a.AppID), a)
	}
}

func parse(text string) (secret.AppSecrets, error) {
	all, err := secret.ParseAppSecrets(text)
	if err != nil {
		return nil, fmt.Errorf("the secret is %w", err)
	}
	return all, nil
}
