package oauth

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"

	"wechatfn/shared/web"
)

// maxReturnTo bounds where a login can lead, in bytes. It goes into the store and into a
// Location header.
const maxReturnTo = 2048

// checkReturnTo resolves return_to against our own address. It refuses everything that a
// browser could read as another address than we do: a login that ends where a stranger
// chose gives the stranger the login code.
//
// A path (beginning with one slash) stays on our own origin; anything else must
// be an absolute URL on one of origins. The result is absolute.
func checkReturnTo(raw, own string, origins []string) (*url.URL, error) {
	switch {
	case raw == "":
		raw = "/"
	case len(raw) > maxReturnTo:
		return nil, badReturnTo("has more than 2048 bytes")
	case !utf8.ValidString(raw) || strings.IndexFunc(raw, isControl) >= 0:
		return nil, badReturnTo("has a space or a control character, or is not UTF-8")
	case strings.Contains(raw, `\`):
		return nil, badReturnTo("has a backslash, which browsers read as a slash")
	case strings.HasPrefix(raw, "//"):
		return nil, badReturnTo("begins with two slashes, which lead to another host")
	}
	if strings.HasPrefix(raw, "/") {
		raw = own + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, badReturnTo("is not a URL")
	}
	if u.User != nil || u.Opaque != "" {
		return nil, badReturnTo("has a user before its host, or no host")
	}
	if u.Query().Has(codeParameter) {
		return nil, badReturnTo("has a " + codeParameter + ", which only a login may add")
	}
	origin, ok := web.OriginOf(u)
	if !ok {
		return nil, badReturnTo("is neither a path nor an http or https URL")
	}
	if origin != own && !slices.Contains(origins, origin) {
		return nil, returnToNotAllowed(origin)
	}
	return u, nil
}

// isControl: browsers remove or change these.
func isControl(r rune) bool { return r <= ' ' || r == 0x7f }

// sameSite reports whether a page at u sends our cookies when it calls us. For browsers a
// site is the scheme and the registrable domain.
func sameSite(u *url.URL, own *url.URL) bool {
	if u.Scheme != own.Scheme {
		return false
	}
	host, ours := strings.ToLower(u.Hostname()), strings.ToLower(own.Hostname())
	if host == ours {
		return true
	}
	if net.ParseIP(host) != nil || net.ParseIP(ours) != nil {
		return false
	}
	site, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return false // a public suffix itself, such as github.io
	}
	our, err := publicsuffix.EffectiveTLDPlusOne(ours)
	return err == nil && site == our
}
