// Package secret holds what must never be printed: one secret, the AppSecrets of
// the accounts, and what verifies and decrypts their pushes.
package secret

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"wechatfn/shared/strictjson"
)

const redacted = "[redacted]"

// Secret is a string that must not be printed. It shows as [redacted] in every
// fmt verb, in JSON, in text encodings and in slog. Only Reveal returns it, so
// that a reader can find each place that uses it.
type Secret struct{ value string }

// New wraps value.
func New(value string) Secret { return Secret{value} }

// Reveal returns the secret itself, for the request that must carry it.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether no secret is set.
func (s Secret) IsZero() bool { return s.value == "" }

// Format implements fmt.Formatter: every verb prints [redacted].
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String implements fmt.Stringer.
func (s Secret) String() string { return redacted }

// MarshalText implements encoding.TextMarshaler, and with it JSON and XML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// AppSecrets maps an account's name, or its AppID, to its AppSecret.
type AppSecrets map[string]Secret

// ParseAppSecrets reads a JSON object of account name (or AppID) to AppSecret. Its
// error never quotes the text.
func ParseAppSecrets(text string) (AppSecrets, error) {
	var plain map[string]string
	if err := strictjson.Decode([]byte(text), &plain); err != nil {
		return nil, errors.New("not a JSON object of account name to AppSecret")
	}
	secrets := make(AppSecrets, len(plain))
	for name, value := range plain {
		secrets[name] = New(strings.TrimSpace(value))
	}
	return secrets, nil
}

// For returns the AppSecret of the account with that name and AppID, or the zero
// Secret.
func (s AppSecrets) For(name, appID string) Secret {
	if secret, ok := s[name]; ok {
		return secret
	}
	return s[appID]
}
