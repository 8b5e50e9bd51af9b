// Package wechat is a client of api.weixin.qq.com: an account's global credentials (access tokens,
// tickets, and the few maintenance calls around them), the logins of its users (AuthorizeURL,
// ExchangeCode, UserInfo ...), and those of mini-programs (CodeToSession, PhoneNumber ...).
//
// WeChat's URLs and bodies carry the AppSecret, codes and tokens, so no error of this package
// ever shows a URL, a request or an answer; what was sent is cut out of WeChat's own messages too.
//
// Retries are decided here alone: one more attempt for calls that may be repeated, none for calls
// that change something each time (a forced refresh, a classic token, a quota reset, a login code).
package wechat

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// DefaultBaseURL is the default of WECHAT_API_BASE: WeChat's nearest entry. Regional names exist (hk.api.weixin.qq.com ...), and
// api2.weixin.qq.com is the standby; use names, never pinned addresses.
// https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Interface_field_description.html
const DefaultBaseURL = "https://api.weixin.qq.com"

// Config says how to reach WeChat. BaseURL is required.
type Config struct {
	// BaseURL is what the paths of the API are appended to. It may have a path itself. Plain http
	// is accepted only because simulators speak it: WeChat itself refuses it (43003).
	BaseURL string
	// ProxyURL is WECHAT_PROXY_URL: http, https, socks5 or socks5h, credentials allowed.
	// "" means a direct connection: HTTP_PROXY and HTTPS_PROXY are never looked at, since a proxy
	// sees where secrets go and must be named on purpose.
	ProxyURL string
	// Classic makes Token ask for a classic token instead of a stable one.
	Classic bool
	// HTTPClient replaces the client that is built here; redirects are refused all the same.
	// It excludes ProxyURL, which could not be honoured.
	HTTPClient *http.Client
}

// Client calls WeChat. It is safe for concurrent use and reuses connections.
type Client struct {
	base    string
	classic bool
	http    *http.Client
	redact  []string // proxy credentials, which no error may show
}

// New checks cfg and makes a Client; it does not connect. Its errors never repeat a URL, because
// the one given may hold credentials.
func New(cfg Config) (*Client, error) {
	base, err := parseBase(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("wechat: BaseURL: %w", err)
	}
	proxy, err := parseProxy(cfg.ProxyURL)
	if err != nil {
		return nil, fmt.Errorf("wechat: ProxyURL: %w", err)
	}
	if proxy != nil && cfg.HTTPClient != nil {
		return nil, errors.New("wechat: ProxyURL and HTTPClient exclude each other")
	}
	return &Client{base: base, classic: cfg.Classic, http: httpClient(cfg.HTTPClient, proxy), redact: credentials(proxy)}, nil
}

func parseBase(raw string) (string, error) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return "", errors.New("is required")
	case err != nil:
		return "", errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("scheme must be https (or http, for a simulator)")
	case u.Hostname() == "":
		return "", errors.New("no host")
	case u.User != nil:
		return "", errors.New("user and password are not allowed")
	case strings.ContainsAny(raw, "?#"):
		return "", errors.New("query and fragment are not allowed")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func parseProxy(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("not a URL") // err would quote it, password and all
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return nil, errors.New("scheme must be http, https, socks5 or socks5h")
	}
	if u.Hostname() == "" {
		return nil, errors.New("no host")
	}
	return u, nil
}

func credentials(proxy *url.URL) []string {
	if proxy == nil || proxy.User == nil {
		return nil
	}
	password, _ := proxy.User.Password()
	return []string{password, proxy.User.Username()}
}
