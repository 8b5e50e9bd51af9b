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
	// hostOnly makes a browser take a cookie from this very host over https alone,
	// so that no other host of the domain can plant one.
	hostOnly = "__Host-"
)

// name is the cookie's name; plain http, on a desk, cannot have the prefix.
func (h *Handler) name(cookie string) string {
	if h.Insecure {
		return cookie
	}
	return hostOnly + cookie
}

// setCookie sets a cookie that scripts cannot read and that comes along when a
// page of another site leads here, as WeChat's does. A life below zero deletes it.
func (h *Handler) setCookie(w http.ResponseWriter, cookie, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: h.name(cookie), Value: value, Path: "/", MaxAge: int(life.Seconds()),
		HttpOnly: true, Secure: !h.Insecure, SameSite: http.SameSiteLaxMode,
	})
}

// cookie reads a cookie; "" where there is none, or two of the name.
func (h *Handler) cookie(r *http.Request, cookie string) string {
	found := r.CookiesNamed(h.name(cookie))
	if len(found) != 1 {
		return ""
	}
	return found[0].Value
}

// browser returns the secret of this browser, or makes one. It stays the same as
// long as logins go on, so that two tabs can log in at once.
func (h *Handler) browser(r *http.Request) (string, error) {
	if value := h.cookie(r, loginCookie); isBrowser(value) {
		return value, nil
	}
	var random [32]byte
	if _, err := io.ReadFull(h.Rand, random[:]); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(random[:]), nil
}

func isBrowser(s string) bool {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && len(b) == 32
}
