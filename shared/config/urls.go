package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"wechatfn/shared/secret"
	"wechatfn/shared/web"
)

// base reads WECHAT_API_BASE or WECHAT_OPEN_BASE.
func (l *loader) base(name string) string {
	value := l.get(name)
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		l.problem(name, "%sis not an http(s) URL, such as %s", quotedURL(value), l.defaultOf(name))
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		l.problem(name, "must not have userinfo, a query or a fragment")
	}
	return strings.TrimSuffix(value, "/")
}

// quotedURL is a URL that was refused, before what is wrong with it, unless it may
// hold a password.
func quotedURL(value string) string {
	if strings.Contains(value, "@") {
		return ""
	}
	return fmt.Sprintf("%.80q ", value)
}

// proxyURL reads WECHAT_PROXY_URL. It may hold a password, so it is not quoted.
func (l *loader) proxyURL() secret.Secret {
	value := l.get(EnvProxyURL)
	if value == "" {
		return secret.Secret{}
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5") {
		l.problem(EnvProxyURL, "is not an http, https or socks5 URL")
	}
	return secret.New(value)
}

func (l *loader) origins() []string {
	var out []string
	for _, value := range splitList(l.get(EnvOrigins)) {
		origin, err := parseOrigin(value)
		if err != nil {
			l.problem(EnvOrigins, "%q %v", value, err)
		} else if !slices.Contains(out, origin) {
			out = append(out, origin)
		}
	}
	return out
}

var (
	errWildcard = errors.New("is a wildcard; list each origin, so that nobody else's page is signed")
	errUnicode  = errors.New("has a host that is not ASCII; write it as browsers send it, in Punycode (xn--...)")
	errOrigin   = errors.New("is not an origin; write scheme and host only, for example https://www.example.com")
)

func parseOrigin(value string) (string, error) {
	if strings.Contains(value, "*") {
		return "", errWildcard
	}
	u, err := url.Parse(value)
	if err != nil || u.Opaque != "" || u.User != nil || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return "", errOrigin
	}
	if strings.IndexFunc(u.Host, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
		return "", errUnicode
	}
	origin, ok := web.OriginOf(u)
	if !ok {
		return "", errOrigin
	}
	return origin, nil
}
