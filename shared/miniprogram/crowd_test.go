package miniprogram

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/session"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/wechat"
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

// What counts is when WeChat was asked, and not when the login came: a slow AppSecret
// makes no login older.
func TestSlowSecretIsNoOlderLogin(t *testing.T) {
	bubble(t, func(w *world) {
		w.sim.ResetCounts()
		p := w.phone("hua")
		first := true
		secrets := w.handler.Secrets
		w.handler.Secrets = func(ctx context.Context, a account.Account, fresh bool) (secret.Secret, error) {
			if first {
				first = false
				time.Sleep(time.Second)
				if w.phone("hua").logIn(false).Code != http.StatusOK {
					t.Error("the other login")
				}
				time.Sleep(time.Second)
				_ = w.sim.ReplaceSessionKey(miniID, "hua") // as of the exchange to come
			}
			return secrets(ctx, a, fresh)
		}
		p.in(false)
		if key, _ := w.sim.SessionKey(miniID, "hua"); p.stored().Tokens.SessionKey != key {
			t.Error("a dead session_key is stored")
		}
	})
}

// A reset that had to wait for a token is newer than a login that came meanwhile.
func TestResetAfterLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *wechatsim.Config) { c.Switches.SessionKey = wechatsim.SessionKeyKept })
		p := w.phone("hua")
		p.in(false)
		want(t, "before", p.check(""), 200, "valid")
		_ = w.sim.ForeignRefresh(miniID)
		w.tokens.another = func(context.Context) error {
			time.Sleep(time.Second)
			w.phone("hua").logIn(false)
			time.Sleep(time.Second)
			return nil
		}
		if err := w.handler.ResetSessionKey(w.Context(), miniID, p.stored().OpenID); err != nil {
			t.Fatal(err)
		}
		if key, _ := w.sim.SessionKey(miniID, "hua"); p.stored().Tokens.SessionKey != key {
			t.Error("a dead session_key is stored")
		}
	})
}

// lateReset is a WeChat whose answer to a reset arrives late.
type lateReset struct {
	WeChat
	late func()
}

func (l lateReset) ResetSessionKey(ctx context.Context, token, openID, key string) (wechat.MiniSession, error) {
	m, err := l.WeChat.ResetSessionKey(ctx, token, openID, key)
	l.late()
	return m, err
}

// A login that came after a reset keeps its session_key, though the reset ends later.
func TestResetBeforeLogin(t *testing.T) {
	bubble(t, func(w *world) {
		p := w.phone("hua")
		p.in(false)
		w.handler.WeChat = lateReset{w.client, func() {
			time.Sleep(time.Second)
			p.in(false)
		}}
		if err := w.handler.ResetSessionKey(w.Context(), miniID, p.stored().OpenID); err != nil {
			t.Fatal(err)
		}
		if key, _ := w.sim.SessionKey(miniID, "hua"); p.stored().Tokens.SessionKey != key {
			t.Error("a dead session_key is stored")
		}
	})
}

// A logout of all devices ends the logins that are under way, too, with or without a
// token to keep; they are told to come again, and may.
func TestLogoutOvertakesLogins(t *testing.T) {
	for name, keeps := range map[string]bool{"without a token": false, "with one": true} {
		bubble(t, func(w *world) {
			p, other := w.phone("hua", "device", "phone"), w.phone("hua", "device", "tablet")
			p.in(false)
			other.in(false)
			if !keeps {
				p.token = ""
			}
			w.handler.WeChat = slow{w.client, func() {
				time.Sleep(time.Second)
				if err := w.sessions.RevokeAll(w.Context(), other.token, ""); err != nil {
					t.Error(err)
				}
			}}
			got := p.logIn(true)
			wantCode(t, name, got, 503, "login_superseded")
			if retry := got.Header().Get("Retry-After"); retry != "2" || len(p.stored().Devices) != 0 || p.stored().Profile != nil {
				t.Errorf("%s: Retry-After %q, %+v", name, retry, p.stored())
			}
			w.handler.WeChat = w.client
			time.Sleep(2 * time.Second)
			if p.in(false); p.alive() != nil {
				t.Errorf("%s: it does not come in again", name)
			}
		})
	}
}

