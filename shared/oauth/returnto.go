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

// maxReturnTo bounds where a login may lead; it stands in the store and in a
// Location.
const maxReturnTo = 2048

// checkReturnTo resolves return_to against our own address, and refuses whatever
// a browser could take for another place than we do: a login that ends where a
// stranger chose hands the stranger what it ends with.
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
		return nil, badReturnTo("holds a space or a control character, or is not UTF-8")
	case strings.Contains(raw, `\`):
		return nil, badReturnTo("holds a backslash, which browsers take for a slash")
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
	if u.Query().Has(ticketParameter) {
		return nil, badReturnTo("holds a " + ticketParameter + ", which a login adds itself")
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

// ticketParameter bears the ticket to a page of another site.
const ticketParameter = "wechatfn_code"

// isControl: a browser drops or changes these.
func isControl(r rune) bool { return r <= ' ' || r == 0x7f }

// sameSite reports whether a page at u sends our cookies when it calls us: a
// browser's notion of a site is the scheme and the registrable domain.
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
