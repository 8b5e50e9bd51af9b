package miniprogram

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/session"
)

func TestLogin(t *testing.T) {
	bubble(t, func(f *fixture) {
		p := f.phone("hua", "app", "mini", "sku", "shop", "device", "iPhone 15")
		g := p.mustLogIn(true)
		if g.ExpiresIn != 259200 || g.OpenID != f.sim.OpenID(miniID, "hua") || g.UnionID != f.sim.UnionID(miniID, "hua") || !g.NewUser {
			t.Errorf("%+v", g)
		}
		s, err := f.sessions.Check(f.Context(), g.Token)
		if err != nil || s.App != "mini" || s.AppID != miniID || s.SKU != "shop" || s.Device != "iPhone 15" || s.EndsAt-s.CreatedAt != 259200 || s.ExpiresAt != s.EndsAt {
			t.Errorf("%+v, %v", s, err)
		}
		u := p.stored()
		if u.Profile == nil || *u.Profile != (session.Profile{Nickname: "Li Hua", Sex: 2, Language: "zh_CN", City: "Shenzhen", Province: u.Profile.Province, Country: u.Profile.Country, HeadImgURL: u.Profile.HeadImgURL}) || u.Profile.Country == "" {
			t.Errorf("%+v", u.Profile)
		}
		if key, _ := f.sim.SessionKey(miniID, "hua"); u.Tokens.SessionKey != key || u.UnionID != g.UnionID {
			t.Errorf("another session_key is stored, or another unionid: %s", u.UnionID)
		}

		time.Sleep(time.Hour)
		again := p.mustLogIn(false) // with the token: the session is reused
		if again.Token != g.Token || again.NewUser || again.ExpiresIn != 259200-3600 || again.UnionID != g.UnionID {
			t.Errorf("%+v", again)
		}
		u = p.stored()
		if key, _ := f.sim.SessionKey(miniID, "hua"); u.Tokens.SessionKey != key || u.Profile == nil || len(u.Devices) != 1 || u.LastLogin-u.FirstSeen != 3600 {
			t.Errorf("%+v", u)
		}
	})
}

// The store calls of each login are those that docs/miniprogram.md says.
func TestLoginStoreCalls(t *testing.T) {
	bubble(t, func(f *fixture) {
		hua := f.phone("hua", "device", "phone")
		hua.mustLogIn(false)
		f.wantCalls("first login, with a unionid", "create user, create session, create union", 1)
		hua.token = ""
		hua.mustLogIn(false)
		f.wantCalls("second login, with a unionid", "create user, create union, replace user, create session", 1)
		hua.token = ""
		hua.mustLogIn(true)
		f.wantCalls("one more, with a profile", "create user, replace user, create session", 1)
		hua.mustLogIn(true)
		f.wantCalls("with a token", "get session, get user, replace user", 1)
		hua.token = strings.Repeat("Q", session.TokenLength)
		hua.mustLogIn(false)
		f.wantCalls("with a token that has ended", "get session, create user, replace user, create session", 1)

		ming := f.phone("ming", "app", "other")
		ming.appID = otherID
		ming.mustLogIn(false)
		f.wantCalls("first login, without a unionid", "create user, create session", 1)
		ming.token = ""
		ming.mustLogIn(false)
		f.wantCalls("second login, without one", "create user, replace user, create session", 1)

		for range testDevices {
			ming.token = ""
			ming.mustLogIn(false)
		}
		f.resetCalls()
		ming.token = ""
		ming.mustLogIn(false)
		f.wantCalls("with a session too many", "create user, replace user, create session, get session, replace session, replace user", 1)
	})
}

