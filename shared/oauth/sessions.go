package oauth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"wechatfn/shared/problem"
	"wechatfn/shared/session"
	"wechatfn/shared/web"
)

// credential is the session's token as a request bears it. A bearer token counts
// before a cookie: whoever sends one means it.
type credential struct {
	token    string
	isCookie bool
}

func (h *Handler) credential(r *http.Request) credential {
	if token := web.Bearer(r); token != "" {
		return credential{token, false}
	}
	return credential{h.cookie(r, sessionCookie), true}
}

// changing is credential for a request that changes something. With a cookie it
// must come from a page of ours, since a browser sends the cookie along whoever
// asks it to.
func (h *Handler) changing(r *http.Request) (credential, error) {
	c := h.credential(r)
	if c.token == "" {
		return c, errNoSession
	}
	if c.isCookie && !h.ourPage(r) {
		return c, errCrossSite
	}
	return c, nil
}

// ourPage: browsers tell the origin with every POST and DELETE.
func (h *Handler) ourPage(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	own, err := h.own(r)
	return err == nil && (origin == own.String() || slices.Contains(h.Origins, origin))
}

// session tells who is logged in, and keeps a session alive that is in use. It leaves
// a dead cookie alone: its answer may reach the browser after that of a callback in
// another tab, and would delete the cookie of the login that has just been made. A
// dead one does no harm: it opens nothing, and the next login replaces it.
func (h *Handler) session(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r, "sku")
	if err != nil {
		return err
	}
	s, err := h.Sessions.Touch(r.Context(), h.credential(r).token, product(&query)...)
	if err != nil {
		return sessionProblem(err)
	}
	return web.JSON(w, http.StatusOK, s)
}

// product is the one that a session must be of: any, where none is named.
func product(query *web.Query) []string {
	if sku := query.Get("sku"); sku != "" {
		return []string{sku}
	}
	return nil
}

// Admit is Check for routes of a team's own: one that changes something must not be
// asked for by a page of a stranger, with the cookie that the browser sends along.
func (h *Handler) Admit(ctx context.Context, r *http.Request) (session.Session, error) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		if _, err := h.changing(r); err != nil {
			return session.Session{}, err
		}
	}
	return h.Check(ctx, r)
}

// Check says whose session a request bears. Errors: *problem.Problem for want of a
// session, the store's.
func (h *Handler) Check(ctx context.Context, r *http.Request) (session.Session, error) {
	s, err := h.Sessions.Check(ctx, h.credential(r).token)
	return s, sessionProblem(err)
}

// refresh gives a new token for the old one, in the form in which that came.
func (h *Handler) refresh(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r, "sku")
	if err != nil {
		return err
	}
	c, err := h.changing(r)
	if err != nil {
		return err
	}
	token, s, err := h.Sessions.Rotate(r.Context(), c.token, product(&query)...)
	if err != nil {
		return sessionProblem(err)
	}
	if c.isCookie {
		h.setCookie(w, sessionCookie, token, time.Unix(s.EndsAt, 0).Sub(h.Now()))
		return web.JSON(w, http.StatusOK, s)
	}
	return web.JSON(w, http.StatusOK, h.grant(token, s))
}

// logout ends the session of this device, or with all=true those of all devices; of
// the product alone where one is named.
func (h *Handler) logout(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r, "all", "sku")
	if err != nil {
		return err
	}
	c, err := h.changing(r)
	if err != nil {
		return err
	}
	all, ok := isTrue(query.Get("all"))
	if !ok {
		return errAll
	}
	err = sessionProblem(h.endSession(r.Context(), c.token, query.Get("sku"), all))
	refused, _ := errors.AsType[*problem.Problem](err)
	if dead := refused != nil && refused.Status() == http.StatusUnauthorized; c.isCookie && (err == nil || dead) {
		h.setCookie(w, sessionCookie, "", -time.Second) // who wants to be out shall not keep a dead one
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// endSession ends the token's session, or all of the user's.
func (h *Handler) endSession(ctx context.Context, token, sku string, all bool) error {
	if sku != "" {
		if _, err := h.Sessions.Check(ctx, token, sku); errors.Is(err, session.ErrOtherSKU) {
			return err
		}
	}
	if all {
		return h.Sessions.RevokeAll(ctx, token, sku)
	}
	return h.Sessions.Revoke(ctx, token)
}

// isTrue reads a parameter that may be left out.
func isTrue(value string) (is, ok bool) {
	switch value {
	case "", "false", "0":
		return false, true
	case "true", "1":
		return true, true
	}
	return false, false
}

// sessionProblem is why a token opens nothing.
func sessionProblem(err error) error {
	if revoked, ok := errors.AsType[*session.RevokedError](err); ok {
		return sessionRevoked(string(revoked.Reason))
	}
	switch {
	case errors.Is(err, session.ErrNoSession):
		return errNoSession
	case errors.Is(err, session.ErrOtherSKU):
		return errOtherSKU
	}
	return err
}
