package docs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/dev/wechatsim/push"
	"wechatfn/shared/app"
	"wechatfn/shared/config"
	"wechatfn/shared/message"
	"wechatfn/shared/refresher"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/wechat"
)

const (
	shopID    = "wx520c15f417810387"
	desktopID = "wxfedcba9876543210"
	miniID    = "wx3f8e7d6c5b4a3921"
	pushToken = "t0ken"
	pushKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	own       = "https://api.example.com"
	sibling   = "https://www.example.com"   // of the same site
	otherSite = "https://other.example.org" // of another site, but allowed
)

// settings has an official account, a website app, a mini-program, and an official account that
// has neither card tickets nor push secrets.
func settings() map[string]string {
	return map[string]string{
		"WECHAT_APPS": `[{"name":"shop","kind":"official_account","appId":"` + shopID + `","tickets":["jsapi","wx_card"]},
			{"name":"desktop","kind":"website","appId":"` + desktopID + `"},
			{"name":"mini","kind":"mini_program","appId":"` + miniID + `"},
			{"name":"bare","kind":"official_account","appId":"wx9d1f00c2a4b6e835"}]`,
		"WECHAT_APP_SECRETS":   `{"shop":"s","desktop":"s","mini":"s","bare":"s"}`,
		"WECHAT_PUSH_SECRETS":  `{"shop":{"token":"` + pushToken + `","encodingAESKey":"` + pushKey + `"}}`,
		"WECHAT_DOMAIN_PROOFS": "AbCdEf0123456789",
		"ALLOWED_ORIGINS":      sibling + "," + otherSite,
		"PUBLIC_URL":           own,
	}
}

// deployment is all functions on one store, with a simulated WeChat.
type deployment struct {
	*witness
	sim       *wechatsim.Sim
	db        *sqlite.Store
	refresher *refresher.Refresher
	functions map[string]http.Handler // by the first part of a path
	deliver   func(context.Context, *message.Message) ([]byte, error)
}

// Deliver implements message.Sink.
func (d *deployment) Deliver(ctx context.Context, m *message.Message) ([]byte, error) {
	return d.deliver(ctx, m)
}

func (w *witness) deploy(env map[string]string) *deployment {
	w.Helper()
	d := &deployment{witness: w, deliver: func(context.Context, *message.Message) ([]byte, error) { return nil, nil }}
	c, err := config.Load(func(name string) string { return env[name] }, config.Origins)
	w.must(err)
	d.db, err = sqlite.Open(sqlite.Config{Path: ":memory:"})
	w.must(err)
	w.Cleanup(func() { d.db.Close() })
	var apps []wechatsim.App
	for _, a := range c.Accounts {
		apps = append(apps, wechatsim.App{ID: a.AppID, Secret: "s", Kind: string(a.Kind)})
	}
	d.sim, err = wechatsim.New(wechatsim.Config{Apps: apps, Seed: "docs"})
	w.must(err)
	client, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: d.sim.Client()})
	w.must(err)
	rings, err := message.NewKeyrings(c.Accounts, c.PushSecretsOf)
	w.must(err)
	deps := app.Deps{Store: d.db, WeChat: client, Secrets: c.Secret, PushKeys: rings.Source, Sink: d, Logger: slog.New(slog.DiscardHandler)}
	d.refresher, err = app.Refresher(c, deps)
	w.must(err)
	signature, err := app.Signature(c, deps)
	w.must(err)
	logins, err := app.OAuth(c, deps)
	w.must(err)
	verify, err := app.Verify(c, deps)
	w.must(err)
	d.functions = map[string]http.Handler{"signature": signature, "get-signature": signature, "oauth": logins, "miniprogram": logins, "verify": verify}
	return d
}

func (w *witness) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// serve lets the function of the path answer, and compares the answer with the document.
func (d *deployment) serve(r *http.Request) *http.Response {
	d.Helper()
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if strings.HasPrefix(first, "MP_verify_") {
		first = "verify"
	}
	var sent bytes.Buffer
	r.Body = io.NopCloser(io.TeeReader(r.Body, &sent))
	recorder := httptest.NewRecorder()
	d.functions[first].ServeHTTP(recorder, r)
	d.check(r, sent.Bytes(), recorder.Result(), recorder.Body.Bytes())
	return recorder.Result()
}

// browser stores cookies, and sends a bearer token if it has one.
type browser struct {
	*deployment
	jar            http.CookieJar
	origin, bearer string
	accept         string
}

func (d *deployment) browser() *browser {
	jar, err := cookiejar.New(nil)
	d.must(err)
	return &browser{deployment: d, jar: jar}
}

