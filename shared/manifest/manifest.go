// Package manifest says what wechatfn consists of, as plain values: its
// functions, their routes, throttles, variables, rights and triggers. The local
// server, the documentation, CDK and SAM render these values, so that each is
// stated once.
package manifest

import (
	"time"

	"wechatfn/shared/config"
	"wechatfn/shared/store"
)

// Function is one Lambda function.
type Function struct {
	Name        string // folder below functions/, and the last part of its deployed name
	Description string
	Timeout     time.Duration
	MemoryMB    int
	Routes      []Route       // HTTP routes, none for a function that is not on the API
	Pages       bool          // pages call its routes, and it answers their preflights (OPTIONS)
	Throttle    Throttle      // of each of its routes that visitors wait for, see Gateway
	Env         []string      // variables it reads, see config.Variables
	Grants      []Grant       // what it may do in the table, see Statements
	CallsWeChat bool          // it needs an address on WeChat's IP whitelist
	Secret      string        // variable that names the Secrets Manager secret it reads, none for ""
	Bus         string        // variable that names the EventBridge bus it puts events on
	Invokes     string        // variable that names the Lambda function it invokes; it may be unset
	Authorizer  bool          // it answers an HTTP API's authorizer events too (payload 2.0, simple responses)
	Every       time.Duration // between two invocations by the schedule, whole minutes; 0: none
	Stream      []string      // kinds of items (store.Kind...) whose writes invoke it
}

// Route is one route of the HTTP API; {name} stands for one path segment, or
// part of one.
type Route struct {
	Method, Path string
}

// Functions lists all functions.
func Functions() []Function {
	return []Function{signature(), oauth(), verify(), refresher()}
}

// Lookup returns the function of that name.
func Lookup(name string) (Function, bool) {
	for _, f := range Functions() {
		if f.Name == name {
			return f, true
		}
	}
	return Function{}, false
}

func signature() Function {
	return Function{
		Name:        "signature",
		Description: "Signs pages for the JS-SDK",
		Timeout:     5 * time.Second,
		MemoryMB:    256,
		Routes: []Route{
			{"GET", "/signature"},
			{"GET", "/get-signature"},
			{"GET", "/signature/card"},
			{"GET", "/signature/choose-card"},
			{"GET", "/signature/health"},
		},
		Pages:    true,
		Throttle: Throttle{Rate: 500, Burst: 1000},
		Env:      []string{config.EnvTableName, config.EnvAppID, config.EnvApps, config.EnvTickets, config.EnvOrigins, config.EnvSignatureCache, config.EnvLogLevel},
		Grants: []Grant{
			{store.KindTicket, Read},
			{store.KindRefreshRequest, ReadWrite},
			{store.KindSignature, ReadWrite},
		},
	}
}

func oauth() Function {
	return Function{
		Name:        "oauth",
		Description: "Logs users in with WeChat and manages their sessions",
		Timeout:     10 * time.Second,
		MemoryMB:    256,
		Routes: []Route{
			{"GET", "/oauth/authorize"},
			{"GET", "/oauth/callback"},
			{"POST", "/oauth/token"},
			{"GET", "/oauth/session"},
			{"DELETE", "/oauth/session"},
			{"POST", "/oauth/session/refresh"},
			{"GET", "/oauth/userinfo"},
			{"GET", "/oauth/health"},
			{"POST", "/miniprogram/login"},
			{"POST", "/miniprogram/decrypt"},
			{"POST", "/miniprogram/phone"},
			{"GET", "/miniprogram/session"},
		},
		Pages:    true,
		Throttle: Throttle{Rate: 50, Burst: 100}, // a login writes to the table and waits for WeChat
		Env: []string{
			config.EnvTableName, config.EnvAppID, config.EnvApps, config.EnvSecretsARN, config.EnvAPIBase, config.EnvOpenBase, config.EnvProxyURL,
			config.EnvOrigins, config.EnvPublicURL, config.EnvSessionTTL, config.EnvSessionIdle, config.EnvSessionDevices,
			config.EnvMiniSessionTTL, config.EnvMiniDataAge, config.EnvLogLevel,
		},
		Grants: []Grant{
			{store.KindState, ReadWrite},
			{store.KindCode, ReadWrite},
			{store.KindSession, ReadWrite},
			{store.KindUser, ReadWrite},
			{store.KindUnion, ReadWrite},
			{store.KindToken, Read},
			{store.KindRefreshRequest, ReadWrite},
		},
		CallsWeChat: true,
		Secret:      config.EnvSecretsARN,
		Authorizer:  true,
	}
}

func verify() Function {
	return Function{
		Name:        "verify",
		Description: "Receives what WeChat pushes to the server URL",
		Timeout:     4 * time.Second, // WeChat waits for 5 s
		MemoryMB:    256,
		Routes: []Route{
			{"GET", "/verify"},
			{"POST", "/verify"},
			{"GET", "/verify/{app}"},
			{"POST", "/verify/{app}"},
			{"GET", "/verify/health"},
			{"GET", "/MP_verify_{code}.txt"},
		},
		Throttle: Throttle{Rate: 200, Burst: 400},
		Env: []string{
			config.EnvTableName, config.EnvAppID, config.EnvApps, config.EnvPushSecretsARN, config.EnvPushWindow,
			config.EnvDomainProofs, config.EnvEventBus, config.EnvReplyFunction, config.EnvLogLevel,
		},
		Grants:  []Grant{{store.KindPush, ReadWrite}},
		Secret:  config.EnvPushSecretsARN,
		Bus:     config.EnvEventBus,
		Invokes: config.EnvReplyFunction,
	}
}

func refresher() Function {
	return Function{
		Name:        "refresher",
		Description: "Keeps access tokens and tickets valid",
		Timeout:     15 * time.Second, // less than the TTL of a lease
		MemoryMB:    256,
		Env: []string{
			config.EnvTableName, config.EnvAppID, config.EnvApps, config.EnvTickets, config.EnvSecretsARN,
			config.EnvTokenMode, config.EnvAPIBase, config.EnvProxyURL, config.EnvLogLevel,
		},
		Grants: []Grant{
			{store.KindToken, ReadWrite},
			{store.KindTicket, ReadWrite},
			{store.KindRefreshRequest, Read},
		},
		CallsWeChat: true,
		Secret:      config.EnvSecretsARN,
		Every:       time.Minute,
		Stream:      []string{store.KindRefreshRequest},
	}
}
