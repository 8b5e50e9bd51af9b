package wechatsim

import (
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// A silent login redirects at once: code and state follow the existing query, in that order.
func TestSilentLogin(t *testing.T) {
	f := newLoginFixture(t)
	v := f.openPage(PathAuthorize, authorizeQuery(appID, scopeBase, ""))
	code := v.code(t)
	if v.location.String() != "https://a.example/back?x=1&code="+code+"&state=S1" || v.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v %v", v.location, v.header)
	}
	g := f.exchange(code).expect(t, 0)
	if g.OpenID != f.OpenID(appID, "ming") || g.Scope != scopeBase {
		t.Errorf("%s", g.text)
	}
}

// loginPages are WeChat's two login pages, with an app for each.
var loginPages = []struct {
	name, path, app, secret, scope string
	buttons                        int
}{
	{"in WeChat", PathAuthorize, appID, secret, scopeUserInfo, 4},
	{"by QR code", PathQRConnect, site, siteSecret, scopeLogin, 3},
}

func TestLoginAsksTheUser(t *testing.T) {
	for _, c := range loginPages {
		t.Run(c.name, func(t *testing.T) {
			f := newLoginFixture(t)
			if p := f.openPage(c.path, authorizeQuery(c.app, c.scope, "")); p.status != 200 || p.location != nil || !strings.Contains(p.body, "<form") {
				t.Errorf("no page: %d %s", p.status, p.body)
			}
			if p := f.openPage(c.path, authorizeQuery(c.app, c.scope, "&user=hua&wechatsim=refuse")); p.location.String() != "https://a.example/back?x=1&state=S1" {
				t.Errorf("refused: %v", p.location)
			}
		})
	}
}

// The parameters wechatsim and user answer in place of the page.
func TestLoginWithAnAnswerInTheQuery(t *testing.T) {
	for _, page := range loginPages {
		f := newLoginFixture(t)
		for _, answer := range []string{AnswerApprove, AnswerSnapshot} {
			for _, c := range []struct{ name, user, want string }{
				{"first user", "", "ming"}, {"user ID", "ming", "ming"}, {"ID of another user", "hua", "hua"}, {"openid", f.OpenID(page.app, "hua"), "hua"},
			} {
				t.Run(page.name+", "+answer+", "+c.name, func(t *testing.T) {
					p := f.openPage(page.path, authorizeQuery(page.app, page.scope, "&wechatsim="+answer+"&user="+c.user))
					g := f.sns(PathExchange, "appid", page.app, "secret", page.secret, "code", p.code(t), "grant_type", "authorization_code").expect(t, 0)
					if snapshot := answer == AnswerSnapshot; (g.OpenID == f.OpenID(page.app, c.want)) == snapshot || (g.Snapshot != nil) != snapshot || g.Scope != page.scope {
						t.Errorf("%s", g.text)
					}
				})
			}
		}
	}
}

func TestRefusalStyles(t *testing.T) {
	for _, c := range []struct {
		name  string
		style RefusalStyle
		want  string // the redirect; "" for a page
	}{
		{"with state", RefusalState, "https://a.example/back?x=1&state=S1"},
		{"without state", RefusalBare, "https://a.example/back?x=1"},
		{"no redirect", RefusalStays, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newLoginFixture(t, with(func(s *Switches) { s.Refusal = c.style }))
			p := f.openPage(PathAuthorize, authorizeQuery(appID, scopeUserInfo, "&wechatsim=refuse"))
			if c.want == "" && (p.status != 200 || p.location != nil || !strings.Contains(p.body, "拒绝")) || c.want != "" && p.location.String() != c.want {
				t.Errorf("%d %v", p.status, p.location)
			}
			if len(f.state.Apps[appID].Codes) != 0 {
				t.Error("a code for a refusal")
			}
		})
	}
}

var (
	hiddenInput = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	buttons     = regexp.MustCompile(`<button[^>]* name="wechatsim" value="([^"]*)"`)
)

// submit presses a button as a browser would: fields in the order of the page, encoded as forms are.
func submit(body, user, answer string) string {
	var b strings.Builder
	for _, m := range hiddenInput.FindAllStringSubmatch(body, -1) {
		b.WriteString(url.QueryEscape(html.UnescapeString(m[1])) + "=" + url.QueryEscape(html.UnescapeString(m[2])) + "&")
	}
	return b.String() + "user=" + url.QueryEscape(user) + "&wechatsim=" + answer
}

// The page's form sends the authorize URL again, with an answer, and passes the strict parser.
func TestLoginFormIsAnAuthorizeURL(t *testing.T) {
	for _, c := range loginPages {
		t.Run(c.name, func(t *testing.T) {
			f := newLoginFixture(t)
			page := f.openPage(c.path, authorizeQuery(c.app, c.scope, "&forcePopup=true&lang=en"))
			found := buttons.FindAllStringSubmatch(page.body, -1)
			if len(found) != c.buttons {
				t.Errorf("%d buttons", len(found))
			}
			for _, button := range found {
				p := f.openPage(c.path, submit(page.body, "odd", button[1]))
				if button[1] == AnswerTwice {
					p.status, p.location = 302, p.calls(t)[0]
				}
				if p.status != 302 || p.location.Query().Get("state") != "S1" || p.location.Query().Get("x") != "1" {
					t.Errorf("%s: %d %s", button[1], p.status, p.body)
				}
			}
		})
	}
}

var picture = regexp.MustCompile(`<img src="([^"]*)"`)

