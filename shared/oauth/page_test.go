package oauth

import (
	"context"
	"errors"
	"html"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/web"
)

// program is what is sent by who is no person.
func (b *browser) program(target string) *httptest.ResponseRecorder {
	b.Helper()
	b.origin = "https://api.example.com"
	defer func() { b.origin = "" }()
	return b.do("GET", target, "")
}

// Whatever goes wrong at a callback, a person reads of it in two languages, and a
// program gets the problem, with the same status.
func TestEveryFailureIsAPage(t *testing.T) {
	broken := func(on string, err error) func(*world) {
		return func(w *world) {
			w.store.Intercept(func(c storetest.Call, do func() error) error {
				if c.String() == on {
					return err
				}
				return do()
			})
		}
	}
	for name, c := range map[string]struct {
		befalls func(*world)
		more    string // of the query
		status  int
		code    string
	}{
		"code twice":            {nil, "&code=x", 400, "parameter_repeated"},
		"state twice":           {nil, "&state=x", 400, "parameter_repeated"},
		"no percent-encoding":   {nil, "&x=%zz", 400, "query_malformed"},
		"an unknown state":      {nil, "0", 400, "login_unknown"},
		"a state of any length": {nil, strings.Repeat("0", 5000), 400, "login_unknown"},
		"no flow can be read":   {broken("get state", errors.New("c4nary")), "", 500, "internal"},
		"the table hangs":       {broken("get state", context.DeadlineExceeded), "", 503, "timeout"},
		"none can be taken":     {broken("replace state", errors.New("broken")), "", 500, "internal"},
		"taking hangs":          {broken("replace state", context.DeadlineExceeded), "", 503, "timeout"},
		"no user is written":    {broken("create user", errors.New("broken")), "", 503, "login_unavailable"},
		"no AppSecret": {func(w *world) {
			w.handler.Secrets = func(context.Context, account.Account, bool) (secret.Secret, error) {
				return secret.Secret{}, errors.New("denied")
			}
		}, "", 500, "login_misconfigured"},
		"the AppSecret hangs": {func(w *world) {
			w.handler.Secrets = func(context.Context, account.Account, bool) (secret.Secret, error) {
				return secret.Secret{}, context.DeadlineExceeded
			}
		}, "", 503, "login_unavailable"},
	} {
		for _, person := range []bool{true, false} {
			w := newWorld(t)
			b := w.browser()
			w.grants("code-1", "user1")
			target := "/oauth/callback?code=code-1&state=" + b.begin("return_to=/a") + c.more
			if c.befalls != nil {
				c.befalls(w)
			}
			ask := b.program
			if person {
				ask = func(target string) *httptest.ResponseRecorder { return b.do("GET", target, "") }
			}
			got := ask(target)
			want(t, name, got, c.status, c.code)
			if later := got.Header().Get("Retry-After"); (later != "") != (c.code == "timeout") {
				t.Errorf("%s: Retry-After %q", name, later)
			}
			if person {
				wantPage(t, name, got)
			} else if is := got.Header().Get("Content-Type"); is != "application/problem+json" {
				t.Errorf("%s: a program gets %s", name, is)
			}
			logged := strings.Count(w.log.String(), "request failed") + strings.Count(w.log.String(), "login failed")
			if c.status >= 500 && logged == 0 || strings.Contains(got.Body.String(), "c4nary") {
				t.Errorf("%s: logged %s\n%s", name, &w.log, got.Body)
			}
		}
	}
}

// wantPage: in Chinese, and in English where that is marked.
func wantPage(t testing.TB, name string, got *httptest.ResponseRecorder) {
	t.Helper()
	body := got.Body.String()
	for _, part := range []string{`<html lang="zh-CN">`, "<title>登录未完成 · ", `<h1>登录未完成 <span lang="en">`, `<p lang="en">`} {
		_, after, found := strings.Cut(body, part)
		if !found || strings.HasPrefix(after, "<") {
			t.Errorf("%s: no %s in\n%s", name, part, body)
		}
	}
	if got.Header().Get("Content-Type") != "text/html; charset=utf-8" || strings.Contains(body, "<p></p>") || strings.Contains(body, "encodeURIComponent") {
		t.Errorf("%s: %v\n%s", name, got.Header(), body)
	}
}

// The page leads to the same login anew, and what stands in its address stays text. It
// stands in no frame, where a click could be stolen.
func TestPageOfARefusal(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	got := b.callback("", b.begin("lang=en&scope=snsapi_userinfo&return_to="+url.QueryEscape(`https://other.example.org/?q="><script>alert(1)</script>`)+challenge()))
	wantPage(t, "refused", got)
	body, links := got.Body.String(), regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(got.Body.String(), -1)
	if strings.Contains(body, "<script") || len(links) != 3 || !strings.Contains(got.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Fatalf("%q %v\n%s", links, got.Header(), body)
	}
	if back := html.UnescapeString(links[2][1]); back != `https://other.example.org/?q="><script>alert(1)</script>` {
		t.Errorf("back to %s", back)
	}
	w.grants("code-1", "user1")
	_, query, _ := strings.Cut(html.UnescapeString(links[1][1]), "?")
	landed, err := url.Parse(b.callback("code-1", b.begin(query)).Header().Get("Location"))
	if err != nil || landed.Host != "other.example.org" || !slices.Equal(w.wechat.asked, []string{"en"}) {
		t.Errorf("again: lands on %s, %v, profiles in %q", landed, err, w.wechat.asked)
	}
}

// The request's line has the code, whoever asks: operators count by it.
func TestPageIsLogged(t *testing.T) {
	for _, accept := range []string{"text/html", "*/*"} {
		w := newWorld(t)
		r := httptest.NewRequest("GET", "https://api.example.com/oauth/callback?code=1&state=0", nil)
		r.Header.Set("Accept", accept)
		web.Log(w.handler, w.handler.Logger, nil).ServeHTTP(httptest.NewRecorder(), r)
		if line := w.log.String(); !strings.Contains(line, "status=400") || !strings.Contains(line, "code=login_unknown") {
			t.Errorf("%s: %s", accept, line)
		}
	}
}

// HEAD begins no login, spends no code and ends none.
func TestHEAD(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	w.grants("code-1", "user1")
	state := b.begin("return_to=/a")
	w.store.Take()
	for target, allow := range map[string]string{
		"/oauth/authorize": "GET", "/oauth/callback?code=code-1&state=" + state: "GET", "/oauth/session": "DELETE, GET", "/oauth/userinfo": "GET",
	} {
		r := httptest.NewRequest("HEAD", "https://api.example.com"+target, nil)
		r.Header.Set("Accept", "text/html")
		for _, cookie := range b.jar.Cookies(r.URL) {
			r.AddCookie(cookie)
		}
		got := httptest.NewRecorder()
		w.handler.ServeHTTP(got, r)
		if got.Code != 405 || got.Header().Get("Allow") != allow || len(got.Result().Cookies()) > 0 {
			t.Errorf("%s: %d %v", target, got.Code, got.Header())
		}
	}
	if calls := w.store.Take(); len(calls) > 0 || w.wechat.exchanges > 0 {
		t.Errorf("calls %q, %d exchanges", calls, w.wechat.exchanges)
	}
	want(t, "GET", b.callback("code-1", state), 303, "")
}
