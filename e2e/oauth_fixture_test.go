package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/e2e/lambdatest"
	"wechatfn/shared/store/dynamo"
)

const (
	websiteID     = "wx7c1d0e9f8a6b5c4d"
	websiteSecret = "00112233445566778899aabbccddeeff"

	api         = "https://api.example.com" // the function's own address, of the same site as origin
	otherOrigin = "https://shop.example.org"
	weChat      = "https://open.weixin.qq.com"

	loginCookie   = "__Host-wechatfn-login"
	sessionCookie = "__Host-wechatfn-session"
)

// loginWorld is what is around the function that logs users in.
type loginFixture struct {
	sessionSecrets *canaries      // who has one of these is logged in, or will be
	answers        *secretScanner // answers without the parts that are meant to carry one
}

// newLoginWorld has three accounts, a website among them, and pages of two sites.
func newLoginFixture(tb testing.TB) *fixture {
	tb.Helper()
	fx := newFixture(tb)
	delete(fx.settings, "WECHAT_APP_ID")
	fx.settings["WECHAT_APPS"] = `[{"name":"default","kind":"official_account","appId":"` + appID +
		`"},{"name":"second","kind":"official_account","appId":"` + secondID +
		`"},{"name":"site","kind":"website","appId":"` + websiteID +
		`"},{"name":"mini","kind":"mini_program","appId":"` + miniID + `"}]`
	fx.settings["ALLOWED_ORIGINS"] = origin + "," + otherOrigin
	fx.secrets.put(map[string]string{"default": appSecret, "second": secondSecret, "site": websiteSecret, "mini": miniSecret})
	fx.sessionSecrets = new(canaries)
	fx.answers = &secretScanner{canaries: fx.sessionSecrets}
	for _, id := range []string{appID, secondID, websiteID, miniID} {
		for _, user := range []string{"ming", "hua", "odd"} {
			fx.private.plant(fx.sim.OpenID(id, user), fx.sim.UnionID(id, user))
		}
	}
	fx.private.plant("Li Hua")
	fx.Cleanup(func() { fx.answers.scan(fx, "oauth") })
	return fx
}

// bear plants what opens a session, or may come to.
func (fx *fixture) plantSessionSecret(secret string) {
	if secret != "" {
		fx.sessionSecrets.plant(secret)
		fx.private.plant(secret) // so that it is in no log and no refusal
	}
}

// browser is one that somebody holds who has WeChat. It keeps cookies.
type browser struct {
	f    *function
	jar  *cookiejar.Jar
	user string // by the simulator's name
	page string // origin of the page that it shows
	// token goes along as a bearer token, as far as there is one, and cookies do not.
	token string
}

func (f *function) browser(user string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		f.fx.Fatal(err)
	}
	return &browser{f: f, jar: jar, user: user, page: origin}
}

var apiURL = &url.URL{Scheme: "https", Host: "api.example.com", Path: "/"}

// cookie returns the value of a cookie, "" where there is none.
func (b *browser) cookie(name string) string {
	for _, c := range b.jar.Cookies(apiURL) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// at is the same browser, at another function's process.
func (b *browser) at(f *function) *browser {
	other := *b
	other.f = f
	return &other
}

// visit goes to an address of ours, as a link does.
func (b *browser) visit(target string) answer {
	b.f.fx.Helper()
	r := httptest.NewRequestWithContext(b.f.fx.Context(), http.MethodGet, api+target, nil)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	return b.send(r)
}

// fetch calls us from the page.
func (b *browser) fetch(method, target, body string) answer {
	b.f.fx.Helper()
	r := httptest.NewRequestWithContext(b.f.fx.Context(), method, api+target, strings.NewReader(body))
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Origin", b.page)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return b.send(r)
}

func (b *browser) send(r *http.Request) answer {
	b.f.fx.Helper()
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	} else {
		for _, cookie := range b.jar.Cookies(apiURL) {
			r.AddCookie(cookie)
		}
	}
	event, err := lambdatest.APIGatewayEvent(r)
	if err != nil {
		b.f.fx.Fatal(err)
	}
	payload, err := b.f.invoke(event)
	if err != nil {
		b.f.fx.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		return answer{}
	}
	a := b.f.decode(payload)
	cookies := (&http.Response{Header: a.header}).Cookies()
	b.jar.SetCookies(apiURL, cookies)
	b.f.fx.recordAnswer(a, cookies)
	return a
}

