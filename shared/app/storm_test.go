package app

import (
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
)

// WeChat calls a good token dead, and a user with one session asks and asks: the
// refresher is called no more than twice in ten seconds, asks WeChat a few times, in
// normal mode, and the token lives.
func TestDeadTokenStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFixture(t, miniAlone)
		token := d.logIn("")
		d.do("GET", "/miniprogram/session", "", token) // the refresher is told
		time.Sleep(2 * time.Second)
		if got := d.do("GET", "/miniprogram/session", "", token); got.Code != 200 {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
		good, err := d.mini.Tokens.Token(t.Context(), oauthMini)
		if err != nil {
			t.Fatal(err)
		}
		requests := 0
		handle := d.onRefreshRequest
		d.onRefreshRequest = func(appID string) { requests++; handle(appID) }
		d.sim.Fail(wechatsim.Fault{Path: wechatsim.PathCheckSession, ErrCode: 40001})
		d.sim.ResetCounts()
		start := time.Now()
		for time.Since(start) < 10*time.Minute {
			if got := d.do("GET", "/miniprogram/session", "", token); got.Code != 503 || got.Header().Get("Retry-After") != "2" {
				t.Fatalf("%d %s", got.Code, got.Body)
			}
		}
		if requests > 2*60 || d.sim.Calls(wechatsim.PathStableToken) > 6 {
			t.Errorf("%d refresh requests, %d calls for a token", requests, d.sim.Calls(wechatsim.PathStableToken))
		}
		if !d.sim.TokenAlive(oauthMini, good) {
			t.Error("the token was ended")
		}
		d.sim.ClearFaults()
		if got := d.do("GET", "/miniprogram/session", "", token); got.Code != 200 {
			t.Errorf("afterwards: %d %s", got.Code, got.Body)
		}
	})
}