// Everything that can be refused without the code is refused before WeChat is asked, so
// that the code is still valid.
func TestRefusedBeforeTheCodeIsExchanged(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua")
	code, data := p.code(), p.data(wechatsim.MiniOptions{})
	with := func(more ...any) map[string]any {
		body := map[string]any{"code": code}
		for name, value := range data {
			body[name] = value
		}
		for i := 0; i < len(more); i += 2 {
			if body[more[i].(string)] = more[i+1]; more[i+1] == nil {
				delete(body, more[i].(string))
			}
		}
		return body
	}
	f.resetCalls()
	long := strings.Repeat("a", maxBody)
	for _, c := range []struct {
		name   string
		body   any
		status int
		code   string
	}{
		{"nothing", "", 400, "body_invalid"},
		{"no JSON", "code=" + code, 400, "body_invalid"},
		{"a list", "[]", 400, "body_invalid"},
		{"null", "null", 400, "body_invalid"},
		{"two objects", `{"code":"a"}{"code":"b"}`, 400, "body_invalid"},
		{"a deep body", strings.Repeat("[", 20000), 400, "body_invalid"},
		{"a deep field", `{"code":` + strings.Repeat("[", 20000), 400, "body_invalid"},
		{"too large", with("rawData", long), 413, "body_too_large"},
		{"a large encryptedData", with("encryptedData", long), 413, "body_too_large"},
		{"no code", with("code", nil), 400, "code_missing"},
		{"an empty code", with("code", ""), 400, "code_missing"},
		{"a code of no text", with("code", 5), 400, "body_invalid"},
		{"a long code", with("code", strings.Repeat("a", maxCode+1)), 400, "code_missing"},
		{"a code with a break", with("code", "a\nb"), 400, "code_missing"},
		{"a code in Chinese", with("code", "码"), 400, "code_missing"},
		{"no such app", with("app", "news"), 400, "app_unknown"},
		{"an app of no text", with("app", []string{"mini"}), 400, "body_invalid"},
		{"a sku of SQL", with("sku", "' OR 1=1 --"), 400, "body_invalid"},
		{"a sku with a #", with("sku", "a#b"), 400, "body_invalid"},
		{"a sku with a pipe", with("sku", "a|b"), 400, "body_invalid"},
		{"a long sku", with("sku", strings.Repeat("a", 65)), 400, "body_invalid"},
		{"a long device", with("device", strings.Repeat("a", 129)), 400, "body_invalid"},
		{"a device with a break", with("device", "a\nb"), 400, "body_invalid"},
		{"rawData alone", with("signature", nil), 400, "body_invalid"},
		{"signature alone", with("rawData", nil), 400, "body_invalid"},
		{"a short signature", with("signature", "abc"), 400, "body_invalid"},
		{"an odd signature", with("signature", strings.Repeat("G", 40)), 400, "body_invalid"},
		{"encryptedData alone", with("iv", nil), 400, "body_invalid"},
		{"iv alone", with("encryptedData", ""), 400, "body_invalid"},
		{"iv of 15 bytes", with("iv", "r7BXXKkLb8qrSNn05n0q"), 400, "body_invalid"},
		{"iv of 17 bytes", with("iv", "r7BXXKkLb8qrSNn05n0qiAA="), 400, "body_invalid"},
		{"iv is no base64", with("iv", "r7BXXKkLb8qrSNn05n0qi==="), 400, "body_invalid"},
		{"a + became a space", with("encryptedData", "AAAA AAAAAAAAAAAAAAAAA=="), 400, "body_invalid"},
		{"half a block", with("encryptedData", "AAAAAAAAAAA="), 400, "body_invalid"},
		{"base64 in lines", with("encryptedData", "AAAAAAAAAAAA\r\nAAAAAAAAAA=="), 400, "body_invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantCode(t, "login", p.do("POST", "/miniprogram/login", c.body), c.status, c.code)
		})
	}
	want(t, "a field", p.do("POST", "/miniprogram/login", with("sku", "a b")), 400, "Correct the field")
	want(t, "no JSON", p.do("POST", "/miniprogram/login", "code="+code), 400, "Send JSON")
	f.wantCalls("refusals", "", 0)
	want(t, "the code afterwards", p.do("POST", "/miniprogram/login", with()), 200, `"newUser":true`)
}

// A login with data that does not belong to it is refused, and opens nothing.
func TestLoginWithWrongDataIsRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		o    wechatsim.MiniOptions
		drop string // of rawData or encryptedData
		code string // "" is a login, not a refusal
	}{
		{"rawData that was changed", wechatsim.MiniOptions{Tamper: wechatsim.TamperRawData}, "", "rawdata_signature_invalid"},
		{"another signature", wechatsim.MiniOptions{Tamper: wechatsim.TamperSignature}, "encrypted", "rawdata_signature_invalid"},
		{"a changed padding", wechatsim.MiniOptions{Tamper: wechatsim.TamperPadding}, "", "data_undecryptable"},
		{"the same, alone", wechatsim.MiniOptions{Tamper: wechatsim.TamperPadding}, "raw", "data_undecryptable"},
		{"another key", wechatsim.MiniOptions{SessionKey: testKey}, "raw", "data_undecryptable"},
		{"another key, raw", wechatsim.MiniOptions{SessionKey: testKey}, "encrypted", "rawdata_signature_invalid"},
		{"another mini-program's", wechatsim.MiniOptions{AppID: otherID}, "", "data_of_other_app"},
		{"old", wechatsim.MiniOptions{Timestamp: made.Unix()}, "", "data_too_old"},
		{"of the future", wechatsim.MiniOptions{Timestamp: time.Now().Add(11 * time.Minute).Unix()}, "", "data_too_old"},
		{"another user's", wechatsim.MiniOptions{OpenID: "oAnother"}, "", "data_of_other_user"},
		{"without an openId, as today", wechatsim.MiniOptions{NoOpenID: true}, "", ""},
		{"honest", wechatsim.MiniOptions{}, "raw", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			p := f.phone("hua")
			code := p.code() // before the data, which must be of its session_key
			data := p.data(c.o)
			switch data["code"] = code; c.drop {
			case "raw":
				delete(data, "rawData")
				delete(data, "signature")
			case "encrypted":
				delete(data, "encryptedData")
				delete(data, "iv")
			}
			got := p.do("POST", "/miniprogram/login", data)
			if c.code == "" {
				want(t, "login", got, 200, `"newUser":true`)
				return
			}
			wantCode(t, "login", got, 400, c.code)
			f.wantCalls("login", "", 1)
		})
	}
}

