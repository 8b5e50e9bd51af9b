package jssdk

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"wechatfn/shared/problem"
	"wechatfn/shared/web"
)

// maxURLBytes is the longest page URL that is signed.
const maxURLBytes = 2048

// checkURL returns the page URL to sign, its fragment cut, or the *problem.Problem
// that says why it is not signed.
func checkURL(raw string, origins []string) (string, error) {
	switch {
	case raw == "":
		return "", errURLMissing
	case len(raw) > maxURLBytes:
		return "", errURLTooLong
	case strings.IndexFunc(raw, isControl) >= 0:
		return "", errURLControl
	case !utf8.ValidString(raw):
		return "", errURLMalformed
	}
	pageURL := cutFragment(raw)
	origin, err := originOf(pageURL)
	if err != nil {
		return "", err
	}
	if !slices.Contains(origins, origin) {
		return "", originNotAllowed(origin)
	}
	return pageURL, nil
}

// isControl reports a space or a control character. A browser reports neither in an address.
func isControl(r rune) bool { return r <= ' ' || r == 0x7f }

// originOf reads the scheme and the authority only. The rest is signed as it was
// sent, even if a URL parser would refuse it.
func originOf(pageURL string) (string, error) {
	scheme, rest, ok := strings.Cut(pageURL, "://")
	if !ok || strings.ContainsAny(scheme, "/?%&") {
		return "", noScheme(pageURL)
	}
	if scheme = strings.ToLower(scheme); scheme != "https" && scheme != "http" {
		return "", errURLScheme
	}
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	if strings.Contains(rest, "@") {
		return "", errURLUserinfo
	}
	origin, ok := web.OriginOf(&url.URL{Scheme: scheme, Host: rest})
	if !ok || strings.Contains(rest, `\`) {
		return "", errURLMalformed
	}
	return origin, nil
}

func noScheme(pageURL string) error {
	lower := strings.ToLower(pageURL)
	switch {
	case strings.HasPrefix(lower, "http%"), strings.HasPrefix(lower, "https%"):
		return errURLEncodedTwice
	case hasOtherScheme(lower):
		return errURLScheme
	default:
		return errURLRelative
	}
}

// hasOtherScheme reports a scheme like mailto:, javascript: or weixin:. It must not
// take http:/host for one, nor a host with its port.
func hasOtherScheme(lower string) bool {
	scheme, rest, ok := strings.Cut(lower, ":")
	port := rest != "" && rest[0] >= '0' && rest[0] <= '9'
	return ok && !port && scheme != "http" && scheme != "https" && !strings.ContainsAny(scheme, "/?")
}

// notEncoded reports whether the url parameter was sent without percent-encoding. Then
// what arrived is not the page's address: it is cut at its first &, or its escapes are
// decoded. An encoder encodes each character everywhere or nowhere, so a parameter that
// has a character both encoded and not was not encoded.
func notEncoded(rawQuery string, query *web.Query) bool {
	raw := rawURL(rawQuery)
	if !strings.Contains(raw, "://") || len(raw) > 3*maxURLBytes { // a longer one is refused because of its length
		return false
	}
	pageURL := query.Get("url")
	cut := strings.Contains(pageURL, "?") && len(query.Unknown()) > 0
	return cut || mixed(raw) || strings.IndexFunc(pageURL, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0
}

// rawURL is the url parameter before decoding.
func rawURL(rawQuery string) string {
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if value, ok := strings.CutPrefix(pair, "url="); ok {
			return value
		}
	}
	return ""
}

// mixed reports whether raw has a character both as it is and escaped.
func mixed(raw string) bool {
	for i := 0; i+2 < len(raw); i++ {
		if raw[i] != '%' {
			continue
		}
		if c, err := url.PathUnescape(raw[i : i+3]); err == nil && c != "%" && strings.Contains(raw, c) {
			return true
		}
		i += 2
	}
	return false
}

// The problems with the url parameter.
var (
	errURLMissing      = problem.URLMissing.New("the parameter url is missing or empty")
	errURLRelative     = problem.URLRelative.New("url must be absolute, beginning with http:// or https://")
	errURLScheme       = problem.URLScheme.New("only pages on http and https can be signed")
	errURLMalformed    = problem.URLMalformed.New("url has no host, a backslash in its host, or is not UTF-8")
	errURLControl      = problem.URLControlCharacters.New("url holds a space or a control character, which no browser reports in an address")
	errURLUserinfo     = problem.URLUserinfo.New("url must not have user:password@ before its host")
	errURLEncodedTwice = problem.URLEncodedTwice.New("url is still percent-encoded after it was decoded once")
	errURLNotEncoded   = problem.URLNotEncoded.New("url was sent without percent-encoding, so part of it was lost on the way")
	errURLTooLong      = problem.URLTooLong.New("url has more than 2048 bytes")
)

func originNotAllowed(origin string) *problem.Problem {
	return problem.OriginNotAllowed.New(origin + " is not among the allowed origins")
}
