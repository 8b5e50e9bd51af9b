package app

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/config"
	"wechatfn/shared/credential"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/web/logtest"
	"wechatfn/shared/wechat"
)

const oauthMini = "wx0000000000000003"

// desk is the oauth function beside a refresher, on one table.
type fixture struct {
	testing.TB
	*Logins
	sim   *wechatsim.Sim
	table tired
	log   logtest.Buffer

	onRefreshRequest func(appID string)
}

func newFixture(t *testing.T, apps string, more ...string) *fixture {
	t.Helper()
	values := map[string]string{"WECHAT_APPS": apps, "WECHAT_APP_SECRETS": `{"mini":"canary-secret","shop":"canary-secret"}`}
	for i := 0; i+1 < len(more); i += 2 {
		values[more[i]] = more[i+1]
	}
	c, err := config.Load(func(name string) string { return values[name] }, OAuthNeeds)
	if err != nil {
		t.Fatal(err)
	}
	d := &fixture{TB: t}
	d.sim, err = wechatsim.New(wechatsim.Config{Apps: []wechatsim.App{{ID: oauthMini, Secret: "canary-secret", Kind: wechatsim.MiniProgram}}})
	if err != nil {
		t.Fatal(err)
	}
	client, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: d.sim.Client()})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	refresher, err := NewRefresher(c, db, client, c.Secret, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	d.onRefreshRequest = func(appID string) { _, _ = refresher.HandleRefreshRequests(t.Context(), appID) }
	d.table.Store = db
	if d.Logins, err = OAuth(c, &d.table, client, c.Secret, false, d.requestRefresh, d.log.JSON()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.log.WantNoSecrets(t, "canary") })
	return d
}

func (d *fixture) requestRefresh(appID string) { d.onRefreshRequest(appID) }

func (d *fixture) do(method, target, body, token string) *httptest.ResponseRecorder {
	d.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer := httptest.NewRecorder()
	d.ServeHTTP(answer, r)
	return answer
}

// logIn logs a mini-program's user in.
func (d *fixture) logIn(more string) (token string) {
	d.Helper()
	code, err := d.sim.MiniLogin(oauthMini, "hua")
	if err != nil {
		d.Fatal(err)
	}
	var grant struct{ Token string }
	got := d.do("POST", "/miniprogram/login", `{"code":"`+code+`"`+more+`}`, "")
	if err := json.Unmarshal(got.Body.Bytes(), &grant); err != nil || grant.Token == "" {
		d.Fatalf("%d %s", got.Code, got.Body)
	}
	return grant.Token
}

const miniAlone = `[{"name":"mini","kind":"mini_program","appId":"` + oauthMini + `"}]`

