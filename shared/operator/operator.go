// Package operator handles the events that operators send the oauth function, by
// invoking it and not through the gateway:
//
//	{"action":"user","app":"...","openid":"..."}                  what is stored of a user
//	{"action":"logout","app":"...","openid":"...","sku":"..."}    ends the sessions on all devices; with a sku, those of this product
//	{"action":"reset_session_key","app":"...","openid":"..."}     replaces the session_key of a mini-program's user
//	{"action":"openids","unionid":"..."}                          the openids of a person, by AppID
//
// The name of the account, in app, may be left out if there is one account only.
//
// The events that operators send the refresher function are in package refresher.
package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"wechatfn/shared/account"
	"wechatfn/shared/session"
	"wechatfn/shared/strictjson"
)

// Config configures a Handler. Sessions are required.
type Config struct {
	Accounts account.List
	Sessions *session.Sessions
	// ResetSessionKey replaces the session_key of a mini-program's user. It is required
	// if there is a mini-program among the accounts.
	ResetSessionKey func(ctx context.Context, appID, openID string) error
	Logger          *slog.Logger // nil: slog.Default()
}

// Handler handles operators' events. It is safe for concurrent use.
type Handler struct{ config Config }

// New checks the configuration.
func New(c Config) (*Handler, error) {
	if c.Sessions == nil {
		return nil, errors.New("operator: a Handler needs Sessions")
	}
	if c.ResetSessionKey == nil && len(c.Accounts.Where(account.Is(account.MiniProgram))) > 0 {
		return nil, errors.New("operator: a mini-program needs ResetSessionKey")
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Handler{c}, nil
}

// event is an operator's event.
type event struct {
	Action  string `json:"action"`
	App     string `json:"app,omitzero"`
	OpenID  string `json:"openid"`
	SKU     string `json:"sku,omitzero"`
	UnionID string `json:"unionid,omitzero"` // of openids, which has neither app nor openid
}

// Handle handles one event and returns what was read, or the event itself if something
// was changed. Neither the answer nor the error holds a secret. It is made for the
// option Direct of package lambdahttp, which gives it no event of the gateway.
func (h *Handler) Handle(ctx context.Context, payload []byte) ([]byte, error) {
	e, a, err := h.parse(payload)
	if err != nil {
		return nil, err
	}
	answer, err := h.do(ctx, e, a)
	if err != nil {
		h.config.Logger.ErrorContext(ctx, "operator's event failed", "action", e.Action, "account", a.Name, "error", err)
		return nil, err
	}
	h.config.Logger.InfoContext(ctx, "operator's event", "action", e.Action, "account", a.Name)
	return json.Marshal(answer)
}

// parse reads an event, and the account that it names.
func (h *Handler) parse(payload []byte) (e event, a account.Account, err error) {
	if strictjson.Decode(payload, &e) != nil {
		return e, a, errors.New("operator: an event is a JSON object of action, app, openid, sku and unionid, and nothing else")
	}
	if e.Action == "openids" {
		if e.UnionID == "" {
			err = errors.New("operator: openids needs a unionid")
		}
		return e, a, err
	}
	a, ok := h.config.Accounts.Find(e.App)
	if !ok || e.App == "" && len(h.config.Accounts) > 1 {
		return e, a, errors.New("operator: app names no account that is configured")
	}
	return e, a, nil
}

func (h *Handler) do(ctx context.Context, e event, a account.Account) (any, error) {
	switch e.Action {
	case "user":
		return h.config.Sessions.User(ctx, a.AppID, e.OpenID)
	case "logout":
		return e, h.config.Sessions.RevokeUser(ctx, a.AppID, e.OpenID, e.SKU)
	case "reset_session_key":
		if a.Kind != account.MiniProgram {
			return nil, errors.New("operator: app is no mini-program")
		}
		return e, h.config.ResetSessionKey(ctx, a.AppID, e.OpenID)
	case "openids":
		return h.config.Sessions.OpenIDs(ctx, e.UnionID)
	}
	return nil, fmt.Errorf("operator: unknown action %.32q; there are user, logout, reset_session_key and openids", e.Action)
}