// A logout between the answer of the table and a kept session's is told, too.
func TestLogoutOvertakesKept(t *testing.T) {
	bubble(t, func(w *world) {
		p, other := w.phone("hua", "device", "phone"), w.phone("hua", "device", "tablet")
		p.in(false)
		other.in(false)
		time.Sleep(time.Second)
		first := true
		w.store.Intercept(func(c storetest.Call, do func() error) error {
			if first && c.String() == "get user" { // its session was read, and lived
				first = false
				time.Sleep(time.Second)
				if err := w.sessions.RevokeAll(w.Context(), other.token, ""); err != nil {
					t.Error(err)
				}
			}
			return do()
		})
		wantCode(t, "kept", p.logIn(false), 503, "login_superseded")
	})
}

// A login that others have pushed out before it began is begun anew, and lives.
func TestPushedOutBeforeItBegan(t *testing.T) {
	w := newWorld(t)
	p := w.phone("hua", "device", "phone")
	first := true
	w.store.Intercept(func(c storetest.Call, do func() error) error {
		if first && c.String() == "create session" {
			first = false
			for i := range testDevices {
				w.phone("hua", "device", strconv.Itoa(i)).in(false)
			}
		}
		return do()
	})
	if p.in(false); p.alive() != nil {
		t.Error(p.alive())
	}
}

// A hundred logins of one user at once: each gets its session, the newest live, and no
// other device loses its own.
func TestHundredLogins(t *testing.T) {
	for name, c := range map[string]struct {
		devices, live int
	}{"as configured": {testDevices, testDevices}, "with room for all": {200, 101}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, func(c *wechatsim.Config) { c.Quotas.CodeToSessionMinute = 1000 })
			var err error
			w.sessions, err = session.New(session.Config{Store: w.store, TTL: 72 * time.Hour, IdleTimeout: 72 * time.Hour, MaxDevices: c.devices})
			if err != nil {
				t.Fatal(err)
			}
			w.handler.Sessions = w.sessions
			w.hundred(name, c.live)
		})
	}
}

func (w *world) hundred(name string, live int) {
	tablet := w.phone("hua", "device", "tablet")
	tablet.in(false)
	w.store.Intercept(func(_ storetest.Call, do func() error) error {
		time.Sleep(5 * time.Millisecond)
		return do()
	})
	tokens := w.atOnce(name, 100)
	w.store.Intercept(nil)
	if len(tokens) != 100 {
		w.Errorf("%s: %d tokens", name, len(tokens))
	}
	if err := tablet.alive(); err != nil {
		w.Errorf("%s: the other device: %v", name, err)
	}
	alive := 1
	for token := range tokens {
		if _, err := w.sessions.Check(w.Context(), token); err == nil {
			alive++
		}
	}
	if listed := len(tablet.stored().Devices); alive != live || listed != live {
		w.Errorf("%s: %d live, %d are listed", name, alive, listed)
	}
}

// atOnce logs one phone in so many times, and returns the tokens.
func (w *world) atOnce(name string, n int) map[string]bool {
	tokens := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range n {
		p := w.phone("hua")
		body := map[string]any{"code": p.code(), "device": "phone"}
		wg.Go(func() {
			got := p.do("POST", "/miniprogram/login", body)
			var g Grant
			if err := json.Unmarshal(got.Body.Bytes(), &g); err != nil || got.Code != http.StatusOK {
				w.Errorf("%s: %d %s", name, got.Code, got.Body)
			}
			mu.Lock()
			defer mu.Unlock()
			tokens[g.Token] = true
		})
	}
	wg.Wait()
	return tokens
}
