package wechat

import (
	"net/url"
	"strings"
)

// DefaultOpenURL is the default of WECHAT_OPEN_BASE: where users log in.
const DefaultOpenURL = "https://open.weixin.qq.com"

// Kinds of account, as the configuration names them, that users can log in to on web pages.
const (
	OfficialAccount = "official_account" // in WeChat's own browser
	Website         = "website"          // in any browser, by QR code
)

// Scopes of a login.
const (
	ScopeBase     = "snsapi_base"     // official account: silent, tells the openid alone
	ScopeUserInfo = "snsapi_userinfo" // official account: the user is asked, tells the profile too
	ScopeLogin    = "snsapi_login"    // website: the user scans and is asked
)

// AuthorizeOptions are what a login page can do without.
type AuthorizeOptions struct {
	// OpenURL is where the pages are, without a slash at its end; "" means DefaultOpenURL. It is
	// for simulators and is not checked.
	OpenURL string
	// ForcePopup shows the page that asks even to a user who has agreed before. WeChat ignores it
	// in the special cases where a login with ScopeUserInfo is silent. Official accounts only.
	ForcePopup bool
	// Lang is the language of the QR code's page, "cn" (WeChat's default) or "en". Websites only.
	Lang string
}

// AuthorizeURL is the page that a browser goes to for a login: with the QR code for a Website, in
// WeChat's own browser for anything else. WeChat matches the whole URL against a pattern, so that
// names, order and fragment are fixed. It comes back to redirectURI, whose host has to be exactly
// the account's configured domain, with code and state in its query; with state alone, or not at
// all, when the user refuses.
//
// WeChat's pages call state optional ([a-zA-Z0-9], at most 128 bytes) but also know an error for an
// empty one (10013): always send one.
// https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html
// https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html
func AuthorizeURL(kind, appID, redirectURI, scope, state string, o AuthorizeOptions) string {
	var b strings.Builder
	b.WriteString(o.OpenURL)
	if o.OpenURL == "" {
		b.WriteString(DefaultOpenURL)
	}
	if kind == Website {
		b.WriteString("/connect/qrconnect")
	} else {
		b.WriteString("/connect/oauth2/authorize")
	}
	b.WriteString("?appid=" + escape(appID) + "&redirect_uri=" + escape(redirectURI) +
		"&response_type=code&scope=" + escape(scope) + "&state=" + escape(state))
	if o.ForcePopup && kind != Website {
		b.WriteString("&forcePopup=true")
	}
	if o.Lang != "" && kind == Website {
		b.WriteString("&lang=" + escape(o.Lang))
	}
	b.WriteString("#wechat_redirect")
	return b.String()
}

// escape is url.QueryEscape with %20 for a space, where a plus sign is open to misreading.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
