package docs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/dev/wechatsim/push"
	"wechatfn/shared/message"
)

// The handlers give the answers that the document describes, and the document describes none
// that they do not give.
func TestOpenAPIAnswers(t *testing.T) {
	w, run := newWitness(t), 0
	scenarios := []struct {
		name string
		run  func(*witness)
	}{
		{"signatures", (*witness).signatures},
		{"logins", (*witness).logins},
		{"failed logins", (*witness).failedLogins},
		{"sessions", (*witness).sessions},
		{"profiles", (*witness).profiles},
		{"mini-programs", (*witness).miniPrograms},
		{"pushes", (*witness).pushes},
		{"our own errors", (*witness).ownErrors},
	}
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			run++
			synctest.Test(t, func(t *testing.T) { s.run(w.in(t)) })
		})
	}
	if run < len(scenarios) {
		return // some were chosen with -run
	}
	for _, what := range w.unseen() {
		t.Errorf("no answer has shown %s", what)
	}
}

func escaped(page string) string { return url.QueryEscape(page) }

func (w *witness) signatures() {
	d := w.deploy(settings())
	b := d.browser()
	signed := "?url=" + escaped(sibling+"/a?b=c")
	b.want(b.get("/signature/health"), 503, "")
	for _, path := range []string{"/signature" + signed, "/get-signature" + signed, "/signature/card?cardId=p1", "/signature/choose-card"} {
		b.want(b.get(path), 503, "ticket_unavailable")
	}
	_, err := d.refresher.Tick(w.Context())
	w.must(err)
	time.Sleep(time.Minute) // until the reader reads the table again
	b.want(b.get("/signature/health"), 200, "")
	for _, path := range []string{
		"/signature" + signed, "/get-signature" + signed + "&force=true", "/signature/choose-card?shopId=1&cardType=GROUPON&cardId=p1",
		"/signature/card?cardId=p1&code=1&openid=o1&outerStr=x&fixedBeginTimestamp=1795244400",
	} {
		b.want(b.get(path), 200, "")
	}
	for _, c := range []struct {
		query  string
		status int
		code   string
	}{
		{"", 400, "url_missing"},
		{"?url=/a", 400, "url_relative"},
		{"?url=ftp://www.example.com/", 400, "url_scheme"},
		{"?url=" + escaped("https:///a"), 400, "url_malformed"},
		{"?url=" + escaped(sibling+"/\n"), 400, "url_control_characters"},
		{"?url=" + escaped("https://a:b@c/"), 400, "url_userinfo"},
		{"?url=" + escaped(escaped(sibling)), 400, "url_encoded_twice"},
		{"?url=" + sibling + "/?a=b&c=d", 400, "url_not_encoded"},
		{signed + strings.Repeat("x", 2048), 400, "url_too_long"},
		{signed + "&app=nobody", 400, "app_unknown"},
		{signed + "&force=maybe", 400, "force_invalid"},
		{signed + "&app=shop&app=shop", 400, "parameter_repeated"},
		{signed + "&app=%zz", 400, "query_malformed"},
		{"?url=" + escaped("https://evil.com"), 403, "origin_not_allowed"},
	} {
		b.want(b.get("/signature"+c.query), c.status, c.code)
		b.want(b.get("/get-signature"+c.query), c.status, c.code)
	}
	b.want(b.get("/signature/card"), 400, "parameter_invalid")
	b.want(b.get("/signature/choose-card?app=bare"), 400, "ticket_not_configured")
}

