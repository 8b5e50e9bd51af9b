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
	bubble(t, func(w *world) {
		p := w.phone("hua", "app", "mini", "sku", "shop", "device", "iPhone 15")
		g := p.in(true)
		if g.ExpiresIn != 259200 || g.OpenID != w.sim.OpenID(miniID, "hua") || g.UnionID != w.sim.UnionID(miniID, "hua") || !g.NewUser {
			t.Errorf("%+v", g)
		}
		s, err := w.sessions.Check(w.Context(), g.Token)
		if err != nil || s.App != "mini" || s.AppID != miniID || s.SKU != "shop" || s.Device != "iPhone 15" || s.EndsAt-s.CreatedAt != 259200 || s.ExpiresAt != s.EndsAt {
			t.Errorf("%+v, %v", s, err)
		}
		u := p.stored()
		if u.Profile == nil || *u.Profile != (session.Profile{Nickname: "Li Hua", Sex: 2, Language: "zh_CN", City: "Shenzhen", Province: u.Profile.Province, Country: u.Profile.Country, HeadImgURL: u.Profile.HeadImgURL}) || u.Profile.Country == "" {
			t.Errorf("%+v", u.Profile)
		}
		if key, _ := w.sim.SessionKey(miniID, "hua"); u.Tokens.SessionKey != key || u.UnionID != g.UnionID {
			t.Errorf("another session_key is stored, or another unionid: %s", u.UnionID)
		}

		time.Sleep(time.Hour)
		again := p.in(false) // with the token: the session is kept
		if again.Token != g.Token || again.NewUser || again.ExpiresIn != 259200-3600 || again.UnionID != g.UnionID {
			t.Errorf("%+v", again)
		}
		u = p.stored()
		if key, _ := w.sim.SessionKey(miniID, "hua"); u.Tokens.SessionKey != key || u.Profile == nil || len(u.Devices) != 1 || u.LastLogin-u.FirstSeen != 3600 {
			t.Errorf("%+v", u)
		}
	})
}

// The calls of each login, as docs/miniprogram.md has them.
func TestLoginCalls(t *testing.T) {
	bubble(t, func(w *world) {
		hua := w.phone("hua", "device", "phone")
		hua.in(false)
		w.wantCalls("first login, with a unionid", "create user, create session, create union", 1)
		hua.token = ""
		hua.in(false)
		w.wantCalls("second login, with a unionid", "create user, create union, replace user, create session", 1)
		hua.token = ""
		hua.in(true)
		w.wantCalls("one more, with a profile", "create user, replace user, create session", 1)
		hua.in(true)
		w.wantCalls("with a token", "get session, get user, replace user", 1)
		hua.token = strings.Repeat("Q", session.TokenLength)
		hua.in(false)
		w.wantCalls("with a token that has ended", "get session, create user, replace user, create session", 1)

		ming := w.phone("ming", "app", "other")
		ming.appID = otherID
		ming.in(false)
		w.wantCalls("first login, without a unionid", "create user, create session", 1)
		ming.token = ""
		ming.in(false)
		w.wantCalls("second login, without one", "create user, replace user, create session", 1)

		for range testDevices {
			ming.token = ""
			ming.in(false)
		}
		w.quiet()
		ming.token = ""
		ming.in(false)
		w.wantCalls("with a session too many", "create user, replace user, create session, get session, replace session, replace user", 1)
	})
}

