package wechat

import (
	"net/url"
	"strings"
)

// DefaultOpenURL is the default of WECHAT_OPEN_BASE: where users log in.
const DefaultOpenURL = "https://open.weixin.qq.com"

// Scopes of a login.
const (
	ScopeBase     = "snsapi_base"     // official account: silent, gives the openid only
	ScopeUserInfo = "snsapi_userinfo" // official account: the user is asked, gives the profile too
	ScopeLogin    = "snsapi_login"    // website: the user scans and is asked
)

// LoginPage is what both of WeChat's login pages take. WeChat comes back to
// RedirectURI, whose host has to be exactly the account's configured domain, with
// code and state in its query; with state alone, or not at all, when the user refuses.
//
// WeChat's pages call state optional ([a-zA-Z0-9], at most 128 bytes) but also know
// an error for an empty one (10013): always send one.
type LoginPage struct {
	// OpenURL is where the pages are, without a slash at its end: DefaultOpenURL or a
	// simulator. It is required, and is not checked.
	OpenURL                          string
	AppID, RedirectURI, Scope, State string
}

// AuthorizeURL is the login page of an official account, in WeChat's own browser.
// With forcePopup WeChat asks a user who has agreed before again; it ignores that in
// the special cases where a login with ScopeUserInfo is silent.
// https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
func AuthorizeURL(p LoginPage, forcePopup bool) string {
	more := ""
	if forcePopup {
		more = "&forcePopup=true"
	}
	return p.url("/connect/oauth2/authorize", more)
}

// QRConnectURL is the login page of a website app: a QR code, in any browser. lang
// is its language: "en", or "cn" (WeChat's default, as is "").
// https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html
func QRConnectURL(p LoginPage, lang string) string {
	more := ""
	if lang != "" {
		more = "&lang=" + escape(lang)
	}
	return p.url("/connect/qrconnect", more)
}

// url: WeChat matches the whole URL against a pattern, so names, order and fragment
// are fixed.
func (p LoginPage) url(path, more string) string {
	return p.OpenURL + path + "?appid=" + escape(p.AppID) + "&redirect_uri=" + escape(p.RedirectURI) +
		"&response_type=code&scope=" + escape(p.Scope) + "&state=" + escape(p.State) + more + "#wechat_redirect"
}

// escape is url.QueryEscape with %20 for a space, since a plus sign can be misread.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
