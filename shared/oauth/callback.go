package oauth

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
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

// caller is the browser that calls back.
type caller struct {
	login   string // its login cookie
	session string // its session's token, "" where it has none
}

// callback is where WeChat sends the browser back to. A person whom it cannot send
// on gets a page, whatever went wrong, and a program the problem.
func (h *Handler) callback(w http.ResponseWriter, r *http.Request) error {
	f, err := h.comeBack(w, r)
	if err == nil || !acceptsPage(r) {
		return err
	}
	p := web.ProblemOf(r.Context(), err)
	page(w, p, f)
	if p.Cause != nil {
		return p // which is logged: the answer is out
	}
	return nil
}

// comeBack sends the browser on. WeChat's clients have been seen to call twice, with
// one code or with two: the first call takes the flow, and the second gets the first
// one's outcome without spending a code. With an error comes the flow that the browser
// may begin anew, nil where it is not known or another's.
func (h *Handler) comeBack(w http.ResponseWriter, r *http.Request) (*flow, error) {
	ctx := r.Context()
	query, err := web.ParseQuery(r, "code", "state")
	if err != nil {
		return nil, err
	}
	if !query.Has("state") && !query.Has("code") { // as some of WeChat's clients tell a refusal
		return nil, errLoginRefused
	}
	item, f, err := h.find(ctx, query.Get("state"))
	if errors.Is(err, store.ErrNotFound) {
		return nil, errFlowUnknown
	} else if err != nil {
		return nil, err
	}
	c := caller{h.cookie(r, loginCookie), h.cookie(r, sessionCookie)}
	if digest(c.login) != f.Browser {
		return nil, h.lost(w, r, f)
	}
	if query.Get("code") == "" && f.Taken == 0 && f.Outcome == "" {
		h.Logger.InfoContext(ctx, "login", "account", f.App, "outcome", outcome(errLoginRefused))
		return &f, errLoginRefused // who goes back may still agree
	}
	if f, err = h.conclude(ctx, item, f, query.Get("state"), query.Get("code"), c); err != nil {
		return &f, err
	}
	return &f, h.land(w, r, f, query.Get("state"), c)
}

// lost: another browser than the one that began the login, or one without its
// cookie. It begins anew, once: what this link would end in is not for it.
func (h *Handler) lost(w http.ResponseWriter, r *http.Request, f flow) error {
	account, ok := h.Accounts.Find(f.App)
	if !ok || f.Restarted {
		return errCookieLost
	}
	own, err := h.own(r)
	if err != nil {
		return err
	}
	to, err := checkReturnTo(f.ReturnTo, own.String(), h.Origins)
	if err != nil { // it was begun under another name of ours
		return errCookieLost
	}
	fresh := flow{App: f.App, Scope: f.Scope, ReturnTo: f.ReturnTo, Lang: f.Lang, Challenge: f.Challenge, SameSite: sameSite(to, own), Restarted: true}
	address, err := h.send(w, r, own, account, fresh)
	if err != nil {
		return err
	}
	http.Redirect(w, r, address, http.StatusFound)
	return nil
}

// conclude brings the flow to its outcome: by taking it, or by waiting for who
// has taken it.
func (h *Handler) conclude(ctx context.Context, item store.Item, f flow, state, code string, c caller) (flow, error) {
	if f.Taken == 0 && f.Outcome == "" {
		deadline, _ := ctx.Deadline()
		taken, ours, err := h.take(ctx, item, f, h.Now().Add(time.Until(deadline)))
		if err == nil {
			return h.login(ctx, taken, ours, state, code, c)
		}
		if !errors.Is(err, store.ErrConflict) {
			return f, err
		}
		f = ours
	}
	f, err := h.await(ctx, state, f)
	if errors.Is(err, store.ErrNotFound) || err == nil && f.Outcome == "" {
		f.Outcome, err = outcome(errLoginInterrupted), nil
	}
	return f, err
}

// login ends a flow that is ours, and keeps its outcome. Where that cannot be
// kept, this call ends well all the same, and one that comes again is told that
// the login was interrupted.
func (h *Handler) login(ctx context.Context, item store.Item, f flow, state, code string, c caller) (flow, error) {
	f, cause := h.exchange(ctx, f, state, code, c)
	switch {
	case cause != nil:
		h.Logger.WarnContext(ctx, "login failed", "account", f.App, "code", f.Outcome, "error", cause)
	case f.Outcome == landedSession || f.Outcome == landedTicket:
		h.Logger.InfoContext(ctx, "login", "account", f.App, "outcome", f.Outcome, h.LoggedIn())
	default:
		h.Logger.InfoContext(ctx, "login", "account", f.App, "outcome", f.Outcome)
	}
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	if err := h.end(saving, item, f); err != nil {
		h.Logger.ErrorContext(ctx, "outcome of a login not kept", "account", f.App, "error", err)
	}
	return f, nil
}