// The profile of rawData is stored, because it is signed. The other one is not signed.
func TestSignedProfileIsStored(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua")
	code := p.code()
	key, err := f.sim.SessionKey(miniID, "hua")
	if err != nil {
		t.Fatal(err)
	}
	data := p.data(wechatsim.MiniOptions{})
	raw := `{"nickName":"signed","gender":1}`
	data["code"], data["rawData"], data["signature"] = code, raw, RawDataSignature(raw, key)
	want(t, "login", p.do("POST", "/miniprogram/login", data), 200, "")
	if u := p.stored(); u.Profile == nil || *u.Profile != (session.Profile{Nickname: "signed", Sex: 1}) {
		t.Errorf("%+v", u.Profile)
	}
	raw = "no JSON\x14, but signed"
	key, _ = f.sim.SessionKey(miniID, "hua")
	want(t, "odd rawData", p.do("POST", "/miniprogram/login", map[string]any{"code": p.code(), "rawData": raw, "signature": RawDataSignature(raw, key)}), 400, "rawdata_signature_invalid")
	raw = "{\"nickName\":\"a\x14b\"}" // WeChat has been seen to do that, and to sign it
	code = p.code()
	key, _ = f.sim.SessionKey(miniID, "hua")
	want(t, "an odd name", p.do("POST", "/miniprogram/login", map[string]any{"code": code, "rawData": raw, "signature": RawDataSignature(raw, key)}), 200, "")
	if u := p.stored(); u.Profile == nil || u.Profile.Nickname != "a b" {
		t.Errorf("%+v", u.Profile)
	}
	raw = "no JSON\x14, but signed"
	code = p.code()
	key, _ = f.sim.SessionKey(miniID, "hua")
	want(t, "odd rawData", p.do("POST", "/miniprogram/login", map[string]any{"code": code, "rawData": raw, "signature": RawDataSignature(raw, key)}), 200, "")
	if u := p.stored(); u.Profile == nil || u.Profile.Nickname != "a b" {
		t.Errorf("%+v", u.Profile)
	}
}

