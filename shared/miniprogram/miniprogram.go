// Package miniprogram logs the users of mini-programs in, and decrypts what WeChat
// encrypts for a mini-program's server. A login opens a session (see package session)
// with a bearer token. session_key is stored with the user's item and never sent to
// anybody.
//
// No cookie is read here, so a page in a browser can do no more than a stranger. There
// are no CORS headers, because wx.request does not need them.
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
	"wechatfn/shared/login"
	"wechatfn/shared/session"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

// WeChat is the part of WeChat's API that this package calls; *wechat.Client has it.
type WeChat interface {
	CodeToSession(ctx context.Context, appID, secret, code string) (wechat.MiniSession, error)
	PhoneNumber(ctx context.Context, accessToken, code, openid string) (wechat.Phone, error)
	CheckSessionKey(ctx context.Context, accessToken, openid, sessionKey string) error
	ResetSessionKey(ctx context.Context, accessToken, openid, sessionKey string) (wechat.MiniSession, error)
}

// Tokens gives the accounts' access tokens, and another one than one that is invalid.
// *credential.Reader does.
type Tokens interface {
	Token(ctx context.Context, appID string) (string, error)
	Replacement(ctx context.Context, appID, invalid string) (string, error)
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
	// LoggedIn adds an attribute to the log line of a login; nil: nothing.
	LoggedIn func() slog.Attr
}

// defaultBudget leaves enough time for slow answers of WeChat's.
const defaultBudget = 8500 * time.Millisecond

// Handler serves mini-programs:
//
//	POST /miniprogram/login     a wx.login code for a session
//	POST /miniprogram/decrypt   encrypted data in plain
//	POST /miniprogram/phone     a phone number's code for the number
//	GET  /miniprogram/session   whether session_key is still valid
//
// The routes that check, rotate and end sessions are those of package oauth.
type Handler struct {
	cfg    Config
	routes http.Handler
	codes  login.Exchanger[wechat.MiniSession]
	opener login.Opener
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
	mux := new(web.Mux)
	h := &Handler{
		cfg: c, routes: mux, opener: login.Opener{Sessions: c.Sessions},
		codes: login.Exchanger[wechat.MiniSession]{Secrets: c.Secrets, Call: c.WeChat.CodeToSession, Now: c.Now},
	}
	for pattern, f := range map[string]web.HandlerFunc{
		"POST /miniprogram/login":   h.login,
		"POST /miniprogram/decrypt": h.decrypt,
		"POST /miniprogram/phone":   h.phone,
		"GET /miniprogram/session":  h.session,
	} {
		mux.Handle(pattern, web.Handle(web.Guard(f, c.Budget), c.Logger))
	}
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.routes.ServeHTTP(w, r) }

// open says whose session a request has. It must be one of a mini-program, and of the
// product if the request names one.
func (h *Handler) open(r *http.Request, sku string) (session.Session, error) {
	var products []string
	if sku != "" {
		products = []string{sku}
	}
	s, err := h.cfg.Sessions.Check(r.Context(), web.Bearer(r), products...)
	if err != nil {
		return s, sessionProblems.Of(err)
	}
	if _, ok := h.cfg.Accounts.FindAppID(s.AppID); !ok {
		return s, errNoMini
	}
	return s, nil
}

// key reads the user's session_key.
func (h *Handler) key(ctx context.Context, appID, openID string) (string, error) {
	u, err := h.cfg.Sessions.User(ctx, appID, openID)
	if errors.Is(err, session.ErrNoUser) || err == nil && u.Tokens.SessionKey == "" {
		return "", errKeyMissing
	}
	return u.Tokens.SessionKey, err
}

const (
	// maxTokenWait bounds the wait for another token: the table's stream and the refresher
	// need about two seconds.
	maxTokenWait = 4 * time.Second
	// retryReserve is the time that is left for the second call.
	retryReserve = 2 * time.Second
)

// withToken makes a call with the account's access token. If WeChat says that it is
// invalid, the call is made once more with another token.
func (h *Handler) withToken(ctx context.Context, appID string, ask func(token string) error) error {
	token, err := h.cfg.Tokens.Token(ctx, appID)
	if err != nil {
		return errNoToken.Because(err).RetryIn(h.cfg.RetryAfter)
	}
	if err = ask(token); !tokenInvalid(err) {
		return err
	}
	wait := maxTokenWait
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline)-retryReserve)
	}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if token, err = h.cfg.Tokens.Replacement(waiting, appID, token); err != nil {
		return errNoToken.Because(err).RetryIn(h.cfg.RetryAfter)
	}
	if err = ask(token); tokenInvalid(err) {
		return errNoToken.Because(err).RetryIn(h.cfg.RetryAfter)
	}
	return err
}

func tokenInvalid(err error) bool {
	e, ok := errors.AsType[*wechat.Error](err)
	return ok && e.Class() == wechat.ClassCredentialInvalid
}
