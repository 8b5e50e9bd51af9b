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

// Whatever goes wrong at a callback, a person reads of it in two languages, and a program
// gets the problem, with the same status.
func TestEveryFailureIsAPage(t *testing.T) {
	broken := func(on string, err error) func(*fixture) {
		return func(f *fixture) {
			f.store.Intercept(func(ctx context.Context, c storetest.Call, do func(context.Context) error) error {
				if c.String() == on {
					return err
				}
				return do(ctx)
			})
		}
	}
	noSecret := func(err error) func(*fixture) {
		return func(f *fixture) {
			f.configure(func(c *Config) {
				c.Secrets = func(context.Context, account.Account, bool) (secret.Secret, error) { return secret.Secret{}, err }
			})
		}
	}
	for _, c := range []struct {
		name    string
		prepare func(*fixture)
		more    string // of the query
		status  int
		code    string
	}{
		{"code twice", nil, "&code=x", 400, "parameter_repeated"},
		{"state twice", nil, "&state=x", 400, "parameter_repeated"},
		{"no percent-encoding", nil, "&x=%zz", 400, "query_malformed"},
		{"an unknown state", nil, "0", 400, "login_unknown"},
		{"a state of any length", nil, strings.Repeat("0", 5000), 400, "login_unknown"},
		{"the login cannot be read", broken("get state", errors.New("c4nary")), "", 500, "internal"},
		{"reading hangs", broken("get state", context.DeadlineExceeded), "", 503, "timeout"},
		{"the login cannot be claimed", broken("replace state", errors.New("broken")), "", 500, "internal"},
		{"claiming hangs", broken("replace state", context.DeadlineExceeded), "", 503, "timeout"},
		{"no user is written", broken("create user", errors.New("broken")), "", 503, "login_unavailable"},
		{"no AppSecret", noSecret(errors.New("denied")), "", 500, "login_misconfigured"},
		{"the AppSecret hangs", noSecret(context.DeadlineExceeded), "", 503, "login_unavailable"},
	} {
		for _, who := range []struct {
			name string
			ask  func(b *browser, target string) *httptest.ResponseRecorder
			want func(t testing.TB, got *httptest.ResponseRecorder)
		}{
			{"person", func(b *browser, target string) *httptest.ResponseRecorder { return b.do("GET", target, "") }, wantPage},
			{"program", (*browser).program, wantProblem},
		} {
			t.Run(c.name+"/"+who.name, func(t *testing.T) {
				f, b, state := begun(t)
				if c.prepare != nil {
					c.prepare(f)
				}
				got := who.ask(b, "/oauth/callback?code="+f.code("user1")+"&state="+state+c.more)
				want(t, "callback", got, c.status, c.code)
				if later := got.Header().Get("Retry-After"); (later != "") != (c.code == "timeout") {
					t.Errorf("Retry-After %q", later)
				}
				who.want(t, got)
				logged := strings.Count(f.log.String(), "request failed") + strings.Count(f.log.String(), "login failed")
				if c.status >= 500 && logged == 0 || strings.Contains(got.Body.String(), "c4nary") {
					t.Errorf("logged %s\n%s", &f.log, got.Body)
				}
			})
		}
	}
}

// wantPage: in Chinese, and in English where that is marked.
func wantPage(t testing.TB, got *httptest.ResponseRecorder) {
	t.Helper()
	body := got.Body.String()
	for _, part := range []string{`<html lang="zh-CN">`, "<title>登录未完成 · ", `<h1>登录未完成 <span lang="en">`, `<p lang="en">`} {
		_, after, found := strings.Cut(body, part)
		if !found || strings.HasPrefix(after, "<") {
			t.Errorf("no %s in\n%s", part, body)
		}
	}
	if got.Header().Get("Content-Type") != "text/html; charset=utf-8" || strings.Contains(body, "<p></p>") || strings.Contains(body, "encodeURIComponent") {
		t.Errorf("%v\n%s", got.Header(), body)
	}
}

func wantProblem(t testing.TB, got *httptest.ResponseRecorder) {
	t.Helper()
	if is := got.Header().Get("Content-Type"); is != "application/problem+json" {
		t.Errorf("a program gets %s", is)
	}
}

// The page leads to the same login again, and what is in its address stays text. No frame
// shows the page: a click in one can be stolen.
func TestPageOfARefusal(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	got := b.callback("", b.begin("lang=en&scope=snsapi_userinfo&return_to="+url.QueryEscape(`https://other.example.org/?q="><script>alert(1)</script>`)+challenge()))
	wantPage(t, got)
	body, links := got.Body.String(), regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(got.Body.String(), -1)
	if strings.Contains(body, "<script") || len(links) != 3 || !strings.Contains(got.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Fatalf("%q %v\n%s", links, got.Header(), body)
	}
	if back := html.UnescapeString(links[2][1]); back != `https://other.example.org/?q="><script>alert(1)</script>` {
		t.Errorf("back to %s", back)
	}
	_, query, _ := strings.Cut(html.UnescapeString(links[1][1]), "?")
	state := b.begin(query)
	to, err := url.Parse(b.callback(f.code("user1"), state).Header().Get("Location"))
	if err != nil || to.Host != "other.example.org" || !slices.Equal(f.wechat.asked, []string{"en"}) {
		t.Errorf("again: leads to %s, %v, profiles in %q", to, err, f.wechat.asked)
	}
}

// The line of the request has the code of the problem for browsers and programs: operators count by it.
func TestPageIsLogged(t *testing.T) {
	for _, c := range []struct{ name, accept string }{{"person", "text/html"}, {"program", "*/*"}} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			r := httptest.NewRequest("GET", "https://api.example.com/oauth/callback?code=1&state=0", nil)
			r.Header.Set("Accept", c.accept)
			web.Log(f.handler, f.config.Logger, nil).ServeHTTP(httptest.NewRecorder(), r)
			if line := f.log.String(); !strings.Contains(line, "status=400") || !strings.Contains(line, "code=login_unknown") {
				t.Errorf("%s", line)
			}
		})
	}
}

// HEAD begins no login, exchanges no code and completes no login.
func TestHEADChangesNothing(t *testing.T) {
	f, b, state := begun(t)
	code := f.code("user1")
	f.store.Take()
	for _, c := range []struct{ name, target, allow string }{
		{"authorize", "/oauth/authorize", "GET"},
		{"callback", "/oauth/callback?code=" + code + "&state=" + state, "GET"},
		{"session", "/oauth/session", "DELETE, GET"},
		{"userinfo", "/oauth/userinfo", "GET"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("HEAD", "https://api.example.com"+c.target, nil)
			r.Header.Set("Accept", "text/html")
			for _, cookie := range b.jar.Cookies(r.URL) {
				r.AddCookie(cookie)
			}
			got := httptest.NewRecorder()
			f.handler.ServeHTTP(got, r)
			if got.Code != 405 || got.Header().Get("Allow") != c.allow || len(got.Result().Cookies()) > 0 {
				t.Errorf("%d %v", got.Code, got.Header())
			}
		})
	}
	f.wantCalls("")
	f.wantAsked(0, 0)
	want(t, "GET", b.callback(code, state), 303, "")
}
