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
	"wechatfn/shared/store"
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
	bubble(t, func(f *fixture) {
		p := f.phone("hua")
		first := true
		f.configure(func(c *Config) {
			c.WeChat = slow{f.client, func() {
				if first {
					first = false
					time.Sleep(time.Second)
					p.mustLogIn(false) // a newer one comes and goes
				}
			}}
		})
		p.mustLogIn(false)
		if key, _ := f.sim.SessionKey(miniID, "hua"); p.stored().Tokens.SessionKey != key {
			t.Error("a dead session_key is stored")
		}
	})
}

// What counts is when WeChat was asked, and not when the login came: a slow AppSecret
// makes no login older.
func TestSlowSecretIsNoOlderLogin(t *testing.T) {
	bubble(t, func(f *fixture) {
		f.sim.ResetCounts()
		p := f.phone("hua")
		first := true
		secrets := f.config.Secrets
		f.configure(func(c *Config) {
			c.Secrets = func(ctx context.Context, a account.Account, fresh bool) (secret.Secret, error) {
				if first {
					first = false
					time.Sleep(time.Second)
					if f.phone("hua").logIn(false).Code != http.StatusOK {
						t.Error("the other login")
					}
					time.Sleep(time.Second)
					_ = f.sim.ReplaceSessionKey(miniID, "hua") // as of the exchange to come
				}
				return secrets(ctx, a, fresh)
			}
		})
		p.mustLogIn(false)
		if key, _ := f.sim.SessionKey(miniID, "hua"); p.stored().Tokens.SessionKey != key {
			t.Error("a dead session_key is stored")
		}
	})
}

// A reset that had to wait for a token is newer than a login that came meanwhile.
func TestResetAfterLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(c *wechatsim.Config) { c.Switches.SessionKey = wechatsim.SessionKeyKept })
		p := f.phone("hua")
		p.mustLogIn(false)
		want(t, "before", p.check(""), 200, "valid")
		_ = f.sim.ForeignRefresh(miniID)
		f.tokens.another = func(context.Context) error {
			time.Sleep(time.Second)
			f.phone("hua").logIn(false)
			time.Sleep(time.Second)
			return nil
		}
		if err := f.handler.ResetSessionKey(f.Context(), miniID, p.stored().OpenID); err != nil {
			t.Fatal(err)
		}
		if key, _ := f.sim.SessionKey(miniID, "hua"); p.stored().Tokens.SessionKey != key {
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
	bubble(t, func(f *fixture) {
		p := f.phone("hua")
		p.mustLogIn(false)
		f.configure(func(c *Config) {
			c.WeChat = lateReset{f.client, func() {
				time.Sleep(time.Second)
				p.mustLogIn(false)
			}}
		})
		if err := f.handler.ResetSessionKey(f.Context(), miniID, p.stored().OpenID); err != nil {
			t.Fatal(err)
		}
		if key, _ := f.sim.SessionKey(miniID, "hua"); p.stored().Tokens.SessionKey != key {
			t.Error("a dead session_key is stored")
		}
	})
}

// A logout of all devices ends the logins that are under way, too, with or without a
// token to keep; they are told to come again, and may.
func TestLogoutOvertakesLogins(t *testing.T) {
	for name, keeps := range map[string]bool{"without a token": false, "with one": true} {
		bubble(t, func(f *fixture) {
			p, other := f.phone("hua", "device", "phone"), f.phone("hua", "device", "tablet")
			p.mustLogIn(false)
			other.mustLogIn(false)
			if !keeps {
				p.token = ""
			}
			f.configure(func(c *Config) {
				c.WeChat = slow{f.client, func() {
					time.Sleep(time.Second)
					if err := f.sessions.RevokeAll(f.Context(), other.token, ""); err != nil {
						t.Error(err)
					}
				}}
			})
			got := p.logIn(true)
			wantCode(t, name, got, 503, "login_superseded")
			if retry := got.Header().Get("Retry-After"); retry != "2" || len(p.stored().Devices) != 0 || p.stored().Profile != nil {
				t.Errorf("%s: Retry-After %q, %+v", name, retry, p.stored())
			}
			f.configure(func(c *Config) { c.WeChat = f.client })
			time.Sleep(2 * time.Second)
			if p.mustLogIn(false); p.sessionError() != nil {
				t.Errorf("%s: it does not come in again", name)
			}
		})
	}
}

