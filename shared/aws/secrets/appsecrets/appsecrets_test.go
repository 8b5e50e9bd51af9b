package appsecrets

import (
	"strings"
	"testing"

	"wechatfn/shared/account"
	"wechatfn/shared/aws/secrets/secretstest"
	"wechatfn/shared/config"
	"wechatfn/shared/secret"
)

func start(t *testing.T, text string) (*secretstest.Manager, account.SecretSource) {
	t.Helper()
	return secretstest.Serve(t, text), Source(&config.Config{SecretsARN: secretstest.ARN})
}

var shop = account.Account{Name: "shop", AppID: "wx0123456789abcdef"}

func TestKeptAndReadAgain(t *testing.T) {
	m, source := start(t, `{"shop":"one"}`)
	for range 3 {
		if secret, err := source(t.Context(), shop, false); err != nil || secret.Reveal() != "one" {
			t.Fatalf("%v", err)
		}
	}
	if m.Calls() != 1 {
		t.Errorf("%d calls for three uses", m.Calls())
	}
	m.Put(`{"wx0123456789abcdef":"two"}`)
	if secret, err := source(t.Context(), shop, true); err != nil || secret.Reveal() != "two" {
		t.Errorf("fresh: %v", err)
	}
	if secret, err := source(t.Context(), shop, false); err != nil || secret.Reveal() != "two" || m.Calls() != 2 {
		t.Errorf("after fresh: %v, %d calls", err, m.Calls())
	}
	m.Deny(true)
	if secret, err := source(t.Context(), shop, true); err == nil || !secret.IsZero() || m.Calls() != 3 {
		t.Errorf("each wish for a fresh one is granted, and nothing stands in: %v, %d calls", err, m.Calls())
	}
}

func TestErrorsQuoteNothing(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "has no text yet",
		"canary":             "not a JSON object",
		`{"other":"canary"}`: `no AppSecret is stored for account "shop"`,
		`{"shop":""}`:        `no AppSecret is stored for account "shop"`,
	} {
		_, source := start(t, text)
		_, err := source(t.Context(), shop, false)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFromTheEnvironment(t *testing.T) {
	source := Source(&config.Config{Accounts: account.List{shop}, AppSecrets: secret.AppSecrets{"shop": secret.New("here")}})
	if secret, err := source(t.Context(), shop, true); err != nil || secret.Reveal() != "here" {
		t.Error(err)
	}
}
