package web

import (
	"net/url"
	"strings"
)

// OriginOf returns scheme://host[:port] as a browser writes it (RFC 6454: lower
// case, default port left out), and false for anything but http and https.
func OriginOf(u *url.URL) (string, bool) {
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	standard := ":443"
	switch scheme {
	case "https":
	case "http":
		standard = ":80"
	default:
		return "", false
	}
	if short, ok := strings.CutSuffix(host, standard); ok {
		host = short
	} else {
		host = strings.TrimSuffix(host, ":")
	}
	if host == "" {
		return "", false
	}
	return scheme + "://" + host, true
}
