package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"wechatfn/shared/strictjson"
)

// Push is what verifies and decrypts the pushes of one account. The previous
// secrets are accepted beside the current ones, so that a rotation loses no message.
type Push struct {
	Token  Secret // "Token" in WeChat's console; never zero
	AESKey Secret // "EncodingAESKey", 43 characters; zero: pushes come in plain text

	PreviousToken, PreviousAESKey Secret // may be zero
}

const (
	maxToken     = 64 // WeChat's console takes 32 characters
	aesKeyLength = 43

	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

// PushFields is Push in plain text, as it is written in JSON, or the names of its
// four fields where they are written elsewhere.
type PushFields struct {
	Token          string `json:"token"`
	AESKey         string `json:"encodingAESKey"`
	PreviousToken  string `json:"previousToken"`
	PreviousAESKey string `json:"previousEncodingAESKey"`
}

// Push checks the fields and wraps them. It reports each field that is wrong by its
// name in names, never by its value.
func (f PushFields) Push(names PushFields, report func(name, problem string)) Push {
	f = PushFields{strings.TrimSpace(f.Token), strings.TrimSpace(f.AESKey), strings.TrimSpace(f.PreviousToken), strings.TrimSpace(f.PreviousAESKey)}
	if f.Token == "" {
		report(names.Token, "is missing or empty; an empty token would let anybody in")
	}
	for _, token := range [][2]string{{names.Token, f.Token}, {names.PreviousToken, f.PreviousToken}} {
		if !isPushToken(token[1]) {
			report(token[0], fmt.Sprintf("is not 1 to %d printable ASCII characters without spaces", maxToken))
		}
	}
	for _, key := range [][2]string{{names.AESKey, f.AESKey}, {names.PreviousAESKey, f.PreviousAESKey}} {
		if !isAESKey(key[1]) {
			report(key[0], fmt.Sprintf("is not %d characters of A-Z, a-z, 0-9, + and /", aesKeyLength))
		}
	}
	if f.AESKey == "" && f.PreviousAESKey != "" {
		report(names.PreviousAESKey, "is set, but "+names.AESKey+" is not")
	}
	return Push{New(f.Token), New(f.AESKey), New(f.PreviousToken), New(f.PreviousAESKey)}
}

// isPushToken takes the empty one too, as isAESKey does.
func isPushToken(s string) bool {
	return len(s) <= maxToken && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

func isAESKey(s string) bool {
	return s == "" || (len(s) == aesKeyLength && strings.Trim(s, letters+digits+"+/") == "")
}

// PushSecrets maps an account's name, or its AppID, to its push secrets.
type PushSecrets map[string]Push

// ParsePushSecrets reads a JSON object of account name (or AppID) to push secrets.
// Its error joins one error for each field that is wrong. It quotes nothing of the
// text but the names of accounts.
func ParsePushSecrets(text string) (PushSecrets, error) {
	var accounts map[string]json.RawMessage
	if strictjson.Decode([]byte(text), &accounts) != nil || accounts == nil {
		return nil, errors.New("the text is not a JSON object of account name to {token, encodingAESKey, previousToken, previousEncodingAESKey}")
	}
	secrets := make(PushSecrets, len(accounts))
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(accounts)) {
		if !isKey(name) { // it may be anything, so it is not quoted
			problems = append(problems, errors.New("a key is neither an account name nor an AppID"))
			continue
		}
		one, wrong := parsePush(name, accounts[name])
		secrets[name] = one
		problems = append(problems, wrong...)
	}
	if problems != nil {
		return nil, errors.Join(problems...)
	}
	return secrets, nil
}

// isKey: an account's name or an AppID, which package account describes.
func isKey(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, letters+digits+"-_") == ""
}

func parsePush(name string, text json.RawMessage) (push Push, problems []error) {
	var fields PushFields
	if strictjson.Decode(text, &fields) != nil {
		return Push{}, []error{fmt.Errorf("account %q: not an object of the texts token, encodingAESKey, previousToken and previousEncodingAESKey alone", name)}
	}
	push = fields.Push(PushFields{"token", "encodingAESKey", "previousToken", "previousEncodingAESKey"}, func(field, problem string) {
		problems = append(problems, fmt.Errorf("account %q: %s %s", name, field, problem))
	})
	return push, problems
}

// For returns the push secrets of the account with that name and AppID, and false
// where there are none.
func (s PushSecrets) For(name, appID string) (Push, bool) {
	if one, ok := s[name]; ok {
		return one, true
	}
	one, ok := s[appID]
	return one, ok
}