// exchange spends the code, once, and opens the session, or leaves a ticket for
// it. The flow comes back with its outcome; the error is for the log.
func (h *Handler) exchange(ctx context.Context, f flow, state, code string, c caller) (flow, error) {
	account, ok := h.Accounts.Find(f.App)
	if !ok {
		f.Outcome = outcome(errLoginMisconfigured)
		return f, errors.New("oauth: the account of the login is not configured any more")
	}
	token, asked, err := h.spend(ctx, account, code)
	if err == nil && token.Snapshot {
		f.Outcome = outcome(errLoginSnapshot)
		return f, nil
	}
	if err != nil {
		f.Outcome = outcome(failureOf(err))
		return f, err
	}
	login := h.identity(ctx, account, f, token, asked)
	f.OpenID, f.UnionID = login.OpenID, login.UnionID
	err = h.admit(ctx, &f, login, state, c)
	if _, ok := errors.AsType[*session.RevokedError](err); ok { // between the code and here
		f.Outcome = outcome(errLoginEnded)
	} else if err != nil {
		f.Outcome = outcome(errLoginUnavailable)
	}
	return f, err
}

// spend exchanges the code, and says when WeChat was asked, in Unix milliseconds: after
// the AppSecret was read, which may take its time. It is never tried again: a code is
// spent by the try.
func (h *Handler) spend(ctx context.Context, account account.Account, code string) (token wechat.UserToken, asked int64, err error) {
	secret, err := h.Secrets(ctx, account, false)
	if err != nil && ctx.Err() == nil { // perhaps it has just been stored
		secret, err = h.Secrets(ctx, account, true)
	}
	if err != nil {
		return token, 0, err
	}
	asked = h.Now().UnixMilli()
	token, err = h.WeChat.ExchangeCode(ctx, account.AppID, secret.Reveal(), code)
	if e, ok := errors.AsType[*wechat.Error](err); ok && e.SecretRefused() {
		_, _ = h.Secrets(ctx, account, true) // so that the next login has the new one, if there is one
	}
	return token, asked, err
}

// failureOf is the failure that an error of WeChat's means for the user.
func failureOf(err error) *problem.Problem {
	e, ok := errors.AsType[*wechat.Error](err)
	switch {
	case !ok && errors.Is(err, context.DeadlineExceeded):
		return errLoginUnavailable
	case !ok:
		return errLoginMisconfigured // no AppSecret
	case e.Code == wechat.CodeBadCode || e.Code == wechat.CodeMissingCode:
		return errLoginCodeInvalid
	case e.Code == wechat.CodeUsedCode:
		return errLoginCodeUsed
	case e.Code == wechat.CodeExpiredCode:
		return errLoginCodeExpired
	case e.Class() == wechat.ClassBusy || e.Class() == wechat.ClassQuota:
		return errLoginUnavailable
	}
	return errLoginMisconfigured
}

// profileTime leaves the login the time that it needs itself.
const profileTime = 3 * time.Second

// identity is who logs in, with the profile where the user granted it. A profile
// that cannot be read is no reason to refuse the login.
func (h *Handler) identity(ctx context.Context, account account.Account, f flow, t wechat.UserToken, asked int64) session.Login {
	login := session.Login{App: account.Name, AppID: account.AppID, OpenID: t.OpenID, UnionID: t.UnionID, Began: asked}
	if granted := cmp.Or(t.Scope, f.Scope); !strings.Contains(granted, wechat.ScopeUserInfo) && !strings.Contains(granted, wechat.ScopeLogin) {
		return login // its tokens can read nothing, and must not replace those of a login that could
	}
	tokens := h.tokens(t, asked)
	login.Tokens = &tokens
	asking, cancel := context.WithTimeout(ctx, profileTime)
	defer cancel()
	info, err := h.WeChat.UserInfo(asking, t.AccessToken, t.OpenID, f.Lang)
	if err != nil {
		h.Logger.WarnContext(ctx, "profile not read", "account", account.Name, "error", err)
		return login
	}
	if login.UnionID == "" {
		login.UnionID = info.UnionID
	}
	login.Profile = profileOf(info, f.Lang)
	return login
}

