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

	"wechatfn/shared/login"
	"wechatfn/shared/session"
	"wechatfn/shared/store"
	"wechatfn/shared/web"
)

// codeTTL is how long a page of another site has to redeem its login code.
const codeTTL = time.Minute

// codeParameter is the parameter of the page's URL that has the login code.
const codeParameter = "wechatfn_code"

// maxBody of POST /oauth/token is many times a login code.
const maxBody = 4 << 10

// loginCode is the value of the item code#HASH: a login that has happened, and whose
// session a page of another site can open once, with the login code. We redeem our
// login codes; the codes of WeChat are exchanged.
//
// A login code alone opens nothing. The page that began the login stored a random
// verifier and sent its hash, which RFC 7636 calls the challenge. So a login code that
// leaks is of no use, and nobody can make a page redeem a stranger's login code, which
// would log its user in as the stranger.
type loginCode struct {
	Login     session.StoredLogin `json:"login,omitzero"` // zero once it is used
	Challenge string              `json:"challenge,omitzero"`
	Origin    string              `json:"origin"` // of the page that it was given to
	Used      bool                `json:"used,omitzero"`
}

// isChallenge: the SHA-256 of a verifier, in base64url.
func isChallenge(s string) bool {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && len(b) == sha256.Size && len(s) == 43
}

func codeKey(code string) string { return store.Key(store.KindCode, login.Digest(code)) }

// loginCode makes the login code of this login.
func (c callbackRequest) loginCode() (string, error) {
	seed, err := c.seed("code")
	return base64.RawURLEncoding.EncodeToString(seed), err
}

// addLoginCode adds the login code to the page's URL, and changes nothing else of it.
func addLoginCode(to *url.URL, c callbackRequest) error {
	code, err := c.loginCode()
	if err != nil {
		return err
	}
	if to.RawQuery != "" {
		to.RawQuery += "&"
	}
	to.RawQuery += codeParameter + "=" + code
	return nil
}

func (h *Handler) storeLoginCode(ctx context.Context, p pendingLogin, l session.Login, c callbackRequest) error {
	to, err := url.Parse(p.ReturnTo)
	if err != nil {
		return err
	}
	origin, _ := web.OriginOf(to)
	code, err := c.loginCode()
	if err != nil {
		return err
	}
	_, err = h.cfg.Store.Create(ctx, store.Item{
		Key: codeKey(code), ExpiresAt: h.cfg.Now().Add(codeTTL),
		Value: store.Encode(loginCode{Login: session.StoredLogin(l), Challenge: p.Challenge, Origin: origin}),
	})
	return err
}

// tokenAnswer is what a page gets for a login code, and for an old token.
type tokenAnswer struct {
	Token     string          `json:"token"`
	TokenType string          `json:"tokenType"` // Bearer
	ExpiresIn int64           `json:"expiresIn"` // seconds
	Session   session.Session `json:"session"`
}

func (h *Handler) tokenAnswer(token string, s session.Session) tokenAnswer {
	return tokenAnswer{token, "Bearer", s.ExpiresAt - h.cfg.Now().Unix(), s}
}

// token gives a bearer token for a login code, once, to the page that the login code was
// given to.
func (h *Handler) token(w http.ResponseWriter, r *http.Request) error {
	body, err := web.ReadBody(r, maxBody)
	if err != nil {
		return err
	}
	var in struct{ Code, Verifier string }
	if err := json.Unmarshal(body, &in); err != nil || in.Code == "" || in.Verifier == "" {
		return errBody
	}
	l, err := h.redeem(r.Context(), in.Code, in.Verifier, r.Header.Get("Origin"))
	if err != nil {
		return err
	}
	token, opened, _, err := h.cfg.Sessions.Issue(r.Context(), l)
	if login.Revoked(err) { // the user has logged out of all devices since
		return errLoginEnded
	}
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, h.tokenAnswer(token, opened))
}

// redeem returns the login of a login code: of many requests with the same one, one
// succeeds. A browser sends its page's origin; a program sends none.
func (h *Handler) redeem(ctx context.Context, code, verifier, origin string) (session.Login, error) {
	item, err := h.cfg.Store.Get(ctx, codeKey(code))
	if errors.Is(err, store.ErrNotFound) {
		return session.Login{}, errWechatfnCode
	}
	if err != nil {
		return session.Login{}, err
	}
	var c loginCode
	if err := item.Decode(&c); err != nil {
		return session.Login{}, err
	}
	if c.Used || !login.Matches(verifier, c.Challenge) || origin != "" && !strings.EqualFold(origin, c.Origin) {
		return session.Login{}, errWechatfnCode
	}
	item.Value = store.Encode(loginCode{Used: true, Origin: c.Origin}) // without the user and the tokens
	_, err = h.cfg.Store.Replace(ctx, item)
	if errors.Is(err, store.ErrConflict) {
		return session.Login{}, errWechatfnCode
	}
	return session.Login(c.Login), err
}
