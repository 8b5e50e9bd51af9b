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

// slow is a WeChat that lets a test run something before the answer to a code arrives.
type slow struct {
	WeChat
	late func()
}

func (s slow) CodeToSession(ctx context.Context, appID, secret, code string) (m wechat.MiniSession, err error) {
	m, err = s.WeChat.CodeToSession(ctx, appID, secret, code)
	s.late()
	return m, err
}

// A login that asked WeChat earlier and ends later does not store its older session_key.
func TestNewestSessionKeyIsStored(t *testing.T) {
	bubble(t, func(f *fixture) {
		p := f.phone("hua")
		first := true
		f.configure(func(c *Config) {
			c.WeChat = slow{f.client, func() {
				if first {
					first = false
					time.Sleep(time.Second)
					p.mustLogIn(false) // a newer login begins and ends
				}
			}}
		})
		p.mustLogIn(false)
		if key, _ := f.sim.SessionKey(miniID, "hua"); p.stored().Tokens.SessionKey != key {
			t.Error("an older session_key is stored")
		}
	})
}

// What counts is when WeChat was asked, not when the login began: reading the AppSecret can
// take seconds.
func TestSlowSecretMakesNoLoginOlder(t *testing.T) {
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
			t.Error("an older session_key is stored")
		}
	})
}

// A reset that had to wait for a token is newer than a login that came in the meantime.
func TestResetAfterLoginStoresItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(c *wechatsim.Config) { c.Switches.SessionKey = wechatsim.SessionKeyReused })
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
			t.Error("an older session_key is stored")
		}
	})
}

// lateReset is a WeChat that lets a test run something before the answer to a reset arrives.
type lateReset struct {
	WeChat
	late func()
}

func (l lateReset) ResetSessionKey(ctx context.Context, token, openID, key string) (wechat.MiniSession, error) {
	m, err := l.WeChat.ResetSessionKey(ctx, token, openID, key)
	l.late()
	return m, err
}

// The session_key of a login that came after a reset stays, though the reset ends later.
func TestResetBeforeLoginStoresNothing(t *testing.T) {
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
			t.Error("an older session_key is stored")
		}
	})
}

// A logout of all devices ends the logins in progress as well, with or without a session
// to reuse. They get login_superseded, and can log in again.
func TestLogoutOfAllDevicesEndsLoginsInProgress(t *testing.T) {
	for _, c := range []struct {
		name  string
		token bool
	}{{"without a token", false}, {"with a token", true}} {
		t.Run(c.name, func(t *testing.T) { logOutDuringLogin(t, c.token) })
	}
}

func logOutDuringLogin(t *testing.T, withToken bool) {
	bubble(t, func(f *fixture) {
		p, other := f.phone("hua", "device", "phone"), f.phone("hua", "device", "tablet")
		p.mustLogIn(false)
		other.mustLogIn(false)
		if !withToken {
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
		wantCode(t, "login", got, 503, "login_superseded")
		if retry := got.Header().Get("Retry-After"); retry != "2" || len(p.stored().Devices) != 0 || p.stored().Profile != nil {
			t.Errorf("Retry-After %q, %+v", retry, p.stored())
		}
		f.configure(func(c *Config) { c.WeChat = f.client })
		time.Sleep(2 * time.Second)
		if p.mustLogIn(false); p.sessionError() != nil {
			t.Error("it cannot log in again")
		}
	})
}

// A logout of all devices after the session was read, and before it is reused, ends the
// login as well.
func TestLogoutOfAllDevicesEndsASessionBeforeItIsReused(t *testing.T) {
	bubble(t, func(f *fixture) {
		p, other := f.phone("hua", "device", "phone"), f.phone("hua", "device", "tablet")
		p.mustLogIn(false)
		other.mustLogIn(false)
		time.Sleep(time.Second)
		first := true
		f.store.Intercept(func(ctx context.Context, c storetest.Call, do func(context.Context) error) error {
			if first && c.String() == "get user" { // its session was read, and it was valid
				first = false
				time.Sleep(time.Second)
				if err := f.sessions.RevokeAll(f.Context(), other.token, ""); err != nil {
					t.Error(err)
				}
			}
			return do(ctx)
		})
		wantCode(t, "login", p.logIn(false), 503, "login_superseded")
	})
}

// Logins on other devices revoke the session of this one before it is created. The login
// opens another session.
func TestLoginThatIsPushedOutOpensAnotherSession(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua", "device", "phone")
	first := true
	f.store.Intercept(func(ctx context.Context, c storetest.Call, do func(context.Context) error) error {
		if first && c.String() == "create session" {
			first = false
			for i := range testDevices {
				f.phone("hua", "device", strconv.Itoa(i)).mustLogIn(false)
			}
		}
		return do(ctx)
	})
	if p.mustLogIn(false); p.sessionError() != nil {
		t.Error(p.sessionError())
	}
}

// A user logs in a hundred times at once on one device. Each login gets a session, the
// newest sessions are valid, and no other device loses its own.
func TestHundredLoginsAtOnce(t *testing.T) {
	for _, c := range []struct {
		name           string
		devices, valid int
	}{{"as configured", testDevices, testDevices}, {"with room for all", 200, 101}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, func(sim *wechatsim.Config) { sim.Quotas.CodeToSessionMinute = 1000 })
				var err error
				f.sessions, err = session.New(session.Config{Store: f.store, TTL: 72 * time.Hour, IdleTimeout: 72 * time.Hour, MaxDevices: c.devices})
				if err != nil {
					t.Fatal(err)
				}
				f.configure(func(c *Config) { c.Sessions = f.sessions })
				f.logInHundredTimes(c.valid)
			})
		})
	}
}

func (f *fixture) logInHundredTimes(wantValid int) {
	tablet := f.phone("hua", "device", "tablet")
	tablet.mustLogIn(false)
	f.store.Intercept(func(ctx context.Context, _ storetest.Call, do func(context.Context) error) error {
		time.Sleep(5 * time.Millisecond)
		return do(ctx)
	})
	tokens := f.atOnce(100)
	f.store.Intercept(nil)
	if len(tokens) != 100 {
		f.Errorf("%d tokens", len(tokens))
	}
	if err := tablet.sessionError(); err != nil {
		f.Errorf("the other device: %v", err)
	}
	valid := 1
	for token := range tokens {
		if _, err := f.sessions.Check(f.Context(), token); err == nil {
			valid++
		}
	}
	if listed := len(tablet.stored().Devices); valid != wantValid || listed != wantValid {
		f.Errorf("%d are valid, %d are listed, want %d", valid, listed, wantValid)
	}
}

// atOnce logs one device in so many times at once, and returns the tokens.
func (f *fixture) atOnce(n int) map[string]bool {
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
				f.Errorf("%d %s", got.Code, got.Body)
			}
			mu.Lock()
			defer mu.Unlock()
			tokens[g.Token] = true
		})
	}
	wg.Wait()
	return tokens
}
