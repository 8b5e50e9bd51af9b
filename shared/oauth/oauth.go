// Package oauth logs users in with WeChat: inside WeChat, and by QR code on a
// desktop. What comes out is a session (see package session), as a cookie for
// pages of the same site and as a bearer token for others.
//
// It follows RFC 9700 where a browser is concerned: the state is random, used
// once, and bound to the browser that began the login; a login ends on pages of
// ours only; nothing that opens a session stands in a URL for longer than a
// minute, and there it can be spent once.
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
	"wechatfn/shared/problem"
	"wechatfn/shared/session"
	"wechatfn/shared/store"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

// WeChat is what of WeChat's API a login needs; *wechat.Client has it.
type WeChat interface {
	ExchangeCode(ctx context.Context, appID, secret, code string) (wechat.UserToken, error)
	RefreshUserToken(ctx context.Context, appID, refreshToken string) (wechat.UserToken, error)
	UserInfo(ctx context.Context, accessToken, openid, lang string) (wechat.UserInfo, error)
	CheckUserToken(ctx context.Context, accessToken, openid string) error
}

// Config configures a Handler. OpenURL, WeChat, Secrets, Sessions and Store are required.
type Config struct {
	Accounts account.List // the first one is the default of ?app=; without any, sessions are served all the same
	Origins  []string     // of the pages that a login may lead to, and that may call

	// PublicURL is our own address, scheme://host[:port]; empty: that of the
	// request, whose Host a gateway has checked.
	PublicURL string
	// OpenURL is where WeChat's login pages are.
	OpenURL string
	// Insecure allows plain http, for a desk: cookies lose __Host- and Secure.
	Insecure bool

	WeChat   WeChat
	Secrets  account.SecretSource
	Sessions *session.Sessions
	Store    store.Store   // for logins under way
	Budget   time.Duration // for a request as a whole; 0: 8.5 s

	Now    func() time.Time // nil: time.Now
	Rand   io.Reader        // nil: crypto/rand
	Logger *slog.Logger     // nil: slog.Default()

	// LoggedIn adds to the line of a login that led to the page; nil: nothing.
	LoggedIn func() slog.Attr
}

// defaultBudget leaves WeChat the time that it sometimes takes.
const defaultBudget = 8500 * time.Millisecond

// Handler serves logins and sessions:
//
//	GET    /oauth/authorize?app&scope&return_to&lang&challenge  to WeChat
//	GET    /oauth/callback?code&state                           back from WeChat
//	POST   /oauth/token                                         a ticket for a bearer token
//	GET    /oauth/session?sku                                   who is logged in
//	POST   /oauth/session/refresh?sku                           a new token for the old
//	DELETE /oauth/session?all&sku                               log out
//	GET    /oauth/userinfo?lang                                 the profile, from WeChat
//	GET    /oauth/userinfo?check=true                           whether it could be read
type Handler struct {
	Config
	http.Handler
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
	h := &Handler{Config: c}
	return h, h.route()
}

func (h *Handler) route() error {
	// Link checkers send HEAD. It must not begin a login, spend a code or end one;
	// API Gateway lets none through either.
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
		mux.Handle(pattern, web.Handle(web.Guard(f, h.Budget), h.Logger))
	}
	var err error
	h.Handler, err = web.CORS(web.CORSConfig{
		Origins: h.Origins, Methods: []string{"GET", "POST", "DELETE"},
		Headers: []string{"Authorization", "Content-Type"}, Credentials: true,
	}, mux)
	return err
}

// own is our own address.
func (h *Handler) own(r *http.Request) (*url.URL, error) {
	address := h.PublicURL
	if address == "" {
		address = "https://" + r.Host
		if h.Insecure {
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

// acceptsPage reports whether a person asks, in a browser.
func acceptsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// acceptsJSON reports whether the caller asks for JSON rather than to be sent on.
func acceptsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json") && !acceptsPage(r)
}

// health answers while the function runs: a login needs nothing of ours but what
// is configured.
func (h *Handler) health(w http.ResponseWriter, _ *http.Request) error {
	return web.JSON(w, http.StatusOK, map[string]string{"status": "ok"})
}
