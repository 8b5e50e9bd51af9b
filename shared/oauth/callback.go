package oauth

import (
	"errors"
	"net/http"

	"wechatfn/shared/login"
	"wechatfn/shared/store"
	"wechatfn/shared/web"
)

// callback is where WeChat sends the browser back to. A person whom it cannot redirect
// gets a page, whatever went wrong; a program gets the problem.
func (h *Handler) callback(w http.ResponseWriter, r *http.Request) error {
	pending, err := h.finishCallback(w, r)
	if err == nil || !acceptsPage(r) {
		return err
	}
	p := web.ProblemOf(r.Context(), err)
	page(w, p, pending)
	if p.Cause != nil {
		return p // web.Handle logs it and does not answer again
	}
	return nil
}

// finishCallback completes the login and redirects the browser to the page where it
// began. WeChat's clients have been seen to call twice, with one code or with two: the
// first call completes the login, and the second gets the same outcome without a second
// exchange.
//
// With an error comes the pending login that the browser may begin again. It is nil if
// there is none, or if it is another browser's.
func (h *Handler) finishCallback(w http.ResponseWriter, r *http.Request) (*pendingLogin, error) {
	ctx := r.Context()
	c, err := h.parseCallback(r)
	if err != nil {
		return nil, err
	}

	p, err := h.findPending(ctx, c.state)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errLoginUnknown
	}
	if err != nil {
		return nil, err
	}
	if !login.Matches(c.loginCookie, p.Browser) {
		return nil, h.restart(w, r, p.pendingLogin)
	}
	if c.code == "" && p.isOpen() {
		h.cfg.Logger.InfoContext(ctx, "login", "account", p.App, "outcome", errLoginRefused.Code())
		return &p.pendingLogin, errLoginRefused // a user who goes back can still agree
	}

	done, err := h.complete(ctx, p, c)
	if err != nil {
		return &p.pendingLogin, err
	}
	return &p.pendingLogin, h.redirect(w, r, p.ReturnTo, done, c)
}

// callbackRequest is what a callback came with.
type callbackRequest struct {
	state, code   string // code is empty where the user refused
	loginCookie   string
	sessionCookie string // the token of a session that the browser has; "" if it has none
}

// seed is what the token or login code of this login is made from. Only the browser that
// began the login can make it: the login cookie is secret and as random as the token.
func (c callbackRequest) seed(purpose string) ([]byte, error) {
	return login.Seed(c.loginCookie, c.state, purpose)
}

func (h *Handler) parseCallback(r *http.Request) (c callbackRequest, err error) {
	query, err := web.ParseQuery(r, "code", "state")
	if err != nil {
		return c, err
	}
	if !query.Has("state") && !query.Has("code") { // how some of WeChat's clients report a refusal
		return c, errLoginRefused
	}
	return callbackRequest{
		state: query.Get("state"), code: query.Get("code"),
		loginCookie: h.cookie(r, loginCookie), sessionCookie: h.cookie(r, sessionCookie),
	}, nil
}

// restart is for a callback without the login's cookie. The link belongs to another
// browser, or this one lost its cookie. Begin a new login for this browser, once. It must
// not get the session of the old one.
func (h *Handler) restart(w http.ResponseWriter, r *http.Request, p pendingLogin) error {
	account, ok := h.cfg.Accounts.Find(p.App)
	if !ok || p.Restarted {
		return errCookieLost
	}
	own, err := h.own(r)
	if err != nil {
		return err
	}
	to, err := checkReturnTo(p.ReturnTo, own.String(), h.cfg.Origins)
	if err != nil { // it was begun at another host name of ours
		return errCookieLost
	}
	address, err := h.begin(w, r, own, account, pendingLogin{
		App: p.App, Scope: p.Scope, ReturnTo: p.ReturnTo, Lang: p.Lang, Challenge: p.Challenge,
		SameSite: sameSite(to, own), Restarted: true,
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, address, http.StatusFound)
	return nil
}
