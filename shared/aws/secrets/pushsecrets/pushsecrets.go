// Package pushsecrets provides the secrets that verify and decrypt pushes. It is
// separate from package appsecrets because the function that takes pushes must never
// read AppSecrets.
package pushsecrets

import (
	"context"
	"log/slog"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/aws/secrets"
	"wechatfn/shared/message"
	"wechatfn/shared/secret"
)

const (
	// minInterval: anybody can send a push that does not verify, so not each of them may
	// cause a read. It is shorter than the time for which WeChat repeats a push, so that
	// a stranger cannot prevent that new secrets are read.
	minInterval = 5 * time.Second
	// maxStale: without secrets each push is refused, and is lost when WeChat stops
	// repeating it. So the last secrets are reused while Secrets Manager cannot be read.
	// The price: a token that was removed because it leaked is valid for an hour more,
	// but only if Secrets Manager fails at that time.
	maxStale = time.Hour
	// timeout: WeChat waits 5 s for an answer.
	timeout = 2 * time.Second
)

// Environment returns the secrets of an account that the environment holds, if any.
type Environment func(account.Account) (secret.Push, bool)

// Source returns where the secrets of pushes come from: the secret with that ARN in
// Secrets Manager, or the environment if the ARN is empty. What is in Secrets Manager is
// parsed once and cached for 300 s, or for an hour while it cannot be read, which is
// logged. A caller asks for fresh secrets because a push did not verify; they are read
// once in 5 s at most. The source is safe for concurrent use.
func Source(arn string, accounts account.List, environment Environment, logger *slog.Logger) (message.KeySource, error) {
	if arn == "" {
		rings, err := message.NewKeyrings(accounts, environment)
		return rings.Source, err
	}
	return fromManager(secrets.New(managerConfig(arn, accounts, logger))), nil
}

func fromManager(stored *secrets.Secret[message.Keyrings]) message.KeySource {
	return func(ctx context.Context, a account.Account, fresh bool) (*message.Keyring, error) {
		rings, err := stored.Get(ctx, fresh)
		if err != nil {
			return nil, err
		}
		return rings.Of(a)
	}
}

func managerConfig(arn string, accounts account.List, logger *slog.Logger) secrets.Config[message.Keyrings] {
	return secrets.Config[message.Keyrings]{
		ARN:    arn,
		Name:   "push secrets",
		Format: `a JSON object of account name to {"token": ..., "encodingAESKey": ...}`,
		Parse: func(text string) (message.Keyrings, error) {
			parsed, err := secret.ParsePushSecrets(text)
			if err != nil {
				return nil, err
			}
			return message.NewKeyrings(accounts, func(a account.Account) (secret.Push, bool) { return parsed.For(a.Name, a.AppID) })
		},
		Timeout:     timeout,
		MinInterval: minInterval,
		MaxStale:    maxStale,
		Logger:      logger,
	}
}
