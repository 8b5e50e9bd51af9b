package miniprogram

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"wechatfn/shared/session"
	"wechatfn/shared/wechat"
	"wechatfn/shared/wechatsim"
)

// slow is a WeChat whose answers arrive late, and a store that is in no hurry.
type slow struct {
	WeChat
	late func()
}

func (s slow) CodeToSession(ctx context.Context, appID, secret, code string) (m wechat.MiniSession, err error) {
	m, err = s.WeChat.CodeToSession(ctx, appID, secret, code)
	s.late()
	return m, err
}

// A login that asked earlier and ends later does not bring its session_key back.
func TestLoginsOvertake(t *testing.T) {
	bubble(t, func(w *world) {
		p := w.phone("hua")
		first := true
		w.handler.WeChat = slow{w.client, func() {
			if first {
				first = false
				time.Sleep(time.Second)
				p.in(false) // a newer one comes and goes
			}
		}}
		p.in(false)
		if key, _ := w.sim.SessionKey(miniID, "hua"); p.stored().Tokens.SessionKey != key {
			t.Error("a dead session_key is stored")
		}
	})
}

// A hundred logins of one user at once: each gets its session, the newest live, and no
// other device loses its own.
func TestHundredLogins(t *testing.T) {
	for name, c := range map[string]struct {
		devices, live int
	}{"as configured": {0, session.DefaultMaxDevices}, "with room for all": {200, 101}} {
		w := newWorld(t, func(c *wechatsim.Config) { c.Quotas.CodeToSessionMinute = 1000 })
		sessions, err := session.New(session.Config{Store: w.store, Life: 72 * time.Hour, Idle: 72 * time.Hour, MaxDevices: c.devices})
		if err != nil {
			t.Fatal(err)
		}
		w.handler.Sessions = sessions
		other := w.phone("hua", "device", "tablet")
		other.in(false)
		tokens := map[string]bool{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 100 {
			p := w.phone("hua", "device", "phone")
			body := map[string]any{"code": p.code(), "device": "phone"}
			wg.Go(func() {
				got := p.do("POST", "/miniprogram/login", body)
				var g Grant
				if err := json.Unmarshal(got.Body.Bytes(), &g); err != nil || got.Code != http.StatusOK {
					t.Errorf("%s: %d %s", name, got.Code, got.Body)
				}
				mu.Lock()
				defer mu.Unlock()
				tokens[g.Token] = true
			})
		}
		wg.Wait()
		if len(tokens) != 100 {
			t.Errorf("%s: %d tokens", name, len(tokens))
		}
		if err := other.alive(); err != nil {
			t.Errorf("%s: the other device: %v", name, err)
		}
		alive := 1
		for token := range tokens {
			if _, err := sessions.Check(t.Context(), token); err == nil {
				alive++
			}
		}
		if alive != c.live || len(other.stored().Devices) != c.live {
			t.Errorf("%s: %d live, %d are listed", name, alive, len(other.stored().Devices))
		}
	}
}
