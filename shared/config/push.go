package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// PushSecrets is what verifies and decrypts the pushes of one account. The
// previous ones are accepted beside the current ones, so that a rotation loses no
// message.
type PushSecrets struct {
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

// TakesPushes reports whether WeChat pushes messages and events for the account.
// A website app of the Open Platform has no server URL.
func (a App) TakesPushes() bool { return a.Kind != Website }

// pushFields is PushSecrets as they are written, and also the names of the four
// where they are written.
type pushFields struct {
	Token          string `json:"token"`
	AESKey         string `json:"encodingAESKey"`
	PreviousToken  string `json:"previousToken"`
	PreviousAESKey string `json:"previousEncodingAESKey"`
}

func (f pushFields) trimmed() pushFields {
	return pushFields{strings.TrimSpace(f.Token), strings.TrimSpace(f.AESKey), strings.TrimSpace(f.PreviousToken), strings.TrimSpace(f.PreviousAESKey)}
}

// check reports each field that is wrong by its name, never by its value.
func (f pushFields) check(names pushFields, report func(name, problem string)) {
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
}

func (f pushFields) secrets() PushSecrets {
	return PushSecrets{NewSecret(f.Token), NewSecret(f.AESKey), NewSecret(f.PreviousToken), NewSecret(f.PreviousAESKey)}
}

// isPushToken takes the empty one too, as isAESKey does.
func isPushToken(s string) bool {
	return len(s) <= maxToken && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

func isAESKey(s string) bool {
	return s == "" || (len(s) == aesKeyLength && only(s, letters+digits+"+/"))
}

// AppPushSecrets maps an account's name (or its AppID) to its PushSecrets.
type AppPushSecrets map[string]PushSecrets

// ParsePushSecrets reads the JSON object of WECHAT_PUSH_SECRETS and of the secret
// in Secrets Manager. Its error tells of each account which field is wrong, and
// never quotes the text but for the names of accounts.
func ParsePushSecrets(text string) (AppPushSecrets, error) {
	secrets, problems := parsePushSecrets(text)
	if problems != nil {
		return nil, errors.Join(problems...)
	}
	return secrets, nil
}

func parsePushSecrets(text string) (AppPushSecrets, []error) {
	var accounts map[string]json.RawMessage
	if decodeStrict(text, &accounts) != nil || accounts == nil {
		return nil, []error{errors.New("the text is not a JSON object of account name to {token, encodingAESKey, previousToken, previousEncodingAESKey}")}
	}
	secrets := make(AppPushSecrets, len(accounts))
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(accounts)) {
		if !isName(name) && !isAppID(name) { // it may be anything, so it is not quoted
			problems = append(problems, errors.New("a key is neither an account name nor an AppID"))
			continue
		}
		one, wrong := parsePushAccount(name, accounts[name])
		secrets[name] = one
		problems = append(problems, wrong...)
	}
	return secrets, problems
}

func parsePushAccount(name string, text json.RawMessage) (PushSecrets, []error) {
	var fields pushFields
	if decodeStrict(string(text), &fields) != nil {
		return PushSecrets{}, []error{fmt.Errorf("account %q: not an object of the texts token, encodingAESKey, previousToken and previousEncodingAESKey alone", name)}
	}
	fields = fields.trimmed()
	var problems []error
	fields.check(pushFields{"token", "encodingAESKey", "previousToken", "previousEncodingAESKey"}, func(field, problem string) {
		problems = append(problems, fmt.Errorf("account %q: %s %s", name, field, problem))
	})
	return fields.secrets(), problems
}

// For returns the PushSecrets of app, and false where there are none.
func (s AppPushSecrets) For(app App) (PushSecrets, bool) {
	if one, ok := s[app.Name]; ok {
		return one, true
	}
	one, ok := s[app.AppID]
	return one, ok
}

// pushSecrets gives the accounts what the environment holds for them: WECHAT_TOKEN
// and its like for the one account, or WECHAT_PUSH_SECRETS for any number. Both
// are always read, so that what is wrong with them is always told, and neither is
// passed over in silence.
func (l *loader) pushSecrets(apps []App) {
	one, several := l.onePush(), l.severalPushes()
	l.checkPushConflicts(one, several)
	for _, name := range slices.Sorted(maps.Keys(several)) {
		if apps != nil && !slices.ContainsFunc(apps, func(a App) bool { return a.Name == name || a.AppID == name }) {
			l.problem(envPushSecrets, "account %q is none of those that are configured", name)
		}
	}
	if several == nil {
		several = AppPushSecrets{defaultName: one}
	}
	for i := range apps {
		if apps[i].TakesPushes() {
			apps[i].Push, _ = several.For(apps[i])
		}
	}
}

// checkPushConflicts reports what would be passed over.
func (l *loader) checkPushConflicts(one PushSecrets, several AppPushSecrets) {
	switch {
	case one == (PushSecrets{}):
	case several != nil:
		l.problem(envToken, "is set and so is %s; keep one of them", envPushSecrets)
	case l.get(envApps) != "":
		l.problem(envToken, "is for the one account of %s; for those of %s use %s", envAppID, envApps, envPushSecrets)
	}
	if l.get(envPushSecretsARN) != "" && (one != (PushSecrets{}) || several != nil) {
		l.problem(envPushSecretsARN, "is set, and so are push secrets in the environment; keep one of them")
	}
}

func (l *loader) onePush() PushSecrets {
	names := pushFields{envToken, envAESKey, envTokenPrevious, envAESKeyPrevious}
	fields := pushFields{l.get(names.Token), l.get(names.AESKey), l.get(names.PreviousToken), l.get(names.PreviousAESKey)}
	if fields == (pushFields{}) {
		return PushSecrets{}
	}
	fields.check(names, func(name, problem string) { l.problem(name, "%s", problem) })
	return fields.secrets()
}

func (l *loader) severalPushes() AppPushSecrets {
	text := l.get(envPushSecrets)
	if text == "" {
		return nil
	}
	secrets, problems := parsePushSecrets(text)
	for _, problem := range problems {
		l.problem(envPushSecrets, "%w", problem)
	}
	return secrets
}

func (l *loader) requirePushes(c *Config) {
	if c.PushSecretsARN != "" {
		return
	}
	if !slices.ContainsFunc(c.Apps, func(a App) bool { return !a.Push.Token.IsZero() }) {
		l.problem(envToken, "is not set; copy it from WeChat's console, or put the tokens of several accounts into %s, or into Secrets Manager and its ARN into %s",
			envPushSecrets, envPushSecretsARN)
	}
}

// resource reads the name or ARN of something in AWS.
func (l *loader) resource(name string) string {
	value := l.get(name)
	if len(value) > 1024 || !only(value, letters+digits+"_-./:$#@+=") {
		l.problem(name, "%.64q is neither a name nor an ARN", value)
	}
	return value
}

// domainProofs maps the codes of WeChat's proof files to what the files hold.
func (l *loader) domainProofs() map[string]string {
	proofs := map[string]string{}
	for _, entry := range splitList(l.get(envDomainProofs)) {
		code, content, given := strings.Cut(entry, "=")
		if !given {
			content = code // as the files of WeChat's console are
		}
		switch _, twice := proofs[code]; {
		case !isProof(code, 64, letters+digits):
			l.problem(envDomainProofs, "%q: a code is 1 to 64 of A-Z, a-z and 0-9", entry)
		case !isProof(content, 128, letters+digits+"_-"):
			l.problem(envDomainProofs, "%q: a content is 1 to 128 of A-Z, a-z, 0-9, _ and -", entry)
		case twice:
			l.problem(envDomainProofs, "code %q is listed twice", code)
		}
		proofs[code] = content
	}
	return proofs
}

func isProof(s string, most int, set string) bool { return s != "" && len(s) <= most && only(s, set) }
