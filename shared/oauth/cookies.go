package oauth

import (
	"encoding/base64"
	"io"
	"net/http"
	"time"
)

const (
	loginCookie   = "wechatfn-login"   // binds a login to its browser
	sessionCookie = "wechatfn-session" // is the session
	// hostOnly is a prefix with which browsers accept a cookie from this very host only,
	// and over https only. So no other host of the domain can set one.
	hostOnly = "__Host-"
)

// cookieName is the cookie's name. Cookies of plain http, which is for local use, cannot
// have the prefix.
func (h *Handler) cookieName(cookie string) string {
	if h.cfg.Insecure {
		return cookie
	}
	return hostOnly + cookie
}

// setCookie sets a cookie that scripts cannot read, and that browsers send when a page of
// another site leads here, as WeChat's does. A negative maxAge deletes it.
func (h *Handler) setCookie(w http.ResponseWriter, cookie, value string, maxAge time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: h.cookieName(cookie), Value: value, Path: "/", MaxAge: int(maxAge.Seconds()),
		HttpOnly: true, Secure: !h.cfg.Insecure, SameSite: http.SameSiteLaxMode,
	})
}

// cookie reads a cookie; "" where there is none, or two of the name.
func (h *Handler) cookie(r *http.Request, cookie string) string {
	found := r.CookiesNamed(h.cookieName(cookie))
	if len(found) != 1 {
		return ""
	}
	return found[0].Value
}

// browserSecret returns the secret of this browser, or makes one. It stays the same while
// a login of the browser is pending, so that two tabs can log in at the same time.
func (h *Handler) browserSecret(r *http.Request) (string, error) {
	if value := h.cookie(r, loginCookie); isBrowserSecret(value) {
		return value, nil
	}
	var random [32]byte
	if _, err := io.ReadFull(h.cfg.Rand, random[:]); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(random[:]), nil
}

func isBrowserSecret(s string) bool {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && len(b) == 32
}
