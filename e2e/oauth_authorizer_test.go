package e2e_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"wechatfn/e2e/lambdatest"
)

// authorizerEvent is the recorded one with another identity. A token of "" is
// left out.
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

// wantAuthorized asks whether a request may pass, and returns what the guarded
// function would find.
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

// TestAuthorizer: a session opens the team's own routes, as a bearer token or as
// the cookie, and nothing else does.
func TestAuthorizer(t *testing.T) {
	fx := newLoginFixture(t)
	oauth := fx.start("oauth")
	b := oauth.browser("hua").logIn("return_to=%2F")
	token, cookie := b.cookie(sessionCookie), sessionCookie+"="+b.cookie(sessionCookie)
	s := b.session()
	oauth.table.take()
	for name, event := range map[string][]byte{
		"bearer":        authorizerEvent(t, token),
		"cookie":        authorizerEvent(t, "", "lang=zh_CN", cookie),
		"bearer counts": authorizerEvent(t, token, sessionCookie+"="+strings.Repeat("Q", 64)),
	} {
		got := wantAuthorized(t, oauth, event, true)
		for key, want := range map[string]any{"app": "default", "appId": appID, "openid": s.OpenID, "unionid": s.UnionID, "sku": "", "device": "", "sessionId": s.ID} {
			if got[key] != want || len(got) != 7 {
				t.Errorf("%s: context %v, want %s %v", name, got, key, want)
			}
		}
		oauth.wantCalls(calls{"GetItem session": 1})
	}
	for name, event := range map[string][]byte{
		"nothing":            authorizerEvent(t, ""),
		"another cookie":     authorizerEvent(t, "", "wechatfn-session="+token),
		"two cookies":        authorizerEvent(t, "", cookie, sessionCookie+"=x"),
		"no token":           authorizerEvent(t, "c4nary"),
		"a guess":            authorizerEvent(t, strings.Repeat("Q", 64)),
		"a wrong bearer":     authorizerEvent(t, strings.Repeat("Q", 64), cookie),
		"the family's head":  authorizerEvent(t, token[:21]),
		"as it was recorded": recorded(t, "oauth-authorizer"),
	} {
		t.Run(name, func(t *testing.T) { wantAuthorized(t, oauth, event, false) })
	}
	for from, want := range map[string]bool{"https://evil.example.net": false, "null": false, origin: true} {
		wantAuthorized(t, oauth, postFrom(t, authorizerEvent(t, "", cookie), from), want)
		wantAuthorized(t, oauth, postFrom(t, authorizerEvent(t, token), from), true)
	}
	b.fetch(http.MethodDelete, "/oauth/session", "")
	authorizes(t, oauth, token, false)
}

// posted asks about a POST from a page.
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

// TestAuthorizerFails: the gateway turns an error into 500 and keeps nothing, while
// it would keep a refusal.
func TestAuthorizerFails(t *testing.T) {
	fx := newLoginFixture(t)
	oauth := fx.start("oauth")
	b := oauth.browser("hua").logIn("return_to=%2F")
	token := b.cookie(sessionCookie)
	oauth.table.Close()
	wantAuthorizerError(t, oauth, token)
	authorizes(t, oauth, "", false) // what needs no table is answered without it
	if n := len(oauth.ColdStarts()); n != 1 {
		t.Errorf("%d processes were needed", n)
	}
	oauth.wantErrors("authorizer failed")
}

func wantAuthorizerError(tb testing.TB, oauth *function, token string) {
	tb.Helper()
	payload, err := oauth.invoke(authorizerEvent(tb, token))
	if _, failed := errors.AsType[*lambdatest.FunctionError](err); !failed {
		tb.Errorf("answer %s, %v", payload, err)
	}
}

// TestAuthorizerHangs: the answer is in time for the gateway to say so itself.
func TestAuthorizerHangs(t *testing.T) {
	t.Parallel()
	fx := newLoginFixture(t)
	fx.timeout = 2 * time.Second
	oauth := fx.start("oauth")
	token := oauth.browser("hua").logIn("return_to=%2F").cookie(sessionCookie)
	oauth.table.hang("")
	wantAuthorizerError(t, oauth, token)
	oauth.table.recover()
	authorizes(t, oauth, token, true)
	if n := len(oauth.ColdStarts()); n != 1 {
		t.Errorf("%d processes were needed", n)
	}
}
