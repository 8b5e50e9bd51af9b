package session

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"wechatfn/shared/secret"
)

// StoredLogin is a Login as an item of the store contains it, when the session of the
// login is opened later. Its JSON has the Tokens as they are, and no Seed. In every
// other form it prints as [redacted]. To use it, convert it to Login.
type StoredLogin Login

// Format implements fmt.Formatter: every verb prints [redacted].
func (StoredLogin) Format(f fmt.State, verb rune) { secret.Secret{}.Format(f, verb) }

// LogValue implements slog.LogValuer.
func (StoredLogin) LogValue() slog.Value { return secret.Secret{}.LogValue() }

// plainLogin is a Login without methods.
type plainLogin Login

// visibleLogin shows the Tokens that the JSON of plainLogin hides: of two members of one
// name, encoding/json takes the outer one.
type visibleLogin struct {
	plainLogin
	Tokens *storedTokens `json:"tokens,omitzero"`
}

// MarshalJSON implements json.Marshaler.
func (l StoredLogin) MarshalJSON() ([]byte, error) {
	return json.Marshal(visibleLogin{plainLogin(l), (*storedTokens)(l.Tokens)})
}

// UnmarshalJSON implements json.Unmarshaler.
func (l *StoredLogin) UnmarshalJSON(text []byte) error {
	var v visibleLogin
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	*l = StoredLogin(v.plainLogin)
	l.Tokens = (*Tokens)(v.Tokens)
	return nil
}