// All that can be refused without the code is, so that the code is good still.
func TestRefusedBeforeTheCodeIsSpent(t *testing.T) {
	w := newWorld(t)
	p := w.phone("hua")
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
	w.quiet()
	long := strings.Repeat("a", maxBody)
	for name, c := range map[string]struct {
		body   any
		status int
		code   string
	}{
		"nothing":               {"", 400, "body_invalid"},
		"no JSON":               {"code=" + code, 400, "body_invalid"},
		"a list":                {"[]", 400, "body_invalid"},
		"null":                  {"null", 400, "body_invalid"},
		"two objects":           {`{"code":"a"}{"code":"b"}`, 400, "body_invalid"},
		"a deep body":           {strings.Repeat("[", 20000), 400, "body_invalid"},
		"a deep field":          {`{"code":` + strings.Repeat("[", 20000), 400, "body_invalid"},
		"too large":             {with("rawData", long), 413, "body_too_large"},
		"a large encryptedData": {with("encryptedData", long), 413, "body_too_large"},
		"no code":               {with("code", nil), 400, "code_missing"},
		"an empty code":         {with("code", ""), 400, "code_missing"},
		"a code of no text":     {with("code", 5), 400, "body_invalid"},
		"a long code":           {with("code", strings.Repeat("a", maxCode+1)), 400, "code_missing"},
		"a code with a break":   {with("code", "a\nb"), 400, "code_missing"},
		"a code in Chinese":     {with("code", "码"), 400, "code_missing"},
		"no such app":           {with("app", "news"), 400, "app_unknown"},
		"an app of no text":     {with("app", []string{"mini"}), 400, "body_invalid"},
		"a sku of SQL":          {with("sku", "' OR 1=1 --"), 400, "body_invalid"},
		"a sku with a #":        {with("sku", "a#b"), 400, "body_invalid"},
		"a sku with a pipe":     {with("sku", "a|b"), 400, "body_invalid"},
		"a long sku":            {with("sku", strings.Repeat("a", 65)), 400, "body_invalid"},
		"a long device":         {with("device", strings.Repeat("a", 129)), 400, "body_invalid"},
		"a device with a break": {with("device", "a\nb"), 400, "body_invalid"},
		"rawData alone":         {with("signature", nil), 400, "body_invalid"},
		"signature alone":       {with("rawData", nil), 400, "body_invalid"},
		"a short signature":     {with("signature", "abc"), 400, "body_invalid"},
		"an odd signature":      {with("signature", strings.Repeat("G", 40)), 400, "body_invalid"},
		"encryptedData alone":   {with("iv", nil), 400, "body_invalid"},
		"iv alone":              {with("encryptedData", ""), 400, "body_invalid"},
		"iv of 15 bytes":        {with("iv", "r7BXXKkLb8qrSNn05n0q"), 400, "body_invalid"},
		"iv of 17 bytes":        {with("iv", "r7BXXKkLb8qrSNn05n0qiAA="), 400, "body_invalid"},
		"iv is no base64":       {with("iv", "r7BXXKkLb8qrSNn05n0qi==="), 400, "body_invalid"},
		"a + became a space":    {with("encryptedData", "AAAA AAAAAAAAAAAAAAAAA=="), 400, "body_invalid"},
		"half a block":          {with("encryptedData", "AAAAAAAAAAA="), 400, "body_invalid"},
		"base64 in lines":       {with("encryptedData", "AAAAAAAAAAAA\r\nAAAAAAAAAA=="), 400, "body_invalid"},
	} {
		wantCode(t, name, p.do("POST", "/miniprogram/login", c.body), c.status, c.code)
	}
	want(t, "a field", p.do("POST", "/miniprogram/login", with("sku", "a b")), 400, "Correct the field")
	want(t, "no JSON", p.do("POST", "/miniprogram/login", "code="+code), 400, "Send JSON")
	w.wantCalls("refusals", "", 0)
	want(t, "the code afterwards", p.do("POST", "/miniprogram/login", with()), 200, `"newUser":true`)
}

// Data that does not belong to the login refuses it, and opens nothing.
func TestLoginWithWrongData(t *testing.T) {
	for name, c := range map[string]struct {
		o    wechatsim.MiniOptions
		drop string // of rawData or encryptedData
		code string
	}{
		"rawData that was changed":    {wechatsim.MiniOptions{Tamper: wechatsim.TamperRawData}, "", "rawdata_signature_invalid"},
		"another signature":           {wechatsim.MiniOptions{Tamper: wechatsim.TamperSignature}, "encrypted", "rawdata_signature_invalid"},
		"a changed padding":           {wechatsim.MiniOptions{Tamper: wechatsim.TamperPadding}, "", "data_undecryptable"},
		"the same, alone":             {wechatsim.MiniOptions{Tamper: wechatsim.TamperPadding}, "raw", "data_undecryptable"},
		"another key":                 {wechatsim.MiniOptions{SessionKey: testKey}, "raw", "data_undecryptable"},
		"another key, raw":            {wechatsim.MiniOptions{SessionKey: testKey}, "encrypted", "rawdata_signature_invalid"},
		"another mini-program's":      {wechatsim.MiniOptions{AppID: otherID}, "", "data_of_other_app"},
		"old":                         {wechatsim.MiniOptions{Timestamp: made.Unix()}, "", "data_too_old"},
		"of the future":               {wechatsim.MiniOptions{Timestamp: time.Now().Add(11 * time.Minute).Unix()}, "", "data_too_old"},
		"another user's":              {wechatsim.MiniOptions{OpenID: "oAnother"}, "", "data_of_other_user"},
		"without an openId, as today": {wechatsim.MiniOptions{NoOpenID: true}, "", ""},
		"honest":                      {wechatsim.MiniOptions{}, "raw", ""},
	} {
		w := newWorld(t)
		p := w.phone("hua")
		code := p.code() // before the data, so that these are of its session_key
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
			want(t, name, got, 200, `"newUser":true`)
			continue
		}
		wantCode(t, name, got, 400, c.code)
		w.wantCalls(name, "", 1)
	}
}

