package wechatsim

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
)

//go:embed oauth_page.html
var pageText string

var pages = template.Must(template.New("pages").Parse(pageText))

// Values of the parameter wechatsim of an authorize URL, which answers in place of the page. The
// parameter user names the user, by ID or openid.
const (
	AnswerApprove  = "approve"
	AnswerRefuse   = "refuse"
	AnswerSnapshot = "snapshot" // approve, as a user who previews the page
	// WeChat's clients have called the callback twice (docs/protocol.md#web-login). These two
	// approve, with one code for both calls or with a code for each. The answer is a page: its
	// picture is the first call, and then it goes on to the second.
	AnswerTwice    = "twice"
	AnswerTwoCodes = "two-codes"
)

// serveAuthorize redirects a silent login at once. For other logins it asks the user first.
func (s *Sim) serveAuthorize(r *request) answer {
	l, no := parseLogin(r.rawQuery)
	if no == nil {
		no = s.check(l, r.path)
	}
	if no != nil {
		return errorPage(no)
	}
	u, ok := s.browsingUser(l, r)
	switch {
	case !ok:
		return errorPage(unknown(fmt.Sprintf("no user %q", l.user)))
	case l.answer == "" && l.Scope != scopeBase:
		return s.askPage(l, u, r)
	case l.answer == AnswerRefuse:
		return s.refused(l)
	case has(",approve,snapshot,twice,two-codes", l.answer):
		return s.approved(l, u, r)
	default:
		return errorPage(unknown("wechatsim is approve, refuse, snapshot, twice or two-codes"))
	}
}

func (s *Sim) approved(l login, u User, r *request) answer {
	call := func() string {
		code := s.newCode(l.AppID, s.state.Apps[l.AppID], u.ID, l.Scope, l.answer == AnswerSnapshot, r.now)
		return addQuery(l.Redirect, "code="+code+"&state="+l.State)
	}
	first := call()
	a := redirect(first)
	switch l.answer {
	case AnswerTwice:
		a = callTwicePage(first, first)
	case AnswerTwoCodes:
		a = callTwicePage(first, call())
	}
	if l.user != "" {
		a.header.Set("Set-Cookie", browserUserCookie(u.ID).String())
	}
	return a
}

func callTwicePage(first, second string) answer {
	a := page(http.StatusOK, "twice", map[string]string{"First": first, "Second": second})
	a.header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src http: https:; base-uri 'none'")
	a.header.Set("Refresh", "0;url="+second) // browsers wait for the picture first
	return a
}

func (s *Sim) refused(l login) answer {
	switch s.switches.Refusal {
	case RefusalStays:
		return page(http.StatusOK, "refused", nil)
	case RefusalBare:
		return redirect(l.Redirect)
	default:
		return redirect(addQuery(l.Redirect, "state="+l.State))
	}
}

// browsingUser is the user that the URL names, else the one who logged in from this browser last,
// else the first.
func (s *Sim) browsingUser(l login, r *request) (User, bool) {
	if l.user != "" {
		return s.user(l.AppID, l.user)
	}
	if u, ok := s.user(l.AppID, r.browserUser); ok {
		return u, true
	}
	return s.users[0], true
}

// cookieName names the user who logged in from a browser last, for a later silent login. The cookie
// has no Path, so the product's pages do not get it.
const cookieName = "wechatsim_user"

func browserUser(hr *http.Request) string {
	c, err := hr.Cookie(cookieName)
	if err != nil {
		return ""
	}
	id, err := url.QueryUnescape(c.Value)
	if err != nil {
		return ""
	}
	return id
}

func browserUserCookie(id string) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: url.QueryEscape(id), HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

func (s *Sim) askPage(l login, chosen User, r *request) answer {
	host := l.Redirect
	if u, err := url.Parse(l.Redirect); err == nil {
		host = u.Host
	}
	return page(http.StatusOK, "ask", map[string]any{
		"Login": l, "Host": host, "Users": s.users, "Chosen": chosen.ID, "QRCode": r.path == PathQRConnect,
	})
}

// pageErrors are the texts of the page errors, in Chinese.
var pageErrors = map[int]string{
	10003: "redirect_uri 域名与后台配置不一致", 10004: "此公众号被封禁", 10005: "此公众号并没有这些 scope 的权限",
	10006: "必须关注此测试号", 10009: "操作太频繁了，请稍后重试", 10010: "scope 不能为空", 10011: "redirect_uri 不能为空",
	10012: "appid 不能为空", 10013: "state 不能为空", 10015: "公众号未授权第三方平台，请检查授权状态", 10016: "AppID 的类型与此页面不符（公众号或网站应用）",
}

// errorPage shows a page error of WeChat with its number, as HTTP 200. An error without a number is
// HTTP 400: the simulator is strict where WeChat shows a link that cannot be opened.
func errorPage(no *refusal) answer {
	status := http.StatusOK
	if no.code == 0 {
		status = http.StatusBadRequest
	}
	return page(status, "error", map[string]any{"Code": no.code, "Chinese": pageErrors[no.code], "English": no.text})
}

func redirect(to string) answer {
	return answer{
		status: http.StatusFound, contentType: "text/plain; charset=utf-8",
		header: http.Header{"Location": {to}, "Cache-Control": {"no-store"}},
	}
}

func page(status int, name string, data any) answer {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		return plainText(http.StatusInternalServerError, err.Error())
	}
	return answer{
		status: status, contentType: "text/html; charset=utf-8", body: b.Bytes(),
		header: http.Header{
			"Cache-Control": {"no-store"}, "Referrer-Policy": {"no-referrer"}, "X-Content-Type-Options": {"nosniff"},
			// No form-action: browsers would apply it to the redirect that answers the form.
			"Content-Security-Policy": {"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"},
		},
	}
}