// sift plants the secrets that an answer is meant to carry, and keeps the rest of
// the answer to be searched.
func (fx *fixture) recordAnswer(a answer, cookies []*http.Cookie) {
	fx.Helper()
	rest := a.header.Clone()
	rest.Del("Set-Cookie")
	for _, cookie := range cookies {
		fx.plantSessionSecret(cookie.Value)
		if cookie.Name != loginCookie && cookie.Name != sessionCookie {
			fx.Errorf("cookie %s", cookie.Name)
		}
	}
	var body struct{ URL, Token string }
	_ = json.Unmarshal(a.body, &body)
	text := string(a.body)
	if a.status == http.StatusOK && body.Token != "" {
		fx.plantSessionSecret(body.Token)
		text = strings.ReplaceAll(text, body.Token, "")
	}
	for _, address := range []string{rest.Get("Location"), body.URL} {
		to, err := url.Parse(address)
		if err != nil {
			fx.Errorf("%q: %v", address, err)
			continue
		}
		carried := to.Query().Get("wechatfn_code")
		if strings.HasPrefix(address, weChat) {
			carried = to.Query().Get("state")
		}
		if carried == "" {
			continue
		}
		fx.plantSessionSecret(carried)
		text = strings.ReplaceAll(text, carried, "")
		rest.Set("Location", strings.ReplaceAll(rest.Get("Location"), carried, ""))
	}
	fx.answers.add(fmt.Sprint(rest) + text)
	if c := a.header.Get("Cache-Control"); c != "no-store" || a.header.Get("Referrer-Policy") != "no-referrer" {
		fx.Errorf("answer %d may be kept: %v", a.status, a.header)
	}
}

// begin begins a login, and returns WeChat's address.
func (b *browser) begin(query string) string {
	b.f.fx.Helper()
	if strings.Contains(query, "shop.example.org") {
		query += "&challenge=" + challenge
	}
	a := b.visit("/oauth/authorize?" + query)
	address := a.header.Get("Location")
	if a.status != http.StatusFound || !strings.HasPrefix(address, weChat+"/connect/") {
		b.f.fx.Fatalf("answer %d %s to %q", a.status, a.body, address)
	}
	return address
}

// decide gives the user's answer on WeChat's page, and returns where that leads:
// a target of ours, with a code where the user approves.
func (b *browser) answerAtWeChat(address, says string) string {
	b.f.fx.Helper()
	address, _, _ = strings.Cut(address, "#")
	r, err := http.NewRequestWithContext(b.f.fx.Context(), http.MethodGet, address+"&wechatsim="+says+"&user="+b.user, nil)
	if err != nil {
		b.f.fx.Fatal(err)
	}
	response, err := b.f.fx.sim.Client().Transport.RoundTrip(r)
	if err != nil {
		b.f.fx.Fatal(err)
	}
	defer response.Body.Close()
	to, err := response.Location()
	if err != nil || to.Scheme+"://"+to.Host != api || to.Path != "/oauth/callback" {
		b.f.fx.Fatalf("WeChat answers %d to %v, %v", response.StatusCode, to, err)
	}
	if code := to.Query().Get("code"); code != "" {
		b.f.fx.canaries.plant(code)
	}
	return to.RequestURI()
}

// What a page of another site keeps, and its SHA-256, which it sends along.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// spending is the body of POST /oauth/token.
func redeemBody(ticket string) string {
	return `{"code":"` + ticket + `","verifier":"` + verifier + `"}`
}

// come begins a login and comes back from WeChat with the user's yes: what is left
// is the callback.
func (b *browser) beginAndApprove(query string) (callback string) {
	b.f.fx.Helper()
	return b.answerAtWeChat(b.begin(query), wechatsim.AnswerApprove)
}

