package wechatsim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const (
	site       = "wx0000000000000003" // a website, linked like appID
	siteSecret = "secret-3"
)

// newLoginFixture is a fixture with two linked apps, one of them a website, and one that is not linked.
func newLoginFixture(t *testing.T, change ...func(*Config)) *fixture {
	t.Helper()
	return newFixture(t, slices.Concat([]func(*Config){func(c *Config) {
		c.Apps[0].OpenPlatform = "group"
		c.Apps = append(c.Apps, App{ID: site, Secret: siteSecret, Kind: Website, OpenPlatform: "group"})
	}}, change)...)
}

// grantReply is the answer to a call about a user's login.
type grantReply struct {
	Code      int
	Message   string `json:"errmsg"`
	Access    string `json:"access_token"`
	Refresh   string `json:"refresh_token"`
	OpenID    string
	UnionID   *string
	Scope     string
	ExpiresIn int  `json:"expires_in"`
	Snapshot  *int `json:"is_snapshotuser"`
	Nickname  string
	Picture   *string `json:"headimgurl"`
	Privilege []string
	Sex       *int
	text      string
}

func (g grantReply) expect(t *testing.T, code int) grantReply {
	t.Helper()
	if g.Code != code || code != 0 && (g.Message == "" || g.Access+g.OpenID != "") {
		t.Errorf("want errcode %d: %s", code, g.text)
	}
	return g
}

func (f *fixture) sns(path string, pairs ...string) grantReply {
	f.t.Helper()
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	r := f.ask("GET", path, query, nil)
	g := grantReply{text: r.text}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(r.text, "\x14", "")), &g); err != nil && r.code != -2 {
		f.t.Fatalf("%s: %v", r.text, err)
	}
	g.Code = r.code
	return g
}

func (f *fixture) issue(appID, user, scope string, snapshot bool) string {
	f.t.Helper()
	code, err := f.IssueCode(appID, user, scope, snapshot)
	must(f.t, err)
	return code
}

func (f *fixture) exchange(code string) grantReply {
	f.t.Helper()
	return f.sns(PathExchange, "appid", appID, "secret", secret, "code", code, "grant_type", "authorization_code")
}

// login is a user's token at appID.
func (f *fixture) login(user, scope string) grantReply {
	f.t.Helper()
	return f.exchange(f.issue(appID, user, scope, false)).expect(f.t, 0)
}

func (f *fixture) refresh(token string) grantReply {
	f.t.Helper()
	return f.sns(PathRefreshUser, "appid", appID, "grant_type", "refresh_token", "refresh_token", token)
}

func (f *fixture) info(g grantReply) grantReply {
	f.t.Helper()
	return f.sns(PathUserInfo, "access_token", g.Access, "openid", g.OpenID, "lang", "zh_CN")
}

func (f *fixture) checkUser(g grantReply) grantReply {
	f.t.Helper()
	return f.sns(PathCheckUser, "access_token", g.Access, "openid", g.OpenID)
}

// pageAnswer is what a browser gets that does not follow redirects.
type pageAnswer struct {
	status   int
	location *url.URL // nil without a redirect
	body     string
	header   http.Header
}

func (f *fixture) openPage(path, query string, cookies ...*http.Cookie) pageAnswer {
	f.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "https://open.weixin.qq.com"+path+"?"+query, nil)
	must(f.t, err)
	for _, c := range cookies {
		req.AddCookie(c)
	}
	client := f.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	must(f.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(f.t, err)
	p := pageAnswer{status: res.StatusCode, body: string(text), header: res.Header}
	if to := res.Header.Get("Location"); to != "" {
		p.location, err = url.Parse(to)
		must(f.t, err)
	}
	return p
}

// code is the code in the redirect.
func (p pageAnswer) code(t *testing.T) string {
	t.Helper()
	if p.status != http.StatusFound || p.location == nil || p.location.Query().Get("code") == "" {
		t.Fatalf("no code: %d %s", p.status, p.body)
	}
	return p.location.Query().Get("code")
}

// authorizeQuery is the query of an authorize URL.
func authorizeQuery(appID, scope, rest string) string {
	return "appid=" + appID + "&redirect_uri=https%3A%2F%2Fa.example%2Fback%3Fx%3D1&response_type=code&scope=" + scope + "&state=S1" + rest
}