// logins begins logins and finishes them.
func (w *witness) logins() {
	d := w.deploy(settings())
	d.logIn("snsapi_base")
	page, body := d.loginCode()
	page.want(page.do("POST", "/oauth/token", body), 200, "")
	page.want(page.do("POST", "/oauth/token", body), 400, "wechatfn_code_invalid")
	page.want(page.do("POST", "/oauth/token", "ticket=x"), 400, "body_invalid")
	page.want(page.do("POST", "/oauth/token", strings.Repeat(" ", 5<<10)), 413, "body_too_large")
	cut := page.request("POST", "/oauth/token", "{}")
	cut.Body = broken{}
	page.want(page.serve(cut), 400, "body_unreadable")

	b := d.browser()
	b.accept = "application/json"
	b.want(b.get("/oauth/authorize?app=desktop&lang=en"), 200, "")
	for _, c := range []struct{ query, code string }{
		{"app=bare2", "app_unknown"}, {"scope=snsapi_login", "scope_invalid"}, {"lang=fr", "lang_invalid"}, {"return_to=//evil.example", "return_to_invalid"},
		{"app=a&app=b", "parameter_repeated"}, {"app=%zz", "query_malformed"},
	} {
		b.want(b.get("/oauth/authorize?"+c.query), 400, c.code)
	}
	b.want(b.get("/oauth/authorize?return_to="+escaped("https://evil.example")), 403, "return_to_not_allowed")
	b.want(b.get("/oauth/health"), 200, "")

	withoutURL := settings()
	delete(withoutURL, "PUBLIC_URL")
	other := w.deploy(withoutURL).browser()
	withoutHost := other.request("GET", "/oauth/authorize", "")
	withoutHost.Host = ""
	other.want(other.serve(withoutHost), 400, "request_malformed")
}

// failedLogins ends logins without a session in each possible way, for a program and for a
// person.
func (w *witness) failedLogins() {
	d := w.deploy(settings())
	b := d.browser()
	for _, accept := range []string{"*/*", "text/html,*/*"} {
		d.sim.ClearFaults()
		b.accept = accept
		failed := func(back string, status int, code string) {
			w.Helper()
			if strings.Contains(accept, "text/html") {
				code = "" // a person gets a page
			}
			b.want(b.get(back), status, code)
		}
		failed("/oauth/callback?state=x", 400, "login_unknown")
		failed("/oauth/callback", 403, "login_refused")
		failed(b.login("", wechatsim.AnswerRefuse), 403, "login_refused")
		failed(b.login("scope=snsapi_userinfo", wechatsim.AnswerSnapshot), 403, "login_snapshot")
		for _, c := range []struct {
			errcode int
			code    string
		}{{40029, "login_code_invalid"}, {40163, "login_code_used"}, {42003, "login_code_expired"}} {
			d.sim.Fail(wechatsim.Fault{Path: wechatsim.PathExchange, ErrCode: c.errcode, Times: 1})
			failed(b.login("app=desktop", wechatsim.AnswerApprove), 400, c.code)
		}
		d.sim.Fail(wechatsim.Fault{Path: wechatsim.PathExchange, ErrCode: 40125, Times: 1})
		failed(b.login("", wechatsim.AnswerApprove), 500, "login_misconfigured")
		d.sim.Fail(wechatsim.Fault{Path: wechatsim.PathExchange, ErrCode: -1})
		failed(b.login("", wechatsim.AnswerApprove), 503, "login_unavailable")
		failed("/oauth/callback?code=%zz", 400, "query_malformed")
		failed("/oauth/callback?code=a&code=b", 400, "parameter_repeated")
	}

	d.sim.ClearFaults()
	w.lostCookie(d, b)
	w.interruptedLogin(d, b)
}

// lostCookie opens the callback of another browser's login, and then one without its cookie.
func (w *witness) lostCookie(d *deployment, b *browser) {
	victim := d.browser()
	restarted := victim.get(b.login("", wechatsim.AnswerApprove))
	victim.want(restarted, 302, "")
	withoutCookies := d.browser()
	back := withoutCookies.atWeChat(restarted.Header.Get("Location"), wechatsim.AnswerApprove)
	withoutCookies.want(withoutCookies.get(back), 400, "login_cookie_lost")
}

// interruptedLogin calls back twice, and the second callback ends while the first one waits.
func (w *witness) interruptedLogin(d *deployment, b *browser) {
	b.accept = ""
	d.sim.Fail(wechatsim.Fault{Path: wechatsim.PathExchange, Delay: 2 * time.Second})
	back := b.login("", wechatsim.AnswerApprove)
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() { b.want(b.get(back), 303, "") })
	synctest.Wait()
	ctx, cancel := context.WithTimeout(w.Context(), time.Second)
	defer cancel()
	b.want(b.serve(b.request("GET", back, "").WithContext(ctx)), 400, "login_interrupted")
}

