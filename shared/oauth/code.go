package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"wechatfn/shared/session"
	"wechatfn/shared/store"
	"wechatfn/shared/web"
)

// ticketLife is how long a page of another site has to spend its ticket.
const ticketLife = time.Minute

// maxBody of POST /oauth/token is many times a ticket.
const maxBody = 4 << 10

// ticket is what the item code#HASH holds: a login that has happened, and the
// session that it can be spent for, once.
//
// A ticket alone opens nothing: the page that began the login kept a random
// verifier and sent its hash along (RFC 7636 calls it a challenge). So a ticket that
// leaks is no use, and a page cannot be made to spend a stranger's, which would log
// its user in as the stranger.
type ticket struct {
	Login     login  `json:"login"`
	Challenge string `json:"challenge"`
	Origin    string `json:"origin"` // of the page that it was given to
	Spent     bool   `json:"spent,omitzero"`
}

// login is session.Login as it is stored.
type login struct {
	App, AppID, OpenID, UnionID string
	Profile                     *session.Profile `json:",omitzero"`
	AccessToken, RefreshToken   string
	Scope                       string
	AccessEnd, Began            int64
}

func stored(l session.Login) login {
	t := session.Tokens{}
	if l.Tokens != nil {
		t = *l.Tokens
	}
	return login{l.App, l.AppID, l.OpenID, l.UnionID, l.Profile, t.AccessToken, t.RefreshToken, t.Scope, t.AccessEnd, l.Began}
}

func (l login) session() session.Login {
	login := session.Login{App: l.App, AppID: l.AppID, OpenID: l.OpenID, UnionID: l.UnionID, Profile: l.Profile, Began: l.Began}
	if l.AccessToken != "" {
		login.Tokens = &session.Tokens{AccessToken: l.AccessToken, RefreshToken: l.RefreshToken, Scope: l.Scope, AccessEnd: l.AccessEnd, AskedAt: l.Began}
	}
	return login
}

// isChallenge: the SHA-256 of a verifier, in base64url.
func isChallenge(s string) bool {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && len(b) == sha256.Size && len(s) == 43
}

func (h *Handler) storeTicket(ctx context.Context, f flow, l session.Login, state string, c caller) error {
	to, err := url.Parse(f.ReturnTo)
	if err != nil {
		return err
	}
	origin, _ := web.OriginOf(to)
	text, err := ticketOf(c.login, state)
	if err != nil {
		return err
	}
	_, err = h.Store.Create(ctx, store.Item{Key: key(store.KindCode, text), Value: store.Encode(ticket{stored(l), f.Challenge, origin, false}), ExpiresAt: h.Now().Add(ticketLife)})
	return err
}

// Grant is what a page gets for a ticket, and for an old token.
type Grant struct {
	Token     string          `json:"token"`
	TokenType string          `json:"tokenType"` // Bearer
	ExpiresIn int64           `json:"expiresIn"` // seconds
	Session   session.Session `json:"session"`
}

func (h *Handler) grant(token string, s session.Session) Grant {
	return Grant{token, "Bearer", s.ExpiresAt - h.Now().Unix(), s}
}

// token gives a bearer token for a ticket, to the page that the ticket was given
// to, once.
func (h *Handler) token(w http.ResponseWriter, r *http.Request) error {
	body, err := web.ReadBody(r, maxBody)
	if err != nil {
		return err
	}
	var in struct{ Code, Verifier string }
	if err := json.Unmarshal(body, &in); err != nil || in.Code == "" || in.Verifier == "" {
		return errBody
	}
	t, err := h.spendTicket(r.Context(), in.Code, in.Verifier, r.Header.Get("Origin"))
	if err != nil {
		return err
	}
	token, opened, _, err := h.Sessions.Issue(r.Context(), t.Login.session())
	if _, ok := errors.AsType[*session.RevokedError](err); ok { // the user logged out of all devices since
		return errLoginEnded
	}
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, h.grant(token, opened))
}

// spendTicket: of many that come with the same ticket one succeeds. A browser
// tells its page's origin; a program tells none.
func (h *Handler) spendTicket(ctx context.Context, text, verifier, origin string) (t ticket, err error) {
	item, err := h.Store.Get(ctx, key(store.KindCode, text))
	if errors.Is(err, store.ErrNotFound) {
		return t, errWechatfnCode
	} else if err != nil {
		return t, err
	}
	if err := item.Decode(&t); err != nil {
		return t, err
	}
	if t.Spent || digest(verifier) != t.Challenge || origin != "" && !strings.EqualFold(origin, t.Origin) {
		return t, errWechatfnCode
	}
	spent := ticket{Spent: true, Origin: t.Origin} // and nothing else is kept of it
	item.Value = store.Encode(spent)
	_, err = h.Store.Replace(ctx, item)
	if errors.Is(err, store.ErrConflict) {
		return t, errWechatfnCode
	}
	return t, err
}