// The profile of rawData counts: it is signed, and the other is not.
func TestSignedProfileCounts(t *testing.T) {
	w := newWorld(t)
	p := w.phone("hua")
	code := p.code()
	key, err := w.sim.SessionKey(miniID, "hua")
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
	key, _ = w.sim.SessionKey(miniID, "hua")
	want(t, "odd rawData", p.do("POST", "/miniprogram/login", map[string]any{"code": p.code(), "rawData": raw, "signature": RawDataSignature(raw, key)}), 400, "rawdata_signature_invalid")
	raw = "{\"nickName\":\"a\x14b\"}" // WeChat has been seen to do that, and to sign it
	code = p.code()
	key, _ = w.sim.SessionKey(miniID, "hua")
	want(t, "an odd name", p.do("POST", "/miniprogram/login", map[string]any{"code": code, "rawData": raw, "signature": RawDataSignature(raw, key)}), 200, "")
	if u := p.stored(); u.Profile == nil || u.Profile.Nickname != "a b" {
		t.Errorf("%+v", u.Profile)
	}
	raw = "no JSON\x14, but signed"
	code = p.code()
	key, _ = w.sim.SessionKey(miniID, "hua")
	want(t, "odd rawData", p.do("POST", "/miniprogram/login", map[string]any{"code": code, "rawData": raw, "signature": RawDataSignature(raw, key)}), 200, "")
	if u := p.stored(); u.Profile == nil || u.Profile.Nickname != "a b" {
		t.Errorf("%+v", u.Profile)
	}
}