func (w *witness) sessions() {
	d := w.deploy(settings())
	nobody, cookie, page := d.browser(), d.logIn("snsapi_userinfo"), d.bearer()
	for _, b := range []*browser{cookie, page} {
		b.want(b.get("/oauth/session"), 200, "")
	}
	cookie.want(cookie.do("POST", "/oauth/session/refresh", ""), 200, "")
	cookie.want(cookie.get("/oauth/session"), 200, "")
	old := *page
	page.bearer = page.token(page.do("POST", "/oauth/session/refresh", ""))
	page.want(page.get("/oauth/session"), 200, "")
	old.want(old.do("POST", "/oauth/session/refresh", ""), 401, "session_revoked")
	page.want(page.get("/oauth/session"), 401, "session_revoked")
	page.want(page.get("/oauth/userinfo"), 401, "session_revoked")

	nobody.want(nobody.get("/oauth/session"), 401, "session_missing")
	nobody.want(nobody.get("/oauth/userinfo"), 401, "session_missing")
	nobody.want(nobody.do("POST", "/oauth/session/refresh", ""), 401, "session_missing")
	nobody.want(nobody.do("DELETE", "/oauth/session", ""), 401, "session_missing")

	otherPage := *cookie
	otherPage.origin = "https://evil.example"
	otherPage.want(otherPage.do("POST", "/oauth/session/refresh", ""), 403, "origin_not_allowed")
	otherPage.want(otherPage.do("DELETE", "/oauth/session", ""), 403, "origin_not_allowed")
	for _, target := range []string{"GET /oauth/session", "POST /oauth/session/refresh", "DELETE /oauth/session"} {
		method, path, _ := strings.Cut(target, " ")
		cookie.want(cookie.do(method, path+"?sku=news", ""), 403, "session_other_product")
		cookie.want(cookie.do(method, path+"?sku=a&sku=b", ""), 400, "parameter_repeated")
	}
	cookie.want(cookie.do("DELETE", "/oauth/session?all=maybe", ""), 400, "all_invalid")
	late, body := d.loginCode()
	time.Sleep(time.Millisecond)
	cookie.want(cookie.do("DELETE", "/oauth/session?all=true", ""), 204, "")
	late.want(late.do("POST", "/oauth/token", body), 400, "login_ended")
	time.Sleep(time.Millisecond)
	page = d.bearer()
	page.want(page.do("DELETE", "/oauth/session", ""), 204, "")
}

func (w *witness) profiles() {
	d := w.deploy(settings())
	silent, b := d.logIn("snsapi_base"), d.browser()
	silent.want(silent.get("/oauth/userinfo"), 403, "profile_not_granted")
	b.want(b.get(b.login("app=desktop", wechatsim.AnswerApprove)), 303, "")
	b.want(b.get("/oauth/userinfo?lang=en"), 200, "")
	b.want(b.get("/oauth/userinfo?check=true"), 200, "")
	b.want(b.get("/oauth/userinfo?lang=fr"), 400, "lang_invalid")
	b.want(b.get("/oauth/userinfo?check=maybe"), 400, "check_invalid")
	d.sim.Fail(wechatsim.Fault{Path: wechatsim.PathUserInfo, ErrCode: -1})
	b.want(b.get("/oauth/userinfo"), 503, "wechat_unavailable")
	d.sim.ClearFaults()
	d.sim.Fail(wechatsim.Fault{Path: wechatsim.PathUserInfo, ErrCode: 42001})
	d.sim.Fail(wechatsim.Fault{Path: wechatsim.PathRefreshUser, ErrCode: 42007})
	b.want(b.get("/oauth/userinfo"), 409, "login_again")
}

func (w *witness) pushes() {
	d := w.deploy(settings())
	b := d.browser()
	for _, path := range []string{"/verify", "/verify/shop"} {
		w.checks(b, path)
		w.messages(b, path)
	}
	b.want(b.get("/verify/health"), 200, "")
	b.want(b.get("/MP_verify_AbCdEf0123456789.txt"), 200, "")
	b.want(b.get("/MP_verify_x.txt"), 404, "not_found")
	withoutSecrets := settings()
	delete(withoutSecrets, "WECHAT_PUSH_SECRETS")
	other := w.deploy(withoutSecrets).browser()
	other.want(other.get("/verify/health"), 503, "")
}

// forAccount is the path, or the one beside it, of another account.
func forAccount(path, name string) string {
	if path == "/verify" {
		return path + "?app=" + name
	}
	return "/verify/" + name
}

