// Package config reads the environment, once, and says everything that is wrong
// with it at once.
package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/secret"
)

// Values of the enumerated variables.
const (
	ModeStable  = "stable"
	ModeClassic = "classic"
	CacheNone   = "none"
	CacheTable  = "table"
)

// Part is a set of variables that a function cannot run without. Each function requires
// its own parts only: signature, for one, must not need a secret.
type Part int

// The parts that Load can require.
const (
	Origins Part = 1 << iota // at least one allowed origin
	Secrets                  // an AppSecret for each account, or the ARN of the secret that holds them
	Table                    // the name of the DynamoDB table
	Pushes                   // a token for at least one account that takes pushes, or the ARN of the secret that holds them
	Bus                      // the EventBridge bus
)

// Config is the whole configuration, checked.
type Config struct {
	Accounts           account.List
	SecretsARN         string
	TokenMode          string // ModeStable or ModeClassic
	APIBase            string
	ProxyURL           secret.Secret // may carry a password
	Origins            []string      // scheme://host[:port], lower case, default ports left out
	SignatureCache     string        // CacheNone or CacheTable
	Table              string
	LogLevel           slog.Level
	OpenBase           string
	PublicURL          string        // scheme://host[:port]; empty: that of the request
	SessionTTL         time.Duration // after the login
	SessionIdleTimeout time.Duration // after the last use
	SessionDevices     int
	MiniSessionTTL     time.Duration // of a mini-program's session, after the login
	MiniDataAge        time.Duration // how far the time of encrypted data may be from now

	// The secrets of the environment; empty when they come from Secrets Manager.
	AppSecrets  secret.AppSecrets
	PushSecrets secret.PushSecrets

	PushSecretsARN string
	PushWindow     time.Duration     // how far a push's timestamp may be from now
	DomainProofs   map[string]string // CODE of /MP_verify_CODE.txt to what the file holds
	EventBus       string            // name or ARN
	ReplyFunction  string            // name or ARN; empty: nothing answers messages

	FunctionName string // of the Lambda function that this is; empty outside Lambda
}

// Load reads every variable through getenv. A variable that is not set has the
// default of Variables. The error joins one sentence for each thing that is wrong,
// naming the variable; secrets are never quoted.
func Load(getenv func(string) string, needs Part) (*Config, error) {
	return load(getenv, needs, defaultOf)
}

func load(getenv func(string) string, needs Part, defaultOf func(name string) string) (*Config, error) {
	l := loader{getenv: getenv, defaultOf: defaultOf}
	c := &Config{
		SecretsARN:         l.get(EnvSecretsARN),
		TokenMode:          l.oneOf(EnvTokenMode, ModeStable, ModeClassic),
		APIBase:            l.base(EnvAPIBase),
		ProxyURL:           l.proxyURL(),
		Origins:            l.origins(),
		SignatureCache:     l.oneOf(EnvSignatureCache, CacheNone, CacheTable),
		Table:              l.get(EnvTableName),
		LogLevel:           l.logLevel(),
		OpenBase:           l.base(EnvOpenBase),
		PublicURL:          l.publicURL(),
		SessionTTL:         l.duration(EnvSessionTTL, minSession, maxSession),
		SessionIdleTimeout: l.duration(EnvSessionIdle, minSession, maxSession),
		SessionDevices:     l.sessionDevices(),
		MiniSessionTTL:     l.duration(EnvMiniSessionTTL, minSession, maxSession),
		MiniDataAge:        l.duration(EnvMiniDataAge, minWindow, maxWindow),
		PushSecretsARN:     l.resource(EnvPushSecretsARN),
		PushWindow:         l.duration(EnvPushWindow, minWindow, maxWindow),
		DomainProofs:       l.domainProofs(),
		EventBus:           l.resource(EnvEventBus),
		ReplyFunction:      l.resource(EnvReplyFunction),
		FunctionName:       l.get(EnvFunctionName),
	}
	c.Accounts = l.accounts()
	c.AppSecrets = l.appSecrets()
	c.PushSecrets = l.pushSecrets(c.Accounts)
	l.require(c, needs)
	return c, errors.Join(l.problems...)
}

// Secret is an account.SecretSource: the AppSecrets of the environment.
func (c *Config) Secret(_ context.Context, a account.Account, _ bool) (secret.Secret, error) {
	return account.RequireSecret(c.AppSecrets.For(a.Name, a.AppID), a)
}

// PushSecretsOf returns what the environment holds to verify and decrypt an
// account's pushes. It is false for accounts that have none there or take no pushes.
func (c *Config) PushSecretsOf(a account.Account) (secret.Push, bool) {
	if !a.TakesPushes() {
		return secret.Push{}, false
	}
	return c.PushSecrets.For(a.Name, a.AppID)
}

// loader collects problems while it reads.
type loader struct {
	getenv    func(string) string
	defaultOf func(name string) string
	problems  []error
}

func (l *loader) problem(name, format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf("%s: "+format, append([]any{name}, args...)...))
}

// get returns the value of a variable, or its default where it is not set.
func (l *loader) get(name string) string {
	return cmp.Or(strings.TrimSpace(l.getenv(name)), l.defaultOf(name))
}

// oneOf reads an enumerated variable.
func (l *loader) oneOf(name string, choices ...string) string {
	value := l.get(name)
	if !slices.Contains(choices, value) {
		l.problem(name, "%q is not one of %s", value, strings.Join(choices, ", "))
	}
	return value
}

func (l *loader) logLevel() slog.Level {
	var level slog.Level
	if value := l.get(EnvLogLevel); level.UnmarshalText([]byte(value)) != nil {
		l.problem(EnvLogLevel, "%q is not one of debug, info, warn, error", value)
	}
	return level
}

func (l *loader) require(c *Config, needs Part) {
	if needs&Origins != 0 && len(c.Origins) == 0 && l.get(EnvOrigins) == "" {
		l.problem(EnvOrigins, "is not set; list the origins of your pages, for example https://www.example.com")
	}
	if needs&Table != 0 && c.Table == "" {
		l.problem(EnvTableName, "is not set; it names the DynamoDB table")
	}
	if needs&Secrets != 0 && c.SecretsARN == "" {
		l.requireSecrets(c)
	}
	if needs&Pushes != 0 {
		l.requirePushes(c)
	}
	if needs&Bus != 0 && c.EventBus == "" {
		l.problem(EnvEventBus, "is not set; it names the EventBridge bus that takes the messages")
	}
}

func (l *loader) requireSecrets(c *Config) {
	for _, a := range c.Accounts {
		if !c.AppSecrets.For(a.Name, a.AppID).IsZero() {
			continue
		}
		if a.Name == defaultName {
			l.problem(EnvAppSecret, "is not set, and neither is %s", EnvSecretsARN)
		} else {
			l.problem(EnvAppSecrets, "has no AppSecret for account %q, and %s is not set", a.Name, EnvSecretsARN)
		}
	}
}
