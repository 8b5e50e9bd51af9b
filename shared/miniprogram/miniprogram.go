// Package miniprogram logs the users of mini-programs in, and turns what WeChat
// encrypts for a mini-program's server into plain data. What comes out of a login is
// a session (see package session), as a bearer token; session_key stays with the
// user's item in the table and leaves it for nobody.
//
// No cookie is read here, so a page in a browser can do nothing that a stranger could
// not; there is no CORS, since wx.request has no use for it.
//
// https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/login.html
package miniprogram

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/session"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

// WeChat is what of WeChat's API is needed; *wechat.Client has it.
type WeChat interface {
	CodeToSession(ctx context.Context, appID, secret, code string) (wechat.MiniSession, error)
	PhoneNumber(ctx context.Context, accessToken, code, openid string) (wechat.Phone, error)
	CheckSessionKey(ctx context.Context, accessToken, openid, sessionKey string) error
	ResetSessionKey(ctx context.Context, accessToken, openid, sessionKey string) (wechat.MiniSession, error)
}

// Tokens hands out the accounts' access tokens, and another than one that is dead;
// *credential.Reader does.
type Tokens interface {
	Token(ctx context.Context, appID string) (string, error)
	Replacement(ctx context.Context, appID, dead string) (string, error)
}

// Config configures a Handler. Accounts, WeChat, Secrets, Tokens, RetryAfter, Sessions
// and DataAge are required.
type Config struct {
	Accounts   account.List // the first one is the default
	WeChat     WeChat
	Secrets    account.SecretSource
	Tokens     Tokens
	RetryAfter time.Duration // what a 503 without a token advises
	Sessions   *session.Sessions

	// DataAge is how far the time in encrypted data may be from now. A login's code
	// expires after 5 minutes; the rest is for a clock that is off and a client that
	// tries again.
	DataAge time.Duration
	Budget  time.Duration // for a request as a whole; 0: 8.5 s

	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: slog.Default()
	// LoggedIn adds to the line of a login; nil: nothing.
	LoggedIn func() slog.Attr
}

const defaultBudget = 8500 * time.Millisecond // leaves WeChat the time that it sometimes takes

// Handler serves mini-programs:
//
//	POST /miniprogram/login     a wx.login code for a session
//	POST /miniprogram/decrypt   encrypted data in plain
//	POST /miniprogram/phone     a phone number's code for the number
//	GET  /miniprogram/session   whether session_key is good still
//
// Sessions are checked, rotated and ended where those of package oauth are.
type Handler struct {
	Config
	http.Handler
}

// New checks the configuration and builds the routes.
func New(c Config) (*Handler, error) {
	switch {
	case len(c.Accounts) == 0:
		return nil, errors.New("miniprogram: no mini-program is configured")
	case c.WeChat == nil || c.Secrets == nil || c.Tokens == nil || c.Sessions == nil:
		return nil, errors.New("miniprogram: WeChat, Secrets, Tokens and Sessions are required")
	case c.DataAge <= 0 || c.RetryAfter <= 0:
		return nil, errors.New("miniprogram: DataAge and RetryAfter are required")
	}
	c.Budget = cmp.Or(c.Budget, defaultBudget)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.LoggedIn == nil {
		c.LoggedIn = func() slog.Attr { return slog.Attr{} }
	}
	h := &Handler{Config: c}
	mux := new(web.Mux)
	for pattern, f := range map[string]web.HandlerFunc{
		"POST /miniprogram/login":   h.login,
		"POST /miniprogram/decrypt": h.decrypt,
		"POST /miniprogram/phone":   h.phone,
		"GET /miniprogram/session":  h.session,
	} {
		mux.Handle(pattern, web.Handle(web.Guard(f, h.Budget), h.Logger))
	}
	h.Handler = mux
	return h, nil
}

// open says whose session a request bears: one of a mini-program, and of that product
// where one is named.
func (h *Handler) open(r *http.Request, sku string) (session.Session, error) {
	var products []string
	if sku != "" {
		products = []string{sku}
	}
	s, err := h.Sessions.Check(r.Context(), web.Bearer(r), products...)
	if err != nil {
		return s, sessionProblem(err)
	}
	if _, ok := h.Accounts.FindAppID(s.AppID); !ok {
		return s, errNoMini
	}
	return s, nil
}

// key reads the user's session_key.
func (h *Handler) key(ctx context.Context, appID, openID string) (string, error) {
	u, err := h.Sessions.User(ctx, appID, openID)
	if errors.Is(err, session.ErrNoUser) || err == nil && u.Tokens.SessionKey == "" {
		return "", errKeyMissing
	}
	return u.Tokens.SessionKey, err
}

const (
	// anotherTime is how long another token is waited for: the table's stream and the
	// refresher need about two seconds.
	anotherTime = 4 * time.Second
	// askTime is left for the second try.
	askTime = 2 * time.Second
)

// withToken asks WeChat something with the account's access token, and once more with
// another where WeChat says that it is dead.
func (h *Handler) withToken(ctx context.Context, appID string, ask func(token string) error) error {
	token, err := h.Tokens.Token(ctx, appID)
	if err != nil {
		return noToken(err, h.RetryAfter)
	}
	if err = ask(token); !tokenDead(err) {
		return err
	}
	patience := anotherTime
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline)-askTime)
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if token, err = h.Tokens.Replacement(waiting, appID, token); err != nil {
		return noToken(err, h.RetryAfter)
	}
	if err = ask(token); tokenDead(err) {
		return noToken(err, h.RetryAfter)
	}
	return err
}

func tokenDead(err error) bool {
	e, ok := errors.AsType[*wechat.Error](err)
	return ok && e.Class() == wechat.ClassCredentialInvalid
}