func (w *witness) checks(b *browser, path string) {
	checked := func(p *push.Sender, change func(url.Values)) *http.Response {
		w.Helper()
		r, err := p.CheckRequest(w.Context())
		w.must(err)
		query := r.URL.Query()
		change(query)
		return b.get(r.URL.Path + "?" + query.Encode())
	}
	same := func(url.Values) {}
	b.want(checked(b.pusher(path), same), 200, "")
	b.want(checked(b.pusher(path, otherToken), same), 403, "signature_invalid")
	b.want(checked(b.pusher(path, anHourAgo), same), 403, "timestamp_stale")
	b.want(checked(b.pusher(path), func(q url.Values) { q.Set("echostr", "<b>") }), 403, "echostr_invalid")
	b.want(checked(b.pusher(path), func(q url.Values) { q.Add("nonce", "x") }), 400, "parameter_repeated")
	b.want(checked(b.pusher(forAccount(path, "desktop")), same), 404, "app_unknown")
	b.want(checked(b.pusher(forAccount(path, "bare")), same), 503, "push_secrets_unavailable")
}

func (w *witness) messages(b *browser, path string) {
	defer func(usual func(context.Context, *message.Message) ([]byte, error)) { b.deliver = usual }(b.deliver)
	p := b.pusher(path)
	b.want(b.serve(b.text(p)), 200, "")
	b.want(b.serve(b.text(b.pusher(path, otherToken))), 403, "push_refused")
	b.want(b.serve(b.text(b.pusher(forAccount(path, "desktop")))), 404, "app_unknown")
	b.want(b.serve(b.text(b.pusher(forAccount(path, "bare")))), 503, "push_secrets_unavailable")
	garbage, err := p.RequestRaw(w.Context(), []byte("neither"), "a", "b")
	w.must(err)
	b.want(b.serve(garbage), 400, "push_malformed")
	large := b.text(p)
	large.ContentLength = 1 << 20
	b.want(b.serve(large), 413, "body_too_large")
	cut := b.text(p)
	cut.Body = broken{}
	b.want(b.serve(cut), 400, "body_unreadable")

	b.deliver = func(context.Context, *message.Message) ([]byte, error) {
		return []byte(`{"MsgType":"text","Content":"收到"}`), nil
	}
	for _, format := range []func(*push.Config){func(*push.Config) {}, inJSON} {
		answer := b.serve(b.text(b.pusher(path, format)))
		if b.want(answer, 200, ""); strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") {
			w.Errorf("%s: there was no reply", path)
		}
	}
	b.deliver = func(context.Context, *message.Message) ([]byte, error) { return nil, errors.New("no bus") }
	b.want(b.serve(b.text(p)), 500, "delivery_failed")
	w.repeatedInProgress(b, p)
}

// repeatedInProgress sends a message again while its delivery is in progress.
func (w *witness) repeatedInProgress(b *browser, p *push.Sender) {
	b.deliver = func(ctx context.Context, _ *message.Message) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	first := b.text(p)
	again := b.text(p)
	again.URL, again.Body = first.URL, nil
	body, err := first.GetBody()
	w.must(err)
	again.Body = body
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() { b.want(b.serve(first), 500, "delivery_failed") })
	synctest.Wait()
	ctx, cancel := context.WithTimeout(w.Context(), 1010*time.Millisecond) // ends between two reads of the table
	defer cancel()
	b.want(b.serve(again.WithContext(ctx)), 503, "push_in_progress")
}

// ownErrors has no time to answer, and then no store.
func (w *witness) ownErrors() {
	d := w.deploy(settings())
	page := d.bearer()
	ctx, cancel := context.WithTimeout(w.Context(), 0)
	defer cancel()
	for _, target := range []string{"GET /oauth/session", "GET /oauth/userinfo", "DELETE /oauth/session", "POST /oauth/session/refresh"} {
		method, path, _ := strings.Cut(target, " ")
		page.want(page.serve(page.request(method, path, "").WithContext(ctx)), 503, "timeout")
	}
	w.must(d.db.Close())
	for _, target := range []string{"GET /oauth/session", "GET /oauth/userinfo", "DELETE /oauth/session", "POST /oauth/session/refresh", "GET /oauth/authorize"} {
		method, path, _ := strings.Cut(target, " ")
		page.want(page.do(method, path, ""), 500, "internal")
	}
	page.want(page.get("/oauth/callback?state="+fmt.Sprintf("%032x", 1)), 500, "internal")
	page.want(page.do("POST", "/oauth/token", `{"code":"x","verifier":"x"}`), 500, "internal")
}
