package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"wechatfn/shared/config"
	"wechatfn/shared/credential"
	"wechatfn/shared/lambdahttp"
	"wechatfn/shared/metrics"
	"wechatfn/shared/oauth"
	"wechatfn/shared/session"
	"wechatfn/shared/store"
	"wechatfn/shared/web"
)

// OAuthNeeds is what the oauth function cannot run without.
const OAuthNeeds = config.Secrets

// OAuthSettle is short: the answer has to be out before Lambda ends the function.
const OAuthSettle = 300 * time.Millisecond

// Logins is the oauth function.
type Logins struct {
	http.Handler
	oauth *oauth.Handler
}

// OAuth builds the oauth function. insecure lets it work on plain http, for a
// desk.
func OAuth(c *config.Config, s store.Store, w oauth.WeChat, secrets credential.Secrets, insecure bool, logger *slog.Logger) (*Logins, error) {
	if !insecure && strings.HasPrefix(c.PublicURL, "http://") {
		return nil, errors.New("PUBLIC_URL: logins need https")
	}
	sessions, err := session.New(session.Config{Store: s, Life: c.SessionLife, Idle: c.SessionIdle, MaxDevices: c.SessionDevices})
	if err != nil {
		return nil, err
	}
	m := metrics.New(c.FunctionName, nil)
	oc := oauth.Config{
		Origins: c.Origins, PublicURL: c.PublicURL, OpenURL: c.OpenBase, Insecure: insecure,
		WeChat: w, Sessions: sessions, Store: s, Logger: logger,
		LoggedIn: func() slog.Attr { return m.Count(metrics.LoggedIn) },
		Secrets: func(ctx context.Context, a oauth.Account, fresh bool) (config.Secret, error) {
			return secrets(ctx, credential.Account{Name: a.Name, AppID: a.AppID}, fresh)
		},
	}
	for _, app := range c.Apps {
		if app.LogsIn() {
			oc.Accounts = append(oc.Accounts, oauth.Account{Name: app.Name, AppID: app.AppID, Kind: app.Kind})
		}
	}
	handler, err := oauth.New(oc)
	if err != nil {
		return nil, err
	}
	return &Logins{web.Log(handler, logger, nil), handler}, nil
}

// Authorize lets requests pass that bear a session, for routes of the team's own.
func (l *Logins) Authorize(r *http.Request) (map[string]any, error) {
	s, err := l.oauth.Admit(r.Context(), r)
	if _, ok := errors.AsType[*web.Problem](err); ok {
		return nil, lambdahttp.ErrUnauthorized
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"app": s.App, "appId": s.AppID, "openid": s.OpenID, "unionid": s.UnionID, "sessionId": s.ID}, nil
}
