package app

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/config"
	"wechatfn/shared/wechat"
)

func TestOAuthWithAMiniProgramOnly(t *testing.T) {
	f := newFixture(t, miniOnly)
	token := f.logIn(`,"sku":"shop","device":"phone"`)
	if got := f.do("GET", "/oauth/session?sku=shop", "", token); got.Code != 200 || !strings.Contains(got.Body.String(), `"device":"phone"`) {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := f.do("GET", "/oauth/authorize", "", ""); got.Code != 400 || !strings.Contains(got.Body.String(), "app_unknown") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	if who, err := f.Authorize(r); err != nil || who["sku"] != "shop" || who["device"] != "phone" || who["app"] != "mini" {
		t.Errorf("%v, %v", who, err)
	}
	// No token is stored yet. The function requests a refresh, and the next call finds one.
	if got := f.do("GET", "/miniprogram/session", "", token); got.Code != 503 || got.Header().Get("Retry-After") != "2" || f.refreshRequests != 1 {
		t.Errorf("%d %s, %d refresh requests", got.Code, got.Body, f.refreshRequests)
	}
}

func TestOAuthWithoutAMiniProgram(t *testing.T) {
	f := newFixture(t, shopOnly)
	if got := f.do("POST", "/miniprogram/login", `{"code":"x"}`, ""); got.Code != 400 || !strings.Contains(got.Body.String(), "app_unknown") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if _, err := f.Operator.Handle(t.Context(), []byte(`{"action":"reset_session_key","openid":"x"}`)); err == nil || !strings.Contains(err.Error(), "no mini-program") {
		t.Error(err)
	}
}

// The variables for mini-programs reach the handler of mini-programs.
func TestVariablesOfMiniPrograms(t *testing.T) {
	f := newFixture(t, miniOnly, "SESSION_IDLE_TIMEOUT", "1h", "MINIPROGRAM_SESSION_TTL", "90m", "MINIPROGRAM_DATA_AGE", "1m", "SESSION_DEVICES", "2")
	tokens := []string{f.logIn(""), f.logIn(""), f.logIn("")}
	t.Run("SESSION_DEVICES", func(t *testing.T) {
		if a, b := f.do("GET", "/oauth/session", "", tokens[0]), f.do("GET", "/oauth/session", "", tokens[1]); a.Code != 401 || b.Code != 200 {
			t.Errorf("%d and %d", a.Code, b.Code)
		}
	})
	t.Run("MINIPROGRAM_SESSION_TTL", func(t *testing.T) {
		var s struct{ CreatedAt, ExpiresAt, EndsAt int64 }
		got := f.do("GET", "/oauth/session", "", tokens[2])
		if err := json.Unmarshal(got.Body.Bytes(), &s); err != nil || s.EndsAt-s.CreatedAt != 90*60 || s.ExpiresAt != s.EndsAt {
			t.Errorf("%s, %v", got.Body, err)
		}
	})
	for _, c := range []struct {
		name   string
		age    time.Duration
		status int
	}{
		{"MINIPROGRAM_DATA_AGE, half of it", 30 * time.Second, 200},
		{"MINIPROGRAM_DATA_AGE, too old", 90 * time.Second, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, err := f.sim.MiniUserData(miniID, "hua", wechatsim.MiniOptions{Timestamp: time.Now().Add(-c.age).Unix()})
			if err != nil {
				t.Fatal(err)
			}
			body, _ := json.Marshal(data)
			if got := f.do("POST", "/miniprogram/decrypt", string(body), tokens[2]); got.Code != c.status {
				t.Errorf("%d %s", got.Code, got.Body)
			}
		})
	}
}

// Browsers send cookies with the prefix __Host- over https only. With a plain http
// address each login would be lost, so the function does not start.
func TestPublicURLMustBeHTTPS(t *testing.T) {
	for _, c := range []struct {
		name, address string
		insecure, ok  bool
	}{
		{"http", "http://api.example.com", false, false},
		{"http, insecure", "http://api.example.com", true, true},
		{"https", "https://api.example.com", false, true},
		{"that of the request", "", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			values := map[string]string{"WECHAT_APP_ID": "wx0000000000000001", "PUBLIC_URL": c.address}
			settings, err := config.Load(func(name string) string { return values[name] }, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = OAuth(settings, Deps{Store: newStore(t), WeChat: new(wechat.Client), Secrets: settings.Secret, Insecure: c.insecure})
			if (err == nil) != c.ok || !c.ok && !strings.Contains(err.Error(), "https") {
				t.Error(err)
			}
		})
	}
}

func TestConstructorsDemandTheirDeps(t *testing.T) {
	c := load(t, map[string]string{"WECHAT_APPS": shopAndMini, "WECHAT_APP_SECRETS": `{"mini":"s","shop":"s"}`, "ALLOWED_ORIGINS": "https://www.example.com"}, 0)
	full, _ := newDeps(t, c)
	without := func(remove func(*Deps)) Deps { d := full; remove(&d); return d }
	noStore, noWeChat := without(func(d *Deps) { d.Store = nil }), without(func(d *Deps) { d.WeChat = nil })
	signature := func(d Deps) error { _, err := Signature(c, d); return err }
	logins := func(d Deps) error { _, err := OAuth(c, d); return err }
	verify := func(d Deps) error { _, err := Verify(c, d); return err }
	refresher := func(d Deps) error { _, err := Refresher(c, d); return err }
	for _, c := range []struct {
		name string
		make func(Deps) error
		deps Deps
	}{
		{"Signature without Store", signature, noStore},
		{"OAuth without Store", logins, noStore},
		{"OAuth without WeChat", logins, noWeChat},
		{"OAuth without Secrets", logins, without(func(d *Deps) { d.Secrets = nil })},
		{"Verify without Store", verify, noStore},
		{"Verify without PushKeys and Sink", verify, full},
		{"Refresher without Store", refresher, noStore},
		{"Refresher without WeChat", refresher, noWeChat},
		{"Refresher without Secrets", refresher, without(func(d *Deps) { d.Secrets = nil })},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.make(c.deps); err == nil {
				t.Error("no error")
			}
		})
	}
	for _, c := range []struct {
		name string
		make func(Deps) error
	}{{"Signature", signature}, {"OAuth", logins}, {"Refresher", refresher}} {
		t.Run(c.name+" with what it needs", func(t *testing.T) {
			if err := c.make(without(func(d *Deps) { d.Logger = nil })); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefresherRenewsAccountsWithATokenOnly(t *testing.T) {
	c := load(t, map[string]string{
		"WECHAT_APPS":        shopAndMini[:len(shopAndMini)-1] + `,{"name":"site","kind":"website","appId":"wx0000000000000004"}]`,
		"WECHAT_APP_SECRETS": `{"shop":"s1","mini":"s2","site":"s3"}`,
	}, RefresherNeeds)
	deps, sim := newDeps(t, c)
	r, err := Refresher(c, deps)
	if err != nil {
		t.Fatal(err)
	}
	report, err := r.Tick(t.Context())
	if err != nil || len(report.Accounts) != 2 || report.Accounts[0].App != "shop" || report.Accounts[1].App != "mini" || sim.Calls(wechatsim.PathStableToken) != 2 {
		t.Errorf("%+v, %v; a website has no token", report, err)
	}
}
