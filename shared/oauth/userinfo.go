package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"wechatfn/shared/session"
	"wechatfn/shared/wait"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

const (
	// refreshLease is longer than a refresh takes.
	refreshLease = 8 * time.Second
	// refreshTimeout bounds the call for a refresh.
	refreshTimeout = 6 * time.Second
	// refreshBackoff is how long nobody refreshes tokens after WeChat did not answer.
	// Without it, the requests that wait would ask WeChat one after the other.
	refreshBackoff = 2 * time.Second
	// saveTimeout bounds a write that must be made even if the request has run out of time.
	saveTimeout = 500 * time.Millisecond
	// minRemaining is the lifetime below which an access token is refreshed before its use.
	minRemaining = time.Minute
)

// Profile is the user's profile as WeChat answers it now.
type Profile struct {
	OpenID     string   `json:"openid"`
	UnionID    string   `json:"unionid,omitzero"`
	Nickname   string   `json:"nickname"`
	HeadImgURL string   `json:"headimgurl"`
	Sex        int      `json:"sex"` // 0 unknown, 1 male, 2 female; 0 for nearly all users since 2021
	Province   string   `json:"province"`
	City       string   `json:"city"`
	Country    string   `json:"country"`
	Privilege  []string `json:"privilege"`
}

// userinfo answers with the profile. It reads that from WeChat with the user's access
// token, and refreshes the token first if it has expired.
func (h *Handler) userinfo(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r, "lang", "check")
	if err != nil {
		return err
	}
	if !isLang(query.Get("lang")) {
		return errLang
	}
	check, ok := isTrue(query.Get("check"))
	if !ok {
		return errCheck
	}
	s, err := h.checkSession(r.Context(), r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	var info wechat.UserInfo
	err = h.withToken(ctx, s, func(token string) (err error) {
		if check {
			return h.cfg.WeChat.CheckUserToken(ctx, token, s.OpenID)
		}
		info, err = h.cfg.WeChat.UserInfo(ctx, token, s.OpenID, query.Get("lang"))
		return err
	})
	if err != nil {
		return profileProblem(err)
	}
	if check {
		return web.JSON(w, http.StatusOK, map[string]bool{"valid": true})
	}
	privilege := info.Privilege
	if privilege == nil {
		privilege = []string{}
	}
	return web.JSON(w, http.StatusOK, Profile{
		info.OpenID, info.UnionID, info.Nickname, info.HeadImgURL, info.Sex, info.Province, info.City, info.Country, privilege,
	})
}

// withToken makes a call with the user's access token. If that has expired, or WeChat says
// that it is invalid, the token is refreshed, once.
func (h *Handler) withToken(ctx context.Context, s session.Session, ask func(token string) error) error {
	user, err := h.cfg.Sessions.User(ctx, s.AppID, s.OpenID)
	if err != nil {
		return err
	}
	token := user.Tokens
	if token.AccessToken == "" {
		return errNoProfile
	}
	valid := h.cfg.Now().Add(minRemaining).Unix() < token.AccessEnd
	if !valid {
		if token, err = h.newerTokens(ctx, s, token); err != nil {
			return err
		}
	}
	err = ask(token.AccessToken)
	if refused, ok := errors.AsType[*wechat.Error](err); ok && valid && refused.UserTokenInvalid() {
		if token, err = h.newerTokens(ctx, s, token); err == nil {
			err = ask(token.AccessToken)
		}
	}
	return err
}

// errLeased: another request refreshes the tokens.
var errLeased = errors.New("oauth: the tokens are being refreshed")

// newer does not compare the access tokens: WeChat extends a valid one and does not
// replace it.
func newer(t, old session.Tokens) bool { return t.AskedAt > old.AskedAt }

// newerTokens returns newer tokens than the old ones. Of many requests at the same time
// one refreshes them, under a lease; the others wait for it. WeChat decides when a refresh
// token has expired: whether a refresh restarts its 30 days is not known.
func (h *Handler) newerTokens(ctx context.Context, s session.Session, old session.Tokens) (session.Tokens, error) {
	for {
		var leased session.Tokens
		user, err := h.cfg.Sessions.Update(ctx, s.AppID, s.OpenID, func(u *session.User) error {
			switch {
			case newer(u.Tokens, old):
				return nil // another request has refreshed them
			case u.Tokens.RefreshToken == "":
				return errLoginAgain
			case h.cfg.Now().UnixMilli() < u.Tokens.LeaseUntil:
				return errLeased
			}
			u.Tokens.LeaseUntil = h.cfg.Now().Add(refreshLease).UnixMilli()
			leased = u.Tokens
			return nil
		})
		switch {
		case errors.Is(err, errLeased):
			if err := wait.For(ctx, pollInterval); err != nil {
				return session.Tokens{}, fmt.Errorf("%w: %w", errLeased, err)
			}
		case err != nil:
			return session.Tokens{}, err
		case newer(user.Tokens, old):
			return user.Tokens, nil
		default:
			return h.refreshTokens(ctx, s, leased)
		}
	}
}

// refreshTokens refreshes tokens whose lease is ours. It replaces older tokens only: a
// login can have stored newer ones in the meantime, or another refresh, if this one took
// longer than its lease. A login code that was redeemed in the meantime can have stored
// older ones, and removed the lease with them.
func (h *Handler) refreshTokens(ctx context.Context, s session.Session, leased session.Tokens) (session.Tokens, error) {
	askedAt := max(h.cfg.Now().UnixMilli(), leased.AskedAt+1) // newer, whatever the clocks of two processes say
	asking, cancel := context.WithTimeout(ctx, refreshTimeout)
	t, failed := h.cfg.WeChat.RefreshUserToken(asking, s.AppID, leased.RefreshToken)
	cancel()
	refreshed := h.tokens(t, askedAt)
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	_, err := h.cfg.Sessions.Update(saving, s.AppID, s.OpenID, func(u *session.User) error {
		switch {
		case failed == nil && newer(refreshed, u.Tokens):
			u.Tokens = refreshed
			return nil
		case failed == nil || u.Tokens.LeaseUntil != leased.LeaseUntil:
			return nil // another request's tokens are newer, or the lease is another request's
		}
		u.Tokens.LeaseUntil = h.cfg.Now().Add(refreshBackoff).UnixMilli()
		if e, ok := errors.AsType[*wechat.Error](failed); ok && e.LoginAgain() {
			u.Tokens.RefreshToken, u.Tokens.LeaseUntil = "", 0 // no request can use it
		}
		return nil
	})
	if failed != nil {
		return session.Tokens{}, failed
	}
	return refreshed, err
}

// profileProblem is the answer to an error of withToken.
func profileProblem(err error) error {
	if e, ok := errors.AsType[*wechat.Error](err); ok {
		switch {
		case e.NoPermission():
			return errNoProfile
		case e.LoginAgain() || e.UserTokenInvalid():
			return errLoginAgain
		case e.Class() == wechat.ClassBusy || e.Class() == wechat.ClassQuota:
			return errWeChatBusy.Because(err)
		}
	}
	if errors.Is(err, errLeased) {
		return errWeChatBusy.Because(err)
	}
	if errors.Is(err, session.ErrNoUser) {
		return errLoginAgain
	}
	return err
}
