package session

import (
	"fmt"
	"log/slog"

	"wechatfn/shared/secret"
)

// Tokens are the tokens of a user at WeChat. They are part of the user's item, so that a
// login needs no extra call to store them. They print as [redacted], in JSON too.
type Tokens struct {
	AccessToken  string `json:"accessToken,omitzero"`
	RefreshToken string `json:"refreshToken,omitzero"`
	Scope        string `json:"scope,omitzero"`     // what was granted, comma separated
	AccessEnd    int64  `json:"accessEnd,omitzero"` // Unix seconds
	// AskedAt, in Unix milliseconds, is when WeChat was asked for them. The tokens that
	// were asked for last are the newest, in whatever order they are stored.
	AskedAt int64 `json:"askedAt,omitzero"`
	// LeaseUntil, in Unix milliseconds, is until when one process alone may refresh them.
	LeaseUntil int64 `json:"leaseUntil,omitzero"`

	// SessionKey belongs to the user of a mini-program. Such a user has no other token.
	SessionKey string `json:"sessionKey,omitzero"`
}

// Supersede reports whether the tokens replace others: not if WeChat was asked for them
// earlier, by a login that took longer. WeChat does not say in which order it made two
// session_keys, and clocks differ, so the order can be wrong. A user whose session_key is
// invalid then logs in again.
func (t Tokens) Supersede(others Tokens) bool { return t.AskedAt >= others.AskedAt }

// Format implements fmt.Formatter: every verb prints [redacted].
func (Tokens) Format(f fmt.State, verb rune) { secret.Secret{}.Format(f, verb) }

// LogValue implements slog.LogValuer.
func (Tokens) LogValue() slog.Value { return secret.Secret{}.LogValue() }

// MarshalText implements encoding.TextMarshaler, and so applies to JSON too. Only the
// items of users and stored logins have the tokens themselves.
func (Tokens) MarshalText() ([]byte, error) { return secret.Secret{}.MarshalText() }

// storedTokens are Tokens without the methods that hide them.
type storedTokens Tokens
