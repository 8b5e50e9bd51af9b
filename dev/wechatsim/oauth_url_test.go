package wechatsim

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
)

// The login pages accept WeChat's own samples.
func TestAuthorizeVectors(t *testing.T) {
	b, err := os.ReadFile("testdata/oauth-vectors.json")
	must(t, err)
	var file struct {
		Vectors []struct {
			ID    string
			Input struct {
				AppID, Scope, State string
				RedirectURI         string `json:"redirect_uri"`
			}
			Expected struct{ URL string }
		}
	}
	must(t, json.Unmarshal(b, &file))
	for _, v := range file.Vectors {
		t.Run(v.ID, func(t *testing.T) {
			u, err := url.Parse(v.Expected.URL)
			must(t, err)
			app := App{ID: v.Input.AppID, Secret: "x"}
			if u.Path == PathQRConnect {
				app.Kind = Website
			}
			f := newFixture(t, func(c *Config) { c.Apps = []App{app} })
			l, no := parseLogin(u.RawQuery)
			if no != nil || l.AppID != v.Input.AppID || l.Redirect != v.Input.RedirectURI || l.Scope != v.Input.Scope || l.State != v.Input.State {
				t.Errorf("%+v, %+v", l, no)
			}
			got := f.openPage(u.Path, u.RawQuery+"&wechatsim=approve")
			if !strings.HasPrefix(got.location.String(), v.Input.RedirectURI) || got.location.Query().Get("state") != v.Input.State || got.code(t) == "" {
				t.Errorf("back to %v", got.location)
			}
		})
	}
	if len(file.Vectors) != 2 {
		t.Errorf("%d vectors", len(file.Vectors))
	}
}

type authorizeCase struct {
	name, path, query string
	want              int // 302, 400, or the number of a page error
}

const (
	goodRedirect = "https%3A%2F%2Fa.example%2F"
	goodQuery    = "appid=" + appID + "&redirect_uri=" + goodRedirect + "&response_type=code&scope=snsapi_base&state=S1"
	qrQuery      = "appid=" + site + "&redirect_uri=" + goodRedirect + "&response_type=code&scope=snsapi_login&state=S1"
)

// swap is goodQuery with a part of it replaced.
func swap(old, with string) string {
	if !strings.Contains(goodQuery, old) {
		panic("no " + old)
	}
	return strings.Replace(goodQuery, old, with, 1)
}

// authorizeCases has a row for each page error that the simulator knows, and for what WeChat's
// pattern refuses without a number (HTTP 400).
var authorizeCases = []authorizeCase{
	{"good", PathAuthorize, goodQuery, 302},
	{"good at QR", PathQRConnect, qrQuery + "&wechatsim=approve", 302},
	{"plain http", PathAuthorize, swap("https%3A", "http%3A"), 302},
	{"capital host", PathAuthorize, swap("a.example", "A.example"), 10003},
	{"with a port", PathAuthorize, swap("a.example", "a.example%3A8443"), 302},
	{"forcePopup", PathAuthorize, goodQuery + "&forcePopup=true", 302},
	{"forceSnapShot", PathAuthorize, goodQuery + "&forceSnapShot=true", 302},
	{"lang", PathQRConnect, qrQuery + "&lang=en&wechatsim=approve", 302},
	{"128 letters of state", PathAuthorize, swap("S1", strings.Repeat("a", 128)), 302},
	{"no scope", PathAuthorize, swap("snsapi_base", ""), 10010},
	{"scope missing", PathAuthorize, swap("&scope=snsapi_base", ""), 10010},
	{"no redirect_uri", PathAuthorize, swap(goodRedirect, ""), 10011},
	{"no appid", PathAuthorize, swap(appID, ""), 10012},
	{"no state", PathAuthorize, swap("S1", ""), 10013},
	{"state missing", PathAuthorize, swap("&state=S1", ""), 10013},
	{"other host", PathAuthorize, swap("a.example", "b.example"), 10003},
	{"subdomain", PathAuthorize, swap("a.example", "www.a.example"), 10003},
	{"parent domain", PathAuthorize, swap("a.example", "example"), 10003},
	{"local", PathAuthorize, swap(goodRedirect, "http%3A%2F%2F127.0.0.1%3A8080%2F"), 10003},
	{"other scheme", PathAuthorize, swap("https%3A", "ftp%3A"), 10003},
	{"javascript URL", PathAuthorize, swap(goodRedirect, "javascript%3Aalert(1)"), 10003},
	{"path alone", PathAuthorize, swap(goodRedirect, "%2Fback"), 10003},
	{"user info in the host", PathAuthorize, swap("a.example", "a.example%40b.example"), 10003},
	{"scope of a website", PathAuthorize, swap("snsapi_base", "snsapi_login"), 10005},
	{"scope of an account", PathQRConnect, strings.Replace(qrQuery, "snsapi_login", "snsapi_userinfo", 1), 10005},
	{"unknown scope", PathAuthorize, swap("snsapi_base", "snsapi_all"), 10005},
	{"two scopes", PathAuthorize, swap("snsapi_base", "snsapi_base%2Csnsapi_userinfo"), 10005},
	{"scope not granted", PathAuthorize, strings.ReplaceAll(goodQuery, appID, other), 10005},
	{"account at QR", PathQRConnect, goodQuery, 10016},
	{"website in WeChat", PathAuthorize, qrQuery, 10016},
	{"empty query", PathAuthorize, "", 400},
	{"wrong order", PathAuthorize, swap("response_type=code&scope=snsapi_base", "scope=snsapi_base&response_type=code"), 400},
	{"sorted keys", PathAuthorize, url.Values{"state": {"a"}, "appid": {appID}}.Encode() + "&redirect_uri=x", 400},
	{"state first", PathAuthorize, "state=S1&" + swap("&state=S1", ""), 400},
	{"forcePopup first", PathAuthorize, "forcePopup=true&" + goodQuery, 400},
	{"state twice", PathAuthorize, goodQuery + "&state=S1", 400},
	{"lang twice", PathAuthorize, goodQuery + "&lang=en&lang=en", 400},
	{"unknown parameter", PathAuthorize, goodQuery + "&x=1", 400},
	{"not encoded", PathAuthorize, swap(goodRedirect, "https://a.example/"), 400},
	{"badly encoded", PathAuthorize, swap("S1", "%zz"), 400},
	{"other response_type", PathAuthorize, swap("code", "token"), 400},
	{"dash in state", PathAuthorize, swap("S1", "a-b"), 400},
	{"129 letters of state", PathAuthorize, swap("S1", strings.Repeat("a", 129)), 400},
	{"unknown app", PathAuthorize, swap(appID, "wx9"), 400},
	{"unknown answer", PathAuthorize, goodQuery + "&wechatsim=maybe", 400},
	{"unknown user", PathAuthorize, goodQuery + "&user=nobody", 400},
}

