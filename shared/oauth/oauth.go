// Package oauth logs users in with WeChat: inside WeChat, and by QR code on a
// desktop. A login opens a session (see package session), with a cookie for pages of
// the same site and with a bearer token for others.
//
// It follows RFC 9700 where a browser is concerned. The state is random, is used once,
// and is bound to the browser that began the login. A login ends on pages of ours only.
// The one thing in a URL that opens a session is a login code: it works once, within a
// minute, and only for the page that began the login.
//
// https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
// https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html
package oauth

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/login"
	"wechatfn/shared/problem"
	"wechatfn/shared/session"
	"wechatfn/shared/store"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

// WeChat is the part of WeChat's API that this package calls; *wechat.Client has it.
type WeChat interface {
	ExchangeCode(ctx context.Context, appID, secret, code string) (wechat.UserToken, error)
	RefreshUserToken(ctx context.Context, appID, refreshToken string) (wechat.UserToken, error)
	UserInfo(ctx context.Context, accessToken, openid, lang string) (wechat.UserInfo, error)
	CheckUserToken(ctx context.Context, accessToken, openid string) error
}

// Config configures a Handler. OpenURL, WeChat, Secrets, Sessions and Store are required.
type Config struct {
	Accounts account.List // the first one is the default of ?app=; with none, only sessions are served
	Origins  []string     // of the pages that a login may lead to, and that may call

	// PublicURL is our own address, scheme://host[:port]. If it is empty, the Host of the
	// request is used, which a gateway has checked.
	PublicURL string
	// OpenURL is where WeChat's login pages are.
	OpenURL string
	// Insecure allows plain http, for local use: cookies lose __Host- and Secure.
	Insecure bool

	WeChat   WeChat
	Secrets  account.SecretSource
	Sessions *session.Sessions
	Store    store.Store   // for pending logins and login codes
	Budget   time.Duration // for a request as a whole; 0: 8.5 s

	Now    func() time.Time // nil: time.Now
	Rand   io.Reader        // nil: crypto/rand
	Logger *slog.Logger     // nil: slog.Default()

	// LoggedIn adds an attribute to the log line of a login that succeeded; nil: nothing.
	LoggedIn func() slog.Attr
}

// defaultBudget leaves enough time for slow answers of WeChat's.
const defaultBudget = 8500 * time.Millisecond

// Handler serves logins and sessions:
//
//	GET    /oauth/authorize?app&scope&return_to&lang&challenge  to WeChat
//	GET    /oauth/callback?code&state                           back from WeChat
//	POST   /oauth/token                                         a login code for a bearer token
//	GET    /oauth/session?sku                                   who is logged in
//	POST   /oauth/session/refresh?sku                           a new token for the old
//	DELETE /oauth/session?all&sku                               log out
//	GET    /oauth/userinfo?lang                                 the profile, from WeChat
//	GET    /oauth/userinfo?check=true                           whether it could be read
type Handler struct {
	cfg    Config
	routes http.Handler
	codes  login.Exchanger[wechat.UserToken]
	opener login.Opener
}

// New checks the configuration and builds the routes.
func New(c Config) (*Handler, error) {
	if c.OpenURL == "" || c.WeChat == nil || c.Secrets == nil || c.Sessions == nil || c.Store == nil {
		return nil, errors.New("oauth: OpenURL, WeChat, Secrets, Sessions and Store are required")
	}
	if c.Budget == 0 {
		c.Budget = defaultBudget
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.LoggedIn == nil {
		c.LoggedIn = func() slog.Attr { return slog.Attr{} }
	}
	h := &Handler{
		cfg: c, opener: login.Opener{Sessions: c.Sessions, Touch: true},
		codes: login.Exchanger[wechat.UserToken]{Secrets: c.Secrets, Call: c.WeChat.ExchangeCode, Now: c.Now},
	}
	return h, h.route()
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.routes.ServeHTTP(w, r) }

func (h *Handler) route() error {
	// Link checkers send HEAD. It must not begin a login, exchange a code or complete a
	// login. API Gateway does not pass it on either.
	mux := &web.Mux{GETOnly: true}
	for pattern, f := range map[string]web.HandlerFunc{
		"GET /oauth/authorize":        h.authorize,
		"GET /oauth/callback":         h.callback,
		"POST /oauth/token":           h.token,
		"GET /oauth/session":          h.session,
		"POST /oauth/session/refresh": h.refresh,
		"DELETE /oauth/session":       h.logout,
		"GET /oauth/userinfo":         h.userinfo,
		"GET /oauth/health":           h.health,
	} {
		mux.Handle(pattern, web.Handle(web.Guard(f, h.cfg.Budget), h.cfg.Logger))
	}
	var err error
	h.routes, err = web.CORS(web.CORSConfig{
		Origins: h.cfg.Origins, Methods: []string{"GET", "POST", "DELETE"},
		Headers: []string{"Authorization", "Content-Type"}, Credentials: true,
	}, mux)
	return err
}

// own is our own address.
func (h *Handler) own(r *http.Request) (*url.URL, error) {
	address := h.cfg.PublicURL
	if address == "" {
		address = "https://" + r.Host
		if h.cfg.Insecure {
			address = "http://" + r.Host
		}
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, problem.RequestMalformed.New("the host of the request is malformed")
	}
	origin, ok := web.OriginOf(u)
	if !ok {
		return nil, problem.RequestMalformed.New("the request names no host")
	}
	return url.Parse(origin)
}

// acceptsPage reports whether a person asks, with a browser.
func acceptsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// acceptsJSON reports whether the caller asks for JSON rather than to be sent on.
func acceptsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json") && !acceptsPage(r)
}

// health answers as long as the function runs: a login needs the configuration only.
func (h *Handler) health(w http.ResponseWriter, _ *http.Request) error {
	return web.JSON(w, http.StatusOK, map[string]string{"status": "ok"})
}
