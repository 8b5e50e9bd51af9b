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

// variables lists all variables that the settings fill. A function's environment gets
// those that are not empty; the others have their default there, see config.Load.
func (s *Settings) variables() []variable {
	return []variable{
		{config.EnvApps, "apps", s.appsJSON()},
		{config.EnvOrigins, "allowedOrigins", strings.Join(s.AllowedOrigins, ",")},
		{config.EnvTickets, "tickets", strings.Join(s.Tickets, ",")},
		{config.EnvTokenMode, "tokenMode", s.TokenMode},
		{config.EnvAPIBase, "apiBase", s.APIBase},
		{config.EnvProxyURL, "proxyUrl", cmp.Or(s.ProxyURL, s.proxyReference())},
		{config.EnvSignatureCache, "signatureCache", s.SignatureCache},
		{config.EnvSessionTTL, "sessionTtl", s.SessionTTL},
		{config.EnvSessionIdle, "sessionIdleTimeout", s.SessionIdle},
		{config.EnvSessionDevices, "sessionDevices", number(s.SessionDevices)},
		{config.EnvMiniSessionTTL, "miniProgramSessionTtl", s.MiniSessionTTL},
		{config.EnvMiniDataAge, "miniProgramDataAge", s.MiniDataAge},
		{config.EnvPushWindow, "pushWindow", s.PushWindow},
		{config.EnvDomainProofs, "domainProofs", strings.Join(s.DomainProofs, ",")},
		{config.EnvReplyFunction, "replyFunction", s.ReplyFunction},
		{config.EnvLogLevel, "logLevel", s.LogLevel},
	}
}

func (s *Settings) appsJSON() string {
	if len(s.Apps) == 0 {
		return ""
	}
	text, _ := json.Marshal(s.Apps) // texts and lists of texts
	return string(text)
}

// proxyReference makes CloudFormation insert the secret's text at deployment, so that
// no template holds it.
func (s *Settings) proxyReference() string {
	if s.ProxySecretARN == "" {
		return ""
	}
	return "{{resolve:secretsmanager:" + s.ProxySecretARN + ":SecretString}}"
}

// checkVariables checks the settings as the functions' own configuration does, and
// returns its problems with the keys of cdk.json.
func (s *Settings) checkVariables() (problems []error) {
	values, keys := map[string]string{}, map[string]string{}
	for _, v := range s.variables() {
		values[v.name], keys[v.name] = v.value, v.key
	}
	if s.ProxySecretARN != "" { // only CloudFormation knows the URL
		delete(values, config.EnvProxyURL)
	}
	var needs config.Part
	if s.pages() {
		needs = config.Origins
	}
	_, err := config.Load(func(name string) string { return values[name] }, needs)
	joined, _ := err.(interface{ Unwrap() []error })
	if joined == nil {
		return nil
	}
	for _, problem := range joined.Unwrap() {
		name, text, _ := strings.Cut(problem.Error(), ": ")
		if key := keys[name]; key != "" {
			problems = append(problems, fmt.Errorf("%s: %s", key, text))
		}
	}
	return problems
}

// environment returns the variables of a function: those of its manifest that have
// a value. resources names what the stack itself makes.
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

// leftOut are variables that no stage sets: WECHAT_APPS replaces WECHAT_APP_ID, and
// the address of WeChat's login pages is always the default.
var leftOut = map[string]bool{config.EnvAppID: true, config.EnvOpenBase: true}
