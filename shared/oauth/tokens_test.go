package oauth

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/store/storetest"
)

// writers are the requests that write a user's tokens: a login in a new browser, one in a
// browser with a session, the redemption of a login code, and a refresh.
var writers = []struct {
	name string
	run  func(f *fixture, b *browser, loginCode string)
}{
	{"login", func(f *fixture, _ *browser, _ string) { f.browser().logIn("user1") }},
	{"login that reuses a session", func(_ *fixture, b *browser, _ string) { b.logIn("user1") }},
	{"redemption", func(_ *fixture, b *browser, loginCode string) { b.redeem(loginCode) }},
	{"refresh", func(_ *fixture, b *browser, _ string) { b.do("GET", "/oauth/userinfo", "") }},
}

// Each request that writes tokens runs as a whole before each call of each other one, and
// while that waits for the AppSecret or for WeChat's answer. In the end the tokens are
// stored that WeChat was asked for last.
func TestNewestTokensAreStored(t *testing.T) {
	for outer := range writers {
		for inner := range writers {
			t.Run(writers[inner].name+" within "+writers[outer].name, func(t *testing.T) {
				for call, ran := 1, true; ran; call++ {
					synctest.Test(t, func(t *testing.T) { ran = crossTokens(t, outer, inner, call) })
					if t.Failed() {
						t.Fatalf("before call %d", call)
					}
				}
			})
		}
	}
}

func crossTokens(t *testing.T, outer, inner int, call int) (ran bool) {
	f, b := loggedIn(t)
	time.Sleep(time.Minute)
	f.wechat.beforeAsked = func() { // only the tokens that WeChat is asked for last are valid
		if err := f.sim.EndUserTokens(shopID, "user1", 42001); err != nil {
			t.Error(err)
		}
	}
	loginCode := b.logInPage("user1")
	time.Sleep(time.Second)
	n := 0
	step := func() {
		time.Sleep(time.Millisecond) // no two things happen at the same time
		if n++; n == call {
			ran = true
			writers[inner].run(f, b, loginCode)
			time.Sleep(time.Millisecond)
		}
	}
	f.store.Intercept(func(ctx context.Context, _ storetest.Call, do func(context.Context) error) error {
		step()
		return do(ctx)
	})
	f.wechat.answered = step
	secrets := f.config.Secrets
	f.configure(func(c *Config) {
		c.Secrets = func(ctx context.Context, a account.Account, fresh bool) (secret.Secret, error) {
			step()
			return secrets(ctx, a, fresh)
		}
	})
	writers[outer].run(f, b, loginCode)
	f.store.Intercept(nil)
	f.wechat.answered = nil
	user, err := f.sessions.User(t.Context(), shopID, f.openID("user1"))
	if err != nil || !f.sim.UserTokenValid(user.Tokens.AccessToken) {
		t.Errorf("older tokens are stored; %v", err)
	}
	return ran
}
