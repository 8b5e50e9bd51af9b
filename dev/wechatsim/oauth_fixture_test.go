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

// newLogins is a world with two linked apps, one of them a website, and one that is not linked.
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
	ExpiresIn      int  `json:"expires_in"`
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

func (w *fixture) sns(path string, pairs ...string) grantReply {
	w.t.Helper()
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	r := w.ask("GET", path, query, nil)
	g := grantReply{text: r.text}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(r.text, "\x14", "")), &g); err != nil && r.code != -2 {
		w.t.Fatalf("%s: %v", r.text, err)
	}
	g.Code = r.code
	return g
}

func (w *fixture) issue(appID, user, scope string, snapshot bool) string {
	w.t.Helper()
	code, err := w.IssueCode(appID, user, scope, snapshot)
	must(w.t, err)
	return code
}

func (w *fixture) exchange(code string) grantReply {
	w.t.Helper()
	return w.sns(PathExchange, "appid", appID, "secret", secret, "code", code, "grant_type", "authorization_code")
}

// login is a user's token at appID.
func (w *fixture) login(user, scope string) grantReply {
	w.t.Helper()
	return w.exchange(w.issue(appID, user, scope, false)).expect(w.t, 0)
}

func (w *fixture) refresh(token string) grantReply {
	w.t.Helper()
	return w.sns(PathRefreshUser, "appid", appID, "grant_type", "refresh_token", "refresh_token", token)
}

func (w *fixture) info(g grantReply) grantReply {
	w.t.Helper()
	return w.sns(PathUserInfo, "access_token", g.Access, "openid", g.OpenID, "lang", "zh_CN")
}

func (w *fixture) checkUser(g grantReply) grantReply {
	w.t.Helper()
	return w.sns(PathCheckUser, "access_token", g.Access, "openid", g.OpenID)
}

// visit is a browser that does not follow; jar may be nil.
type pageAnswer struct {
	status   int
	location *url.URL // nil when the page stays
	body     string
	header   http.Header
}

func (w *fixture) openPage(path, query string, cookies ...*http.Cookie) pageAnswer {
	w.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "https://open.weixin.qq.com"+path+"?"+query, nil)
	must(w.t, err)
	for _, c := range cookies {
		req.AddCookie(c)
	}
	client := w.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	must(w.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(w.t, err)
	v := pageAnswer{status: res.StatusCode, body: string(text), header: res.Header}
	if to := res.Header.Get("Location"); to != "" {
		v.location, err = url.Parse(to)
		must(w.t, err)
	}
	return v
}

// code is the code that a visit brought back.
func (v pageAnswer) code(t *testing.T) string {
	t.Helper()
	if v.status != http.StatusFound || v.location == nil || v.location.Query().Get("code") == "" {
		t.Fatalf("no code: %d %s", v.status, v.body)
	}
	return v.location.Query().Get("code")
}

// asks is the query of an authorize URL.
func authorizeQuery(appID, scope, rest string) string {
	return "appid=" + appID + "&redirect_uri=https%3A%2F%2Fa.example%2Fback%3Fx%3D1&response_type=code&scope=" + scope + "&state=S1" + rest
}
