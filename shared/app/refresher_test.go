package app

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/config"
	"wechatfn/shared/credential"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/wechat"
)

// newTestRefresher looks after two official accounts, a mini-program and a site.
func newTestRefresher(t *testing.T) (*Refresher, *wechatsim.Sim) {
	t.Helper()
	values := map[string]string{
		"WECHAT_APPS": `[{"name":"shop","kind":"official_account","appId":"wx0000000000000001","tickets":["jsapi","wx_card"]},
			{"name":"news","kind":"official_account","appId":"wx0000000000000002"},
			{"name":"mini","kind":"mini_program","appId":"wx0000000000000003"},
			{"name":"site","kind":"website","appId":"wx0000000000000004"}]`,
		"WECHAT_APP_SECRETS": `{"shop":"s1","news":"s2","mini":"s3","site":"s4"}`,
	}
	c, err := config.Load(func(name string) string { return values[name] }, RefresherNeeds)
	if err != nil {
		t.Fatal(err)
	}
	var apps []wechatsim.App
	for _, app := range c.Accounts {
		apps = append(apps, wechatsim.App{ID: app.AppID, Secret: c.AppSecrets.For(app.Name, app.AppID).Reveal()})
	}
	sim, err := wechatsim.New(wechatsim.Config{Apps: apps})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(sqlite.Config{Path: ":memory:"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	client, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: sim.Client()})
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRefresher(c, db, client, c.Secret, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return r, sim
}

func invoke(t *testing.T, r *Refresher, event string) Report {
	t.Helper()
	answer, err := r.Invoke(t.Context(), []byte(event))
	if err != nil {
		t.Fatalf("%s: %v", event, err)
	}
	var report Report
	if err := json.Unmarshal(answer, &report); err != nil {
		t.Fatal(err)
	}
	return report
}

func TestTickLooksAfterEachAccount(t *testing.T) {
	r, sim := newTestRefresher(t)
	report := invoke(t, r, `{"version":"0","source":"aws.scheduler"}`)
	var lives []string
	for _, a := range report.Accounts {
		if a.Token.SecondsLeft < 7000 {
			t.Errorf("%s: the token has %d s", a.App, a.Token.SecondsLeft)
		}
		for typ := range a.Tickets {
			lives = append(lives, a.App+" "+typ)
		}
	}
	if len(report.Accounts) != 3 || len(lives) != 3 {
		t.Errorf("%+v", report)
	}
	if tokens, tickets := sim.Calls(wechatsim.PathStableToken), sim.Calls(wechatsim.PathTicket); tokens != 3 || tickets != 3 {
		t.Errorf("%d token and %d ticket calls; a site has no token, a mini-program no ticket", tokens, tickets)
	}
	invoke(t, r, `{}`)
	if sim.Calls(wechatsim.PathStableToken) != 3 {
		t.Error("an idle tick asked WeChat")
	}
}

func TestOneAccountsTroubleIsItsOwn(t *testing.T) {
	r, sim := newTestRefresher(t)
	sim.Fail(wechatsim.Fault{AppID: "wx0000000000000001", ErrCode: 40164, ErrMsg: "invalid ip 203.0.113.7, not in whitelist"})
	report := invoke(t, r, `{}`)
	if f := report.Accounts[0].Token.Failure; f == nil || f.Code != 40164 || report.Accounts[1].Token.SecondsLeft == 0 {
		t.Errorf("%+v", report)
	}
}

func TestKicksOfAStream(t *testing.T) {
	r, sim := newTestRefresher(t)
	const record = `{"eventName":"INSERT","dynamodb":{"Keys":{"pk":{"S":"%"}}}}`
	batch := func(keys ...string) string {
		var records []string
		for _, key := range keys {
			records = append(records, strings.Replace(record, "%", key, 1))
		}
		return `{"Records":[` + strings.Join(records, ",") + `]}`
	}
	report := invoke(t, r, batch("refresh_request#wx0000000000000002", "refresh_request#wx0000000000000002", "refresh_request#wxunknown", "token#wx0000000000000001", ""))
	if len(report.Accounts) != 1 || report.Accounts[0].App != "news" || sim.Calls(wechatsim.PathStableToken) != 1 {
		t.Errorf("%+v, %d token calls", report, sim.Calls(wechatsim.PathStableToken))
	}
}

func TestOperatorsActions(t *testing.T) {
	r, sim := newTestRefresher(t)
	invoke(t, r, `{}`)
	invoke(t, r, `{"action":"status"}`)
	if sim.Calls(wechatsim.PathStableToken) != 3 {
		t.Error("status asked WeChat")
	}
	if report := invoke(t, r, `{"action":"force_refresh","app":"news"}`); report.Accounts[0].App != "news" || sim.Calls(wechatsim.PathStableToken) != 4 {
		t.Errorf("%+v", report)
	}
	_, err := r.Invoke(t.Context(), []byte(`{"action":"force_refresh","app":"news"}`))
	if budget := (*credential.BudgetError)(nil); !errors.As(err, &budget) {
		t.Errorf("a second force at once: %v", err)
	}
}

func TestBadEvents(t *testing.T) {
	r, _ := newTestRefresher(t)
	for event, want := range map[string]string{
		``:                                       "not a JSON object",
		`[]`:                                     "not a JSON object",
		`"x"`:                                    "not a JSON object",
		`{"action":"explode"}`:                   "unknown action",
		`{"action":"force_refresh","app":"nix"}`: "unknown account",
		`{"action":"force_refresh"}`:             "needs the name of an account",
		`{"action":7}`:                           "not a JSON object",
	} {
		if _, err := r.Invoke(t.Context(), []byte(event)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", event, err)
		}
	}
}