// What WeChat may answer to a code, and what becomes of it. The code is never tried again.
func TestLoginsThatFail(t *testing.T) {
	fault := func(f wechatsim.Fault) func(*phone) {
		return func(p *phone) { f.Path = wechatsim.PathCodeToSession; p.sim.Fail(f) }
	}
	for name, c := range map[string]struct {
		spoil  func(*phone)
		status int
		code   string
		retry  string
	}{
		"40029":           {fault(wechatsim.Fault{ErrCode: 40029}), 400, "login_code_invalid", ""},
		"40163":           {fault(wechatsim.Fault{ErrCode: 40163}), 400, "login_code_used", ""},
		"42003":           {fault(wechatsim.Fault{ErrCode: 42003}), 400, "login_code_expired", ""},
		"41008":           {fault(wechatsim.Fault{ErrCode: 41008}), 400, "login_code_invalid", ""},
		"40226":           {func(p *phone) { _ = p.sim.BlockUser(miniID, "hua", true) }, 403, "login_blocked", ""},
		"45011":           {fault(wechatsim.Fault{ErrCode: 45011}), 429, "login_too_often", "60"},
		"45009":           {fault(wechatsim.Fault{ErrCode: 45009}), 503, "login_unavailable", "2"},
		"-1":              {fault(wechatsim.Fault{ErrCode: -1}), 503, "login_unavailable", "2"},
		"502":             {fault(wechatsim.Fault{Status: 502}), 503, "login_unavailable", "2"},
		"a lost answer":   {fault(wechatsim.Fault{DropAfter: true}), 503, "login_unavailable", "2"},
		"an odd answer":   {fault(wechatsim.Fault{Body: `{"session_key":"` + testKey + `"}`}), 503, "login_unavailable", "2"},
		"an odd key":      {fault(wechatsim.Fault{Body: `{"openid":"o","session_key":"AAAA"}`}), 503, "login_unavailable", "2"},
		"40164":           {func(p *phone) { _ = p.sim.Whitelist(miniID, wechatsim.GroupSNS, "203.0.113.5") }, 500, "login_misconfigured", ""},
		"40013":           {fault(wechatsim.Fault{ErrCode: 40013}), 500, "login_misconfigured", ""},
		"an unknown code": {fault(wechatsim.Fault{ErrCode: 12345}), 500, "login_misconfigured", ""},
		"no AppSecret":    {func(p *phone) { p.secret = secret.Secret{} }, 500, "login_misconfigured", ""},
		"AppSecret 40001": {fault(wechatsim.Fault{ErrCode: 40001}), 500, "login_misconfigured", ""},
		"wrong AppSecret": {func(p *phone) { p.secret = secret.New(p.plant("canary-wrong")) }, 500, "login_misconfigured", ""},
	} {
		w := newWorld(t)
		p := w.phone("hua")
		c.spoil(p)
		got := p.logIn(false)
		wantCode(t, name, got, c.status, c.code)
		if retry := got.Header().Get("Retry-After"); retry != c.retry {
			t.Errorf("%s: Retry-After %q", name, retry)
		}
		asked, fresh := 1, 0
		if strings.Contains(name, "AppSecret") {
			fresh = 1
		}
		if name == "no AppSecret" {
			asked = 0
		}
		if w.wantCalls(name, "", asked); w.fresh != fresh {
			t.Errorf("%s: the AppSecret was read %d times past the cache", name, w.fresh)
		}
		if c.status == 500 && !strings.Contains(w.log.String(), "level=ERROR") || name == "40164" && !strings.Contains(w.log.String(), "40164") {
			t.Errorf("%s: the operator is not told:\n%s", name, w.log.String())
		}
	}
	w := newWorld(t)
	p := w.phone("hua")
	code := p.code()
	want(t, "first", p.do("POST", "/miniprogram/login", map[string]any{"code": code}), 200, "")
	wantCode(t, "again", p.do("POST", "/miniprogram/login", map[string]any{"code": code}), 400, "login_code_used")
	other := w.phone("hua")
	other.appID = otherID
	wantCode(t, "another app's", p.do("POST", "/miniprogram/login", map[string]any{"code": other.code()}), 400, "login_code_invalid")
}

// WeChat hangs: the answer comes in time, and tells when to come again.
func TestLoginHangs(t *testing.T) {
	bubble(t, func(w *world) {
		w.sim.Fail(wechatsim.Fault{Path: wechatsim.PathCodeToSession, Delay: time.Hour})
		before := time.Now()
		wantCode(t, "hangs", w.phone("hua").logIn(false), 503, "login_unavailable")
		if took := time.Since(before); took > defaultBudget {
			t.Errorf("it took %v", took)
		}
		w.handler.Secrets = func(ctx context.Context, _ account.Account, _ bool) (secret.Secret, error) {
			<-ctx.Done()
			return secret.Secret{}, ctx.Err()
		}
		before = time.Now()
		wantCode(t, "Secrets Manager hangs", w.phone("hua").logIn(false), 503, "login_unavailable")
		if took := time.Since(before); took > defaultBudget {
			t.Errorf("it took %v", took)
		}
	})
}

func TestRoutes(t *testing.T) {
	w := newWorld(t)
	for target, want := range map[string]int{
		"GET /miniprogram/login": 405, "DELETE /miniprogram/session": 405, "POST /miniprogram/": 404, "OPTIONS /miniprogram/login": 405,
	} {
		method, path, _ := strings.Cut(target, " ")
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Origin", "https://evil.example")
		got := httptest.NewRecorder()
		w.handler.ServeHTTP(got, r)
		if got.Code != want || got.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %v", target, got.Code, got.Header())
		}
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
			cfg := newWorld(t).handler.Config
			if _, err := New(cfg); err != nil {
				t.Fatal(err)
			}
			c.change(&cfg)
			if _, err := New(cfg); err == nil {
				t.Error("no error")
			}
		})
	}
}
