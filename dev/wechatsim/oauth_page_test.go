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

// TestSilentLogin goes back at once, with code and state in that order after the query that is there.
func TestSilentLogin(t *testing.T) {
	w := newLoginFixture(t)
	v := w.openPage(PathAuthorize, authorizeQuery(appID, scopeBase, ""))
	code := v.code(t)
	if v.location.String() != "https://a.example/back?x=1&code="+code+"&state=S1" || v.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v %v", v.location, v.header)
	}
	g := w.exchange(code).expect(t, 0)
	if g.OpenID != w.OpenID(appID, "ming") || g.Scope != scopeBase {
		t.Errorf("%s", g.text)
	}
}

// TestAnswers: each answer, with and without a page, as each user.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		path, app, secret, scope string
	}{{PathAuthorize, appID, secret, scopeUserInfo}, {PathQRConnect, site, siteSecret, scopeLogin}} {
		w := newLoginFixture(t)
		if v := w.openPage(c.path, authorizeQuery(c.app, c.scope, "")); v.status != 200 || v.location != nil || !strings.Contains(v.body, "<form") {
			t.Errorf("%s: no page: %d %s", c.scope, v.status, v.body)
		}
		if v := w.openPage(c.path, authorizeQuery(c.app, c.scope, "&user=hua&wechatsim=refuse")); v.location.String() != "https://a.example/back?x=1&state=S1" {
			t.Errorf("%s: refused: %v", c.scope, v.location)
		}
		for _, answer := range []string{AnswerApprove, AnswerSnapshot} {
			for _, user := range []string{"", "ming", "hua", w.OpenID(c.app, "hua")} {
				v := w.openPage(c.path, authorizeQuery(c.app, c.scope, "&wechatsim="+answer+"&user="+user))
				g := w.sns(PathExchange, "appid", c.app, "secret", c.secret, "code", v.code(t), "grant_type", "authorization_code").expect(t, 0)
				id := user
				if user == "" || len(user) > 10 {
					id = map[bool]string{true: "ming", false: "hua"}[user == ""]
				}
				if snapshot := answer == AnswerSnapshot; (g.OpenID == w.OpenID(c.app, id)) == snapshot || (g.Snapshot != nil) != snapshot || g.Scope != c.scope {
					t.Errorf("%s as %s: %s", answer, user, g.text)
				}
			}
		}
	}
}