// logIn goes the whole way.
func (b *browser) logIn(query string) *browser {
	b.f.fx.Helper()
	b.wantLoggedIn(b.visit(b.beginAndApprove(query)))
	return b
}

// landed wants a callback to have led to the session's cookie.
func (b *browser) wantLoggedIn(a answer) {
	b.f.fx.Helper()
	if a.status != http.StatusSeeOther || b.cookie(sessionCookie) == "" || strings.Contains(a.header.Get("Location"), "wechatfn_code") {
		b.f.fx.Fatalf("answer %d %s %v", a.status, a.body, a.header)
	}
}

// ticketOf is the one that a callback's answer carries to a page of another site.
func (b *browser) loginCodeOf(a answer) string {
	b.f.fx.Helper()
	to, err := url.Parse(a.header.Get("Location"))
	ticket := to.Query().Get("wechatfn_code")
	if err != nil || a.status != http.StatusSeeOther || ticket == "" || b.cookie(sessionCookie) != "" {
		b.f.fx.Fatalf("answer %d %s %v", a.status, a.body, a.header)
	}
	return ticket
}

type sessionAnswer struct {
	ID, App, AppID, OpenID, UnionID string
	Generation                      int
	CreatedAt, ExpiresAt, EndsAt    int64
}

// session asks who is logged in.
func (b *browser) session() (s sessionAnswer) {
	b.f.fx.Helper()
	a := b.fetch(http.MethodGet, "/oauth/session", "")
	if err := json.Unmarshal(a.body, &s); err != nil || a.status != http.StatusOK {
		b.f.fx.Fatalf("answer %d %s, %v", a.status, a.body, err)
	}
	return s
}

// wantPage wants a page for people that tells what went wrong.
func wantPage(tb testing.TB, a answer, status int, code string) {
	tb.Helper()
	if a.status != status || !bytes.Contains(a.body, []byte(code)) || a.header.Get("Content-Type") != "text/html; charset=utf-8" || len(a.body) > 32<<10 {
		tb.Errorf("answer %d %v %.2000s, want %d %s", a.status, a.header, a.body, status, code)
	}
}

// wantLogins checks what WeChat was asked for since it was last checked.
func (fx *fixture) wantLoginCalls(exchanges, refreshes, profiles int) {
	fx.Helper()
	for path, want := range map[string]int{wechatsim.PathExchange: exchanges, wechatsim.PathRefreshUser: refreshes, wechatsim.PathUserInfo: profiles} {
		if got := fx.sim.Calls(path); got != want {
			fx.Errorf("WeChat was asked for %s %d times, want %d", path, got, want)
		}
	}
	fx.sim.ResetCounts()
}

// rewrite changes the items of a kind in the table: that is how time passes here.
func (fx *fixture) rewrite(kind string, change func(item map[string]any)) {
	fx.Helper()
	s, err := dynamo.New(dynamo.Config{Client: fx.engine.Client, Table: fx.engine.Table})
	if err != nil {
		fx.Fatal(err)
	}
	for _, key := range fx.keys(kind) {
		item, err := s.Get(fx.Context(), key)
		if err != nil {
			fx.Fatal(err)
		}
		value := map[string]any{}
		d := json.NewDecoder(bytes.NewReader(item.Value))
		d.UseNumber()
		if err := d.Decode(&value); err != nil {
			fx.Fatal(err)
		}
		before := maps.Clone(value)
		change(value)
		if item.Value, err = json.Marshal(value); err != nil {
			fx.Fatal(err)
		}
		if end, ok := value["!"].(time.Time); ok { // of the item, not in it
			delete(value, "!")
			item.ExpiresAt = end
			item.Value, _ = json.Marshal(before)
		}
		if _, err := s.Replace(fx.Context(), item); err != nil {
			fx.Fatal(err)
		}
	}
}

// endTokens makes the users' access tokens end so soon, as far as we know.
func (fx *fixture) setTokenExpiry(in time.Duration) {
	fx.Helper()
	fx.rewrite("user", func(user map[string]any) {
		user["tokens"].(map[string]any)["accessEnd"] = time.Now().Add(in).Unix()
	})
}
