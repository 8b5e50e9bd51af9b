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
	// refreshTime bounds it.
	refreshTime = 6 * time.Second
	// refreshPause keeps the requests that wait from asking WeChat one by one when
	// it does not answer.
	refreshPause = 2 * time.Second
	// saveTime is kept for what must be stored though the request has run out of time.
	saveTime = 500 * time.Millisecond
	// nearEnd: a token that ends so soon is refreshed first.
	nearEnd = time.Minute
)

// Profile is the user's profile as WeChat tells it now.
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

// userinfo answers with the profile, from WeChat, with the user's token, which is
// refreshed where it has ended.
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
	s, err := h.Check(r.Context(), r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	var info wechat.UserInfo
	err = h.withToken(ctx, s, func(token string) (err error) {
		if check {
			return h.WeChat.CheckUserToken(ctx, token, s.OpenID)
		}
		info, err = h.WeChat.UserInfo(ctx, token, s.OpenID, query.Get("lang"))
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

// withToken asks WeChat something with the user's access token, and once more with
// another where that has ended or WeChat says that it is dead.
func (h *Handler) withToken(ctx context.Context, s session.Session, ask func(token string) error) error {
	user, err := h.Sessions.User(ctx, s.AppID, s.OpenID)
	if err != nil {
		return err
	}
	token := user.Tokens
	if token.AccessToken == "" {
		return errNoProfile
	}
	fresh := h.Now().Add(nearEnd).Unix() < token.AccessEnd
	if !fresh {
		if token, err = h.renewed(ctx, s, token); err != nil {
			return err
		}
	}
	err = ask(token.AccessToken)
	if dead, ok := errors.AsType[*wechat.Error](err); ok && fresh && dead.UserTokenInvalid() {
		if token, err = h.renewed(ctx, s, token); err == nil {
			err = ask(token.AccessToken)
		}
	}
	return err
}

// errLeased: another request refreshes the tokens.
var errLeased = errors.New("oauth: the tokens are being refreshed")

// newer does not look at the access token: one that is alive is prolonged rather than
// replaced.
func newer(t, old session.Tokens) bool { return t.AskedAt > old.AskedAt }

// renewed returns newer tokens than the old ones. Of many requests at once one
// refreshes them, under a lease; the others wait for it. When a refresh token ends is
// for WeChat to say: whether refreshing starts its 30 days anew is not known.
func (h *Handler) renewed(ctx context.Context, s session.Session, old session.Tokens) (session.Tokens, error) {
	for {
		var leased session.Tokens
		user, err := h.Sessions.Update(ctx, s.AppID, s.OpenID, func(u *session.User) error {
			switch {
			case newer(u.Tokens, old):
				return nil // somebody has
			case u.Tokens.RefreshToken == "":
				return errLoginAgain
			case h.Now().UnixMilli() < u.Tokens.LeaseUntil:
				return errLeased
			}
			u.Tokens.LeaseUntil = h.Now().Add(refreshLease).UnixMilli()
			leased = u.Tokens
			return nil
		})
		switch {
		case errors.Is(err, errLeased):
			if err := wait.For(ctx, look); err != nil {
				return session.Tokens{}, fmt.Errorf("%w: %w", errLeased, err)
			}
		case err != nil:
			return session.Tokens{}, err
		case newer(user.Tokens, old):
			return user.Tokens, nil
		default:
			return h.renew(ctx, s, leased)
		}
	}
}

// renew refreshes tokens whose lease is ours. What it gets is stored over older ones
// alone: a login may have brought newer ones, or, if this was held up for longer than
// the lease, another refresh. A ticket that is spent meanwhile may have brought older
// ones, and another lease with them.
func (h *Handler) renew(ctx context.Context, s session.Session, leased session.Tokens) (session.Tokens, error) {
	askedAt := max(h.Now().UnixMilli(), leased.AskedAt+1) // newer, whatever the clocks of two processes say
	asking, cancel := context.WithTimeout(ctx, refreshTime)
	t, failed := h.WeChat.RefreshUserToken(asking, s.AppID, leased.RefreshToken)
	cancel()
	renewed := h.tokens(t, askedAt)
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	_, err := h.Sessions.Update(saving, s.AppID, s.OpenID, func(u *session.User) error {
		switch {
		case failed == nil && newer(renewed, u.Tokens):
			u.Tokens = renewed
			return nil
		case failed == nil || u.Tokens.LeaseUntil != leased.LeaseUntil:
			return nil // theirs are newer, or it is their lease
		}
		u.Tokens.LeaseUntil = h.Now().Add(refreshPause).UnixMilli()
		if e, ok := errors.AsType[*wechat.Error](failed); ok && e.LoginAgain() {
			u.Tokens.RefreshToken, u.Tokens.LeaseUntil = "", 0 // it is no use to anybody
		}
		return nil
	})
	if failed != nil {
		return session.Tokens{}, failed
	}
	return renewed, err
}

// profileProblem is what an error means for the page.
func profileProblem(err error) error {
	if e, ok := errors.AsType[*wechat.Error](err); ok {
		switch {
		case e.NoPermission():
			return errNoProfile
		case e.LoginAgain() || e.UserTokenInvalid():
			return errLoginAgain
		case e.Class() == wechat.ClassBusy || e.Class() == wechat.ClassQuota:
			return unavailable(err)
		}
	}
	if errors.Is(err, errLeased) {
		return unavailable(err)
	}
	if errors.Is(err, session.ErrNoUser) {
		return errLoginAgain
	}
	return err
}
