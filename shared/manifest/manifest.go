// Package manifest says what wechatfn consists of, as plain values: its
// functions, their routes, variables, rights and triggers. The dev server, the
// documentation and the deployment are made from it, so that a thing is stated
// once.
package manifest

import (
	"strings"
	"time"
)

// Function is one Lambda function.
type Function struct {
	Name        string // folder below functions/, and the last part of its deployed name
	Description string
	Timeout     time.Duration
	MemoryMB    int
	Routes      []Route  // HTTP routes, none for a function that is not on the API
	Pages       bool     // pages call its routes, and it answers their preflights (OPTIONS)
	Throttle    Throttle // of each of its routes
	Env         []string // variables it reads, see config.Variables
	Grants      []Grant  // what it may do in the table
	CallsWeChat bool     // it needs an address on WeChat's IP whitelist
	Secret      string   // variable that names the Secrets Manager secret it reads, none for ""
	Bus         string   // variable that names the EventBridge bus it puts events on
	Invokes     string   // variable that names the Lambda function it invokes; it may be unset
	Authorizer  bool     // it answers an HTTP API's authorizer events too (payload 2.0, simple responses)
	Every       time.Duration
	Stream      []string // kinds of item whose writes (INSERT and MODIFY) invoke it
}

// Route is one route of the HTTP API; {name} stands for one path segment, or
// part of one.
type Route struct {
	Method, Path string
}

// Throttle is what a gateway lets through to a route: requests a second in the
// long run, and at once.
type Throttle struct {
	Rate, Burst int
}

// Access is a set of store verbs.
type Access int

// The verbs, as DynamoDB actions grant them. Who writes may read too: a write
// that failed in transit is settled by reading back.
const (
	Get Access = 1 << iota // GetItem
	put                    // PutItem, for Create and Replace
	Put = put | Get
)

// Grant gives access to the items whose keys begin with Kind and a #.
type Grant struct {
	Kind   string
	Access Access
}

// The table's attributes; the store/dynamo package writes them.
const (
	TableKey = "pk"
	TableTTL = "expires_at"
)

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
		Env:      []string{"TABLE_NAME", "WECHAT_APP_ID", "WECHAT_APPS", "WECHAT_TICKETS", "ALLOWED_ORIGINS", "SIGNATURE_CACHE", "LOG_LEVEL"},
		Grants: []Grant{
			{"ticket", Get},
			{"refresh_request", Put},
			{"signature", Put},
		},
	}
}

func oauth() Function {
	return Function{
		Name:        "oauth",
		Description: "Logs users in with WeChat and keeps their sessions",
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
		Throttle: Throttle{Rate: 50, Burst: 100}, // a login is a write to the table, and WeChat's answer is waited for
		Env: []string{
			"TABLE_NAME", "WECHAT_APP_ID", "WECHAT_APPS", "WECHAT_SECRETS_ARN", "WECHAT_API_BASE", "WECHAT_OPEN_BASE", "WECHAT_PROXY_URL",
			"ALLOWED_ORIGINS", "PUBLIC_URL", "SESSION_TTL", "SESSION_IDLE_TIMEOUT", "SESSION_DEVICES",
			"MINIPROGRAM_SESSION_TTL", "MINIPROGRAM_DATA_AGE", "LOG_LEVEL",
		},
		Grants:      []Grant{{"state", Put}, {"code", Put}, {"session", Put}, {"user", Put}, {"union", Put}, {"token", Get}, {"refresh_request", Put}},
		CallsWeChat: true,
		Secret:      "WECHAT_SECRETS_ARN",
		Authorizer:  true,
	}
}

func verify() Function {
	return Function{
		Name:        "verify",
		Description: "Takes what WeChat pushes to the server URL",
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
			"TABLE_NAME", "WECHAT_APP_ID", "WECHAT_APPS", "WECHAT_PUSH_SECRETS_ARN", "WECHAT_PUSH_WINDOW",
			"WECHAT_DOMAIN_PROOFS", "EVENT_BUS_NAME", "REPLY_FUNCTION", "LOG_LEVEL",
		},
		Grants:  []Grant{{"push", Put}},
		Secret:  "WECHAT_PUSH_SECRETS_ARN",
		Bus:     "EVENT_BUS_NAME",
		Invokes: "REPLY_FUNCTION",
	}
}

func refresher() Function {
	return Function{
		Name:        "refresher",
		Description: "Keeps access tokens and tickets alive",
		Timeout:     15 * time.Second, // less than a lease lives
		MemoryMB:    256,
		Env: []string{
			"TABLE_NAME", "WECHAT_APP_ID", "WECHAT_APPS", "WECHAT_TICKETS", "WECHAT_SECRETS_ARN",
			"WECHAT_TOKEN_MODE", "WECHAT_API_BASE", "WECHAT_PROXY_URL", "LOG_LEVEL",
		},
		Grants: []Grant{
			{"token", Put},
			{"ticket", Put},
			{"refresh_request", Get},
		},
		CallsWeChat: true,
		Secret:      "WECHAT_SECRETS_ARN",
		Every:       time.Minute,
		Stream:      []string{"refresh_request"},
	}
}

// String lists the DynamoDB actions.
func (a Access) String() string { return strings.Join(a.Actions(), ", ") }

// Actions are the DynamoDB actions to allow, without their dynamodb: prefix.
func (a Access) Actions() []string {
	var actions []string
	for _, one := range []struct {
		access Access
		action string
	}{{Get, "GetItem"}, {put, "PutItem"}} {
		if a&one.access != 0 {
			actions = append(actions, one.action)
		}
	}
	return actions
}
