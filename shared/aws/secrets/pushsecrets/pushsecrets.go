// Package pushsecrets finds what verifies and decrypts pushes. It stands apart
// from the AppSecrets, which the function that takes pushes must never read.
package pushsecrets

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"wechatfn/shared/aws/secrets"
	"wechatfn/shared/config"
	"wechatfn/shared/message"
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

// Push returns where the secrets of pushes come from: Secrets Manager when the
// configuration names a secret there, else the environment. They are parsed once
// and kept: those of Secrets Manager for 300 s, or for an hour while it cannot be
// read, of which the logger is told. fresh asks for them to be read again because
// a push did not verify; that is done at most once in 5 s. Safe for concurrent
// use.
func Push(c *config.Config, logger *slog.Logger) func(ctx context.Context, account message.Account, fresh bool) (*message.Keyring, error) {
	get := environment(c)
	if c.PushSecretsARN != "" {
		get = secret(c, logger).Get
	}
	return func(ctx context.Context, account message.Account, fresh bool) (*message.Keyring, error) {
		rings, err := get(ctx, fresh)
		if err != nil {
			return nil, err
		}
		if ring := rings[account.AppID]; ring != nil {
			return ring, nil
		}
		return nil, fmt.Errorf("account %q (%s): %w", account.Name, account.AppID, message.ErrNoSecrets)
	}
}

// keyrings holds the keyrings of the accounts that have push secrets, by AppID.
type keyrings map[string]*message.Keyring

func environment(c *config.Config) func(context.Context, bool) (keyrings, error) {
	rings, err := parse(c, func(app config.App) (config.PushSecrets, bool) { return app.Push, !app.Push.Token.IsZero() })
	return func(context.Context, bool) (keyrings, error) { return rings, err }
}

func secret(c *config.Config, logger *slog.Logger) *secrets.Secret[keyrings] {
	return secrets.New(secrets.Config[keyrings]{
		ARN:  c.PushSecretsARN,
		What: "push secrets",
		Form: `a JSON object of account name to {"token": ..., "encodingAESKey": ...}`,
		Parse: func(text string) (keyrings, error) {
			secrets, err := config.ParsePushSecrets(text)
			if err != nil {
				return nil, err
			}
			return parse(c, secrets.For)
		},
		Timeout: timeout,
		Gap:     gap,
		StandIn: standIn,
		Logger:  logger,
	})
}

// parse makes the keyrings of the accounts for which secretsOf has any.
func parse(c *config.Config, secretsOf func(config.App) (config.PushSecrets, bool)) (keyrings, error) {
	rings := keyrings{}
	for _, app := range c.Apps {
		secrets, ok := secretsOf(app)
		if !ok || !app.TakesPushes() {
			continue
		}
		ring, err := message.NewKeyring(app.AppID, secrets)
		if err != nil {
			return nil, fmt.Errorf("account %q: %w", app.Name, err)
		}
		rings[app.AppID] = ring
	}
	return rings, nil
}
