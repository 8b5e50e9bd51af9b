package oauth

import (
	_ "embed"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"wechatfn/shared/problem"
	"wechatfn/shared/web"
)

// pageHTML is filled in by a strings.Replacer: html/template would be a quarter of
// the function's size.
//
//go:embed page.html
var pageHTML string

// page tells a person what went wrong and what to do. pending can be nil: then nothing is
// known of the login.
func page(w http.ResponseWriter, p *problem.Problem, pending *pendingLogin) {
	hint := p.Hint()
	if !strings.HasPrefix(string(p.Code()), "login_") { // it is for a developer, if there is one
		hint = problem.LoginNotCompleted
	}
	body := strings.NewReplacer(
		"{Title}", html.EscapeString(p.Title()),
		"{Zh}", html.EscapeString(hint.Zh),
		"{En}", html.EscapeString(hint.En),
		"{Detail}", html.EscapeString(p.Detail),
		"{Code}", html.EscapeString(string(p.Code())),
		"{Links}", links(pending),
	).Replace(pageHTML)
	web.RecordProblem(w, p)
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("X-Content-Type-Options", "nosniff")
	if p.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(p.RetryAfter.Seconds())))
	}
	w.WriteHeader(p.Status())
	_, _ = w.Write([]byte(body)) // an error means that the browser has gone away
}

// links lead to the same login again, and back to the page, whose address was checked
// when the login began.
func links(p *pendingLogin) string {
	if p == nil {
		return ""
	}
	return `<p><a class="again" href="` + html.EscapeString(again(p)) + `">重新登录 <span lang="en">Log in again</span></a></p>
<p><a href="` + html.EscapeString(p.ReturnTo) + `">返回 <span lang="en">Back</span></a></p>`
}

func again(p *pendingLogin) string {
	query := url.Values{"app": {p.App}, "scope": {p.Scope}, "return_to": {p.ReturnTo}}
	if p.Lang != "" {
		query.Set("lang", p.Lang)
	}
	if p.Challenge != "" {
		query.Set("challenge", p.Challenge)
	}
	return "/oauth/authorize?" + query.Encode()
}