// tokens are what WeChat has just answered to what it was asked then.
func (h *Handler) tokens(t wechat.UserToken, askedAt int64) session.Tokens {
	return session.Tokens{
		AccessToken: t.AccessToken, RefreshToken: t.RefreshToken, Scope: t.Scope,
		AccessEnd: h.Now().Unix() + int64(t.ExpiresIn.Seconds()), AskedAt: askedAt,
	}
}

func profileOf(i wechat.UserInfo, lang string) *session.Profile {
	return &session.Profile{
		Nickname: i.Nickname, HeadImgURL: i.HeadImgURL, Sex: i.Sex, Language: lang,
		Country: i.Country, Province: i.Province, City: i.City,
	}
}

// admit opens the session, or, where the page is of another site and would not
// send our cookie, stores the ticket for it.
func (h *Handler) admit(ctx context.Context, f *flow, login session.Login, state string, c caller) error {
	if !f.SameSite {
		f.Outcome = landedTicket
		return h.storeTicket(ctx, *f, login, state, c)
	}
	f.Outcome = landedSession
	if kept, err := h.keep(ctx, login, c.session); kept || err != nil {
		f.Kept = kept
		return err
	}
	return h.issue(ctx, f, login, state, c)
}

// keep reports whether this browser has a session of the user already, which then
// stays, and is in use: each login a new device would push the user's others out.
func (h *Handler) keep(ctx context.Context, login session.Login, token string) (bool, error) {
	if token == "" {
		return false, nil
	}
	s, err := h.Sessions.Touch(ctx, token)
	if err != nil || s.AppID != login.AppID || s.OpenID != login.OpenID {
		return false, nil // no session, another's, or a table that Issue will meet too
	}
	err = h.Sessions.RecordLogin(ctx, login)
	if errors.Is(err, session.ErrNoUser) { // deleted by hand; Issue makes the user anew
		return false, nil
	}
	return err == nil, err
}

// issue opens the session of a login, or finds the one it has opened before: the
// token is made from what this browser has.
func (h *Handler) issue(ctx context.Context, f *flow, login session.Login, state string, c caller) (err error) {
	if login.Seed, err = seed(c.login, state, "session"); err != nil {
		return err
	}
	token, opened, _, err := h.Sessions.Issue(ctx, login)
	f.issued, f.endsAt = token, opened.EndsAt
	return err
}

// land sends the browser on, with what it needs; a callback that comes again gets
// the same.
func (h *Handler) land(w http.ResponseWriter, r *http.Request, f flow, state string, c caller) error {
	to, err := url.Parse(f.ReturnTo)
	if err != nil {
		return err
	}
	switch f.Outcome {
	case landedSession:
		err := h.landWithCookie(w, r, f, state, c)
		if _, ok := errors.AsType[*session.RevokedError](err); ok {
			return errLoginEnded
		}
		if err != nil {
			return err
		}
	case landedTicket:
		ticket, err := ticketOf(c.login, state)
		if err != nil {
			return err
		}
		if to.RawQuery != "" {
			to.RawQuery += "&"
		}
		to.RawQuery += ticketParameter + "=" + ticket
	default:
		return failure(f.Outcome)
	}
	http.Redirect(w, r, withFragment(to), http.StatusSeeOther)
	return nil
}

// withFragment ends an address without a fragment in an empty one: a browser would
// else carry WeChat's #wechat_redirect over to the page, where it may be a route.
func withFragment(to *url.URL) string {
	if to.Fragment == "" {
		return to.String() + "#"
	}
	return to.String()
}

// landWithCookie sets the session's cookie. A call that did not open the session
// itself makes its token once more: it is stored nowhere.
func (h *Handler) landWithCookie(w http.ResponseWriter, r *http.Request, f flow, state string, c caller) error {
	if f.Kept {
		return nil
	}
	if f.issued == "" {
		account, _ := h.Accounts.Find(f.App)
		login := session.Login{App: f.App, AppID: account.AppID, OpenID: f.OpenID, UnionID: f.UnionID}
		err := h.issue(r.Context(), &f, login, state, c)
		if errors.Is(err, session.ErrSeedUsed) {
			return nil // the page has a newer token than this
		}
		if err != nil {
			return err
		}
	}
	h.setCookie(w, sessionCookie, f.issued, time.Unix(f.endsAt, 0).Sub(h.Now()))
	return nil
}

func ticketOf(cookie, state string) (string, error) {
	s, err := seed(cookie, state, "code")
	return base64.RawURLEncoding.EncodeToString(s), err
}