// calls are the two callbacks that a page makes: its picture, and the page that follows.
func (p pageAnswer) calls(t *testing.T) (both [2]*url.URL) {
	t.Helper()
	first := picture.FindStringSubmatch(p.body)
	after, second, _ := strings.Cut(p.header.Get("Refresh"), ";url=")
	if p.status != 200 || first == nil || after != "0" || !strings.Contains(p.header.Get("Content-Security-Policy"), "img-src http: https:") {
		t.Fatalf("%d %v %s", p.status, p.header, p.body)
	}
	for i, call := range []string{html.UnescapeString(first[1]), second} {
		var err error
		if both[i], err = url.Parse(call); err != nil {
			t.Fatal(err)
		}
	}
	return both
}

// WeChat calls back twice, with one code, or with two valid ones.
func TestTwoCallbacks(t *testing.T) {
	for _, c := range []struct {
		answer string
		second int // errcode of the second exchange
	}{{AnswerTwice, 40163}, {AnswerTwoCodes, 0}} {
		t.Run(c.answer, func(t *testing.T) {
			f := newLoginFixture(t)
			both := f.openPage(PathAuthorize, authorizeQuery(appID, scopeUserInfo, "&user=hua&wechatsim="+c.answer)).calls(t)
			for i, code := range []int{0, c.second} {
				if both[i].Host != "a.example" || both[i].Query().Get("state") != "S1" || both[i].Query().Get("x") != "1" {
					t.Errorf("calls %s", both[i])
				}
				f.exchange(both[i].Query().Get("code")).expect(t, code)
			}
		})
	}
}

// The page loads nothing, has no script, escapes names, and labels each radio button.
func TestLoginPage(t *testing.T) {
	f := newLoginFixture(t)
	v := f.openPage(PathAuthorize, authorizeQuery(appID, scopeUserInfo, ""))
	for _, bad := range []string{"<script", "src=", "<link", "@import", "url(", "<b>", "action=", "http://", "onclick"} {
		if strings.Contains(v.body, bad) {
			t.Errorf("%q in the page", bad)
		}
	}
	for _, want := range []string{
		`<html lang="zh-CN">`, `<span lang="en">`, "<title>", "<h1>", "<fieldset>", "<legend>", "a.example", appID, scopeUserInfo, "小明",
		"&lt;b&gt;", `value="ming" checked`,
	} {
		if !strings.Contains(v.body, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if radios, labels := strings.Count(v.body, `type="radio"`), strings.Count(v.body, "<label>"); radios != 3 || labels != 3 {
		t.Errorf("%d radios, %d labels", radios, labels)
	}
	if csp := v.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "form-action") {
		t.Errorf("%q", csp)
	}
	if v.header.Get("Content-Type") != "text/html; charset=utf-8" || v.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", v.header)
	}
}

// A silent login is for the user who logged in from that browser last.
func TestBrowserRemembersItsUser(t *testing.T) {
	f := newLoginFixture(t)
	server := httptest.NewServer(f)
	defer server.Close()
	jar, err := cookiejar.New(nil)
	must(t, err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	get := func(query string) string {
		res, err := browser.Get(server.URL + PathAuthorize + "?" + query)
		must(t, err)
		defer res.Body.Close()
		to, err := res.Location()
		must(t, err)
		return f.exchange(to.Query().Get("code")).OpenID
	}
	for _, step := range []struct{ name, query, want string }{ // in this order
		{"new browser", authorizeQuery(appID, scopeBase, ""), "ming"},
		{"login of a user", authorizeQuery(appID, scopeUserInfo, "&wechatsim=approve&user=hua"), "hua"},
		{"silent login after it", authorizeQuery(appID, scopeBase, ""), "hua"},
		{"silent login of a named user", authorizeQuery(appID, scopeBase, "&user=odd"), "odd"},
	} {
		if got := get(step.query); got != f.OpenID(appID, step.want) {
			t.Errorf("%s: %s", step.name, got)
		}
	}
}

func TestUnknownUserCookie(t *testing.T) {
	for _, c := range []struct{ name, value string }{{"of another simulator", "nobody"}, {"broken", "%zz"}, {"empty", ""}} {
		t.Run(c.name, func(t *testing.T) {
			f := newLoginFixture(t)
			p := f.openPage(PathAuthorize, authorizeQuery(appID, scopeBase, ""), &http.Cookie{Name: cookieName, Value: c.value})
			if got := f.exchange(p.code(t)).OpenID; got != f.OpenID(appID, "ming") {
				t.Errorf("%s", got)
			}
		})
	}
}

// Pages are counted, and faults work, as for other paths.
func TestPageCountsAndFaults(t *testing.T) {
	f := newLoginFixture(t)
	f.Fail(Fault{Path: PathAuthorize, ErrCode: 10009, Times: 1})
	if v := f.openPage(PathAuthorize, authorizeQuery(appID, scopeBase, "")); v.status != 200 || !strings.Contains(v.body, "10009") || !strings.Contains(v.body, "频繁") {
		t.Errorf("%d %s", v.status, v.body)
	}
	f.Fail(Fault{AppID: site, Status: 503, Times: 1})
	if v := f.openPage(PathQRConnect, authorizeQuery(site, scopeLogin, "")); v.status != 503 {
		t.Errorf("%d", v.status)
	}
	f.openPage(PathAuthorize, authorizeQuery(appID, scopeBase, "")).code(t)
	if f.Calls(PathAuthorize) != 2 || f.Counts()[Call{AppID: site, Path: PathQRConnect}] != 1 {
		t.Errorf("%v", f.Counts())
	}
	if r := f.ask("POST", PathAuthorize, nil, "x"); r.status != 400 {
		t.Errorf("%+v", r)
	}
}
