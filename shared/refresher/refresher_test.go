package refresher

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/credential"
	"wechatfn/shared/secret"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/wechat"
)

var (
	shop = account.Account{Name: "shop", AppID: "wx0000000000000001", Kind: account.OfficialAccount, Tickets: []wechat.TicketType{wechat.JSAPI, wechat.WXCard}}
	news = account.Account{Name: "news", AppID: "wx0000000000000002", Kind: account.OfficialAccount, Tickets: []wechat.TicketType{wechat.JSAPI}}
	mini = account.Account{Name: "mini", AppID: "wx0000000000000003", Kind: account.MiniProgram}
)

// newTestRefresher returns a refresher of two official accounts and a mini-program, and
// the simulated WeChat that it calls.
func newTestRefresher(t *testing.T) (*Refresher, *wechatsim.Sim) {
	t.Helper()
	accounts := account.List{shop, news, mini}
	var apps []wechatsim.App
	for _, a := range accounts {
		apps = append(apps, wechatsim.App{ID: a.AppID, Secret: "secret of " + a.Name})
	}
	secrets := func(_ context.Context, a account.Account, _ bool) (secret.Secret, error) {
		return secret.New("secret of " + a.Name), nil
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
	r, err := New(Config{Accounts: accounts, Store: db, WeChat: client, Secrets: secrets, Logger: slog.New(slog.DiscardHandler)})
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

func TestTickRenewsEachAccount(t *testing.T) {
	r, sim := newTestRefresher(t)
	report := invoke(t, r, `{"version":"0","source":"aws.scheduler"}`)
	var tickets []string
	for _, a := range report.Accounts {
		if a.Token.SecondsLeft < 7000 {
			t.Errorf("%s: the token has %d s", a.App, a.Token.SecondsLeft)
		}
		for typ := range a.Tickets {
			tickets = append(tickets, a.App+" "+typ)
		}
	}
	slices.Sort(tickets)
	if want := []string{"news jsapi", "shop jsapi", "shop wx_card"}; len(report.Accounts) != 3 || !slices.Equal(tickets, want) {
		t.Errorf("%+v, tickets %q, want %q", report, tickets, want)
	}
	if tokens, tickets := sim.Calls(wechatsim.PathStableToken), sim.Calls(wechatsim.PathTicket); tokens != 3 || tickets != 3 {
		t.Errorf("%d token and %d ticket calls; a mini-program has no ticket", tokens, tickets)
	}
	invoke(t, r, `{}`)
	if sim.Calls(wechatsim.PathStableToken) != 3 {
		t.Error("a tick with nothing to renew asked WeChat")
	}
}

func TestFailureOfOneAccountLeavesTheOthersAlone(t *testing.T) {
	r, sim := newTestRefresher(t)
	sim.Fail(wechatsim.Fault{AppID: shop.AppID, ErrCode: 40164, ErrMsg: "invalid ip 203.0.113.7, not in whitelist"})
	report := invoke(t, r, `{}`)
	if f := report.Accounts[0].Token.Failure; f == nil || f.Code != 40164 || report.Accounts[1].Token.SecondsLeft == 0 {
		t.Errorf("%+v", report)
	}
}

func TestStreamBatchHandlesEachRefreshRequestOnce(t *testing.T) {
	r, sim := newTestRefresher(t)
	const record = `{"eventName":"INSERT","dynamodb":{"Keys":{"pk":{"S":"%"}}}}`
	batch := func(keys ...string) string {
		var records []string
		for _, key := range keys {
			records = append(records, strings.Replace(record, "%", key, 1))
		}
		return `{"Records":[` + strings.Join(records, ",") + `]}`
	}
	report := invoke(t, r, batch("refresh_request#"+news.AppID, "refresh_request#"+news.AppID, "refresh_request#wxunknown", "token#"+shop.AppID, ""))
	if len(report.Accounts) != 1 || report.Accounts[0].App != "news" || sim.Calls(wechatsim.PathStableToken) != 1 {
		t.Errorf("%+v, %d token calls", report, sim.Calls(wechatsim.PathStableToken))
	}
}

func TestStatusAndForcedRefresh(t *testing.T) {
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
		t.Errorf("a second forced refresh at once: %v", err)
	}
}

func TestBadEventsAreErrors(t *testing.T) {
	r, _ := newTestRefresher(t)
	for _, c := range []struct{ name, event, want string }{
		{"nothing", ``, "not a JSON object"},
		{"a list", `[]`, "not a JSON object"},
		{"a string", `"x"`, "not a JSON object"},
		{"an action that is a number", `{"action":7}`, "not a JSON object"},
		{"an unknown action", `{"action":"explode"}`, "unknown action"},
		{"a forced refresh of an unknown account", `{"action":"force_refresh","app":"nix"}`, "unknown account"},
		{"a forced refresh without an account, of several", `{"action":"force_refresh"}`, "needs the name of an account"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := r.Invoke(t.Context(), []byte(c.event)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", c.event, err)
			}
		})
	}
}

func TestNewDemandsItsParts(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a refresher without a store was made")
	}
}

// The report says of a token what the metric says: one that WeChat refuses has no
// seconds left, and neither has one that has expired or does not exist.
func TestSecondsLeftOfATokenThatCannotBeUsed(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	until := func(seconds int64) credential.State { return credential.State{ExpiresAt: now.Unix() + seconds} }
	for _, c := range []struct {
		name  string
		token credential.Token
		want  int64
	}{
		{"valid", credential.Token{State: until(3600), Value: "t"}, 3600},
		{"refused by WeChat", credential.Token{State: until(3600), Value: "t", Invalid: true}, 0},
		{"expired", credential.Token{State: until(-1), Value: "t"}, 0},
		{"none", credential.Token{}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			record := credential.Record{Token: c.token}
			var report Report
			report.add(shop, record, now)
			var m measurements
			m.add(shop, record, now)
			if got := report.Accounts[0].Token.SecondsLeft; got != c.want || m.tokens[0] != c.want {
				t.Errorf("report %d, metric %d, want %d", got, m.tokens[0], c.want)
			}
		})
	}
}
