package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/login"
	"wechatfn/shared/problem"
	"wechatfn/shared/session"
	"wechatfn/shared/store"
	"wechatfn/shared/wechat"
)

// result is the outcome of a login, and what only the call knows that opened the session.
type result struct {
	outcome
	token  string // of that session; stored nowhere
	endsAt int64  // of that session, in Unix seconds
}

func endedWith(p *problem.Problem) result {
	return result{outcome: outcome{Result: string(p.Code())}}
}

// complete claims the login, exchanges the code and stores the outcome. Where another
// callback has claimed the login, it waits for that one's outcome.
func (h *Handler) complete(ctx context.Context, p storedPending, c callbackRequest) (result, error) {
	if p.isOpen() {
		deadline, _ := ctx.Deadline() // web.Guard always sets one
		claimed, err := h.claim(ctx, p, h.cfg.Now().Add(time.Until(deadline)))
		if err == nil {
			return h.exchangeAndStore(ctx, claimed, c), nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return result{}, err
		}
		p = claimed
	}
	o, err := h.awaitOutcome(ctx, c.state, p.pendingLogin)
	if errors.Is(err, store.ErrNotFound) || err == nil && o.Result == "" {
		return endedWith(errLoginInterrupted), nil
	}
	return result{outcome: o}, err
}

// exchangeAndStore completes a login that this call has claimed: it exchanges the code and
// stores the outcome. If the outcome cannot be stored, this call succeeds all the same,
// and a call that comes again gets login_interrupted.
func (h *Handler) exchangeAndStore(ctx context.Context, p storedPending, c callbackRequest) result {
	done, cause := h.exchange(ctx, p.pendingLogin, c)
	logger := h.cfg.Logger
	switch {
	case cause != nil:
		logger.WarnContext(ctx, "login failed", "account", p.App, "code", done.Result, "error", cause)
	case done.Result == resultSession || done.Result == resultCode:
		logger.InfoContext(ctx, "login", "account", p.App, "outcome", done.Result, h.cfg.LoggedIn())
	default:
		logger.InfoContext(ctx, "login", "account", p.App, "outcome", done.Result)
	}
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	if err := h.storeOutcome(saving, p, done.outcome); err != nil {
		logger.ErrorContext(ctx, "outcome of a login not stored", "account", p.App, "error", err)
	}
	return done
}

// exchange exchanges WeChat's code and opens the session. It always returns a result;
// the error is for the log.
func (h *Handler) exchange(ctx context.Context, p pendingLogin, c callbackRequest) (result, error) {
	a, ok := h.cfg.Accounts.Find(p.App)
	if !ok {
		return endedWith(exchangeProblems.Misconfigured), errors.New("oauth: the account of the login is not configured any more")
	}
	token, askedAt, err := h.codes.Exchange(ctx, a, c.code)
	if err != nil {
		return endedWith(exchangeProblems.Of(err)), err
	}
	if token.Snapshot {
		return endedWith(errLoginSnapshot), nil
	}
	done, err := h.openSession(ctx, p, h.identify(ctx, a, p, token, askedAt), c)
	if login.Revoked(err) {
		return endedWith(errLoginEnded), err
	}
	if err != nil {
		return endedWith(exchangeProblems.Unavailable), err
	}
	return done, nil
}

// profileTimeout bounds the call for the profile. It leaves time for the login itself.
const profileTimeout = 3 * time.Second

// identify returns who logs in, with the profile if the user granted it. A profile that
// cannot be read is no reason to refuse the login. askedAt is in Unix milliseconds.
func (h *Handler) identify(ctx context.Context, a account.Account, p pendingLogin, t wechat.UserToken, askedAt int64) session.Login {
	l := session.Login{App: a.Name, AppID: a.AppID, OpenID: t.OpenID, UnionID: t.UnionID, Began: askedAt}
	if granted := cmp.Or(t.Scope, p.Scope); !strings.Contains(granted, wechat.ScopeUserInfo) && !strings.Contains(granted, wechat.ScopeLogin) {
		return l // these tokens can read nothing, and must not replace those of a login that could
	}
	tokens := h.tokens(t, askedAt)
	l.Tokens = &tokens
	asking, cancel := context.WithTimeout(ctx, profileTimeout)
	defer cancel()
	info, err := h.cfg.WeChat.UserInfo(asking, t.AccessToken, t.OpenID, p.Lang)
	if err != nil {
		h.cfg.Logger.WarnContext(ctx, "profile not read", "account", a.Name, "error", err)
		return l
	}
	if l.UnionID == "" {
		l.UnionID = info.UnionID
	}
	l.Profile = profileOf(info, p.Lang)
	return l
}

