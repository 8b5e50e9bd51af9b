package session

import (
	"fmt"
	"log/slog"

	"wechatfn/shared/config"
)

// Tokens are a user's tokens at WeChat. They stand with the user, so that they
// cost a login no call of their own. They print as [redacted], in JSON too.
type Tokens struct {
	AccessToken  string `json:"accessToken,omitzero"`
	RefreshToken string `json:"refreshToken,omitzero"`
	Scope        string `json:"scope,omitzero"`      // what was granted, comma separated
	AccessEnd    int64  `json:"accessEnd,omitzero"`  // Unix seconds
	RefreshEnd   int64  `json:"refreshEnd,omitzero"` // Unix seconds
	// LeaseUntil, in Unix milliseconds, is until when somebody is refreshing them.
	LeaseUntil int64 `json:"leaseUntil,omitzero"`

	// SessionKey is of a mini-program's user, who has nothing of the above.
	SessionKey string `json:"sessionKey,omitzero"`
	// KeyAsked, in Unix milliseconds, is when WeChat was asked for it.
	KeyAsked int64 `json:"keyAsked,omitzero"`
}

// Supersede reports whether the tokens may take the place of others: a session_key
// does not where it was asked for earlier, by a login that took longer. WeChat does
// not say in which order it made two keys, and clocks differ, so this is as near as
// one gets; whoever is left with a dead key logs in again.
func (t Tokens) Supersede(others Tokens) bool { return t.KeyAsked >= others.KeyAsked }

// Format implements fmt.Formatter: every verb prints [redacted].
func (Tokens) Format(f fmt.State, verb rune) { config.Secret{}.Format(f, verb) }

// LogValue implements slog.LogValuer.
func (Tokens) LogValue() slog.Value { return config.Secret{}.LogValue() }

// MarshalText implements encoding.TextMarshaler, and with it JSON: only the
// registry itself writes them as they are.
func (Tokens) MarshalText() ([]byte, error) { return config.Secret{}.MarshalText() }

// storedTokens are Tokens without the methods that hide them.
type storedTokens Tokens
