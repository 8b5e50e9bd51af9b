package oauth

import (
	"net/http"
	"net/url"

	"wechatfn/shared/account"
	"wechatfn/shared/login"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

// authorize begins a login. It redirects the browser to WeChat, or answers a page in JSON
// with the address: to go there, or to draw it as a QR code.
func (h *Handler) authorize(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r, "app", "scope", "return_to", "lang", "challenge")
	if err != nil {
		return err
	}
	own, err := h.own(r)
	if err != nil {
		return err
	}
	p, account, err := h.checkLogin(&query, own)
	if err != nil {
		return err
	}
	address, err := h.begin(w, r, own, account, p)
	if err != nil {
		return err
	}
	if acceptsJSON(r) {
		return web.JSON(w, http.StatusOK, map[string]string{"url": address})
	}
	http.Redirect(w, r, address, http.StatusFound)
	return nil
}

// checkLogin checks the parameters, and makes a pending login of them.
func (h *Handler) checkLogin(query *web.Query, own *url.URL) (p pendingLogin, account account.Account, err error) {
	account, ok := h.cfg.Accounts.Find(query.Get("app"))
	if !ok {
		return p, account, errUnknownApp
	}
	scope, ok := scopeOf(account, query.Get("scope"))
	if !ok {
		return p, account, errScope
	}
	lang := query.Get("lang")
	if !isLang(lang) {
		return p, account, errLang
	}
	returnTo, err := checkReturnTo(query.Get("return_to"), own.String(), h.cfg.Origins)
	if err != nil {
		return p, account, err
	}
	p = pendingLogin{App: account.Name, Scope: scope, ReturnTo: returnTo.String(), Lang: lang, SameSite: sameSite(returnTo, own)}
	if p.SameSite {
		return p, account, nil
	}
	if p.Challenge = query.Get("challenge"); !isChallenge(p.Challenge) {
		return p, account, errChallenge
	}
	return p, account, nil
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

// begin stores the pending login, binds it to the browser, and returns the address of
// WeChat's login page.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request, own *url.URL, a account.Account, p pendingLogin) (string, error) {
	cookie, err := h.browserSecret(r)
	if err != nil {
		return "", err
	}
	state, err := newState(h.cfg.Rand)
	if err != nil {
		return "", err
	}
	p.Browser = login.Digest(cookie)
	if err := h.storePending(r.Context(), state, p); err != nil {
		return "", err
	}
	h.setCookie(w, loginCookie, cookie, pendingTTL+outcomeTTL)
	page := wechat.LoginPage{OpenURL: h.cfg.OpenURL, AppID: a.AppID, RedirectURI: own.String() + "/oauth/callback", Scope: p.Scope, State: state}
	switch {
	case a.Kind != account.Website:
		return wechat.AuthorizeURL(page, false), nil
	case p.Lang == "en":
		return wechat.QRConnectURL(page, "en"), nil
	}
	return wechat.QRConnectURL(page, ""), nil
}
