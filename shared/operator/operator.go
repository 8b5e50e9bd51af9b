package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"wechatfn/shared/account"
)

// order is what an operator has the oauth function do, by invoking it.
type order struct {
	Action  string `json:"action"`
	App     string `json:"app,omitzero"` // name of the account; may be left out where there is one
	OpenID  string `json:"openid"`
	SKU     string `json:"sku,omitzero"`     // of logout: this product alone
	UnionID string `json:"unionid,omitzero"` // of openids, which has neither app nor openid
}

// Direct takes an operator's event, and answers with what was done; it holds no
// secret, and neither does an error. Nothing that comes through a gateway gets here
// (see lambdahttp.Options).
//
//	{"action":"user","app":"...","openid":"..."}               what the registry knows
//	{"action":"logout","app":"...","openid":"...","sku":"..."}   out of all devices
//	{"action":"reset_session_key","app":"...","openid":"..."}  of a mini-program's user
//	{"action":"openids","unionid":"..."}                       of a person, by AppID
func (l *Logins) Direct(ctx context.Context, payload []byte) ([]byte, error) {
	o, app, err := l.order(payload)
	if err != nil {
		return nil, err
	}
	answer, err := l.handleOperatorEvent(ctx, o, app)
	if err != nil {
		l.logger.ErrorContext(ctx, "operator's event failed", "action", o.Action, "account", app.Name, "error", err)
		return nil, err
	}
	l.logger.InfoContext(ctx, "operator's event", "action", o.Action, "account", app.Name)
	return json.Marshal(answer)
}

func (l *Logins) order(payload []byte) (o order, app account.Account, err error) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if d.Decode(&o) != nil {
		return o, app, errors.New("oauth: an operator's event is a JSON object of action, app, openid, sku and unionid, and nothing else")
	}
	if o.Action == "openids" {
		if o.UnionID == "" {
			err = errors.New("oauth: openids needs a unionid")
		}
		return o, app, err
	}
	app, ok := l.accounts.Find(o.App)
	if !ok || o.App == "" && len(l.accounts) > 1 {
		return o, app, errors.New("oauth: app names no account that is configured")
	}
	return o, app, nil
}

func (l *Logins) handleOperatorEvent(ctx context.Context, o order, app account.Account) (any, error) {
	switch o.Action {
	case "user":
		return l.sessions.User(ctx, app.AppID, o.OpenID)
	case "logout":
		return o, l.sessions.RevokeUser(ctx, app.AppID, o.OpenID, o.SKU)
	case "reset_session_key":
		return o, l.resetSessionKey(ctx, app, o.OpenID)
	case "openids":
		return l.sessions.OpenIDs(ctx, o.UnionID)
	}
	return nil, fmt.Errorf("oauth: unknown action %.32q; there are user, logout, reset_session_key and openids", o.Action)
}

func (l *Logins) resetSessionKey(ctx context.Context, app account.Account, openID string) error {
	if app.Kind != account.MiniProgram {
		return errors.New("oauth: app is no mini-program")
	}
	return l.mini.ResetSessionKey(ctx, app.AppID, openID)
}
