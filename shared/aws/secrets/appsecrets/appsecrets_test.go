package appsecrets

import (
	"context"
	"strings"
	"testing"

	"wechatfn/shared/account"
	"wechatfn/shared/aws/secrets/secretstest"
	"wechatfn/shared/secret"
)

func start(t *testing.T, text string) (*secretstest.Manager, account.SecretSource) {
	t.Helper()
	return secretstest.Serve(t, text), Source(secretstest.ARN, nil)
}

var shop = account.Account{Name: "shop", AppID: "wx0123456789abcdef"}

func TestCachedUntilFreshIsAskedFor(t *testing.T) {
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
		t.Errorf("fresh is read each time, and an old value is never reused: %v, %d calls", err, m.Calls())
	}
}

func TestErrorsDoNotQuoteTheSecrets(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no text", "", "has no text yet"},
		{"no JSON", "canary", "not a JSON object"},
		{"another account", `{"other":"canary"}`, `no AppSecret is stored for account "shop"`},
		{"an empty AppSecret", `{"shop":""}`, `no AppSecret is stored for account "shop"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, source := start(t, c.text)
			_, err := source(t.Context(), shop, false)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%q: %v", c.text, err)
			}
		})
	}
}

func TestWithoutAnARNTheEnvironmentIsTheSource(t *testing.T) {
	source := Source("", func(context.Context, account.Account, bool) (secret.Secret, error) { return secret.New("here"), nil })
	if secret, err := source(t.Context(), shop, true); err != nil || secret.Reveal() != "here" {
		t.Error(err)
	}
}
