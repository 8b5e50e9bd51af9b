package app

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/config"
	"wechatfn/shared/credential"
	"wechatfn/shared/lambdahttp"
	"wechatfn/shared/metrics"
	"wechatfn/shared/miniprogram"
	"wechatfn/shared/oauth"
	"wechatfn/shared/operator"
	"wechatfn/shared/problem"
	"wechatfn/shared/session"
	"wechatfn/shared/web"
)

// OAuthNeeds is the part of the configuration that OAuth requires.
const OAuthNeeds = config.Secrets

// OAuthReadBack is how long reading back a write of unknown outcome may take. It is
// short, because the answer must leave before Lambda ends the function.
const OAuthReadBack = 300 * time.Millisecond

// Logins is the oauth function: logins of web pages and mini-programs, and their
// sessions.
type Logins struct {
	http.Handler
	Operator *operator.Handler // handles the events of operators

	oauth *oauth.Handler
	mini  http.Handler
}

// OAuth makes the oauth function. Of Deps it uses Store, WeChat, Secrets,
// OnRefreshRequest, Insecure, Now and Logger.
func OAuth(c *config.Config, d Deps) (*Logins, error) {
	if !d.Insecure && strings.HasPrefix(c.PublicURL, "http://") {
		return nil, errors.New("PUBLIC_URL: logins need https")
	}
	if d.WeChat == nil { // checked here: a nil *wechat.Client in an interface is not nil
		return nil, errors.New("app: OAuth needs WeChat")
	}
	sessions, err := session.New(session.Config{Store: d.Store, TTL: c.SessionTTL, IdleTimeout: c.SessionIdleTimeout, MaxDevices: c.SessionDevices, Now: d.Now})
	if err != nil {
		return nil, err
	}
	m := metrics.New(c.FunctionName, d.Now)
	loggedIn := func() slog.Attr { return m.Count(metrics.LoggedIn) }
	l := &Logins{mini: http.HandlerFunc(noMiniProgram)}
	l.oauth, err = oauth.New(oauth.Config{
		Origins: c.Origins, PublicURL: c.PublicURL, OpenURL: c.OpenBase, Insecure: d.Insecure,
		Accounts: c.Accounts.Where(account.Account.LogsIn), WeChat: d.WeChat, Secrets: d.Secrets,
		Sessions: sessions, Store: d.Store, LoggedIn: loggedIn, Now: d.Now, Logger: d.logger(),
	})
	if err != nil {
		return nil, err
	}
	oc := operator.Config{Accounts: c.Accounts, Sessions: sessions, Logger: d.logger()}
	if minis := c.Accounts.Where(account.Is(account.MiniProgram)); len(minis) > 0 {
		mini, err := miniPrograms(c, d, miniprogram.Config{Accounts: minis, LoggedIn: loggedIn})
		if err != nil {
			return nil, err
		}
		l.mini, oc.ResetSessionKey = mini, mini.ResetSessionKey
	}
	if l.Operator, err = operator.New(oc); err != nil {
		return nil, err
	}
	l.Handler = web.Log(http.HandlerFunc(l.serve), d.logger(), nil)
	return l, nil
}

// miniPrograms makes the handler of mini-programs. Their sessions have a TTL and no idle
// timeout: a mini-program can log in again and the user does not notice.
func miniPrograms(c *config.Config, d Deps, mc miniprogram.Config) (*miniprogram.Handler, error) {
	reader, err := credential.NewReader(credential.ReaderConfig{Store: d.Store, OnRefreshRequest: d.OnRefreshRequest, Now: d.Now, Logger: d.logger()})
	if err != nil {
		return nil, err
	}
	sessions, err := session.New(session.Config{Store: d.Store, TTL: c.MiniSessionTTL, IdleTimeout: c.MiniSessionTTL, MaxDevices: c.SessionDevices, Now: d.Now})
	if err != nil {
		return nil, err
	}
	mc.WeChat, mc.Secrets, mc.Tokens, mc.RetryAfter = d.WeChat, d.Secrets, reader, credential.RetryAfter
	mc.Sessions, mc.DataAge, mc.Now, mc.Logger = sessions, c.MiniDataAge, d.Now, d.logger()
	return miniprogram.New(mc)
}

func (l *Logins) serve(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/miniprogram/") {
		l.mini.ServeHTTP(w, r)
	} else {
		l.oauth.ServeHTTP(w, r)
	}
}

// noMiniProgram answers the requests of mini-programs where none is configured.
func noMiniProgram(w http.ResponseWriter, _ *http.Request) {
	web.WriteProblem(w, problem.MiniNotConfigured.New("no mini-program is configured"))
}

// Authorize lets requests with a session pass to the team's own routes. It returns what
// the guarded function gets to know of the session. It is made for the option of
// package lambdahttp. Errors: lambdahttp.ErrUnauthorized, the store's.
func (l *Logins) Authorize(r *http.Request) (map[string]any, error) {
	s, err := l.oauth.AuthorizeRequest(r.Context(), r)
	if _, ok := errors.AsType[*problem.Problem](err); ok {
		return nil, lambdahttp.ErrUnauthorized
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"app": s.App, "appId": s.AppID, "openid": s.OpenID, "unionid": s.UnionID,
		"sku": s.SKU, "device": s.Device, "sessionId": s.ID,
	}, nil
}
