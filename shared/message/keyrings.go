package message

import (
	"context"
	"fmt"

	"wechatfn/shared/account"
	"wechatfn/shared/secret"
)

// KeySource returns the keyring of an account. fresh is set when a push did not
// verify, or there was no keyring, perhaps because the secrets have just been
// changed: then they should be read again, but not for each such push, since anybody
// can send one. Errors: ErrNoSecrets, and whatever prevents them from being read.
type KeySource func(ctx context.Context, a account.Account, fresh bool) (*Keyring, error)

// Keyrings holds the keyrings of the accounts that have push secrets, by AppID.
type Keyrings map[string]*Keyring

// NewKeyrings parses the push secrets of the accounts for which secretsOf has any.
// Errors name the account and the secret that is wrong and never quote it.
func NewKeyrings(accounts account.List, secretsOf func(account.Account) (secret.Push, bool)) (Keyrings, error) {
	rings := Keyrings{}
	for _, a := range accounts.Where(account.Account.TakesPushes) {
		secrets, ok := secretsOf(a)
		if !ok {
			continue
		}
		ring, err := NewKeyring(a.AppID, secrets)
		if err != nil {
			return nil, fmt.Errorf("account %q: %w", a.Name, err)
		}
		rings[a.AppID] = ring
	}
	return rings, nil
}

// Of returns the keyring of an account. Errors: ErrNoSecrets.
func (k Keyrings) Of(a account.Account) (*Keyring, error) {
	if ring := k[a.AppID]; ring != nil {
		return ring, nil
	}
	return nil, fmt.Errorf("account %q (%s): %w", a.Name, a.AppID, ErrNoSecrets)
}

// Source is a KeySource of keyrings that never change, such as those of the
// environment.
func (k Keyrings) Source(_ context.Context, a account.Account, _ bool) (*Keyring, error) {
	return k.Of(a)
}
