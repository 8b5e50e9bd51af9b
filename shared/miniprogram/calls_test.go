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

// button is a press of the phone number button.
func (p *phone) button() string {
	p.Helper()
	code, err := p.sim.PhoneCode(p.appID, p.user)
	if err != nil {
		p.Fatal(err)
	}
	return p.plant(code)
}

func (p *phone) number(code string, more ...string) *httptest.ResponseRecorder {
	p.Helper()
	body := map[string]any{"code": code}
	for i := 0; i < len(more); i += 2 {
		body[more[i]] = more[i+1]
	}
	return p.do("POST", "/miniprogram/phone", body)
}

func (p *phone) check(query string) *httptest.ResponseRecorder {
	p.Helper()
	return p.do("GET", "/miniprogram/session"+query, nil)
}

func TestDecrypt(t *testing.T) {
	w := newWorld(t)
	p := w.phone("hua")
	p.in(false)
	w.quiet()
	got := p.decrypt(wechatsim.MiniOptions{})
	want(t, "user data", got, 200, `{"data":{"openId":"`+w.sim.OpenID(miniID, "hua")+`","nickName":"Li Hua"`)
	w.wantCalls("decrypt", "get session, get user", 0)
	d, err := w.sim.MiniPhoneData(miniID, "hua", wechatsim.MiniOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "a number, as the button gave it", p.do("POST", "/miniprogram/decrypt", d), 200, `"purePhoneNumber":"`)
	if p.stored().Profile != nil {
		t.Error("a profile was stored that nobody logged in with")
	}
}