// tokens are what WeChat answered when it was asked at askedAt, in Unix milliseconds.
func (h *Handler) tokens(t wechat.UserToken, askedAt int64) session.Tokens {
	return session.Tokens{
		AccessToken: t.AccessToken, RefreshToken: t.RefreshToken, Scope: t.Scope,
		AccessEnd: h.cfg.Now().Unix() + int64(t.ExpiresIn.Seconds()), AskedAt: askedAt,
	}
}

func profileOf(i wechat.UserInfo, lang string) *session.Profile {
	return &session.Profile{
		Nickname: i.Nickname, HeadImgURL: i.HeadImgURL, Sex: i.Sex, Language: lang,
		Country: i.Country, Province: i.Province, City: i.City,
	}
}

// openSession opens the session of a login, or reuses the one that the browser has. A
// page of another site does not send our cookie, so its login gets a login code instead.
func (h *Handler) openSession(ctx context.Context, p pendingLogin, l session.Login, c callbackRequest) (result, error) {
	done := result{outcome: outcome{Login: session.StoredLogin{App: l.App, AppID: l.AppID, OpenID: l.OpenID, UnionID: l.UnionID}}}
	if !p.SameSite {
		done.Result = resultCode
		return done, h.storeLoginCode(ctx, p, l, c)
	}
	done.Result = resultSession
	var err error
	if l.Seed, err = c.seed("session"); err != nil {
		return done, err
	}
	opened, err := h.opener.Open(ctx, l, c.sessionCookie)
	done.Reused = opened.Reused
	done.token, done.endsAt = opened.Token, opened.Session.EndsAt
	return done, err
}

// redirect sends the browser to the page, with what it needs there. A callback that
// comes again gets the same.
func (h *Handler) redirect(w http.ResponseWriter, r *http.Request, returnTo string, done result, c callbackRequest) error {
	to, err := url.Parse(returnTo)
	if err != nil {
		return err
	}
	switch done.Result {
	case resultSession:
		err = h.setSession(w, r, done, c)
	case resultCode:
		err = addLoginCode(to, c)
	default:
		err = failure(done.Result)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, withFragment(to), http.StatusSeeOther)
	return nil
}

// setSession sets the session's cookie. The token is stored nowhere, so a call that did
// not open the session itself makes it once more.
func (h *Handler) setSession(w http.ResponseWriter, r *http.Request, done result, c callbackRequest) error {
	if done.Reused {
		return nil // the browser has the cookie
	}
	if done.token == "" {
		l := session.Login(done.Login)
		var err error
		if l.Seed, err = c.seed("session"); err != nil {
			return err
		}
		token, s, _, err := h.cfg.Sessions.Issue(r.Context(), l)
		switch {
		case errors.Is(err, session.ErrSeedUsed):
			return nil // the token was rotated since, and the page has the newer one
		case login.Revoked(err):
			return errLoginEnded
		case err != nil:
			return err
		}
		done.token, done.endsAt = token, s.EndsAt
	}
	h.setCookie(w, sessionCookie, done.token, time.Unix(done.endsAt, 0).Sub(h.cfg.Now()))
	return nil
}

// withFragment ends an address without a fragment in an empty one. Otherwise a browser
// keeps WeChat's #wechat_redirect on the page, where it can be a route.
func withFragment(to *url.URL) string {
	if to.Fragment == "" {
		return to.String() + "#"
	}
	return to.String()
}
