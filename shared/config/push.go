package config

import (
	"maps"
	"slices"
	"strings"

	"wechatfn/shared/account"
	"wechatfn/shared/secret"
)

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

// pushSecrets reads what the environment holds: WECHAT_TOKEN and its like for the
// one account, or WECHAT_PUSH_SECRETS for any number. Both are always read, so that
// whatever is wrong with them is reported and neither is ignored in silence.
func (l *loader) pushSecrets(accounts account.List) secret.PushSecrets {
	one, several := l.onePush(), l.severalPushes()
	l.checkPushConflicts(one, several)
	for _, key := range slices.Sorted(maps.Keys(several)) {
		if accounts != nil && !slices.ContainsFunc(accounts, func(a account.Account) bool { return a.Name == key || a.AppID == key }) {
			l.problem(EnvPushSecrets, "account %q is none of those that are configured", key)
		}
	}
	if several == nil && one != (secret.Push{}) {
		return secret.PushSecrets{defaultName: one}
	}
	return several
}

// checkPushConflicts reports what would be ignored.
func (l *loader) checkPushConflicts(one secret.Push, several secret.PushSecrets) {
	switch {
	case one == (secret.Push{}):
	case several != nil:
		l.problem(EnvToken, "is set and so is %s; remove one of them", EnvPushSecrets)
	case l.get(EnvApps) != "":
		l.problem(EnvToken, "is for the one account of %s; for those of %s use %s", EnvAppID, EnvApps, EnvPushSecrets)
	}
	if l.get(EnvPushSecretsARN) != "" && (one != (secret.Push{}) || several != nil) {
		l.problem(EnvPushSecretsARN, "is set, and so are push secrets in the environment; remove one of them")
	}
}

func (l *loader) onePush() secret.Push {
	names := secret.PushFields{Token: EnvToken, AESKey: EnvAESKey, PreviousToken: EnvTokenPrevious, PreviousAESKey: EnvAESKeyPrevious}
	fields := secret.PushFields{Token: l.get(names.Token), AESKey: l.get(names.AESKey), PreviousToken: l.get(names.PreviousToken), PreviousAESKey: l.get(names.PreviousAESKey)}
	if fields == (secret.PushFields{}) {
		return secret.Push{}
	}
	return fields.Push(names, func(name, problem string) { l.problem(name, "%s", problem) })
}

func (l *loader) severalPushes() secret.PushSecrets {
	text := l.get(EnvPushSecrets)
	if text == "" {
		return nil
	}
	secrets, err := secret.ParsePushSecrets(text)
	if err == nil {
		return secrets
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, problem := range joined.Unwrap() {
			l.problem(EnvPushSecrets, "%w", problem)
		}
	} else {
		l.problem(EnvPushSecrets, "%w", err)
	}
	return secret.PushSecrets{}
}

func (l *loader) requirePushes(c *Config) {
	if c.PushSecretsARN != "" {
		return
	}
	if !slices.ContainsFunc(c.Accounts, func(a account.Account) bool { _, ok := c.PushSecretsOf(a); return ok }) {
		l.problem(EnvToken, "is not set; copy it from WeChat's console, or put the tokens of several accounts into %s, or into Secrets Manager and its ARN into %s",
			EnvPushSecrets, EnvPushSecretsARN)
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
	for _, entry := range splitList(l.get(EnvDomainProofs)) {
		code, content, given := strings.Cut(entry, "=")
		if !given {
			content = code // as the files of WeChat's console are
		}
		switch _, twice := proofs[code]; {
		case !isProof(code, 64, letters+digits):
			l.problem(EnvDomainProofs, "%q: a code is 1 to 64 of A-Z, a-z and 0-9", entry)
		case !isProof(content, 128, letters+digits+"_-"):
			l.problem(EnvDomainProofs, "%q: a content is 1 to 128 of A-Z, a-z, 0-9, _ and -", entry)
		case twice:
			l.problem(EnvDomainProofs, "code %q is listed twice", code)
		}
		proofs[code] = content
	}
	return proofs
}

func isProof(s string, most int, set string) bool { return s != "" && len(s) <= most && only(s, set) }
