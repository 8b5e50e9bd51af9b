package session

import (
	"fmt"
	"log/slog"

	"wechatfn/shared/secret"
)

// Tokens are a user's tokens at WeChat. They stand with the user, so that they
// cost a login no call of their own. They print as [redacted], in JSON too.
type Tokens struct {
	AccessToken  string `json:"accessToken,omitzero"`
	RefreshToken string `json:"refreshToken,omitzero"`
	Scope        string `json:"scope,omitzero"`     // what was granted, comma separated
	AccessEnd    int64  `json:"accessEnd,omitzero"` // Unix seconds
	// AskedAt, in Unix milliseconds, is when WeChat was asked for them. What was asked
	// for later is newer, in whatever order the answers are stored.
	AskedAt int64 `json:"askedAt,omitzero"`
	// LeaseUntil, in Unix milliseconds, is until when somebody is refreshing them.
	LeaseUntil int64 `json:"leaseUntil,omitzero"`

	// SessionKey is of a mini-program's user, who has no other token.
	SessionKey string `json:"sessionKey,omitzero"`
}

// Supersede reports whether the tokens may take the place of others: not where WeChat
// was asked for them earlier, by a login that took longer. WeChat does not say in which
// order it made two session_keys, and clocks differ, so this is as near as one gets;
// whoever is left with a dead one logs in again.
func (t Tokens) Supersede(others Tokens) bool { return t.AskedAt >= others.AskedAt }

// Format implements fmt.Formatter: every verb prints [redacted].
func (Tokens) Format(f fmt.State, verb rune) { secret.Secret{}.Format(f, verb) }

// LogValue implements slog.LogValuer.
func (Tokens) LogValue() slog.Value { return secret.Secret{}.LogValue() }

// MarshalText implements encoding.TextMarshaler, and with it JSON: only the
// registry itself writes them as they are.
func (Tokens) MarshalText() ([]byte, error) { return secret.Secret{}.MarshalText() }

// storedTokens are Tokens without the methods that hide them.
type storedTokens Tokens
