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

// desk is the product's client, a simulator, and a clock between them.
type desk struct {
	*wechat.Client
	sim *wechatsim.Sim
	at  time.Time
}

func newDesk(t *testing.T, sw wechatsim.Switches) *desk {
	t.Helper()
	d := &desk{at: time.Unix(1714536000, 0)}
	var err error
	d.sim, err = wechatsim.New(wechatsim.Config{
		Apps: []wechatsim.App{
			{ID: appID, Secret: secret, OpenPlatform: "group", OAuthDomain: "a.example"},
			{ID: siteID, Secret: secret, Kind: wechatsim.Website, OpenPlatform: "group"},
		},
		Switches: sw, Now: func() time.Time { return d.at },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Client = newClient(t, wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: d.sim.Client()})
	return d
}

func (d *desk) code(t *testing.T, scope string, snapshot bool) string {
	t.Helper()
	code, err := d.sim.IssueCode(appID, "ming", scope, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func (d *desk) login(t *testing.T, scope string) wechat.UserToken {
	t.Helper()
	token, err := d.ExchangeCode(t.Context(), appID, secret, d.code(t, scope, false))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestWebLogin walks through a login from the authorize URL to the profile, in every surface.
func TestWebLogin(t *testing.T) {
	for _, sw := range surfaces {
		for _, c := range []struct{ app, scope string }{{appID, wechat.ScopeUserInfo}, {siteID, wechat.ScopeLogin}} {
			d := newDesk(t, sw)
			ctx := t.Context()
			const home = "https://a.example/oauth/callback?app=x&y=%2F"
			page := wechat.LoginPage{OpenURL: wechat.DefaultOpenURL, AppID: c.app, RedirectURI: home, Scope: c.scope, State: "0123456789abcdef0123456789abcdef"}
			to := wechat.AuthorizeURL(page, true)
			if c.app == siteID {
				to = wechat.QRConnectURL(page, "en")
			}
			login, fragment, _ := strings.Cut(to, "#")
			back := follow(t, d.sim.Client(), login+"&wechatsim=approve&user=hua")
			if !strings.HasPrefix(back.String(), home+"&code=") || back.Query().Get("state") != "0123456789abcdef0123456789abcdef" || fragment != "wechat_redirect" {
				t.Fatalf("back to %v", back)
			}
			token, err := d.ExchangeCode(ctx, c.app, secret, back.Query().Get("code"))
			if err != nil || token.OpenID != d.sim.OpenID(c.app, "hua") || token.UnionID != d.sim.UnionID(appID, "hua") ||
				token.Scope != c.scope || token.ExpiresIn != 2*time.Hour || token.Snapshot || !d.sim.UserTokenAlive(token.AccessToken) {
				t.Errorf("exchange: %v", err)
			}
			info, err := d.UserInfo(ctx, token.AccessToken, token.OpenID, "en")
			if err != nil || info.Nickname != "Li Hua" || info.OpenID != token.OpenID || info.UnionID != token.UnionID || info.Sex != 2 || len(info.Privilege) != 1 {
				t.Errorf("%+v, %v", info, err)
			}
			if err := d.CheckUserToken(ctx, token.AccessToken, token.OpenID); err != nil {
				t.Error(err)
			}
			d.at = d.at.Add(2 * time.Hour)
			fresh, err := d.RefreshUserToken(ctx, c.app, token.RefreshToken)
			if err != nil || fresh.AccessToken == token.AccessToken || fresh.RefreshToken != token.RefreshToken || fresh.OpenID != token.OpenID {
				t.Errorf("refresh: %v", err)
			}
		}
	}
}

// follow is where a page sends the browser.
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

// The simulated pages take every address that the client makes.
func TestLoginPagesPassThePattern(t *testing.T) {
	server := httptest.NewServer(newDesk(t, wechatsim.Switches{}).sim)
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

// TestLoginErrors: what each of WeChat's refusals looks like to the product, with one row each.
func TestLoginErrors(t *testing.T) {
	type verdict struct {
		code                             int
		class                            wechat.Class
		spent, dead, noPermission, again bool
	}
	bad := func(code int) verdict { return verdict{code: code, class: wechat.ClassUser, spent: true, again: true} }
	dead := func(code int) verdict { return verdict{code: code, class: wechat.ClassUser, dead: true} }
	again := func(code int) verdict { return verdict{code: code, class: wechat.ClassUser, again: true} }
	for name, c := range map[string]struct {
		sw   wechatsim.Switches
		want verdict
		do   func(*testing.T, *desk) error
	}{
		"unknown code": {want: bad(40029), do: func(t *testing.T, d *desk) error { return d.exchange(t, appID, secret, "x") }},
		"foreign code": {want: bad(40029), do: func(t *testing.T, d *desk) error {
			return d.exchange(t, siteID, secret, d.code(t, wechat.ScopeBase, false))
		}},
		"used code":                    {want: bad(40163), do: twice},
		"used code, as some see it":    {sw: wechatsim.Switches{UsedCodeCode: 40029}, want: bad(40029), do: twice},
		"expired code":                 {want: bad(42003), do: late},
		"expired code, as some see it": {sw: wechatsim.Switches{ExpiredCodeCode: 40029}, want: bad(40029), do: late},
		"missing code":                 {want: again(41008), do: func(t *testing.T, d *desk) error { return d.exchange(t, appID, secret, "") }},
		"secret": {want: verdict{code: 40125, class: wechat.ClassConfiguration},
			do: func(t *testing.T, d *desk) error { return d.exchange(t, appID, "other", "x") }},
		"secret, as the token page says": {sw: wechatsim.Switches{WrongSecretCode: 40001}, want: verdict{code: 40001, class: wechat.ClassConfiguration},
			do: func(t *testing.T, d *desk) error { return d.exchange(t, appID, "other", "x") }},
		"no secret": {want: verdict{code: 41004, class: wechat.ClassConfiguration},
			do: func(t *testing.T, d *desk) error { return d.exchange(t, appID, "", "x") }},
		"appid": {want: verdict{code: 40013, class: wechat.ClassConfiguration},
			do: func(t *testing.T, d *desk) error { return d.exchange(t, "wx9", secret, "x") }},
		"refresh token": {want: again(40030), do: func(t *testing.T, d *desk) error { return d.refresh(t, "x") }},
		"refresh token too old": {want: again(42002), do: func(t *testing.T, d *desk) error {
			token := d.login(t, wechat.ScopeBase)
			d.at = d.at.Add(30 * 24 * time.Hour)
			return d.refresh(t, token.RefreshToken)
		}},
		"refresh after a new password": {want: again(42007), do: func(t *testing.T, d *desk) error {
			token := d.login(t, wechat.ScopeBase)
			return errors.Join(d.sim.VoidUserTokens(appID, "ming"), d.refresh(t, token.RefreshToken))
		}},
		"profile after a new password": {want: again(42007), do: func(t *testing.T, d *desk) error {
			token := d.login(t, wechat.ScopeUserInfo)
			return errors.Join(d.sim.VoidUserTokens(appID, "ming"), d.profile(t, token))
		}},
		"token ended": {want: dead(40014), do: func(t *testing.T, d *desk) error {
			token := d.login(t, wechat.ScopeUserInfo)
			return errors.Join(d.sim.EndUserTokens(appID, "ming", 40014), d.profile(t, token))
		}},
		"token too old":           {want: dead(42001), do: profileLate},
		"token too old, as 40001": {sw: wechatsim.Switches{ExpiredTokenCode: 40001}, want: dead(40001), do: profileLate},
		"token too old, checked": {want: dead(42001), do: func(t *testing.T, d *desk) error {
			token := d.login(t, wechat.ScopeBase)
			d.at = d.at.Add(2 * time.Hour)
			return d.CheckUserToken(t.Context(), token.AccessToken, token.OpenID)
		}},
		"unknown token": {want: dead(40014), do: func(t *testing.T, d *desk) error { return d.CheckUserToken(t.Context(), "x", "y") }},
		"another's openid": {want: again(40003), do: func(t *testing.T, d *desk) error {
			return d.CheckUserToken(t.Context(), d.login(t, wechat.ScopeBase).AccessToken, d.sim.OpenID(appID, "hua"))
		}},
		"silent login's profile": {want: verdict{code: 48001, class: wechat.ClassUser, noPermission: true},
			do: func(t *testing.T, d *desk) error { return d.profile(t, d.login(t, wechat.ScopeBase)) }},
		"snapshot user's profile": {want: verdict{code: 48001, class: wechat.ClassUser, noPermission: true}, do: func(t *testing.T, d *desk) error {
			token, err := d.ExchangeCode(t.Context(), appID, secret, d.code(t, wechat.ScopeUserInfo, true))
			if err != nil || !token.Snapshot {
				t.Errorf("snapshot: %v", err)
			}
			return d.profile(t, token)
		}},
	} {
		for _, surface := range surfaces {
			c.sw.ContentType, c.sw.StringErrcode, c.sw.RID = surface.ContentType, surface.StringErrcode, surface.RID
			var e *wechat.Error
			if err := c.do(t, newDesk(t, c.sw)); !errors.As(err, &e) {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got := (verdict{e.Code, e.Class(), e.CodeUsed(), e.UserTokenInvalid(), e.NoPermission(), e.LoginAgain()}); got != c.want {
				t.Errorf("%s: %+v, want %+v", name, got, c.want)
			}
		}
	}
}

func (d *desk) exchange(t *testing.T, app, secret, code string) error {
	token, err := d.ExchangeCode(t.Context(), app, secret, code)
	if err != nil && token != (wechat.UserToken{}) {
		t.Error("a token along with an error")
	}
	return err
}

func (d *desk) refresh(t *testing.T, token string) error {
	_, err := d.RefreshUserToken(t.Context(), appID, token)
	return err
}

func (d *desk) profile(t *testing.T, token wechat.UserToken) error {
	_, err := d.UserInfo(t.Context(), token.AccessToken, token.OpenID, "")
	return err
}

func twice(t *testing.T, d *desk) error {
	code := d.code(t, wechat.ScopeBase, false)
	if err := d.exchange(t, appID, secret, code); err != nil {
		t.Error(err)
	}
	return d.exchange(t, appID, secret, code)
}

func late(t *testing.T, d *desk) error {
	code := d.code(t, wechat.ScopeBase, false)
	d.at = d.at.Add(300 * time.Second)
	return d.exchange(t, appID, secret, code)
}

func profileLate(t *testing.T, d *desk) error {
	token := d.login(t, wechat.ScopeUserInfo)
	d.at = d.at.Add(2 * time.Hour)
	return d.profile(t, token)
}

// TestNicknames come through whatever is in them.
func TestNicknames(t *testing.T) {
	for _, control := range []bool{false, true} {
		d := newDesk(t, wechatsim.Switches{NicknameControlByte: control})
		for user, want := range map[string]string{"ming": "小明 🌿", "odd": `<b>"O'Odd" & Söhne</b>`} {
			code, err := d.sim.IssueCode(appID, user, wechat.ScopeUserInfo, false)
			if err != nil {
				t.Fatal(err)
			}
			token, err := d.ExchangeCode(t.Context(), appID, secret, code)
			if err != nil {
				t.Fatal(err)
			}
			info, err := d.UserInfo(t.Context(), token.AccessToken, token.OpenID, "")
			if err != nil || strings.TrimRight(info.Nickname, " ") != want || control != strings.HasSuffix(info.Nickname, " ") || (info.HeadImgURL == "") != (user == "odd") {
				t.Errorf("%+v, %v", info, err)
			}
		}
	}
}

// TestLoginThroughFaults: an exchange is one request whatever happens; the others are two.
func TestLoginThroughFaults(t *testing.T) {
	for _, f := range []wechatsim.Fault{
		{DropBefore: true}, {DropAfter: true}, {ErrCode: -1}, {Status: 500}, {AnswerDelay: time.Minute}, {BodyDelay: time.Minute},
	} {
		f.Times = 1
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, wechatsim.Switches{})
			token, code := d.login(t, wechat.ScopeUserInfo), d.code(t, wechat.ScopeBase, false)
			d.sim.ResetCounts()
			d.sim.Fail(f)
			err := d.exchange(t, appID, secret, code)
			var e *wechat.Error
			if !errors.As(err, &e) || e.Class() != wechat.ClassBusy || e.LoginAgain() || d.sim.Calls(wechatsim.PathExchange) != 1 {
				t.Errorf("%+v: %v, %v", f, err, d.sim.Counts())
			}
			d.at = d.at.Add(2 * time.Hour) // so that the refresh makes a new token
			d.sim.Fail(f)
			fresh, err := d.RefreshUserToken(t.Context(), appID, token.RefreshToken)
			if err != nil || !d.sim.UserTokenAlive(fresh.AccessToken) || d.sim.Calls(wechatsim.PathRefreshUser) != 2 {
				t.Errorf("%+v: %v, %v", f, err, d.sim.Counts())
			}
			d.sim.Fail(f)
			if err := d.profile(t, fresh); err != nil || d.sim.Calls(wechatsim.PathUserInfo) != 2 {
				t.Errorf("%+v: %v, %v", f, err, d.sim.Counts())
			}
			d.sim.Fail(f)
			if err := d.CheckUserToken(t.Context(), fresh.AccessToken, fresh.OpenID); err != nil || d.sim.Calls(wechatsim.PathCheckUser) != 2 {
				t.Errorf("%+v: %v, %v", f, err, d.sim.Counts())
			}
		})
	}
}

// TestLoginErrorsTellNothing: codes, tokens, the secret and openids that WeChat echoes are cut out.
func TestLoginErrorsTellNothing(t *testing.T) {
	d := newDesk(t, wechatsim.Switches{})
	token, code := d.login(t, wechat.ScopeUserInfo), d.code(t, wechat.ScopeBase, false)
	secrets := []string{token.AccessToken, token.RefreshToken, token.OpenID, code, secret, url.QueryEscape(secret)}
	echo := strings.Join(secrets, " ")
	for _, f := range []wechatsim.Fault{{ErrCode: 40029, ErrMsg: echo}, {Status: 500, Body: echo}, {Body: echo}, {Body: `{"errcode":"` + echo + `"}`}} {
		d.sim.ClearFaults()
		d.sim.Fail(f)
		for name, c := range map[string]struct {
			err   error
			knows []string // what was sent, and so can be cut out
		}{
			"exchange": {d.exchange(t, appID, secret, code), []string{code, secret, url.QueryEscape(secret)}},
			"refresh":  {d.refresh(t, token.RefreshToken), []string{token.RefreshToken}},
			"profile":  {d.profile(t, token), []string{token.AccessToken, token.OpenID}},
			"check":    {d.CheckUserToken(t.Context(), token.AccessToken, token.OpenID), []string{token.AccessToken, token.OpenID}},
		} {
			text := fmt.Sprintf("%v %+v %#v", c.err, c.err, c.err)
			for _, s := range c.knows {
				if c.err == nil || strings.Contains(text, s) || strings.Contains(text, "/sns/") {
					t.Errorf("%s, %+v: %s", name, f.Status, text)
				}
			}
		}
	}
}
