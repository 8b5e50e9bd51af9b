package wechatsim_test

import (
	"errors"
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

// everything calls each verb of the client once, with the answers the simulator should give.
func everything(t *testing.T, c *wechat.Client, sim *wechatsim.Sim) {
	t.Helper()
	ctx := t.Context()
	token, err := c.StableToken(ctx, appID, secret, false)
	if err != nil || !sim.TokenAlive(appID, token.Value) || token.ExpiresIn < 2*time.Hour-time.Second {
		t.Fatalf("stable: %v, %v", token, err)
	}
	for _, typ := range []wechat.TicketType{wechat.JSAPI, wechat.WXCard} {
		ticket, err := c.Ticket(ctx, token.Value, typ)
		if err != nil || !sim.TicketAlive(appID, string(typ), ticket.Value) {
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
	if err != nil || sim.TokenAlive(appID, token.Value) || !sim.TokenAlive(appID, forced.Value) {
		t.Errorf("forced: %v", err)
	}
	if _, err := c.Ticket(ctx, token.Value, wechat.JSAPI); code(t, err) != 40001 {
		t.Errorf("with a dead token: %v", err)
	}
	if classic, err := c.ClassicToken(ctx, appID, secret); err != nil || !sim.TokenAlive(appID, classic.Value) {
		t.Errorf("classic: %v", err)
	}
	if _, err := c.ClassicToken(ctx, appID, "other"); code(t, err) != 40125 {
		t.Errorf("wrong secret: %v", err)
	}
}

// surfaces are the ways WeChat's answers may look; the client must not care.
var surfaces = []wechatsim.Switches{
	{},
	{ContentType: wechatsim.ContentTypeText, StringErrcode: true, RID: wechatsim.RIDSpace},
	{ContentType: wechatsim.ContentTypeNoCharset, RID: wechatsim.RIDHints, TokenLength: 512},
	{RID: wechatsim.RIDComma}, {RID: wechatsim.RIDHint},
}

func TestClientOverSocket(t *testing.T) {
	for _, sw := range surfaces {
		sim := newSim(t, sw)
		server := httptest.NewServer(sim)
		everything(t, newClient(t, wechat.Config{BaseURL: server.URL}), sim)
		server.Close()
	}
}

func TestClientInProcess(t *testing.T) {
	for _, sw := range surfaces {
		sim := newSim(t, sw)
		everything(t, newClient(t, wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: sim.Client()}), sim)
	}
}

func TestClientLearnsItsAddress(t *testing.T) {
	for _, want := range []int{40164, 61004} {
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
	}
}

// TestClientThroughFaults: one more attempt where it is safe, in a bubble with simulated time.
func TestClientThroughFaults(t *testing.T) {
	for _, f := range []wechatsim.Fault{
		{DropBefore: true}, {DropAfter: true}, {ErrCode: -1}, {Status: 500},
		{Delay: time.Minute}, {AnswerDelay: time.Minute}, {BodyDelay: time.Minute},
	} {
		f.Times = 1
		synctest.Test(t, func(t *testing.T) {
			sim := newSim(t, wechatsim.Switches{})
			c := newClient(t, wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: sim.Client()})
			sim.Fail(f)
			if _, err := c.StableToken(t.Context(), appID, secret, false); err != nil || sim.Calls(wechatsim.PathStableToken) != 2 {
				t.Errorf("%+v: %v, %v", f, err, sim.Counts())
			}
			sim.Fail(f)
			if _, err := c.StableToken(t.Context(), appID, secret, true); err == nil || sim.Calls(wechatsim.PathStableToken) != 3 {
				t.Errorf("%+v, forced: %v, %v", f, err, sim.Counts())
			}
			sim.Fail(f)
			if _, err := c.ClassicToken(t.Context(), appID, secret); err == nil || sim.Calls(wechatsim.PathToken) != 1 {
				t.Errorf("%+v, classic: %v, %v", f, err, sim.Counts())
			}
		})
	}
}
