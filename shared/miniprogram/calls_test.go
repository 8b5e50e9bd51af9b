package miniprogram

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/session"
)

func (p *phone) decrypt(o wechatsim.MiniOptions, more ...string) *httptest.ResponseRecorder {
	p.Helper()
	d := p.data(o)
	body := map[string]any{"encryptedData": d["encryptedData"], "iv": d["iv"]}
	for i := 0; i < len(more); i += 2 {
		body[more[i]] = more[i+1]
	}
	return p.do("POST", "/miniprogram/decrypt", body)
}

func (p *phone) check(query string) *httptest.ResponseRecorder {
	p.Helper()
	return p.do("GET", "/miniprogram/session"+query, nil)
}

func TestDecrypt(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua")
	p.mustLogIn(false)
	f.resetCalls()
	got := p.decrypt(wechatsim.MiniOptions{})
	want(t, "user data", got, 200, `{"data":{"openId":"`+f.sim.OpenID(miniID, "hua")+`","nickName":"Li Hua"`)
	f.wantCalls("decrypt", "get session, get user", 0)
	d, err := f.sim.MiniPhoneData(miniID, "hua", wechatsim.MiniOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "a number, as the button gave it", p.do("POST", "/miniprogram/decrypt", d), 200, `"purePhoneNumber":"`)
	if p.stored().Profile != nil {
		t.Error("a profile was stored that nobody logged in with")
	}
}

func TestDecryptRefuses(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua", "sku", "shop")
	p.mustLogIn(false)
	for _, c := range []struct {
		name string
		o    wechatsim.MiniOptions
		code string // "" is an answer, not a refusal
	}{
		{"padding", wechatsim.MiniOptions{Tamper: wechatsim.TamperPadding}, "data_undecryptable"},
		{"cut", wechatsim.MiniOptions{Tamper: wechatsim.TamperCut}, "body_invalid"},
		{"another key", wechatsim.MiniOptions{SessionKey: testKey}, "data_undecryptable"},
		{"another app", wechatsim.MiniOptions{AppID: otherID}, "data_of_other_app"},
		{"another user", wechatsim.MiniOptions{OpenID: "oAnother"}, "data_of_other_user"},
		{"old", wechatsim.MiniOptions{Timestamp: made.Unix()}, "data_too_old"},
		{"no openid", wechatsim.MiniOptions{NoOpenID: true}, ""},
	} { // a changed iv is not detected, see TestCiphertextIsNotAuthentic
		t.Run(c.name, func(t *testing.T) {
			if c.code == "" {
				want(t, "data", p.decrypt(c.o), 200, "")
			} else {
				wantCode(t, "data", p.decrypt(c.o), 400, c.code)
			}
		})
	}
	wantCode(t, "another product", p.decrypt(wechatsim.MiniOptions{}, "sku", "news"), 403, "session_other_product")
	want(t, "its product", p.decrypt(wechatsim.MiniOptions{}, "sku", "shop"), 200, "")
	if err := f.sim.ReplaceSessionKey(miniID, "hua"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "after a newer wx.login", p.decrypt(wechatsim.MiniOptions{}), 400, "data_undecryptable")
}

// A body that cannot be right is refused before the store is asked.
func TestDecryptRefusesBodies(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua")
	p.mustLogIn(false)
	f.resetCalls()
	for _, c := range []struct {
		name string
		body any
	}{
		{"nothing", nil},
		{"null", "null"},
		{"a list", "[]"},
		{"numbers", `{"encryptedData":1,"iv":2}`},
		{"no iv", map[string]string{"encryptedData": "AAAAAAAAAAAAAAAAAAAAAA=="}},
		{"neither", map[string]string{}},
		{"odd iv", map[string]string{"encryptedData": "AAAAAAAAAAAAAAAAAAAAAA==", "iv": "AAAA"}},
		{"deep", strings.Repeat(`{"a":`, 5000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantCode(t, "body", p.do("POST", "/miniprogram/decrypt", c.body), 400, "body_invalid")
		})
	}
	wantCode(t, "too large", p.do("POST", "/miniprogram/decrypt", `{"iv":"`+strings.Repeat("a", maxBody)), 413, "body_too_large")
	f.wantCalls("refusals", "", 0)
}

// Without a session of a mini-program, or without a session_key, there is no answer.
func TestWithoutASession(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua")
	p.mustLogIn(false)
	ended := *p
	if err := f.sessions.Revoke(t.Context(), p.token); err != nil {
		t.Fatal(err)
	}
	web := *p
	var err error
	if web.token, _, _, err = f.sessions.Issue(t.Context(), session.Login{AppID: "wx1111111111111111", OpenID: "oWeb"}); err != nil {
		t.Fatal(err)
	}
	keyless := *p
	if keyless.token, _, _, err = f.sessions.Issue(t.Context(), session.Login{AppID: miniID, OpenID: "oKeyless"}); err != nil {
		t.Fatal(err)
	}
	nobody, guess := *p, *p
	nobody.token, guess.token = "", strings.Repeat("Q", session.TokenLength)
	for _, c := range []struct {
		name   string
		phone  *phone
		number bool // the phone number is refused, too: it needs no session_key
		status int
		code   string
	}{
		{"nobody", &nobody, true, 401, "session_missing"},
		{"a guess", &guess, true, 401, "session_missing"},
		{"logged out", &ended, true, 401, "session_revoked"},
		{"a web login", &web, true, 403, "session_not_miniprogram"},
		{"no session_key", &keyless, false, 409, "session_key_missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.resetCalls()
			wantCode(t, "decrypt", c.phone.decrypt(wechatsim.MiniOptions{}), c.status, c.code)
			wantCode(t, "check", c.phone.check(""), c.status, c.code)
			if c.number {
				wantCode(t, "number", c.phone.number(c.phone.phoneCode()), c.status, c.code)
			}
			if n := len(f.sim.Counts()); n != 0 {
				t.Errorf("WeChat was asked: %v", f.sim.Counts())
			}
		})
	}
}

