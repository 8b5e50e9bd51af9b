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
	"wechatfn/shared/problem"
	"wechatfn/shared/session"
	"wechatfn/shared/store"
	"wechatfn/shared/web"
)

// OAuthNeeds is what the oauth function cannot run without.
const OAuthNeeds = config.Secrets

// OAuthSettle is short: the answer has to be out before Lambda ends the function.
const OAuthReadBack = 300 * time.Millisecond

// Logins is the oauth function: web logins, mini-programs, and the sessions of both.
type Logins struct {
	http.Handler
	oauth    *oauth.Handler
	mini     *miniprogram.Handler // nil where none is configured
	sessions *session.Sessions
	accounts account.List
	logger   *slog.Logger
}

// LoginWeChat is what of WeChat's API logins need; *wechat.Client has it.
type LoginWeChat interface {
	oauth.WeChat
	miniprogram.WeChat
}

// OAuth builds the oauth function. insecure lets it work on plain http, for a
// desk; onKick may be nil: then the table's stream tells the refresher.
func OAuth(c *config.Config, s store.Store, w LoginWeChat, secrets account.SecretSource, insecure bool, onRefreshRequest func(appID string), logger *slog.Logger) (*Logins, error) {
	if !insecure && strings.HasPrefix(c.PublicURL, "http://") {
		return nil, errors.New("PUBLIC_URL: logins need https")
	}
	sessions, err := session.New(session.Config{Store: s, TTL: c.SessionTTL, IdleTimeout: c.SessionIdleTimeout, MaxDevices: c.SessionDevices, Now: c.Now})
	if err != nil {
		return nil, err
	}
	m := metrics.New(c.FunctionName, nil)
	loggedIn := func() slog.Attr { return m.Count(metrics.LoggedIn) }
	oc := oauth.Config{
		Origins: c.Origins, PublicURL: c.PublicURL, OpenURL: c.OpenBase, Insecure: insecure,
		WeChat: w, Sessions: sessions, Store: s, Now: c.Now, Logger: logger,
		LoggedIn: loggedIn,
		Secrets:  secrets, Accounts: c.Accounts.Where(account.Account.LogsIn),
	}
	l := &Logins{sessions: sessions, accounts: c.Accounts, logger: logger}
	if l.oauth, err = oauth.New(oc); err != nil {
		return nil, err
	}
	reader, err := credential.NewReader(credential.ReaderConfig{Store: s, OnRefreshRequest: onRefreshRequest, Now: c.Now, Logger: logger})
	if err != nil {
		return nil, err
	}
	mc := miniprogram.Config{
		WeChat: w, Tokens: reader, RetryAfter: credential.RetryAfter, DataAge: c.MiniDataAge, Now: c.Now, Logger: logger, LoggedIn: loggedIn,
		Secrets: secrets, Accounts: c.Accounts.Where(account.Is(account.MiniProgram)),
	}
	if l.mini, err = miniPrograms(c, s, mc); err != nil {
		return nil, err
	}
	l.Handler = web.Log(http.HandlerFunc(l.serve), logger, nil)
	return l, nil
}

// miniPrograms adds sessions. It returns nil where no account is a
// mini-program.
func miniPrograms(c *config.Config, s store.Store, mc miniprogram.Config) (_ *miniprogram.Handler, err error) {
	if len(mc.Accounts) == 0 {
		return nil, nil
	}
	// These sessions end by time alone: a mini-program logs in again without a word to the user.
	mc.Sessions, err = session.New(session.Config{Store: s, TTL: c.MiniSessionTTL, IdleTimeout: c.MiniSessionTTL, MaxDevices: c.SessionDevices, Now: c.Now})
	if err != nil {
		return nil, err
	}
	return miniprogram.New(mc)
}

// noMiniProgram answers for the mini-program that is not configured.
var noMiniProgram = problem.MiniNotConfigured.New("no mini-program is configured")

func (l *Logins) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case !strings.HasPrefix(r.URL.Path, "/miniprogram/"):
		l.oauth.ServeHTTP(w, r)
	case l.mini == nil:
		web.WriteProblem(w, noMiniProgram)
	default:
		l.mini.ServeHTTP(w, r)
	}
}

// Authorize lets requests pass that bear a session, for routes of the team's own.
func (l *Logins) Authorize(r *http.Request) (map[string]any, error) {
	s, err := l.oauth.Admit(r.Context(), r)
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
