package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"wechatfn/shared/config"
	"wechatfn/shared/credential"
)

// Secrets returns where AppSecrets come from: Secrets Manager when the
// configuration names a secret there, else the environment.
func Secrets(c *config.Config) credential.Secrets {
	if c.SecretsARN == "" {
		return environmentSecrets(c)
	}
	client := secretsmanager.New(secretsmanager.Options{
		Region:       os.Getenv("AWS_REGION"),
		Credentials:  aws.CredentialsProviderFunc(environmentCredentials),
		BaseEndpoint: endpoint("SECRETS_MANAGER"),
	})
	return (&managedSecrets{client: client, arn: c.SecretsARN, now: time.Now}).find
}

func environmentSecrets(c *config.Config) credential.Secrets {
	return func(_ context.Context, account credential.Account, _ bool) (config.Secret, error) {
		app, _ := c.App(account.Name)
		return present(app.Secret, account)
	}
}

func present(secret config.Secret, account credential.Account) (config.Secret, error) {
	if secret.IsZero() {
		return secret, fmt.Errorf("no AppSecret is stored for account %q (%s)", account.Name, account.AppID)
	}
	return secret, nil
}

// secretsLife bounds how long a rotated secret can go unnoticed.
const secretsLife = 300 * time.Second

// managedSecrets reads one secret of Secrets Manager, a JSON object of account
// name to AppSecret, and keeps it for a while.
type managedSecrets struct {
	client *secretsmanager.Client
	arn    string
	now    func() time.Time

	mu    sync.Mutex // guards what follows; never held over a call
	kept  config.AppSecrets
	until time.Time
}

func (m *managedSecrets) find(ctx context.Context, account credential.Account, fresh bool) (config.Secret, error) {
	secrets := m.cached()
	if secrets == nil || fresh {
		var err error
		if secrets, err = m.read(ctx); err != nil {
			return config.Secret{}, err
		}
	}
	return present(secrets.For(config.App{Name: account.Name, AppID: account.AppID}), account)
}

func (m *managedSecrets) cached() config.AppSecrets {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now().After(m.until) {
		return nil
	}
	return m.kept
}

func (m *managedSecrets) read(ctx context.Context) (config.AppSecrets, error) {
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