// A team that has a mini-program alone.
func TestMiniProgramAlone(t *testing.T) {
	d := newFixture(t, miniAlone)
	token := d.logIn(`,"sku":"shop","device":"phone"`)
	if got := d.do("GET", "/oauth/session?sku=shop", "", token); got.Code != 200 || !strings.Contains(got.Body.String(), `"device":"phone"`) {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := d.do("GET", "/oauth/authorize", "", ""); got.Code != 400 || !strings.Contains(got.Body.String(), "app_unknown") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	if who, err := d.Authorize(r); err != nil || who["sku"] != "shop" || who["device"] != "phone" || who["app"] != "mini" {
		t.Errorf("%v, %v", who, err)
	}
	// No token is kept yet: the refresher is told, and the next call finds one.
	if got := d.do("GET", "/miniprogram/session", "", token); got.Code != 503 || got.Header().Get("Retry-After") != "2" {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// The settings of mini-programs reach them.
func TestMiniProgramSettings(t *testing.T) {
	d := newFixture(t, miniAlone, "SESSION_IDLE_TIMEOUT", "1h", "MINIPROGRAM_SESSION_TTL", "90m", "MINIPROGRAM_DATA_AGE", "1m", "SESSION_DEVICES", "2")
	tokens := []string{d.logIn(""), d.logIn(""), d.logIn("")}
	if a, b := d.do("GET", "/oauth/session", "", tokens[0]), d.do("GET", "/oauth/session", "", tokens[1]); a.Code != 401 || b.Code != 200 {
		t.Errorf("SESSION_DEVICES: %d and %d", a.Code, b.Code)
	}
	s, err := d.sessions.Check(t.Context(), tokens[2])
	if err != nil || s.EndsAt-s.CreatedAt != 90*60 || s.ExpiresAt != s.EndsAt {
		t.Errorf("MINIPROGRAM_SESSION_TTL: %+v, %v", s, err)
	}
	for age, status := range map[time.Duration]int{30 * time.Second: 200, 90 * time.Second: 400} {
		data, err := d.sim.MiniUserData(oauthMini, "hua", wechatsim.MiniOptions{Timestamp: time.Now().Add(-age).Unix()})
		if err != nil {
			t.Fatal(err)
		}
		body, _ := json.Marshal(data)
		if got := d.do("POST", "/miniprogram/decrypt", string(body), tokens[2]); got.Code != status {
			t.Errorf("MINIPROGRAM_DATA_AGE, %v: %d %s", age, got.Code, got.Body)
		}
	}
}

// Cookies with __Host- come along over https alone: an address of plain http would lose
// each login, so the function does not start with one.
func TestLoginsNeedHTTPS(t *testing.T) {
	for address, want := range map[string]bool{"http://api.example.com": false, "https://api.example.com": true, "": true} {
		values := map[string]string{"WECHAT_APP_ID": "wx0000000000000001", "PUBLIC_URL": address}
		c, err := config.Load(func(name string) string { return values[name] }, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = OAuth(c, &tired{}, &wechat.Client{}, c.Secret, false, nil, slog.New(slog.DiscardHandler))
		if (err == nil) != want || !want && !strings.Contains(err.Error(), "https") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestNoMiniProgram(t *testing.T) {
	d := newFixture(t, `[{"name":"shop","kind":"official_account","appId":"wx0000000000000001"}]`)
	if got := d.do("POST", "/miniprogram/login", `{"code":"x"}`, ""); got.Code != 400 || !strings.Contains(got.Body.String(), "app_unknown") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if _, err := d.Direct(t.Context(), []byte(`{"action":"reset_session_key","openid":"x"}`)); err == nil || !strings.Contains(err.Error(), "no mini-program") {
		t.Error(err)
	}
}

// What an operator has done, and sees: no secret.
func TestOperator(t *testing.T) {
	d := newFixture(t, `[{"name":"shop","kind":"official_account","appId":"wx0000000000000001"},`+miniAlone[1:])
	token, news := d.logIn(`,"sku":"shop"`), d.logIn(`,"sku":"news"`)
	openID := d.sim.OpenID(oauthMini, "hua")
	key, _ := d.sim.SessionKey(oauthMini, "hua")
	order := func(action, more string) (string, error) {
		answer, err := d.Direct(t.Context(), []byte(`{"action":"`+action+`","app":"mini","openid":"`+openID+`"`+more+`}`))
		for _, secret := range []string{key, token, news, "canary-secret"} {
			if strings.Contains(string(answer), secret) || err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s tells a secret: %s, %v", action, answer, err)
			}
		}
		return string(answer), err
	}
	if user, err := order("user", ""); err != nil || !strings.Contains(user, `"openid":"`+openID) || strings.Count(user, `"sku"`) != 2 {
		t.Errorf("%s, %v", user, err)
	}
	_, _ = order("reset_session_key", "") // no token is there yet; the refresher is told
	d.mini.Tokens = newReader(t, d)
	if answer, err := order("reset_session_key", ""); err != nil || !strings.Contains(answer, "reset_session_key") {
		t.Errorf("%s, %v", answer, err)
	}
	if now, _ := d.sim.SessionKey(oauthMini, "hua"); now == key {
		t.Error("the session_key is the same")
	}
	if _, err := order("logout", `,"sku":"shop"`); err != nil {
		t.Error(err)
	}
	if a, b := d.do("GET", "/oauth/session", "", token), d.do("GET", "/oauth/session", "", news); a.Code != 401 || b.Code != 200 {
		t.Errorf("%d and %d", a.Code, b.Code)
	}
	if _, err := order("logout", ""); err != nil {
		t.Error(err)
	}
	if got := d.do("GET", "/oauth/session", "", news); got.Code != 401 {
		t.Errorf("%d", got.Code)
	}
	if _, err := d.Direct(t.Context(), []byte(`{"action":"user","openid":"`+openID+`"}`)); err == nil || !strings.Contains(err.Error(), "names no account") {
		t.Errorf("no app, of two: %v", err)
	}
	if answer, err := d.Direct(t.Context(), []byte(`{"action":"openids","unionid":"nobody"}`)); err != nil || string(answer) != "{}" {
		t.Errorf("%s, %v", answer, err)
	}
	for _, event := range []string{
		`{"action":"openids"}`,
		`{"action":"forget","app":"mini","openid":"x"}`, `{"action":"user","openid":"x"}`, `{"action":"user","app":"site","openid":"x"}`,
		`{"action":"user","app":"mini","openid":"nobody"}`, `{"action":"user","app":"mini","openid":"a#b"}`, `{"action":"logout","app":"mini","openid":""}`,
		`{"action":"user","app":"mini","openid":"` + openID + `","requestContext":{}}`, `{"action":5}`, `{"action":"reset_session_key","app":"shop","openid":"x"}`, `[]`, ``,
	} {
		if answer, err := d.Direct(t.Context(), []byte(event)); err == nil {
			t.Errorf("%s: %s", event, answer)
		}
	}
}

// newReader returns a reader that has not cached that there was no token.
func newReader(t *testing.T, d *fixture) *credential.Reader {
	t.Helper()
	r, err := credential.NewReader(credential.ReaderConfig{Store: &d.table, OnRefreshRequest: d.requestRefresh, Logger: d.log.JSON()})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
