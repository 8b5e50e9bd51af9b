package wechatsim_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/wechat"
)

const (
	appID  = "wx0000000000000001"
	secret = "secret+&/=1"
)

func newSim(t *testing.T, sw wechatsim.Switches) *wechatsim.Sim {
	t.Helper()
	sim, err := wechatsim.New(wechatsim.Config{Apps: []wechatsim.App{{ID: appID, Secret: secret}}, Switches: sw})
	if err != nil {
		t.Fatal(err)
	}
	return sim
}

func newClient(t *testing.T, cfg wechat.Config) *wechat.Client {
	t.Helper()
	c, err := wechat.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func code(t *testing.T, err error) int {
	t.Helper()
	var e *wechat.Error
	if !errors.As(err, &e) {
		t.Fatalf("no *wechat.Error: %v", err)
	}
	return e.Code
}

// callEverything calls each method of the client once and checks the answers.
func callEverything(t *testing.T, c *wechat.Client, sim *wechatsim.Sim) {
	t.Helper()
	ctx := t.Context()
	token, err := c.StableToken(ctx, appID, secret, false)
	if err != nil || !sim.TokenValid(appID, token.Value) || token.ExpiresIn < 2*time.Hour-time.Second {
		t.Fatalf("stable: %v, %v", token, err)
	}
	for _, typ := range []wechat.TicketType{wechat.JSAPI, wechat.WXCard} {
		ticket, err := c.Ticket(ctx, token.Value, typ)
		if err != nil || !sim.TicketValid(appID, string(typ), ticket.Value) {
			t.Errorf("%s: %v", typ, err)
		}
	}
	if ips, err := c.CallbackIPs(ctx, token.Value); err != nil || !slices.Contains(ips, "198.51.100.0/24") {
		t.Errorf("callback: %v, %v", ips, err)
	}
	if ips, err := c.APIDomainIPs(ctx, token.Value); err != nil || len(ips) != 2 {
		t.Errorf("domain: %v, %v", ips, err)
	}
	if err := c.ClearQuota(ctx, appID, secret); err != nil {
		t.Errorf("clear: %v", err)
	}
	forced, err := c.StableToken(ctx, appID, secret, true)
	if err != nil || sim.TokenValid(appID, token.Value) || !sim.TokenValid(appID, forced.Value) {
		t.Errorf("forced: %v", err)
	}
	if _, err := c.Ticket(ctx, token.Value, wechat.JSAPI); code(t, err) != 40001 {
		t.Errorf("with an invalid token: %v", err)
	}
	if classic, err := c.ClassicToken(ctx, appID, secret); err != nil || !sim.TokenValid(appID, classic.Value) {
		t.Errorf("classic: %v", err)
	}
	if _, err := c.ClassicToken(ctx, appID, "other"); code(t, err) != 40125 {
		t.Errorf("wrong secret: %v", err)
	}
}

// answerStyles are the forms that WeChat's answers may have. The client reads all of them.
var answerStyles = []struct {
	name     string
	switches wechatsim.Switches
}{
	{"JSON", wechatsim.Switches{}},
	{"plain text", wechatsim.Switches{ContentType: wechatsim.ContentTypeText, StringErrcode: true, RID: wechatsim.RIDSpace}},
	{"no charset", wechatsim.Switches{ContentType: wechatsim.ContentTypeNoCharset, RID: wechatsim.RIDHints, TokenLength: 512}},
	{"rid after a comma", wechatsim.Switches{RID: wechatsim.RIDComma}},
	{"rid as a hint", wechatsim.Switches{RID: wechatsim.RIDHint}},
}

func TestClientOverSocket(t *testing.T) {
	for _, style := range answerStyles {
		t.Run(style.name, func(t *testing.T) {
			sim := newSim(t, style.switches)
			server := httptest.NewServer(sim)
			defer server.Close()
			callEverything(t, newClient(t, wechat.Config{BaseURL: server.URL}), sim)
		})
	}
}

func TestClientInProcess(t *testing.T) {
	for _, style := range answerStyles {
		t.Run(style.name, func(t *testing.T) {
			sim := newSim(t, style.switches)
			callEverything(t, newClient(t, wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: sim.Client()}), sim)
		})
	}
}

func TestRefusalTellsTheCallersAddress(t *testing.T) {
	for _, want := range []int{40164, 61004} {
		t.Run(fmt.Sprint(want), func(t *testing.T) {
			sim := newSim(t, wechatsim.Switches{WhitelistCode: want, RID: wechatsim.RIDSpace})
			if err := sim.Whitelist(appID, wechatsim.GroupToken, "203.0.113.5"); err != nil {
				t.Fatal(err)
			}
			c := newClient(t, wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: sim.ClientFrom("203.0.113.9")})
			_, err := c.StableToken(t.Context(), appID, secret, false)
			var e *wechat.Error
			if !errors.As(err, &e) || e.Code != want || e.IP() != "203.0.113.9" || e.Class() != wechat.ClassConfiguration {
				t.Errorf("%v", err)
			}
			allowed := newClient(t, wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: sim.ClientFrom("203.0.113.5")})
			if _, err := allowed.StableToken(t.Context(), appID, secret, false); err != nil {
				t.Error(err)
			}
		})
	}
}

// faults are the ways in which a call can fail on its way.
var faults = []struct {
	name  string
	fault wechatsim.Fault
}{
	{"dropped before", wechatsim.Fault{Times: 1, DropBefore: true}},
	{"dropped after", wechatsim.Fault{Times: 1, DropAfter: true}},
	{"busy", wechatsim.Fault{Times: 1, ErrCode: -1}},
	{"status 500", wechatsim.Fault{Times: 1, Status: 500}},
	{"slow call", wechatsim.Fault{Times: 1, Delay: time.Minute}},
	{"slow answer", wechatsim.Fault{Times: 1, AnswerDelay: time.Minute}},
	{"slow body", wechatsim.Fault{Times: 1, BodyDelay: time.Minute}},
}

// The client repeats a call once where that is safe: in normal mode, not by force and not for a
// classic token.
func TestClientThroughFaults(t *testing.T) {
	for _, c := range faults {
		t.Run(c.name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { throughFault(t, c.fault) }) })
	}
}

func throughFault(t *testing.T, f wechatsim.Fault) {
	sim := newSim(t, wechatsim.Switches{})
	c := newClient(t, wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: sim.Client()})
	sim.Fail(f)
	if _, err := c.StableToken(t.Context(), appID, secret, false); err != nil || sim.Calls(wechatsim.PathStableToken) != 2 {
		t.Errorf("%v, %v", err, sim.Counts())
	}
	sim.Fail(f)
	if _, err := c.StableToken(t.Context(), appID, secret, true); err == nil || sim.Calls(wechatsim.PathStableToken) != 3 {
		t.Errorf("forced: %v, %v", err, sim.Counts())
	}
	sim.Fail(f)
	if _, err := c.ClassicToken(t.Context(), appID, secret); err == nil || sim.Calls(wechatsim.PathToken) != 1 {
		t.Errorf("classic: %v, %v", err, sim.Counts())
	}
}
