package wechat

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"
)

const (
	opExchange    = "access_token"
	opRefreshUser = "refresh_token"
	opUserInfo    = "userinfo"
	opCheckUser   = "auth"
)

// UserToken is a user's login at an account, as WeChat answered it. It is good for what the user
// granted and has nothing to do with the account's own Token. It prints as [redacted].
type UserToken struct {
	AccessToken  string
	RefreshToken string // good for 30 days; "" when WeChat sent none
	OpenID       string // the user at this account
	UnionID      string // the user at all accounts of one Open Platform account; often ""
	Scope        string // what was granted, comma separated
	ExpiresIn    time.Duration
	// Snapshot: the page is being previewed and the user is not real: OpenID and UnionID are
	// made up. Never create or bind an account for it, and do not ask for UserInfo. Only
	// ExchangeCode gives it; a refreshed token has what the first one had.
	Snapshot bool
}

// Format hides everything but the lifetime, whatever the verb.
func (t UserToken) Format(f fmt.State, _ rune) { hide(f, t.ExpiresIn) }

// LogValue hides the values from slog, whose JSON handler does not use Format.
func (t UserToken) LogValue() slog.Value { return hidden(t.ExpiresIn) }

// ExchangeCode turns the code of a login into the user's token (/sns/oauth2/access_token). A code
// works once, within five minutes and for its account alone, so the call is never tried a second
// time, not even when the connection breaks: then it is not known whether the code was used, and the
// user has to log in again. Browsers may ask twice with one code; see Error.CodeUsed.
// https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
func (c *Client) ExchangeCode(ctx context.Context, appID, secret, code string) (UserToken, error) {
	return c.userToken(ctx, call{
		op: opExchange, path: "/sns/oauth2/access_token", secrets: []string{secret, code},
		query: url.Values{"appid": {appID}, "secret": {secret}, "code": {code}, "grant_type": {"authorization_code"}},
	})
}

// RefreshUserToken prolongs a user's login (/sns/oauth2/refresh_token): a valid access token stays
// and is extended, an expired one is replaced. The call may be tried a second time: once it has gone
// through, the token is valid, and asking again answers the same. Whether it restarts the refresh
// token's 30 days is disputed. An answer without a refresh token means the one that was sent.
// https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
func (c *Client) RefreshUserToken(ctx context.Context, appID, refreshToken string) (UserToken, error) {
	t, err := c.userToken(ctx, call{
		op: opRefreshUser, path: "/sns/oauth2/refresh_token", repeat: true, secrets: []string{refreshToken},
		query: url.Values{"appid": {appID}, "grant_type": {"refresh_token"}, "refresh_token": {refreshToken}},
	})
	if err != nil {
		return UserToken{}, err
	}
	t.RefreshToken = cmp.Or(t.RefreshToken, refreshToken)
	return t, nil
}

func (c *Client) userToken(ctx context.Context, r call) (UserToken, error) {
	var a struct {
		Access   text   `json:"access_token"`
		Refresh  text   `json:"refresh_token"`
		OpenID   text   `json:"openid"`
		UnionID  text   `json:"unionid"`
		Scope    text   `json:"scope"`
		Lifetime number `json:"expires_in"`
		Snapshot flag   `json:"is_snapshotuser"`
	}
	if err := c.do(ctx, r, &a); err != nil {
		return UserToken{}, err
	}
	lifetime, err := lifetime(r.op, string(a.Access), a.Lifetime)
	if err != nil {
		return UserToken{}, err
	}
	if a.OpenID == "" {
		return UserToken{}, &Error{Op: r.op, Status: 200, Message: "unexpected answer: no openid"}
	}
	return UserToken{
		AccessToken: string(a.Access), RefreshToken: string(a.Refresh), OpenID: string(a.OpenID),
		UnionID: string(a.UnionID), Scope: string(a.Scope), ExpiresIn: lifetime, Snapshot: bool(a.Snapshot),
	}, nil
}

// CheckUserToken asks whether a user's access token is valid and belongs to the openid (/sns/auth):
// nil, or an Error such as UserTokenInvalid or CodeBadOpenID. The call may be tried a second time.
// https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
func (c *Client) CheckUserToken(ctx context.Context, accessToken, openid string) error {
	r := call{
		op: opCheckUser, path: "/sns/auth", repeat: true, secrets: []string{accessToken, openid},
		query: url.Values{"access_token": {accessToken}, "openid": {openid}},
	}
	var a struct {
		Code *number `json:"errcode"`
	}
	if err := c.do(ctx, r, &a); err != nil {
		return err
	}
	if a.Code == nil { // the answer is nothing but the errcode; without it there is no yes
		return &Error{Op: r.op, Status: 200, Message: "unexpected answer: no errcode"}
	}
	return nil
}