// WeChat says that an access token is invalid. The token is reported, and the call is made
// once more with another token.
func TestInvalidTokenIsReplacedOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		call func(*phone) *httptest.ResponseRecorder
	}{
		{"phone", func(p *phone) *httptest.ResponseRecorder { return p.number(p.phoneCode()) }},
		{"session", func(p *phone) *httptest.ResponseRecorder { return p.check("") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.configure(func(c *Config) { c.RetryAfter = 7 * time.Second })
			p := f.phone("hua")
			p.mustLogIn(false)
			want(t, "before", c.call(p), 200, "")
			if err := f.sim.ForeignRefresh(miniID); err != nil {
				t.Fatal(err)
			}
			f.resetCalls()
			want(t, "after", c.call(p), 200, "")
			if f.tokens.reports != 1 || f.sim.Calls(wechatsim.PathPhoneNumber)+f.sim.Calls(wechatsim.PathCheckSession) != 2 {
				t.Errorf("%d reports", f.tokens.reports)
			}
			f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathPhoneNumber, ErrCode: 40001})
			f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathCheckSession, ErrCode: 42001})
			f.resetCalls()
			got := c.call(p)
			wantCode(t, "and that one, too", got, 503, "token_unavailable")
			if f.tokens.reports != 2 || f.sim.Calls(wechatsim.PathPhoneNumber)+f.sim.Calls(wechatsim.PathCheckSession) != 2 || got.Header().Get("Retry-After") != "7" {
				t.Errorf("%d reports, %v", f.tokens.reports, got.Header())
			}
		})
	}
}

// No refresher brings another token, and WeChat's refusal comes late. The answer comes in
// time all the same.
func TestAnswerComesInTimeWithoutAnotherToken(t *testing.T) {
	for _, c := range []struct {
		name string
		late time.Duration
		code string
	}{
		{"at once", 0, "token_unavailable"},
		{"after 4.9 s", 4900 * time.Millisecond, "token_unavailable"},
		{"never", time.Minute, "wechat_unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(f *fixture) {
				p := f.phone("hua")
				p.mustLogIn(false)
				want(t, "before", p.check(""), 200, `{"valid":true}`)
				_ = f.sim.ForeignRefresh(miniID)
				f.tokens.another = func(ctx context.Context) error {
					<-ctx.Done()
					return ctx.Err()
				}
				f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathPhoneNumber, AnswerDelay: c.late})
				f.tokens.value = "invalid"
				before := time.Now()
				wantCode(t, "no other", p.number(p.phoneCode()), 503, c.code)
				took := time.Since(before)
				if took > defaultBudget-retryReserve || c.late == 0 && took != 4*time.Second { // as docs/miniprogram.md says
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestNoTokenAtAll(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua")
	p.mustLogIn(false)
	f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathStableToken, ErrCode: -1})
	wantCode(t, "check", p.check(""), 503, "token_unavailable")
}

func TestCheckSession(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua", "sku", "shop")
	p.mustLogIn(false)
	want(t, "valid", p.check(""), 200, `{"valid":true}`)
	f.resetCalls()
	want(t, "of its product", p.check("?sku=shop"), 200, `{"valid":true}`)
	f.wantCalls("check", "get session, get user", 1)
	wantCode(t, "another product", p.check("?sku=news"), 403, "session_other_product")
	wantCode(t, "twice", p.check("?sku=a&sku=b"), 400, "parameter_repeated")
	if err := f.sim.ReplaceSessionKey(miniID, "hua"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "invalid", p.check(""), 409, "session_key_invalid")
	p.mustLogIn(false)
	want(t, "after a login", p.check(""), 200, `{"valid":true}`)
}

func TestResetSessionKey(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua")
	p.mustLogIn(false)
	old := p.stored().Tokens.SessionKey
	if err := f.handler.ResetSessionKey(t.Context(), miniID, p.stored().OpenID); err != nil {
		t.Fatal(err)
	}
	if key, _ := f.sim.SessionKey(miniID, "hua"); key == old || p.stored().Tokens.SessionKey != key {
		t.Error("the new session_key is not stored")
	}
	want(t, "data of the new one", p.decrypt(wechatsim.MiniOptions{}), 200, "")
	wantCode(t, "data of the old one", p.decrypt(wechatsim.MiniOptions{SessionKey: old}), 400, "data_undecryptable")
	if err := f.handler.ResetSessionKey(t.Context(), miniID, "oNobody"); !errors.Is(err, errKeyMissing) {
		t.Errorf("nobody: %v", err)
	}
	_ = f.sim.ReplaceSessionKey(miniID, "hua")
	if err := f.handler.ResetSessionKey(t.Context(), miniID, p.stored().OpenID); !errors.Is(err, errKeyInvalid) {
		t.Errorf("an invalid one: %v", err)
	}
}
