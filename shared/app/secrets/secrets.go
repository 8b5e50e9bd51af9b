// Package secrets finds AppSecrets in Secrets Manager. It stands apart from
// package app so that only the functions that need it hold its client.
package secrets

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"wechatfn/shared/app"
	"wechatfn/shared/config"
	"wechatfn/shared/credential"
)

// Find returns where AppSecrets come from: Secrets Manager when the configuration
// names a secret there, else the environment.
func Find(c *config.Config) credential.Secrets {
	if c.SecretsARN == "" {
		return app.EnvironmentSecrets(c)
	}
	client := secretsmanager.New(secretsmanager.Options{
		Region:       app.Region(),
		Credentials:  app.Credentials(),
		BaseEndpoint: app.Endpoint("SECRETS_MANAGER"),
	})
	return (&managed{client: client, arn: c.SecretsARN, now: time.Now}).find
}

// secretsLife bounds how long a rotated secret can go unnoticed.
const secretsLife = 300 * time.Second

// managed reads one secret of Secrets Manager, a JSON object of account
// name to AppSecret, and keeps it for a while.
type managed struct {
	client *secretsmanager.Client
	arn    string
	now    func() time.Time

	mu    sync.Mutex // guards what follows; never held over a call
	kept  config.AppSecrets
	until time.Time
}

func (m *managed) find(ctx context.Context, account credential.Account, fresh bool) (config.Secret, error) {
	secrets := m.cached()
	if secrets == nil || fresh {
		var err error
		if secrets, err = m.read(ctx); err != nil {
			return config.Secret{}, err
		}
	}
	return app.Present(secrets.For(config.App{Name: account.Name, AppID: account.AppID}), account)
}

func (m *managed) cached() config.AppSecrets {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now().After(m.until) {
		return nil
	}
	return m.kept
}

func (m *managed) read(ctx context.Context) (config.AppSecrets, error) {
	out, err := m.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &m.arn})
	if err != nil {
		return nil, fmt.Errorf("read the AppSecrets: %w", err)
	}
	if out.SecretString == nil {
		return nil, errors.New("read the AppSecrets: the secret has no text yet; put a JSON object of account name to AppSecret into it")
	}
	secrets, err := config.ParseAppSecrets(*out.SecretString)
	if err != nil {
		return nil, fmt.Errorf("read the AppSecrets: the secret is %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept, m.until = secrets, m.now().Add(secretsLife)
	return secrets, nil
}
