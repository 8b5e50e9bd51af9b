package wechatsim_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/wechat"
)

const siteID = "wx0000000000000002"

// clientFixture is the product's client, a simulator, and their clock.
type clientFixture struct {
	*wechat.Client
	sim *wechatsim.Sim
	at  time.Time
}

func newClientFixture(t *testing.T, sw wechatsim.Switches) *clientFixture {
	t.Helper()
	f := &clientFixture{at: time.Unix(1714536000, 0)}
	var err error
	f.sim, err = wechatsim.New(wechatsim.Config{
		Apps: []wechatsim.App{
			{ID: appID, Secret: secret, OpenPlatform: "group", OAuthDomain: "a.example"},
			{ID: siteID, Secret: secret, Kind: wechatsim.Website, OpenPlatform: "group"},
		},
		Switches: sw, Now: func() time.Time { return f.at },
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Client = newClient(t, wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: f.sim.Client()})
	return f
}

func (f *clientFixture) code(t *testing.T, scope string, snapshot bool) string {
	t.Helper()
	code, err := f.sim.IssueCode(appID, "ming", scope, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func (f *clientFixture) login(t *testing.T, scope string) wechat.UserToken {
	t.Helper()
	token, err := f.ExchangeCode(t.Context(), appID, secret, f.code(t, scope, false))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// A login passes from the authorize URL to the profile, with every form of WeChat's answers.
func TestWebLogin(t *testing.T) {
	for _, style := range answerStyles {
		for _, c := range []struct{ name, app, scope string }{
			{"in WeChat", appID, wechat.ScopeUserInfo}, {"by QR code", siteID, wechat.ScopeLogin},
		} {
			t.Run(c.name+", "+style.name, func(t *testing.T) { webLogin(t, newClientFixture(t, style.switches), c.app, c.scope) })
		}
	}
}

func webLogin(t *testing.T, f *clientFixture, app, scope string) {
	ctx := t.Context()
	const home, state = "https://a.example/oauth/callback?app=x&y=%2F", "0123456789abcdef0123456789abcdef"
	page := wechat.LoginPage{OpenURL: wechat.DefaultOpenURL, AppID: app, RedirectURI: home, Scope: scope, State: state}
	to := wechat.AuthorizeURL(page, true)
	if app == siteID {
		to = wechat.QRConnectURL(page, "en")
	}
	login, fragment, _ := strings.Cut(to, "#")
	back := follow(t, f.sim.Client(), login+"&wechatsim=approve&user=hua")
	if !strings.HasPrefix(back.String(), home+"&code=") || back.Query().Get("state") != state || fragment != "wechat_redirect" {
		t.Fatalf("back to %v", back)
	}
	token, err := f.ExchangeCode(ctx, app, secret, back.Query().Get("code"))
	if err != nil || token.OpenID != f.sim.OpenID(app, "hua") || token.UnionID != f.sim.UnionID(appID, "hua") ||
		token.Scope != scope || token.ExpiresIn != 2*time.Hour || token.Snapshot || !f.sim.UserTokenValid(token.AccessToken) {
		t.Errorf("exchange: %v", err)
	}
	info, err := f.UserInfo(ctx, token.AccessToken, token.OpenID, "en")
	if err != nil || info.Nickname != "Li Hua" || info.OpenID != token.OpenID || info.UnionID != token.UnionID || info.Sex != 2 || len(info.Privilege) != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	if err := f.CheckUserToken(ctx, token.AccessToken, token.OpenID); err != nil {
		t.Error(err)
	}
	f.at = f.at.Add(2 * time.Hour)
	fresh, err := f.RefreshUserToken(ctx, app, token.RefreshToken)
	if err != nil || fresh.AccessToken == token.AccessToken || fresh.RefreshToken != token.RefreshToken || fresh.OpenID != token.OpenID {
		t.Errorf("refresh: %v", err)
	}
}

// follow returns the address that a page redirects the browser to.
func follow(t *testing.T, client *http.Client, to string) *url.URL {
	t.Helper()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Get(to)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	back, err := res.Location()
	if err != nil {
		t.Fatalf("HTTP %d: %v", res.StatusCode, err)
	}
	return back
}

// The simulated login pages accept every address that the client makes.
func TestLoginPagesAcceptTheClientsAddresses(t *testing.T) {
	server := httptest.NewServer(newClientFixture(t, wechatsim.Switches{}).sim)
	defer server.Close()
	official := wechat.LoginPage{OpenURL: server.URL, AppID: appID, RedirectURI: "https://a.example/?q=ä%20b", Scope: wechat.ScopeBase, State: "s"}
	site := official
	site.AppID, site.Scope = siteID, wechat.ScopeLogin
	for _, to := range []string{
		wechat.AuthorizeURL(official, false), wechat.AuthorizeURL(official, true),
		wechat.QRConnectURL(site, ""), wechat.QRConnectURL(site, "cn"), wechat.QRConnectURL(site, "en"),
	} {
		t.Run(to, func(t *testing.T) {
			login, _, _ := strings.Cut(to, "#")
			if back := follow(t, &http.Client{}, login+"&wechatsim=approve"); back.Query().Get("code") == "" || back.Query().Get("q") != "ä b" {
				t.Errorf("back to %v", back)
			}
		})
	}
}

func (f *clientFixture) exchange(t *testing.T, app, secret, code string) error {
	token, err := f.ExchangeCode(t.Context(), app, secret, code)
	if err != nil && token != (wechat.UserToken{}) {
		t.Error("a token along with an error")
	}
	return err
}

func (f *clientFixture) refresh(t *testing.T, token string) error {
	_, err := f.RefreshUserToken(t.Context(), appID, token)
	return err
}

func (f *clientFixture) profile(t *testing.T, token wechat.UserToken) error {
	_, err := f.UserInfo(t.Context(), token.AccessToken, token.OpenID, "")
	return err
}

func exchangeTwice(t *testing.T, f *clientFixture) error {
	code := f.code(t, wechat.ScopeBase, false)
	if err := f.exchange(t, appID, secret, code); err != nil {
		t.Error(err)
	}
	return f.exchange(t, appID, secret, code)
}

func exchangeLate(t *testing.T, f *clientFixture) error {
	code := f.code(t, wechat.ScopeBase, false)
	f.at = f.at.Add(300 * time.Second)
	return f.exchange(t, appID, secret, code)
}

func profileLate(t *testing.T, f *clientFixture) error {
	token := f.login(t, wechat.ScopeUserInfo)
	f.at = f.at.Add(2 * time.Hour)
	return f.profile(t, token)
}

// The client reads nicknames with markup and with control bytes.
func TestNicknames(t *testing.T) {
	for _, control := range []bool{false, true} {
		for _, c := range []struct{ user, want string }{{"ming", "小明 🌿"}, {"odd", `<b>"O'Odd" & Söhne</b>`}} {
			t.Run(fmt.Sprintf("%s, control byte %v", c.user, control), func(t *testing.T) {
				f := newClientFixture(t, wechatsim.Switches{NicknameControlByte: control})
				code, err := f.sim.IssueCode(appID, c.user, wechat.ScopeUserInfo, false)
				if err != nil {
					t.Fatal(err)
				}
				token, err := f.ExchangeCode(t.Context(), appID, secret, code)
				if err != nil {
					t.Fatal(err)
				}
				info, err := f.UserInfo(t.Context(), token.AccessToken, token.OpenID, "")
				if err != nil || strings.TrimRight(info.Nickname, " ") != c.want || control != strings.HasSuffix(info.Nickname, " ") || (info.HeadImgURL == "") != (c.user == "odd") {
					t.Errorf("%+v, %v", info, err)
				}
			})
		}
	}
}

// An exchange is sent once whatever happens; the other calls are repeated once.
func TestLoginThroughFaults(t *testing.T) {
	for _, c := range faults {
		t.Run(c.name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { loginThroughFault(t, c.fault) }) })
	}
}

func loginThroughFault(t *testing.T, fault wechatsim.Fault) {
	f := newClientFixture(t, wechatsim.Switches{})
	token, code := f.login(t, wechat.ScopeUserInfo), f.code(t, wechat.ScopeBase, false)
	f.sim.ResetCounts()
	f.sim.Fail(fault)
	err := f.exchange(t, appID, secret, code)
	var e *wechat.Error
	if !errors.As(err, &e) || e.Class() != wechat.ClassBusy || e.LoginAgain() || f.sim.Calls(wechatsim.PathExchange) != 1 {
		t.Errorf("exchange: %v, %v", err, f.sim.Counts())
	}
	f.at = f.at.Add(2 * time.Hour) // so that the refresh makes a new token
	f.sim.Fail(fault)
	fresh, err := f.RefreshUserToken(t.Context(), appID, token.RefreshToken)
	if err != nil || !f.sim.UserTokenValid(fresh.AccessToken) || f.sim.Calls(wechatsim.PathRefreshUser) != 2 {
		t.Errorf("refresh: %v, %v", err, f.sim.Counts())
	}
	f.sim.Fail(fault)
	if err := f.profile(t, fresh); err != nil || f.sim.Calls(wechatsim.PathUserInfo) != 2 {
		t.Errorf("profile: %v, %v", err, f.sim.Counts())
	}
	f.sim.Fail(fault)
	if err := f.CheckUserToken(t.Context(), fresh.AccessToken, fresh.OpenID); err != nil || f.sim.Calls(wechatsim.PathCheckUser) != 2 {
		t.Errorf("check: %v, %v", err, f.sim.Counts())
	}
}

// Codes, tokens, the secret and openids that WeChat echoes are cut out of errors.
func TestLoginErrorsAreRedacted(t *testing.T) {
	f := newClientFixture(t, wechatsim.Switches{})
	token, code := f.login(t, wechat.ScopeUserInfo), f.code(t, wechat.ScopeBase, false)
	echo := strings.Join([]string{token.AccessToken, token.RefreshToken, token.OpenID, code, secret, url.QueryEscape(secret)}, " ")
	for _, answer := range []struct {
		name  string
		fault wechatsim.Fault
	}{
		{"errmsg", wechatsim.Fault{ErrCode: 40029, ErrMsg: echo}},
		{"status 500", wechatsim.Fault{Status: 500, Body: echo}},
		{"body", wechatsim.Fault{Body: echo}},
		{"errcode", wechatsim.Fault{Body: `{"errcode":"` + echo + `"}`}},
	} {
		for _, c := range []struct {
			name string
			do   func() error
			sent []string // which can be cut out, since the client knows it
		}{
			{"exchange", func() error { return f.exchange(t, appID, secret, code) }, []string{code, secret, url.QueryEscape(secret)}},
			{"refresh", func() error { return f.refresh(t, token.RefreshToken) }, []string{token.RefreshToken}},
			{"profile", func() error { return f.profile(t, token) }, []string{token.AccessToken, token.OpenID}},
			{"check", func() error { return f.CheckUserToken(t.Context(), token.AccessToken, token.OpenID) }, []string{token.AccessToken, token.OpenID}},
		} {
			t.Run(c.name+", "+answer.name, func(t *testing.T) {
				f.sim.ClearFaults()
				f.sim.Fail(answer.fault)
				err := c.do()
				text := fmt.Sprintf("%v %+v %#v", err, err, err)
				for _, s := range c.sent {
					if err == nil || strings.Contains(text, s) || strings.Contains(text, "/sns/") {
						t.Error(text)
					}
				}
			})
		}
	}
}