func TestDecryptRefuses(t *testing.T) {
	w := newWorld(t)
	p := w.phone("hua", "sku", "shop")
	p.in(false)
	for name, c := range map[string]struct {
		o    wechatsim.MiniOptions
		code string
	}{
		"padding":     {wechatsim.MiniOptions{Tamper: wechatsim.TamperPadding}, "data_undecryptable"},
		"cut":         {wechatsim.MiniOptions{Tamper: wechatsim.TamperCut}, "body_invalid"},
		"iv":          {wechatsim.MiniOptions{Tamper: wechatsim.TamperIV}, ""}, // see TestCiphertextIsNotAuthentic
		"another key": {wechatsim.MiniOptions{SessionKey: testKey}, "data_undecryptable"},
		"another app": {wechatsim.MiniOptions{AppID: otherID}, "data_of_other_app"},
		"another's":   {wechatsim.MiniOptions{OpenID: "oAnother"}, "data_of_other_user"},
		"old":         {wechatsim.MiniOptions{Timestamp: made.Unix()}, "data_too_old"},
		"no openid":   {wechatsim.MiniOptions{NoOpenID: true}, ""},
	} {
		got := p.decrypt(c.o)
		if c.code != "" {
			wantCode(t, name, got, 400, c.code)
		} else if got.Code != 200 && name == "no openid" {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
	w.quiet()
	for name, body := range map[string]any{
		"nothing": nil, "null": "null", "a list": "[]", "numbers": `{"encryptedData":1,"iv":2}`, "no iv": map[string]string{"encryptedData": "AAAAAAAAAAAAAAAAAAAAAA=="},
		"neither": map[string]string{}, "odd iv": map[string]string{"encryptedData": "AAAAAAAAAAAAAAAAAAAAAA==", "iv": "AAAA"}, "deep": strings.Repeat(`{"a":`, 5000),
	} {
		wantCode(t, name, p.do("POST", "/miniprogram/decrypt", body), 400, "body_invalid")
	}
	wantCode(t, "too large", p.do("POST", "/miniprogram/decrypt", `{"iv":"`+strings.Repeat("a", maxBody)), 413, "body_too_large")
	w.wantCalls("refusals", "", 0)

	wantCode(t, "another product", p.decrypt(wechatsim.MiniOptions{}, "sku", "news"), 403, "session_other_product")
	want(t, "its product", p.decrypt(wechatsim.MiniOptions{}, "sku", "shop"), 200, "")
	if err := w.sim.ReplaceSessionKey(miniID, "hua"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "after a newer wx.login", p.decrypt(wechatsim.MiniOptions{}), 400, "data_undecryptable")
}

// Who has no session of a mini-program, or no session_key, gets nothing.
func TestWithoutASession(t *testing.T) {
	w := newWorld(t)
	p := w.phone("hua")
	p.in(false)
	ended := *p
	if err := w.sessions.Revoke(t.Context(), p.token); err != nil {
		t.Fatal(err)
	}
	web := *p
	var err error
	if web.token, _, _, err = w.sessions.Issue(t.Context(), session.Login{AppID: "wx1111111111111111", OpenID: "oWeb"}); err != nil {
		t.Fatal(err)
	}
	keyless := *p
	if keyless.token, _, _, err = w.sessions.Issue(t.Context(), session.Login{AppID: miniID, OpenID: "oKeyless"}); err != nil {
		t.Fatal(err)
	}
	nobody, guess := *p, *p
	nobody.token, guess.token = "", strings.Repeat("Q", session.TokenLength)
	for name, c := range map[string]struct {
		phone  *phone
		status int
		code   string
	}{
		"nobody": {&nobody, 401, "session_missing"}, "a guess": {&guess, 401, "session_missing"}, "logged out": {&ended, 401, "session_revoked"},
		"a web login": {&web, 403, "session_not_miniprogram"}, "no session_key": {&keyless, 409, "session_key_missing"},
	} {
		w.quiet()
		wantCode(t, name, c.phone.decrypt(wechatsim.MiniOptions{}), c.status, c.code)
		wantCode(t, name, c.phone.check(""), c.status, c.code)
		if name != "no session_key" { // which a number does not need
			wantCode(t, name, c.phone.number(c.phone.button()), c.status, c.code)
		}
		if n := w.sim.Calls(""); n != 0 {
			t.Errorf("%s: WeChat was asked %d times", name, n)
		}
	}
}

func TestPhone(t *testing.T) {
	for _, numeric := range []bool{false, true} {
		w := newWorld(t, func(c *wechatsim.Config) { c.Switches.NumericCountryCode = numeric })
		p := w.phone("hua", "sku", "shop")
		p.in(false)
		w.quiet()
		code := p.button()
		got := p.number(code)
		want(t, "number", got, 200, `"countryCode":"86"`)
		w.wantCalls("phone", "get session", 1)
		p.plant(p.stored().OpenID)
		wantCode(t, "used", p.number(code), 400, "phone_code_invalid")
		wantCode(t, "a wx.login code", p.number(p.code()), 400, "phone_code_invalid")
		wantCode(t, "another's", p.number(w.phone("ming").button()), 400, "phone_code_invalid")
		wantCode(t, "another product", p.number(p.button(), "sku", "news"), 403, "session_other_product")
		wantCode(t, "no code", p.number(""), 400, "code_missing")
		wantCode(t, "no body", p.do("POST", "/miniprogram/phone", nil), 400, "body_invalid")
	}
}

// The code of another mini-program is the client's mistake: no operator is woken.
func TestPhoneCodeOfAnotherApp(t *testing.T) {
	for _, errcode := range []int{40013, 40029} {
		w := newWorld(t, func(c *wechatsim.Config) { c.Switches.ForeignPhoneCodeCode = errcode })
		p, other := w.phone("hua"), w.phone("hua")
		other.appID = otherID
		p.in(false)
		wantCode(t, "of another app", p.number(other.button()), 400, "phone_code_invalid")
		if strings.Contains(w.log.String(), "level=ERROR") {
			t.Errorf("%d: the operator is told:\n%s", errcode, w.log.String())
		}
	}
}

// A number whose watermark is another mini-program's is not handed on.
func TestPhoneOfAnotherApp(t *testing.T) {
	w := newWorld(t)
	p := w.phone("hua")
	p.in(false)
	for app, status := range map[string]int{miniID: 200, otherID: 400} {
		w.sim.ClearFaults()
		w.sim.Fail(wechatsim.Fault{Path: wechatsim.PathPhoneNumber, Body: `{"errcode":0,"phone_info":{"phoneNumber":"13580006666","purePhoneNumber":"13580006666","countryCode":"86","watermark":{"timestamp":1,"appid":"` + app + `"}}}`})
		if got := p.number(p.button()); got.Code != status || strings.Contains(got.Body.String(), "13580006666") != (status == 200) {
			t.Errorf("%s: %d %s", app, got.Code, got.Body)
		}
	}
}

// The number reaches its user's client, and nothing else.
func TestPhoneIsNotLogged(t *testing.T) {
	w := newWorld(t)
	p := w.phone("hua")
	p.in(false)
	got := p.number(p.button())
	_, number, _ := strings.Cut(got.Body.String(), `"purePhoneNumber":"`)
	number, _, _ = strings.Cut(number, `"`)
	if len(number) != 11 {
		t.Fatal(got.Body)
	}
	p.plant(number)
	for _, item := range w.store.Written() {
		w.search("the table's keys", item.Key)
		if strings.Contains(string(item.Value), number) {
			t.Errorf("%s holds the number", item.Key)
		}
	}
}

func TestPhoneFails(t *testing.T) {
	for code, c := range map[int]struct {
		status int
		code   string
		retry  string
	}{
		-1: {503, "wechat_unavailable", "2"}, 45011: {503, "wechat_unavailable", "60"}, 45009: {503, "wechat_unavailable", "2"},
		40125: {500, "wechat_refused", ""}, 48001: {500, "wechat_refused", ""}, 40164: {500, "wechat_refused", ""}, 40003: {400, "phone_code_invalid", ""},
	} {
		w := newWorld(t)
		p := w.phone("hua")
		p.in(false)
		w.quiet()
		w.sim.Fail(wechatsim.Fault{Path: wechatsim.PathPhoneNumber, ErrCode: code})
		got := p.number(p.button())
		wantCode(t, c.code, got, c.status, c.code)
		if got.Header().Get("Retry-After") != c.retry || w.sim.Calls(wechatsim.PathPhoneNumber) != 1 {
			t.Errorf("%d: Retry-After %q, %d calls", code, got.Header().Get("Retry-After"), w.sim.Calls(wechatsim.PathPhoneNumber))
		}
		if c.status == 500 && !strings.Contains(w.log.String(), "level=ERROR") {
			t.Errorf("%d: the operator is not told", code)
		}
	}
}

// A token that was ended elsewhere: told, and the call made once more with another.
func TestDeadToken(t *testing.T) {
	for _, call := range []func(*phone) *httptest.ResponseRecorder{
		func(p *phone) *httptest.ResponseRecorder { return p.number(p.button()) },
		func(p *phone) *httptest.ResponseRecorder { return p.check("") },
	} {
		w := newWorld(t)
		w.handler.RetryAfter = 7 * time.Second
		p := w.phone("hua")
		p.in(false)
		want(t, "before", call(p), 200, "")
		if err := w.sim.ForeignRefresh(miniID); err != nil {
			t.Fatal(err)
		}
		w.quiet()
		want(t, "after", call(p), 200, "")
		if w.tokens.reports != 1 || w.sim.Calls(wechatsim.PathPhoneNumber)+w.sim.Calls(wechatsim.PathCheckSession) != 2 {
			t.Errorf("%d reports", w.tokens.reports)
		}
		w.sim.Fail(wechatsim.Fault{Path: wechatsim.PathPhoneNumber, ErrCode: 40001})
		w.sim.Fail(wechatsim.Fault{Path: wechatsim.PathCheckSession, ErrCode: 42001})
		w.quiet()
		got := call(p)
		wantCode(t, "and that one, too", got, 503, "token_unavailable")
		if w.tokens.reports != 2 || w.sim.Calls(wechatsim.PathPhoneNumber)+w.sim.Calls(wechatsim.PathCheckSession) != 2 || got.Header().Get("Retry-After") != "7" {
			t.Errorf("%d reports, %v", w.tokens.reports, got.Header())
		}
	}
}

// The refresher does not come: the answer does, in time.
func TestNoOtherToken(t *testing.T) {
	bubble(t, func(w *world) {
		p := w.phone("hua")
		p.in(false)
		want(t, "before", p.check(""), 200, `{"valid":true}`)
		_ = w.sim.ForeignRefresh(miniID)
		w.tokens.another = func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		for _, late := range []time.Duration{0, 4900 * time.Millisecond, time.Minute} {
			w.sim.ClearFaults()
			w.sim.Fail(wechatsim.Fault{Path: wechatsim.PathPhoneNumber, AnswerDelay: late})
			w.tokens.value = "dead"
			before := time.Now()
			got := p.number(p.button())
			wantCode(t, "no other", got, 503, map[bool]string{true: "token_unavailable", false: "wechat_unavailable"}[late < time.Minute])
			took := time.Since(before)
			if took > defaultBudget-askTime || late == 0 && took != 4*time.Second { // as docs/miniprogram.md has it
				t.Errorf("it took %v", took)
			}
		}
	})
	w := newWorld(t)
	p := w.phone("hua")
	p.in(false)
	w.sim.Fail(wechatsim.Fault{Path: wechatsim.PathStableToken, ErrCode: -1})
	wantCode(t, "none at all", p.check(""), 503, "token_unavailable")
}

func TestCheckSession(t *testing.T) {
	w := newWorld(t)
	p := w.phone("hua", "sku", "shop")
	p.in(false)
	want(t, "alive", p.check(""), 200, `{"valid":true}`)
	w.quiet()
	want(t, "of its product", p.check("?sku=shop"), 200, `{"valid":true}`)
	w.wantCalls("check", "get session, get user", 1)
	wantCode(t, "another product", p.check("?sku=news"), 403, "session_other_product")
	wantCode(t, "twice", p.check("?sku=a&sku=b"), 400, "parameter_repeated")
	if err := w.sim.ReplaceSessionKey(miniID, "hua"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "dead", p.check(""), 409, "session_key_invalid")
	p.in(false)
	want(t, "after a login", p.check(""), 200, `{"valid":true}`)
}

func TestResetSessionKey(t *testing.T) {
	w := newWorld(t)
	p := w.phone("hua")
	p.in(false)
	old := p.stored().Tokens.SessionKey
	if err := w.handler.ResetSessionKey(t.Context(), miniID, p.stored().OpenID); err != nil {
		t.Fatal(err)
	}
	if key, _ := w.sim.SessionKey(miniID, "hua"); key == old || p.stored().Tokens.SessionKey != key {
		t.Error("the new session_key is not stored")
	}
	want(t, "data of the new one", p.decrypt(wechatsim.MiniOptions{}), 200, "")
	wantCode(t, "data of the old one", p.decrypt(wechatsim.MiniOptions{SessionKey: old}), 400, "data_undecryptable")
	if err := w.handler.ResetSessionKey(t.Context(), miniID, "oNobody"); !errors.Is(err, errKeyMissing) {
		t.Errorf("nobody: %v", err)
	}
	_ = w.sim.ReplaceSessionKey(miniID, "hua")
	if err := w.handler.ResetSessionKey(t.Context(), miniID, p.stored().OpenID); !errors.Is(err, errKeyInvalid) {
		t.Errorf("a dead one: %v", err)
	}
}
