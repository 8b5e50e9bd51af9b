package oauth

import (
	"net/http"
	"net/url"

	"wechatfn/shared/account"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

// authorize begins a login and sends the browser to WeChat, or tells a page where
// to send it (or what to draw as a QR code).
func (h *Handler) authorize(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r, "app", "scope", "return_to", "lang", "challenge")
	if err != nil {
		return err
	}
	own, err := h.own(r)
	if err != nil {
		return err
	}
	f, account, err := h.plan(&query, own)
	if err != nil {
		return err
	}
	address, err := h.send(w, r, own, account, f)
	if err != nil {
		return err
	}
	if acceptsJSON(r) {
		return web.JSON(w, http.StatusOK, map[string]string{"url": address})
	}
	http.Redirect(w, r, address, http.StatusFound)
	return nil
}

// plan checks what was asked for.
func (h *Handler) plan(query *web.Query, own *url.URL) (f flow, account account.Account, err error) {
	account, ok := h.Accounts.Find(query.Get("app"))
	if !ok {
		return f, account, errUnknownApp
	}
	scope, ok := scopeOf(account, query.Get("scope"))
	if !ok {
		return f, account, errScope
	}
	lang := query.Get("lang")
	if !isLang(lang) {
		return f, account, errLang
	}
	returnTo, err := checkReturnTo(query.Get("return_to"), own.String(), h.Origins)
	if err != nil {
		return f, account, err
	}
	f = flow{App: account.Name, Scope: scope, ReturnTo: returnTo.String(), Lang: lang, SameSite: sameSite(returnTo, own)}
	if f.SameSite {
		return f, account, nil
	}
	if f.Challenge = query.Get("challenge"); !isChallenge(f.Challenge) {
		return f, account, errChallenge
	}
	return f, account, nil
}

// scopeOf: an official account logs in silently unless the profile is asked for.
func scopeOf(a account.Account, scope string) (string, bool) {
	if a.Kind == account.Website {
		return wechat.ScopeLogin, scope == "" || scope == wechat.ScopeLogin
	}
	if scope == "" {
		scope = wechat.ScopeBase
	}
	return scope, scope == wechat.ScopeBase || scope == wechat.ScopeUserInfo
}

func isLang(lang string) bool {
	return lang == "" || lang == "zh_CN" || lang == "zh_TW" || lang == "en"
}

// send stores the flow, binds it to the browser, and returns WeChat's address.
func (h *Handler) send(w http.ResponseWriter, r *http.Request, own *url.URL, a account.Account, f flow) (string, error) {
	cookie, err := h.browser(r)
	if err != nil {
		return "", err
	}
	state, err := newState(h.Rand)
	if err != nil {
		return "", err
	}
	f.Browser = digest(cookie)
	if err := h.begin(r.Context(), state, f); err != nil {
		return "", err
	}
	h.setCookie(w, loginCookie, cookie, flowLife+outcomeLife)
	page := wechat.LoginPage{OpenURL: h.OpenURL, AppID: a.AppID, RedirectURI: own.String() + "/oauth/callback", Scope: f.Scope, State: state}
	switch {
	case a.Kind != account.Website:
		return wechat.AuthorizeURL(page, false), nil
	case f.Lang == "en":
		return wechat.QRConnectURL(page, "en"), nil
	}
	return wechat.QRConnectURL(page, ""), nil
}