func TestAuthorizeURLs(t *testing.T) {
	for _, c := range authorizeCases {
		t.Run(c.name, func(t *testing.T) {
			f := newLoginFixture(t, func(c *Config) {
				c.Apps[0].OAuthDomain = "a.example"
				c.Apps[1].Scopes = []string{}
			})
			got := f.openPage(c.path, c.query)
			status := c.want
			if c.want >= 10000 {
				status = 200
				if !strings.Contains(got.body, fmt.Sprintf("<strong>%d</strong>", c.want)) || pageErrors[c.want] == "" {
					t.Errorf("no %d in %s", c.want, got.body)
				}
			}
			if got.status != status || (c.want == 302) != (got.location != nil) {
				t.Errorf("%d %s, want %d", got.status, got.body, c.want)
			}
			if got.location == nil && !strings.Contains(got.body, "该链接无法访问") {
				t.Errorf("%s", got.body)
			}
			if issued := len(f.state.Apps[appID].Codes) + len(f.state.Apps[site].Codes); (issued == 1) != (c.want == 302) {
				t.Errorf("%d codes", issued)
			}
		})
	}
}

// An empty domain allows any host, and one with a port is for a local server.
func TestOAuthDomain(t *testing.T) {
	for _, c := range []struct {
		name, domain, redirect string
		want                   bool
	}{
		{"any host", "", "https://a.example/x", true},
		{"any host and port", "", "http://127.0.0.1:8080/x", true},
		{"path alone", "", "/x", false},
		{"no host", "", "https:///x", false},
		{"port of the redirect", "a.example", "https://a.example:8443/x", true},
		{"port of the domain", "127.0.0.1:8080", "http://127.0.0.1:8080/x", true},
		{"other port", "127.0.0.1:8080", "http://127.0.0.1:8081/x", false},
		{"domain as a prefix", "a.example", "https://a.example.evil/", false},
		{"broken", "a.example", "https://%zz/", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (App{OAuthDomain: c.domain}).mayRedirectTo(c.redirect); got != c.want {
				t.Error(got)
			}
		})
	}
}

func TestStateOptional(t *testing.T) {
	for _, optional := range []bool{false, true} {
		t.Run(fmt.Sprintf("StateOptional=%v", optional), func(t *testing.T) {
			f := newLoginFixture(t, with(func(s *Switches) { s.StateOptional = optional }))
			for _, query := range []string{"&state=", ""} {
				v := f.openPage(PathAuthorize, "appid="+appID+"&redirect_uri=https%3A%2F%2Fa.example%2F&response_type=code&scope=snsapi_base"+query)
				if optional && v.code(t) == "" || !optional && !strings.Contains(v.body, "10013") {
					t.Errorf("%d %s", v.status, v.body)
				}
			}
		})
	}
}

func TestAddQuery(t *testing.T) {
	for _, c := range []struct{ name, redirect, add, want string }{
		{"no query", "https://a.example/", "code=C", "https://a.example/?code=C"},
		{"query", "https://a.example/?x=%2F&y", "code=C", "https://a.example/?x=%2F&y&code=C"},
		{"query and fragment", "https://a.example/?x#/route?z", "code=C", "https://a.example/?x&code=C#/route?z"},
		{"fragment", "https://a.example/#top", "code=C", "https://a.example/?code=C#top"},
		{"empty fragment", "https://a.example/#", "code=C", "https://a.example/?code=C#"},
		{"nothing to add", "https://a.example/x#top", "", "https://a.example/x#top"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := addQuery(c.redirect, c.add); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func FuzzParseLogin(f *testing.F) {
	f.Add(authorizeQuery(appID, scopeBase, "&lang=en&user=a&wechatsim=approve"))
	f.Add("appid=&&=&%zz")
	f.Fuzz(func(t *testing.T, raw string) {
		l, no := parseLogin(raw)
		if no == nil && !strings.Contains(raw, "response_type=") {
			t.Errorf("%q: %+v", raw, l)
		}
		page, bare := errorPage(refuse(10003, raw)), errorPage(refuse(10003, ""))
		if page.status != 200 || strings.Count(string(page.body), "<") != strings.Count(string(bare.body), "<") {
			t.Errorf("%q is not escaped", raw)
		}
	})
}
