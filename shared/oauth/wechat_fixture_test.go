package oauth

import (
	"context"
	"sync"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/wechat"
)

const (
	shopID     = "wx0123456789abcdef" // an official account
	siteID     = "wxfedcba9876543210" // a website app
	testSecret = "canary-secret"
)

// newSimulator returns a simulated WeChat with both accounts and a few users.
func newSimulator(t testing.TB, change ...func(*wechatsim.Config)) *wechatsim.Sim {
	t.Helper()
	c := wechatsim.Config{Seed: t.Name(), Apps: []wechatsim.App{
		{ID: shopID, Secret: testSecret},
		{ID: siteID, Secret: testSecret, Kind: wechatsim.Website},
	}}
	for _, user := range []string{"user1", "user2", "user3", "attacker"} {
		c.Users = append(c.Users, wechatsim.User{ID: user, Nickname: "小明", Sex: 1})
	}
	for _, with := range change {
		with(&c)
	}
	sim, err := wechatsim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return sim
}

// recordedClient is a client of the simulated WeChat. It counts calls, whether the client
// repeats them or not, and lets a test run something while WeChat is asked for tokens.
type recordedClient struct {
	*wechat.Client
	plant       func(secret string) string
	noUnionID   bool   // the exchange gives no unionid
	beforeAsked func() // runs before WeChat is asked for tokens
	answered    func() // runs before an answer with tokens is returned

	mu                                     sync.Mutex
	exchanges, refreshes, profiles, checks int
	asked                                  []string         // the language of each profile, the openid of each check
	last                                   wechat.UserToken // the tokens that WeChat answered last
}

func (c *recordedClient) count(calls *int, asked ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*calls++
	c.asked = append(c.asked, asked...)
}

func (c *recordedClient) tokens(call func() (wechat.UserToken, error)) (wechat.UserToken, error) {
	if c.beforeAsked != nil {
		c.beforeAsked()
	}
	t, err := call()
	c.plant(t.AccessToken)
	c.plant(t.RefreshToken)
	if err == nil {
		c.mu.Lock()
		c.last = t
		c.mu.Unlock()
	}
	if c.answered != nil {
		c.answered()
	}
	return t, err
}

func (c *recordedClient) ExchangeCode(ctx context.Context, appID, secret, code string) (wechat.UserToken, error) {
	c.count(&c.exchanges)
	return c.tokens(func() (wechat.UserToken, error) {
		t, err := c.Client.ExchangeCode(ctx, appID, secret, code)
		if c.noUnionID {
			t.UnionID = ""
		}
		return t, err
	})
}

func (c *recordedClient) RefreshUserToken(ctx context.Context, appID, refreshToken string) (wechat.UserToken, error) {
	c.count(&c.refreshes)
	return c.tokens(func() (wechat.UserToken, error) { return c.Client.RefreshUserToken(ctx, appID, refreshToken) })
}

func (c *recordedClient) UserInfo(ctx context.Context, accessToken, openid, lang string) (wechat.UserInfo, error) {
	c.count(&c.profiles, lang)
	return c.Client.UserInfo(ctx, accessToken, openid, lang)
}

func (c *recordedClient) CheckUserToken(ctx context.Context, accessToken, openid string) error {
	c.count(&c.checks, openid)
	return c.Client.CheckUserToken(ctx, accessToken, openid)
}

// openID is what the official account calls the user.
func (f *fixture) openID(user string) string { return f.sim.OpenID(shopID, user) }

// code is a code of WeChat's for a user who granted the profile to the official account.
func (f *fixture) code(user string) string {
	f.Helper()
	return f.codeOf(shopID, user, wechat.ScopeUserInfo)
}

func (f *fixture) codeOf(appID, user, scope string) string {
	f.Helper()
	code, err := f.sim.IssueCode(appID, user, scope, false)
	if err != nil {
		f.Fatal(err)
	}
	return f.plant(code)
}

// slow delays WeChat's answers to exchanges and refreshes.
func (f *fixture) slow(by time.Duration) {
	for _, path := range []string{wechatsim.PathExchange, wechatsim.PathRefreshUser} {
		f.sim.Fail(wechatsim.Fault{Path: path, AnswerDelay: by})
	}
}

// refuse makes WeChat refuse all calls of a path.
func (f *fixture) refuse(path string, errcode int) {
	f.sim.Fail(wechatsim.Fault{Path: path, ErrCode: errcode, ErrMsg: "told by WeChat"})
}

// wantAsked checks how often WeChat was asked for the tokens of a code, and for newer
// tokens.
func (f *fixture) wantAsked(exchanges, refreshes int) {
	f.Helper()
	if f.wechat.exchanges != exchanges || f.wechat.refreshes != refreshes {
		f.Errorf("%d exchanges and %d refreshes, want %d and %d", f.wechat.exchanges, f.wechat.refreshes, exchanges, refreshes)
	}
}
