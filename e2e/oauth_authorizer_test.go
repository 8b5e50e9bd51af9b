package e2e_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"wechatfn/e2e/lambdatest"
)

// authorizerEvent returns the recorded event with another bearer token, or none if token is
// empty, and other cookies.
func authorizerEvent(tb testing.TB, token string, cookies ...string) []byte {
	tb.Helper()
	var e events.APIGatewayV2CustomAuthorizerV2Request
	if err := json.Unmarshal(recorded(tb, "oauth-authorizer"), &e); err != nil {
		tb.Fatal(err)
	}
	e.Cookies, e.IdentitySource = cookies, nil
	delete(e.Headers, "authorization")
	if token != "" {
		e.Headers["authorization"] = "Bearer " + token
		e.IdentitySource = []string{"Bearer " + token}
	}
	event, err := json.Marshal(e)
	if err != nil {
		tb.Fatal(err)
	}
	return event
}

// wantAuthorized checks whether a request may pass, and returns what the guarded function
// would find.
func wantAuthorized(tb testing.TB, oauth *function, event []byte, want bool) map[string]any {
	tb.Helper()
	payload, err := oauth.invoke(event)
	var a events.APIGatewayV2CustomAuthorizerSimpleResponse
	if err != nil || json.Unmarshal(payload, &a) != nil || a.IsAuthorized != want {
		tb.Errorf("answer %s, %v, want %v", payload, err, want)
	}
	if !want && string(payload) != `{"isAuthorized":false}` {
		tb.Errorf("answer %s", payload)
	}
	return a.Context
}

func authorizes(tb testing.TB, oauth *function, token string, want bool) map[string]any {
	tb.Helper()
	return wantAuthorized(tb, oauth, authorizerEvent(tb, token), want)
}

// A session opens the team's own routes, as a bearer token or as the cookie. Nothing else
// does.
func TestAuthorizerLetsSessionsPass(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.start("oauth")
	b := oauth.browser("hua").logIn("return_to=%2F")
	token, cookie := b.cookie(sessionCookie), sessionCookie+"="+b.cookie(sessionCookie)
	s := b.session()
	oauth.table.take()
	for _, c := range []struct {
		name  string
		event []byte
	}{
		{"bearer", authorizerEvent(t, token)},
		{"cookie", authorizerEvent(t, "", "lang=zh_CN", cookie)},
		{"bearer, and another cookie", authorizerEvent(t, token, sessionCookie+"="+strings.Repeat("Q", 64))},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := wantAuthorized(t, oauth, c.event, true)
			want := map[string]any{"app": "default", "appId": appID, "openid": s.OpenID, "unionid": s.UnionID, "sku": "", "device": "", "sessionId": s.ID}
			if !maps.Equal(got, want) {
				t.Errorf("context %v, want %v", got, want)
			}
			oauth.wantCalls(calls{"GetItem session": 1})
		})
	}
	for _, c := range []struct {
		name  string
		event []byte
	}{
		{"nothing", authorizerEvent(t, "")},
		{"another cookie", authorizerEvent(t, "", "wechatfn-session="+token)},
		{"two cookies", authorizerEvent(t, "", cookie, sessionCookie+"=x")},
		{"a bearer that is no token", authorizerEvent(t, "c4nary")},
		{"a guessed token", authorizerEvent(t, strings.Repeat("Q", 64))},
		{"a wrong bearer", authorizerEvent(t, strings.Repeat("Q", 64), cookie)},
		{"the first part of the token", authorizerEvent(t, token[:21])},
		{"the recorded event", recorded(t, "oauth-authorizer")},
	} {
		t.Run(c.name, func(t *testing.T) { wantAuthorized(t, oauth, c.event, false) })
	}
	for _, c := range []struct {
		from string
		want bool
	}{{"https://evil.example.net", false}, {"null", false}, {origin, true}} {
		t.Run("POST from "+c.from, func(t *testing.T) {
			wantAuthorized(t, oauth, postFrom(t, authorizerEvent(t, "", cookie), c.from), c.want)
			wantAuthorized(t, oauth, postFrom(t, authorizerEvent(t, token), c.from), true)
		})
	}
	b.fetch(http.MethodDelete, "/oauth/session", "")
	authorizes(t, oauth, token, false)
}

// postFrom returns the event for a POST from a page.
func postFrom(tb testing.TB, event []byte, from string) []byte {
	tb.Helper()
	var e events.APIGatewayV2CustomAuthorizerV2Request
	if err := json.Unmarshal(event, &e); err != nil {
		tb.Fatal(err)
	}
	e.RequestContext.HTTP.Method, e.Headers["origin"] = http.MethodPost, from
	event, err := json.Marshal(e)
	if err != nil {
		tb.Fatal(err)
	}
	return event
}

// If the table cannot be read, the authorizer returns an error. The gateway answers 500 and
// caches nothing; it would cache a refusal.
func TestAuthorizerReturnsAnErrorWithoutTheTable(t *testing.T) {
	fx := newLoginFixture(t, runtimeAPI)
	oauth := fx.start("oauth")
	b := oauth.browser("hua").logIn("return_to=%2F")
	token := b.cookie(sessionCookie)
	oauth.table.Close()
	wantAuthorizerError(t, oauth, token)
	authorizes(t, oauth, "", false) // this needs no table
	oauth.wantProcesses(1)
	oauth.wantErrors("authorizer failed")
}

func wantAuthorizerError(tb testing.TB, oauth *function, token string) {
	tb.Helper()
	payload, err := oauth.invoke(authorizerEvent(tb, token))
	if _, failed := errors.AsType[*lambdatest.FunctionError](err); !failed {
		tb.Errorf("answer %s, %v", payload, err)
	}
}

// If the table does not answer, the authorizer returns an error before Lambda ends it.
func TestAuthorizerReturnsAnErrorInTime(t *testing.T) {
	t.Parallel()
	fx := newLoginFixture(t, runtimeAPI)
	fx.timeout = 2 * time.Second
	oauth := fx.start("oauth")
	token := oauth.browser("hua").logIn("return_to=%2F").cookie(sessionCookie)
	oauth.table.hang("")
	wantAuthorizerError(t, oauth, token)
	oauth.table.recover()
	authorizes(t, oauth, token, true)
	oauth.wantProcesses(1)
}
