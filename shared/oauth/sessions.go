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

// credential is the session's token as a request sends it. A bearer token counts before a
// cookie: a client sends one on purpose.
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

// changeCredential is credential for a request that changes something. With a cookie the
// request must come from a page of ours, because a browser sends the cookie whichever
// page makes the request.
func (h *Handler) changeCredential(r *http.Request) (credential, error) {
	c := h.credential(r)
	if c.token == "" {
		return c, sessionProblems.Of(session.ErrNoSession)
	}
	if c.isCookie && !h.isOurPage(r) {
		return c, errCrossSite
	}
	return c, nil
}

// isOurPage: browsers send the origin with every POST and DELETE.
func (h *Handler) isOurPage(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	own, err := h.own(r)
	return err == nil && (origin == own.String() || slices.Contains(h.cfg.Origins, origin))
}

// session says who is logged in, and extends a session that is in use. It does not delete
// the cookie of a session that has ended: its answer can reach the browser after that of
// a callback in another tab, and would then delete the cookie of the new login. A cookie
// that opens nothing does no harm, and the next login replaces it.
func (h *Handler) session(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r, "sku")
	if err != nil {
		return err
	}
	s, err := h.cfg.Sessions.Touch(r.Context(), h.credential(r).token, products(&query)...)
	if err != nil {
		return sessionProblems.Of(err)
	}
	return web.JSON(w, http.StatusOK, s)
}

// products are those that a session can be of: any, if the request names none.
func products(query *web.Query) []string {
	if sku := query.Get("sku"); sku != "" {
		return []string{sku}
	}
	return nil
}

// AuthorizeRequest is Check for the routes of other functions. A request that changes
// something, and has the session's cookie, must come from a page of ours.
func (h *Handler) AuthorizeRequest(ctx context.Context, r *http.Request) (session.Session, error) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		if _, err := h.changeCredential(r); err != nil {
			return session.Session{}, err
		}
	}
	return h.checkSession(ctx, r)
}

// checkSession says whose session a request has. Errors: *problem.Problem if it has none,
// the store's.
func (h *Handler) checkSession(ctx context.Context, r *http.Request) (session.Session, error) {
	s, err := h.cfg.Sessions.Check(ctx, h.credential(r).token)
	return s, sessionProblems.Of(err)
}

// refresh gives a new token for the old one: in a cookie if the old one was in a cookie.
func (h *Handler) refresh(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r, "sku")
	if err != nil {
		return err
	}
	c, err := h.changeCredential(r)
	if err != nil {
		return err
	}
	token, s, err := h.cfg.Sessions.Rotate(r.Context(), c.token, products(&query)...)
	if err != nil {
		return sessionProblems.Of(err)
	}
	if c.isCookie {
		h.setCookie(w, sessionCookie, token, time.Unix(s.EndsAt, 0).Sub(h.cfg.Now()))
		return web.JSON(w, http.StatusOK, s)
	}
	return web.JSON(w, http.StatusOK, h.tokenAnswer(token, s))
}

// logout ends the session of this device, or with all=true those of all devices. If the
// request names a product, it ends sessions of that product only. It deletes the cookie
// also of a session that has ended before.
func (h *Handler) logout(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r, "all", "sku")
	if err != nil {
		return err
	}
	c, err := h.changeCredential(r)
	if err != nil {
		return err
	}
	all, ok := isTrue(query.Get("all"))
	if !ok {
		return errAll
	}
	err = sessionProblems.Of(h.endSession(r.Context(), c.token, query.Get("sku"), all))
	refused, _ := errors.AsType[*problem.Problem](err)
	if ended := refused != nil && refused.Status() == http.StatusUnauthorized; c.isCookie && (err == nil || ended) {
		h.setCookie(w, sessionCookie, "", -time.Second)
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
		if _, err := h.cfg.Sessions.Check(ctx, token, sku); errors.Is(err, session.ErrOtherSKU) {
			return err
		}
	}
	if all {
		return h.cfg.Sessions.RevokeAll(ctx, token, sku)
	}
	return h.cfg.Sessions.Revoke(ctx, token)
}

// isTrue reads an optional parameter.
func isTrue(value string) (is, ok bool) {
	switch value {
	case "", "false", "0":
		return false, true
	case "true", "1":
		return true, true
	}
	return false, false
}