// A logout between the answer of the table and a kept session's is told, too.
func TestLogoutOvertakesKept(t *testing.T) {
	bubble(t, func(f *fixture) {
		p, other := f.phone("hua", "device", "phone"), f.phone("hua", "device", "tablet")
		p.mustLogIn(false)
		other.mustLogIn(false)
		time.Sleep(time.Second)
		first := true
		f.store.before = func(call, key string) {
			if first && call == "get" && store.Kind(key) == "user" { // its session was read, and lived
				first = false
				time.Sleep(time.Second)
				if err := f.sessions.RevokeAll(f.Context(), other.token, ""); err != nil {
					t.Error(err)
				}
			}
		}
		wantCode(t, "kept", p.logIn(false), 503, "login_superseded")
	})
}

// A login that others have pushed out before it began is begun anew, and lives.
func TestPushedOutBeforeItBegan(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua", "device", "phone")
	first := true
	f.store.before = func(call, key string) {
		if first && call == "create" && store.Kind(key) == "session" {
			first = false
			for i := range session.DefaultMaxDevices {
				f.phone("hua", "device", strconv.Itoa(i)).mustLogIn(false)
			}
		}
	}
	if p.mustLogIn(false); p.sessionError() != nil {
		t.Error(p.sessionError())
	}
}

// A hundred logins of one user at once: each gets its session, the newest live, and no
// other device loses its own.
func TestHundredLogins(t *testing.T) {
	for name, c := range map[string]struct {
		devices, live int
	}{"as configured": {0, session.DefaultMaxDevices}, "with room for all": {200, 101}} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, func(c *wechatsim.Config) { c.Quotas.CodeToSessionMinute = 1000 })
			var err error
			f.sessions, err = session.New(session.Config{Store: f.store, TTL: 72 * time.Hour, IdleTimeout: 72 * time.Hour, MaxDevices: c.devices})
			if err != nil {
				t.Fatal(err)
			}
			f.configure(func(c *Config) { c.Sessions = f.sessions })
			f.hundred(name, c.live)
		})
	}
}

func (f *fixture) hundred(name string, live int) {
	tablet := f.phone("hua", "device", "tablet")
	tablet.mustLogIn(false)
	f.store.latency = 5 * time.Millisecond
	tokens := f.atOnce(name, 100)
	f.store.latency = 0
	if len(tokens) != 100 {
		f.Errorf("%s: %d tokens", name, len(tokens))
	}
	if err := tablet.sessionError(); err != nil {
		f.Errorf("%s: the other device: %v", name, err)
	}
	alive := 1
	for token := range tokens {
		if _, err := f.sessions.Check(f.Context(), token); err == nil {
			alive++
		}
	}
	if listed := len(tablet.stored().Devices); alive != live || listed != live {
		f.Errorf("%s: %d live, %d are listed", name, alive, listed)
	}
}

// atOnce logs one phone in so many times, and returns the tokens.
func (f *fixture) atOnce(name string, n int) map[string]bool {
	tokens := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range n {
		p := f.phone("hua")
		body := map[string]any{"code": p.code(), "device": "phone"}
		wg.Go(func() {
			got := p.do("POST", "/miniprogram/login", body)
			var g Grant
			if err := json.Unmarshal(got.Body.Bytes(), &g); err != nil || got.Code != http.StatusOK {
				f.Errorf("%s: %d %s", name, got.Code, got.Body)
			}
			mu.Lock()
			defer mu.Unlock()
			tokens[g.Token] = true
		})
	}
	wg.Wait()
	return tokens
}
