// Package pushsecrets finds what verifies and decrypts pushes. It stands apart
// from the AppSecrets, which the function that takes pushes must never read.
package pushsecrets

import (
	"context"
	"log/slog"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/aws/secrets"
	"wechatfn/shared/config"
	"wechatfn/shared/message"
	"wechatfn/shared/secret"
)

const (
	// gap: anybody can send a push that does not verify, so not each may cause a
	// read. It is short beside the time that WeChat repeats a push for, so that a
	// stranger cannot keep new secrets from being seen.
	gap = 5 * time.Second
	// standIn: without its secrets each push is refused, and lost when WeChat gives
	// up sending it. So a trouble with Secrets Manager is bridged for a while. The
	// price: a token that was taken away, because it leaked, lives for as long,
	// though only where that trouble happens at the same time.
	standIn = time.Hour
	// timeout: WeChat waits for 5 s in all.
	timeout = 2 * time.Second
)

// Source returns where the secrets of pushes come from: Secrets Manager when the
// configuration names a secret there, else the environment. Those of Secrets Manager
// are parsed once and cached for 300 s, or for an hour while it cannot be read, which
// is logged. fresh asks for them to be read again because a push did not verify; that
// is done at most once in 5 s. Safe for concurrent use.
func Source(c *config.Config, logger *slog.Logger) (message.KeySource, error) {
	if c.PushSecretsARN == "" {
		rings, err := message.NewKeyrings(c.Accounts, c.PushSecretsOf)
		return rings.Source, err
	}
	stored := open(c, logger)
	return func(ctx context.Context, a account.Account, fresh bool) (*message.Keyring, error) {
		rings, err := stored.Get(ctx, fresh)
		if err != nil {
			return nil, err
		}
		return rings.Of(a)
	}, nil
}

func open(c *config.Config, logger *slog.Logger) *secrets.Secret[message.Keyrings] {
	return secrets.New(secrets.Config[message.Keyrings]{
		ARN:  c.PushSecretsARN,
		What: "push secrets",
		Form: `a JSON object of account name to {"token": ..., "encodingAESKey": ...}`,
		Parse: func(text string) (message.Keyrings, error) {
			parsed, err := secret.ParsePushSecrets(text)
			if err != nil {
				return nil, err
			}
			return message.NewKeyrings(c.Accounts, func(a account.Account) (secret.Push, bool) { return parsed.For(a.Name, a.AppID) })
		},
		Timeout: timeout,
		Gap:     gap,
		StandIn: standIn,
		Logger:  logger,
	})
}
