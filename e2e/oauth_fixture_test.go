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

// loginFixture is what is around the function that logs users in.
type loginFixture struct {
	sessionSecrets *canaries      // each of them opens a session, or can get one
	answers        *secretScanner // the answers, without the parts that should have one
}

// newLoginFixture makes a fixture with two official accounts, a website, a mini-program,
// and pages of two sites.
func newLoginFixture(tb testing.TB, launch launcher) *fixture {
	tb.Helper()
	fx := newFixture(tb, launch)
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

// plantSessionSecret plants what opens a session, or can get one.
func (fx *fixture) plantSessionSecret(secret string) {
	if secret != "" {
		fx.sessionSecrets.plant(secret)
		fx.private.plant(secret) // so that it is in no log and no refusal
	}
}

// browser is the browser of a user of WeChat. It stores cookies.
type browser struct {
	f    *function
	jar  *cookiejar.Jar
	user string // the simulator's name of the user
	page string // origin of the page that it shows
	// token is sent as a bearer token. If it is set, no cookies are sent.
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

// cookie returns the value of a cookie, or "" if there is none.
func (b *browser) cookie(name string) string {
	for _, c := range b.jar.Cookies(apiURL) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// at returns the same browser, which sends its requests to another function.
func (b *browser) at(f *function) *browser {
	other := *b
	other.f = f
	return &other
}

// visit opens an address of ours, as a link does.
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
	a, err := b.f.send(r)
	if err != nil {
		b.f.fx.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		return answer{}
	}
	cookies := (&http.Response{Header: a.header}).Cookies()
	b.jar.SetCookies(apiURL, cookies)
	b.f.fx.recordAnswer(a, cookies)
	return a
}

// recordAnswer plants the secrets that an answer should have, and takes the rest of the
// answer for the search.
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
		fx.Errorf("answer %d may be cached: %v", a.status, a.header)
	}
}

// begin begins a login, and returns the address of WeChat's page.
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

// answerAtWeChat gives the user's answer on WeChat's page. It returns the address of ours
// that the page leads to, with a code if the user approves.
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

// A page of another site stores the verifier, and sends its SHA-256, the challenge.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// redeemBody returns the body of POST /oauth/token for a login code.
func redeemBody(code string) string {
	return `{"code":"` + code + `","verifier":"` + verifier + `"}`
}

// beginAndApprove begins a login, and approves it on WeChat's page. It returns the address
// of the callback.
func (b *browser) beginAndApprove(query string) (callback string) {
	b.f.fx.Helper()
	return b.answerAtWeChat(b.begin(query), wechatsim.AnswerApprove)
}

// logIn logs the user in.
func (b *browser) logIn(query string) *browser {
	b.f.fx.Helper()
	b.wantLoggedIn(b.visit(b.beginAndApprove(query)))
	return b
}

// wantLoggedIn checks that the answer to a callback has set the cookie of a session.
func (b *browser) wantLoggedIn(a answer) {
	b.f.fx.Helper()
	if a.status != http.StatusSeeOther || b.cookie(sessionCookie) == "" || strings.Contains(a.header.Get("Location"), "wechatfn_code") {
		b.f.fx.Fatalf("answer %d %s %v", a.status, a.body, a.header)
	}
}

// loginCodeOf returns the login code that the answer to a callback passes to a page of
// another site.
func (b *browser) loginCodeOf(a answer) string {
	b.f.fx.Helper()
	to, err := url.Parse(a.header.Get("Location"))
	code := to.Query().Get("wechatfn_code")
	if err != nil || a.status != http.StatusSeeOther || code == "" || b.cookie(sessionCookie) != "" {
		b.f.fx.Fatalf("answer %d %s %v", a.status, a.body, a.header)
	}
	return code
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

// wantPage checks that the answer is a page that tells the user what went wrong.
func wantPage(tb testing.TB, a answer, status int, code string) {
	tb.Helper()
	if a.status != status || !bytes.Contains(a.body, []byte(code)) || a.header.Get("Content-Type") != "text/html; charset=utf-8" || len(a.body) > 32<<10 {
		tb.Errorf("answer %d %v %.2000s, want %d %s", a.status, a.header, a.body, status, code)
	}
}

// wantLoginCalls checks the calls of WeChat for logins since they were last checked.
func (fx *fixture) wantLoginCalls(exchanges, refreshes, profiles int) {
	fx.Helper()
	for _, c := range []struct {
		path string
		want int
	}{{wechatsim.PathExchange, exchanges}, {wechatsim.PathRefreshUser, refreshes}, {wechatsim.PathUserInfo, profiles}} {
		if got := fx.sim.Calls(c.path); got != c.want {
			fx.Errorf("WeChat was asked for %s %d times, want %d", c.path, got, c.want)
		}
	}
	fx.sim.ResetCounts()
}

// rewrite changes the items of a kind in the table. Tests use it to let time pass. If
// change sets the key "!", this is the new expiry of the item, and its value is not
// changed.
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
		if end, ok := value["!"].(time.Time); ok { // the expiry of the item
			delete(value, "!")
			item.ExpiresAt = end
			item.Value, _ = json.Marshal(before)
		}
		if _, err := s.Replace(fx.Context(), item); err != nil {
			fx.Fatal(err)
		}
	}
}

// setTokenExpiry changes our record of when the users' access tokens expire. WeChat does
// not know of it.
func (fx *fixture) setTokenExpiry(in time.Duration) {
	fx.Helper()
	fx.rewrite("user", func(user map[string]any) {
		user["tokens"].(map[string]any)["accessEnd"] = time.Now().Add(in).Unix()
	})
}
