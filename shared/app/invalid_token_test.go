package app

import (
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/credential"
)

// WeChat refuses a valid token, and a user with one session asks again and again. In 10
// seconds there are two refresh requests at most. WeChat is asked for a token a few
// times, in normal mode, so the token remains valid.
func TestTokenThatWeChatRefusesCausesFewRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, miniOnly)
		session := f.logIn("")
		f.do("GET", "/miniprogram/session", "", session) // requests a refresh
		time.Sleep(2 * time.Second)
		if got := f.do("GET", "/miniprogram/session", "", session); got.Code != 200 {
			t.Fatalf("%d %s", got.Code, got.Body)
		}
		reader, err := credential.NewReader(credential.ReaderConfig{Store: f.deps.Store})
		if err != nil {
			t.Fatal(err)
		}
		token, err := reader.Token(t.Context(), miniID)
		if err != nil {
			t.Fatal(err)
		}
		f.refreshRequests = 0
		f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathCheckSession, ErrCode: 40001})
		f.sim.ResetCounts()
		start := time.Now()
		for time.Since(start) < 10*time.Minute {
			if got := f.do("GET", "/miniprogram/session", "", session); got.Code != 503 || got.Header().Get("Retry-After") != "2" {
				t.Fatalf("%d %s", got.Code, got.Body)
			}
		}
		if f.refreshRequests > 2*60 || f.sim.Calls(wechatsim.PathStableToken) > 6 {
			t.Errorf("%d refresh requests, %d calls for a token", f.refreshRequests, f.sim.Calls(wechatsim.PathStableToken))
		}
		if !f.sim.TokenValid(miniID, token) {
			t.Error("the token is no longer valid")
		}
		f.sim.ClearFaults()
		if got := f.do("GET", "/miniprogram/session", "", session); got.Code != 200 {
			t.Errorf("afterwards: %d %s", got.Code, got.Body)
		}
	})
}
