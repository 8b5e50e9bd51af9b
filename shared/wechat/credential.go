package wechat

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"
)

const (
	opStableToken = "stable_token"
	opToken       = "token"
	opTicket      = "getticket"

	// maxLifetime is beyond anything WeChat grants (7200 s): a longer one is a mistake, and believing
	// it would hand out an expired credential for days.
	maxLifetime = 24 * time.Hour

	clientCredential = "client_credential"
)

// Token is a global access token as WeChat answered it. It prints as [redacted].
type Token struct {
	Value     string
	ExpiresIn time.Duration // at the time of the answer; for a stable token, what is left
}

// Format hides the value whatever the verb.
func (t Token) Format(f fmt.State, _ rune) { hide(f, t.ExpiresIn) }

// LogValue hides the value from slog, whose JSON handler does not use Format.
func (t Token) LogValue() slog.Value { return hidden(t.ExpiresIn) }

// TicketType is what a ticket is for.
type TicketType string

// The tickets there are: for JS-SDK signatures, and for card signatures.
const (
	JSAPI  TicketType = "jsapi"
	WXCard TicketType = "wx_card"
)

// TicketTypes lists all types.
func TicketTypes() []TicketType { return []TicketType{JSAPI, WXCard} }

// Ticket is a JS-SDK or card ticket as WeChat answered it. It prints as [redacted].
type Ticket struct {
	Value string
	// ExpiresIn is 7200 s however old the ticket is: fetching again within its lifetime repeats the
	// same value with the same 7200. Its lifetime therefore counts from when a value was first seen.
	ExpiresIn time.Duration
}

// Format hides the value whatever the verb.
func (t Ticket) Format(f fmt.State, _ rune) { hide(f, t.ExpiresIn) }

// LogValue hides the value from slog, whose JSON handler does not use Format.
func (t Ticket) LogValue() slog.Value { return hidden(t.ExpiresIn) }

func hide(f fmt.State, lifetime time.Duration) { fmt.Fprintf(f, "{%s %s}", redacted, lifetime) }

func hidden(lifetime time.Duration) slog.Value {
	return slog.GroupValue(slog.String("value", redacted), slog.Duration("expires_in", lifetime))
}

// Token asks for the kind of token that the Client was configured for. A classic
// token is always a new one, forced or not.
func (c *Client) Token(ctx context.Context, appID, secret string, force bool) (Token, error) {
	if c.classic {
		return c.ClassicToken(ctx, appID, secret)
	}
	return c.StableToken(ctx, appID, secret, force)
}

// StableToken asks /cgi-bin/stable_token. In normal mode it repeats the token until 300 s are left;
// then a call yields a new one, and both work to the old one's end. With force it replaces the
// token and invalidates the one before: for leaks only, 20 a day, and within 30 s of the last one it has
// no effect. Only normal mode is tried a second time. Stable and classic tokens do not touch each
// other.
// https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/getStableAccessToken.html
func (c *Client) StableToken(ctx context.Context, appID, secret string, force bool) (Token, error) {
	body := struct {
		GrantType string `json:"grant_type"`
		AppID     string `json:"appid"`
		Secret    string `json:"secret"`
		Force     bool   `json:"force_refresh"`
	}{clientCredential, appID, secret, force}
	return c.token(ctx, call{
		op: opStableToken, path: "/cgi-bin/stable_token", body: body,
		repeat: !force, secrets: []string{secret},
	})
}

// ClassicToken asks /cgi-bin/token. Each call makes a new token and ends the one before after
// 300 s, and 2000 a day are allowed; so it is never tried a second time.
// https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Get_access_token.html
func (c *Client) ClassicToken(ctx context.Context, appID, secret string) (Token, error) {
	query := url.Values{"grant_type": {clientCredential}, "appid": {appID}, "secret": {secret}}
	return c.token(ctx, call{op: opToken, path: "/cgi-bin/token", query: query, secrets: []string{secret}})
}

func (c *Client) token(ctx context.Context, r call) (Token, error) {
	var a struct {
		Value    string `json:"access_token"`
		Lifetime number `json:"expires_in"`
	}
	if err := c.do(ctx, r, &a); err != nil {
		return Token{}, err
	}
	lifetime, err := lifetime(r.op, a.Value, a.Lifetime)
	if err != nil {
		return Token{}, err
	}
	return Token{a.Value, lifetime}, nil
}

// Ticket asks /cgi-bin/ticket/getticket; see Ticket.ExpiresIn for its trap. A ticket cannot be
// refreshed by force. The call may be tried a second time.
// https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html (appendix 1)
func (c *Client) Ticket(ctx context.Context, accessToken string, typ TicketType) (Ticket, error) {
	r := call{
		op: opTicket, path: "/cgi-bin/ticket/getticket", repeat: true,
		query:   url.Values{"access_token": {accessToken}, "type": {string(typ)}},
		secrets: []string{accessToken},
	}
	var a struct {
		Value    string `json:"ticket"`
		Lifetime number `json:"expires_in"`
	}
	if err := c.do(ctx, r, &a); err != nil {
		return Ticket{}, err
	}
	lifetime, err := lifetime(r.op, a.Value, a.Lifetime)
	if err != nil {
		return Ticket{}, err
	}
	return Ticket{a.Value, lifetime}, nil
}

// lifetime refuses a success that holds no credential, or one with an impossible lifetime.
func lifetime(op, value string, seconds number) (time.Duration, error) {
	if value == "" || seconds <= 0 || seconds > number(maxLifetime/time.Second) {
		return 0, &Error{Op: op, Status: 200, Message: "unexpected answer: no credential, or an impossible expires_in"}
	}
	return time.Duration(seconds) * time.Second, nil
}