// Each way in which an exchange can fail has an answer of its own. The code is never sent
// again.
func TestFailures(t *testing.T) {
	fault := func(fault wechatsim.Fault) func(*phone) {
		return func(p *phone) { fault.Path = wechatsim.PathCodeToSession; p.sim.Fail(fault) }
	}
	for _, c := range []struct {
		name    string
		prepare func(*phone)
		asked   int // calls of WeChat
		fresh   int // reads of the AppSecret past the cache
		status  int
		code    string
		retry   string
	}{
		{"unknown code", fault(wechatsim.Fault{ErrCode: 40029}), 1, 0, 400, "login_code_invalid", ""},
		{"used code", fault(wechatsim.Fault{ErrCode: 40163}), 1, 0, 400, "login_code_used", ""},
		{"expired code", fault(wechatsim.Fault{ErrCode: 42003}), 1, 0, 400, "login_code_expired", ""},
		{"no code", fault(wechatsim.Fault{ErrCode: 41008}), 1, 0, 400, "login_code_invalid", ""},
		{"user blocked", func(p *phone) { _ = p.sim.BlockUser(miniID, "hua", true) }, 1, 0, 403, "login_blocked", ""},
		{"minute quota", fault(wechatsim.Fault{ErrCode: 45011}), 1, 0, 429, "login_too_often", "60"},
		{"day quota", fault(wechatsim.Fault{ErrCode: 45009}), 1, 0, 503, "login_unavailable", "2"},
		{"busy", fault(wechatsim.Fault{ErrCode: -1}), 1, 0, 503, "login_unavailable", "2"},
		{"status 502", fault(wechatsim.Fault{Status: 502}), 1, 0, 503, "login_unavailable", "2"},
		{"answer lost", fault(wechatsim.Fault{DropAfter: true}), 1, 0, 503, "login_unavailable", "2"},
		{"no openid", fault(wechatsim.Fault{Body: `{"session_key":"` + testKey + `"}`}), 1, 0, 503, "login_unavailable", "2"},
		{"odd session_key", fault(wechatsim.Fault{Body: `{"openid":"o","session_key":"AAAA"}`}), 1, 0, 503, "login_unavailable", "2"},
		{"whitelist", func(p *phone) { _ = p.sim.Whitelist(miniID, wechatsim.GroupSNS, "203.0.113.5") }, 1, 0, 500, "login_misconfigured", ""},
		{"AppID", fault(wechatsim.Fault{ErrCode: 40013}), 1, 0, 500, "login_misconfigured", ""},
		{"unknown errcode", fault(wechatsim.Fault{ErrCode: 12345}), 1, 0, 500, "login_misconfigured", ""},
		{"no AppSecret", func(p *phone) { p.secret = secret.Secret{} }, 0, 1, 500, "login_misconfigured", ""},
		{"AppSecret, 40001", fault(wechatsim.Fault{ErrCode: 40001}), 1, 1, 500, "login_misconfigured", ""},
		{"AppSecret, 40125", func(p *phone) { p.secret = secret.New(p.plant("canary-wrong")) }, 1, 1, 500, "login_misconfigured", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			p := f.phone("hua")
			c.prepare(p)
			got := p.logIn(false)
			wantCode(t, "login", got, c.status, c.code)
			if retry := got.Header().Get("Retry-After"); retry != c.retry {
				t.Errorf("Retry-After %q, want %q", retry, c.retry)
			}
			if f.wantCalls("login", "", c.asked); f.fresh != c.fresh {
				t.Errorf("the AppSecret was read %d times past the cache, want %d", f.fresh, c.fresh)
			}
			if c.status == 500 && !strings.Contains(f.log.String(), "level=ERROR") || c.name == "whitelist" && !strings.Contains(f.log.String(), "40164") {
				t.Errorf("no error is logged:\n%s", f.log.String())
			}
		})
	}
}

func TestCodeWorksOnceAndForItsAccount(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua")
	code := p.code()
	want(t, "first", p.do("POST", "/miniprogram/login", map[string]any{"code": code}), 200, "")
	wantCode(t, "again", p.do("POST", "/miniprogram/login", map[string]any{"code": code}), 400, "login_code_used")
	other := f.phone("hua")
	other.appID = otherID
	wantCode(t, "another app's", p.do("POST", "/miniprogram/login", map[string]any{"code": other.code()}), 400, "login_code_invalid")
}

// WeChat, or Secrets Manager, does not answer. The answer comes in time, and says when to
// come again.
func TestLoginAnswersInTime(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*fixture)
	}{
		{"WeChat hangs", func(f *fixture) {
			f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathCodeToSession, Delay: time.Hour})
		}},
		{"the AppSecret hangs", func(f *fixture) {
			f.configure(func(c *Config) {
				c.Secrets = func(ctx context.Context, _ account.Account, _ bool) (secret.Secret, error) {
					<-ctx.Done()
					return secret.Secret{}, ctx.Err()
				}
			})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(f *fixture) {
				c.prepare(f)
				before := time.Now()
				wantCode(t, "login", f.phone("hua").logIn(false), 503, "login_unavailable")
				if took := time.Since(before); took > defaultBudget {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestRoutes(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		name, method, path string
		status             int
	}{
		{"GET login", "GET", "/miniprogram/login", 405},
		{"DELETE session", "DELETE", "/miniprogram/session", 405},
		{"no route", "POST", "/miniprogram/", 404},
		{"preflight", "OPTIONS", "/miniprogram/login", 405},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, nil)
			r.Header.Set("Origin", "https://evil.example")
			got := httptest.NewRecorder()
			f.handler.ServeHTTP(got, r)
			if got.Code != c.status || got.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%d %v", got.Code, got.Header())
			}
		})
	}
}

func TestNewRefusesWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
	}{
		{"no account", func(c *Config) { c.Accounts = nil }},
		{"no WeChat", func(c *Config) { c.WeChat = nil }},
		{"no secrets", func(c *Config) { c.Secrets = nil }},
		{"no tokens", func(c *Config) { c.Tokens = nil }},
		{"no sessions", func(c *Config) { c.Sessions = nil }},
		{"no age of data", func(c *Config) { c.DataAge = 0 }},
		{"no time to retry after", func(c *Config) { c.RetryAfter = 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := newFixture(t).config
			c.change(&config)
			if _, err := New(config); err == nil {
				t.Error("no error")
			}
		})
	}
}