func TestRefusalStyles(t *testing.T) {
	for style, want := range map[RefusalStyle]string{
		RefusalState: "https://a.example/back?x=1&state=S1", RefusalBare: "https://a.example/back?x=1", RefusalStays: "",
	} {
		w := newLoginFixture(t, with(func(s *Switches) { s.Refusal = style }))
		v := w.openPage(PathAuthorize, authorizeQuery(appID, scopeUserInfo, "&wechatsim=refuse"))
		if want == "" && (v.status != 200 || v.location != nil || !strings.Contains(v.body, "拒绝")) || want != "" && v.location.String() != want {
			t.Errorf("%q: %d %v", style, v.status, v.location)
		}
		if len(w.state.Apps[appID].Codes) != 0 {
			t.Errorf("%q: a code for a refusal", style)
		}
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

// TestFormPassesItsOwnPattern: what the page sends is the authorize URL again, with an answer.
func TestFormPassesItsOwnPattern(t *testing.T) {
	w := newLoginFixture(t)
	for _, path := range []string{PathAuthorize, PathQRConnect} {
		app, scope, n := appID, scopeUserInfo, 4
		if path == PathQRConnect {
			app, scope, n = site, scopeLogin, 3
		}
		page := w.openPage(path, authorizeQuery(app, scope, "&forcePopup=true&lang=en"))
		found := buttons.FindAllStringSubmatch(page.body, -1)
		if len(found) != n {
			t.Errorf("%s: %d buttons", path, len(found))
		}
		for _, button := range found {
			v := w.openPage(path, submit(page.body, "odd", button[1]))
			if button[1] == AnswerTwice {
				v.status, v.location = 302, v.calls(t)[0]
			}
			if v.status != 302 || v.location.Query().Get("state") != "S1" || v.location.Query().Get("x") != "1" {
				t.Errorf("%s: %d %s", button[1], v.status, v.body)
			}
		}
	}
}

var picture = regexp.MustCompile(`<img src="([^"]*)"`)

// calls are the two calls that a page makes: by its picture, and by going on.
func (v pageAnswer) calls(t *testing.T) (both [2]*url.URL) {
	t.Helper()
	first := picture.FindStringSubmatch(v.body)
	after, second, _ := strings.Cut(v.header.Get("Refresh"), ";url=")
	if v.status != 200 || first == nil || after != "0" || !strings.Contains(v.header.Get("Content-Security-Policy"), "img-src http: https:") {
		t.Fatalf("%d %v %s", v.status, v.header, v.body)
	}
	for i, call := range []string{html.UnescapeString(first[1]), second} {
		var err error
		if both[i], err = url.Parse(call); err != nil {
			t.Fatal(err)
		}
	}
	return both
}

// TestCallsTwice: with one code, or with two that are both good.
func TestCallsTwice(t *testing.T) {
	for answer, second := range map[string]int{AnswerTwice: 40163, AnswerTwoCodes: 0} {
		w := newLoginFixture(t)
		both := w.openPage(PathAuthorize, authorizeQuery(appID, scopeUserInfo, "&user=hua&wechatsim="+answer)).calls(t)
		for i, code := range []int{0, second} {
			if both[i].Host != "a.example" || both[i].Query().Get("state") != "S1" || both[i].Query().Get("x") != "1" {
				t.Errorf("%s: calls %s", answer, both[i])
			}
			w.exchange(both[i].Query().Get("code")).expect(t, code)
		}
	}
}

// TestPageIsClean: nothing from elsewhere, no script, names escaped, each radio with its label.
func TestPageIsClean(t *testing.T) {
	w := newLoginFixture(t)
	v := w.openPage(PathAuthorize, authorizeQuery(appID, scopeUserInfo, ""))
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

// TestBrowserRemembersItsUser: over a socket and with cookies, a silent login after one that asked is
// the same person's, and the form's GET lands on the same path.
func TestBrowserRemembersItsUser(t *testing.T) {
	w := newLoginFixture(t)
	server := httptest.NewServer(w)
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
		return w.exchange(to.Query().Get("code")).OpenID
	}
	if got := get(authorizeQuery(appID, scopeBase, "")); got != w.OpenID(appID, "ming") {
		t.Errorf("a new browser: %s", got)
	}
	if got := get(authorizeQuery(appID, scopeUserInfo, "&wechatsim=approve&user=hua")); got != w.OpenID(appID, "hua") {
		t.Errorf("chosen: %s", got)
	}
	if got := get(authorizeQuery(appID, scopeBase, "")); got != w.OpenID(appID, "hua") {
		t.Errorf("silent after it: %s", got)
	}
	if got := get(authorizeQuery(appID, scopeBase, "&user=odd")); got != w.OpenID(appID, "odd") {
		t.Errorf("named: %s", got)
	}
	for _, value := range []string{"nobody", "%zz", ""} { // of another simulator, or broken
		v := w.openPage(PathAuthorize, authorizeQuery(appID, scopeBase, ""), &http.Cookie{Name: cookieName, Value: value})
		if got := w.exchange(v.code(t)).OpenID; got != w.OpenID(appID, "ming") {
			t.Errorf("%q: %s", value, got)
		}
	}
}

// TestPagesCountAndFail like any other path.
func TestPagesCountAndFail(t *testing.T) {
	w := newLoginFixture(t)
	w.Fail(Fault{Path: PathAuthorize, ErrCode: 10009, Times: 1})
	if v := w.openPage(PathAuthorize, authorizeQuery(appID, scopeBase, "")); v.status != 200 || !strings.Contains(v.body, "10009") || !strings.Contains(v.body, "频繁") {
		t.Errorf("%d %s", v.status, v.body)
	}
	w.Fail(Fault{AppID: site, Status: 503, Times: 1})
	if v := w.openPage(PathQRConnect, authorizeQuery(site, scopeLogin, "")); v.status != 503 {
		t.Errorf("%d", v.status)
	}
	w.openPage(PathAuthorize, authorizeQuery(appID, scopeBase, "")).code(t)
	if w.Calls(PathAuthorize) != 2 || w.Counts()[Call{AppID: site, Path: PathQRConnect}] != 1 {
		t.Errorf("%v", w.Counts())
	}
	if r := w.ask("POST", PathAuthorize, nil, "x"); r.status != 400 {
		t.Errorf("%+v", r)
	}
}
