package app

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/config"
	"wechatfn/shared/store"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/wechat"
)

const (
	miniID = "wx0000000000000003"
	shopID = "wx0000000000000001"

	miniOnly    = `[{"name":"mini","kind":"mini_program","appId":"` + miniID + `"}]`
	shopOnly    = `[{"name":"shop","kind":"official_account","appId":"` + shopID + `"}]`
	shopAndMini = `[{"name":"shop","kind":"official_account","appId":"` + shopID + `"},{"name":"mini","kind":"mini_program","appId":"` + miniID + `"}]`
)

// fixture is the oauth function and a refresher on one store, with a simulated WeChat.
type fixture struct {
	testing.TB
	*Logins
	config     *config.Config
	deps       Deps
	sim        *wechatsim.Sim
	store      storetest.Recorder
	storeDelay time.Duration // of each call, see slowCall
	log        bytes.Buffer

	refreshRequests int
	// ignoreRequests makes the refresher ignore refresh requests.
	ignoreRequests bool
}

// newFixture takes the accounts, as WECHAT_APPS, and further variables with their
// values.
func newFixture(t *testing.T, accounts string, variables ...string) *fixture {
	t.Helper()
	values := map[string]string{"WECHAT_APPS": accounts, "WECHAT_APP_SECRETS": `{"mini":"canary-secret","shop":"canary-secret"}`}
	for i := 0; i+1 < len(variables); i += 2 {
		values[variables[i]] = variables[i+1]
	}
	f := &fixture{TB: t, config: load(t, values, OAuthNeeds)}
	f.deps, f.sim = newDeps(t, f.config)
	f.store.Store = f.deps.Store
	f.deps.Logger = slog.New(slog.NewJSONHandler(&f.log, nil))
	f.startRefresher()
	f.deps.Store = &f.store
	f.Logins = f.newLogins()
	t.Cleanup(func() {
		if strings.Contains(f.log.String(), "canary") {
			t.Errorf("a secret was logged:\n%s", f.log.String())
		}
	})
	return f
}

// startRefresher makes a refresher that handles each refresh request at once.
func (f *fixture) startRefresher() {
	f.Helper()
	deps := f.deps
	deps.Logger = slog.New(slog.DiscardHandler)
	r, err := Refresher(f.config, deps)
	if err != nil {
		f.Fatal(err)
	}
	f.deps.OnRefreshRequest = func(appID string) {
		f.refreshRequests++
		if !f.ignoreRequests {
			_, _ = r.HandleRefreshRequests(f.Context(), appID)
		}
	}
}

// newLogins makes another instance of the oauth function, whose memory is empty.
func (f *fixture) newLogins() *Logins {
	f.Helper()
	logins, err := OAuth(f.config, f.deps)
	if err != nil {
		f.Fatal(err)
	}
	return logins
}

// load reads a configuration.
func load(t testing.TB, values map[string]string, needs config.Part) *config.Config {
	t.Helper()
	c, err := config.Load(func(name string) string { return values[name] }, needs)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newDeps makes a store in memory, and a WeChat that knows the accounts.
func newDeps(t testing.TB, c *config.Config) (Deps, *wechatsim.Sim) {
	t.Helper()
	var apps []wechatsim.App
	for _, a := range c.Accounts {
		apps = append(apps, wechatsim.App{ID: a.AppID, Secret: c.AppSecrets.For(a.Name, a.AppID).Reveal(), Kind: string(a.Kind)})
	}
	sim, err := wechatsim.New(wechatsim.Config{Apps: apps})
	if err != nil {
		t.Fatal(err)
	}
	client, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: sim.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return Deps{Store: newStore(t), WeChat: client, Secrets: c.Secret, Logger: slog.New(slog.NewJSONHandler(io.Discard, nil))}, sim
}

func newStore(t testing.TB) store.Store {
	t.Helper()
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func (f *fixture) do(method, target, body, token string) *httptest.ResponseRecorder {
	f.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer := httptest.NewRecorder()
	f.ServeHTTP(answer, r)
	return answer
}

// logIn logs a user of the mini-program in. fields is added to the JSON of the request.
func (f *fixture) logIn(fields string) (token string) {
	f.Helper()
	code, err := f.sim.MiniLogin(miniID, "hua")
	if err != nil {
		f.Fatal(err)
	}
	var grant struct{ Token string }
	got := f.do("POST", "/miniprogram/login", `{"code":"`+code+`"`+fields+`}`, "")
	if err := json.Unmarshal(got.Body.Bytes(), &grant); err != nil || grant.Token == "" {
		f.Fatalf("%d %s", got.Code, got.Body)
	}
	return grant.Token
}
