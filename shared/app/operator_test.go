package app

import (
	"strings"
	"testing"
)

// No answer to an operator has a secret, though the items that are read have some.
func TestOperatorEventsReadAndEndSessions(t *testing.T) {
	f := newFixture(t, shopAndMini)
	shop, news := f.logIn(`,"sku":"shop"`), f.logIn(`,"sku":"news"`)
	openID := f.sim.OpenID(miniID, "hua")
	key, _ := f.sim.SessionKey(miniID, "hua")
	send := func(event string) (string, error) {
		answer, err := f.Operator.Handle(t.Context(), []byte(event))
		for _, secret := range []string{key, shop, news, "canary-secret"} {
			if strings.Contains(string(answer), secret) || err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s answers with a secret: %s, %v", event, answer, err)
			}
		}
		return string(answer), err
	}
	of := func(action, more string) string {
		return `{"action":"` + action + `","app":"mini","openid":"` + openID + `"` + more + `}`
	}
	if user, err := send(of("user", "")); err != nil || !strings.Contains(user, `"openid":"`+openID) || strings.Count(user, `"sku"`) != 2 {
		t.Errorf("%s, %v", user, err)
	}
	if _, err := send(of("reset_session_key", "")); err == nil { // no token is stored; the function requests a refresh
		t.Error("the session_key was reset without an access token")
	}
	f.Logins = f.newLogins() // which has not cached that there is no token
	if answer, err := send(of("reset_session_key", "")); err != nil || !strings.Contains(answer, "reset_session_key") {
		t.Errorf("%s, %v", answer, err)
	}
	if now, _ := f.sim.SessionKey(miniID, "hua"); now == key {
		t.Error("the session_key is the same")
	}
	if _, err := send(of("logout", `,"sku":"shop"`)); err != nil {
		t.Error(err)
	}
	if a, b := f.do("GET", "/oauth/session", "", shop), f.do("GET", "/oauth/session", "", news); a.Code != 401 || b.Code != 200 {
		t.Errorf("after a logout of one product: %d and %d", a.Code, b.Code)
	}
	if _, err := send(of("logout", "")); err != nil {
		t.Error(err)
	}
	if got := f.do("GET", "/oauth/session", "", news); got.Code != 401 {
		t.Errorf("after a logout of all: %d", got.Code)
	}
	if answer, err := send(`{"action":"openids","unionid":"nobody"}`); err != nil || answer != "{}" {
		t.Errorf("%s, %v", answer, err)
	}
}