func (b *browser) request(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, own+target, strings.NewReader(body)).WithContext(b.Context())
	for name, value := range map[string]string{"Origin": b.origin, "Accept": b.accept} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if b.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+b.bearer)
	}
	for _, cookie := range b.jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	return r
}

func (b *browser) do(method, target, body string) *http.Response {
	b.Helper()
	r := b.request(method, target, body)
	answer := b.serve(r)
	b.jar.SetCookies(r.URL, answer.Cookies())
	return answer
}

func (b *browser) get(target string) *http.Response { b.Helper(); return b.do("GET", target, "") }

// want checks an answer by its status, and by its code if it is a problem.
func (b *browser) want(answer *http.Response, status int, code string) {
	b.Helper()
	var problem struct{ Code string }
	body, _ := io.ReadAll(answer.Body)
	if code != "" {
		b.must(json.Unmarshal(body, &problem))
	}
	if answer.StatusCode != status || problem.Code != code {
		b.Errorf("answer %d %s, want %d %s", answer.StatusCode, body, status, code)
	}
}

// login begins a login and answers as WeChat's user. It returns the address of the callback.
func (b *browser) login(query, users string) string {
	b.Helper()
	sent := b.get("/oauth/authorize?" + query)
	if sent.StatusCode != http.StatusFound {
		b.Fatalf("%s: answer %d", query, sent.StatusCode)
	}
	return b.atWeChat(sent.Header.Get("Location"), users)
}

func (b *browser) atWeChat(address, users string) string {
	b.Helper()
	address, _, _ = strings.Cut(address, "#")
	client := b.sim.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	back, err := client.Get(address + "&wechatsim=" + users)
	b.must(err)
	back.Body.Close()
	u, err := url.Parse(back.Header.Get("Location"))
	if err != nil || u.Host != "api.example.com" {
		b.Fatalf("WeChat sent the browser to %q", back.Header.Get("Location"))
	}
	return u.RequestURI()
}

// logIn logs in with a cookie, for one of our own pages.
func (d *deployment) logIn(scope string) *browser {
	d.Helper()
	b := d.browser()
	b.want(b.get(b.login("return_to=/account&scope="+scope, wechatsim.AnswerApprove)), 303, "")
	b.origin = own
	return b
}

// loginCode logs in for a page of another site. It returns the page, and the body with which it
// redeems its login code.
func (d *deployment) loginCode() (page *browser, body string) {
	d.Helper()
	b := d.browser()
	redirect := b.get(b.login("scope=snsapi_userinfo&return_to="+url.QueryEscape(otherSite+"/in?a=b")+"&challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", wechatsim.AnswerApprove))
	u, err := url.Parse(redirect.Header.Get("Location"))
	if err != nil || u.Host != "other.example.org" || u.Query().Get("wechatfn_code") == "" {
		d.Fatalf("answer %d, to %s", redirect.StatusCode, u)
	}
	page = d.browser()
	page.origin = otherSite
	return page, `{"code":"` + u.Query().Get("wechatfn_code") + `","verifier":"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}`
}

// bearer logs in with a bearer token.
func (d *deployment) bearer() *browser {
	d.Helper()
	page, body := d.loginCode()
	page.bearer = page.token(page.do("POST", "/oauth/token", body))
	return page
}

func (b *browser) token(answer *http.Response) string {
	b.Helper()
	var grant struct{ Token string }
	b.must(json.NewDecoder(answer.Body).Decode(&grant))
	if grant.Token == "" {
		b.Fatalf("answer %d without a token", answer.StatusCode)
	}
	return grant.Token
}

// pusher sends pushes to the path as WeChat does.
func (d *deployment) pusher(path string, change ...func(*push.Config)) *push.Sender {
	d.Helper()
	c := push.Config{URL: own + path, Token: pushToken, EncodingAESKey: pushKey, AppID: shopID, Mode: push.Secure}
	for _, change := range change {
		change(&c)
	}
	p, err := push.New(c)
	d.must(err)
	return p
}

func otherToken(c *push.Config) { c.Token = "another" }
func inJSON(c *push.Config)     { c.JSON = true }
func anHourAgo(c *push.Config) {
	c.Now = func() time.Time { return time.Now().Add(-time.Hour) }
}

// text is a push of a new text message.
func (d *deployment) text(p *push.Sender) *http.Request {
	d.Helper()
	time.Sleep(time.Second)
	m, _ := push.SampleMessage("text", "oFS7Fjl0WsZ9AMZqrI80nbIq8xrA", "gh_2d5c1f0b7a39", time.Now(), uint64(time.Now().UnixNano()))
	r, err := p.Request(d.Context(), m)
	d.must(err)
	return r
}

// broken is a body whose connection is cut off.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("cut off") }
func (broken) Close() error             { return nil }
