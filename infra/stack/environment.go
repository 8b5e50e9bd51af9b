package stack

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"wechatfn/shared/config"
	"wechatfn/shared/manifest"
)

// variable is a variable of the functions that a setting fills.
type variable struct{ name, key, value string }

// variables are all that the settings fill; those that are empty are left out of
// a function's environment.
func (s *Settings) variables() []variable {
	return []variable{
		{"WECHAT_APPS", "apps", s.appsJSON()},
		{"ALLOWED_ORIGINS", "allowedOrigins", strings.Join(s.AllowedOrigins, ",")},
		{"WECHAT_TICKETS", "tickets", strings.Join(s.Tickets, ",")},
		{"WECHAT_TOKEN_MODE", "tokenMode", s.TokenMode},
		{"WECHAT_API_BASE", "apiBase", s.APIBase},
		{"WECHAT_PROXY_URL", "proxyUrl", cmp.Or(s.ProxyURL, s.proxyReference())},
		{"SIGNATURE_CACHE", "signatureCache", s.SignatureCache},
		{"SESSION_TTL", "sessionTtl", s.SessionLife},
		{"SESSION_IDLE_TIMEOUT", "sessionIdleTimeout", s.SessionIdle},
		{"SESSION_DEVICES", "sessionDevices", number(s.SessionDevices)},
		{"MINIPROGRAM_SESSION_TTL", "miniProgramSessionTtl", s.MiniSessionLife},
		{"MINIPROGRAM_DATA_AGE", "miniProgramDataAge", s.MiniDataAge},
		{"WECHAT_PUSH_WINDOW", "pushWindow", s.PushWindow},
		{"WECHAT_DOMAIN_PROOFS", "domainProofs", strings.Join(s.DomainProofs, ",")},
		{"REPLY_FUNCTION", "replyFunction", s.ReplyFunction},
		{"LOG_LEVEL", "logLevel", s.LogLevel},
	}
}

func (s *Settings) appsJSON() string {
	if len(s.Apps) == 0 {
		return ""
	}
	text, _ := json.Marshal(s.Apps) // texts and lists of texts
	return string(text)
}

// proxyReference has CloudFormation put the secret's text in at deployment, so that
// no template holds it.
func (s *Settings) proxyReference() string {
	if s.ProxySecretARN == "" {
		return ""
	}
	return "{{resolve:secretsmanager:" + s.ProxySecretARN + ":SecretString}}"
}

// checkVariables asks the functions' own configuration, and answers in the terms
// of cdk.json.
func (s *Settings) checkVariables() (problems []error) {
	values, keys := map[string]string{}, map[string]string{}
	for _, v := range s.variables() {
		values[v.name], keys[v.name] = v.value, v.key
	}
	if s.ProxySecretARN != "" { // only CloudFormation knows the URL
		delete(values, "WECHAT_PROXY_URL")
	}
	_, err := config.Load(func(name string) string { return values[name] }, 0)
	joined, _ := err.(interface{ Unwrap() []error })
	if joined == nil {
		return nil
	}
	for _, problem := range joined.Unwrap() {
		name, text, _ := strings.Cut(problem.Error(), ": ")
		if key := keys[name]; key != "" && values[name] != "" {
			problems = append(problems, fmt.Errorf("%s: %s", key, text))
		}
	}
	return problems
}

// environment returns the variables of a function: those of its manifest that have
// a value. resources are what the stack itself makes.
func (s *Settings) environment(f manifest.Function, resources map[string]*string) (*map[string]*string, error) {
	env := map[string]*string{}
	all := s.variables()
	var unset []error
	for _, name := range f.Env {
		i := slices.IndexFunc(all, func(v variable) bool { return v.name == name })
		switch {
		case resources[name] != nil:
			env[name] = resources[name]
		case i >= 0 && all[i].value != "":
			env[name] = &all[i].value
		case i < 0 && !leftOut[name]:
			unset = append(unset, fmt.Errorf("%s: nothing in infra/stack fills %s", f.Name, name))
		}
	}
	return &env, errors.Join(unset...)
}

// leftOut are variables that no stage sets: WECHAT_APPS says the same as
// WECHAT_APP_ID, and WeChat's login pages are where they are.
var leftOut = map[string]bool{"WECHAT_APP_ID": true, "WECHAT_OPEN_BASE": true}
