package docs_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"wechatfn/dev/wechatsim"
)

// phone is a mini-program on a user's phone.
func (d *deployment) phone() *browser { d.Helper(); return d.browser() }

func (b *browser) wxLogin() string {
	b.Helper()
	code, err := b.sim.MiniLogin(miniID, "hua")
	b.must(err)
	return code
}

// post sends fields, as wx.request does.
func (b *browser) post(path string, fields map[string]any) *http.Response {
	b.Helper()
	text, err := json.Marshal(fields)
	b.must(err)
	return b.do("POST", path, string(text))
}

// data is what wx.getUserInfo gives.
func (b *browser) data(o wechatsim.MiniOptions) map[string]any {
	b.Helper()
	d, err := b.sim.MiniUserData(miniID, "hua", o)
	b.must(err)
	return map[string]any{"rawData": d.RawData, "signature": d.Signature, "encryptedData": d.EncryptedData, "iv": d.IV}
}

// miniLogin logs in, with data made according to o, and more fields in pairs.
func (b *browser) miniLogin(o wechatsim.MiniOptions, fields ...string) *http.Response {
	b.Helper()
	code := b.wxLogin()
	body := b.data(o)
	body["code"] = code
	for i := 0; i < len(fields); i += 2 {
		body[fields[i]] = fields[i+1]
	}
	return b.post("/miniprogram/login", body)
}

func (b *browser) decrypt(o wechatsim.MiniOptions, sku string) *http.Response {
	b.Helper()
	d := b.data(o)
	return b.post("/miniprogram/decrypt", map[string]any{"encryptedData": d["encryptedData"], "iv": d["iv"], "sku": sku})
}

func (b *browser) number() *http.Response {
	b.Helper()
	code, err := b.sim.PhoneCode(miniID, "hua")
	b.must(err)
	return b.post("/miniprogram/phone", map[string]any{"code": code})
}

func (w *witness) miniPrograms() {
	d := w.deploy(settings())
	p := d.phone()
	p.bearer = p.token(p.miniLogin(wechatsim.MiniOptions{}, "sku", "shop", "device", "phone"))
	p.want(p.miniLogin(wechatsim.MiniOptions{}, "sku", "shop", "device", "phone"), 200, "")
	p.want(p.get("/oauth/session?sku=shop"), 200, "")
	p.want(p.decrypt(wechatsim.MiniOptions{}, "shop"), 200, "")
	w.miniData(p)
	w.miniCalls(d, p)
	w.miniLogins(d) // each login makes another session_key
	w.miniOthers(d, p)

	bare := settings()
	bare["WECHAT_APPS"] = strings.Replace(bare["WECHAT_APPS"], "mini_program", "website", 1)
	none := w.deploy(bare).browser()
	none.want(none.get("/miniprogram/session"), 400, "app_unknown")
	for _, path := range []string{"/miniprogram/login", "/miniprogram/decrypt", "/miniprogram/phone"} {
		none.want(none.post(path, nil), 400, "app_unknown")
	}
}

// miniLogins fails in each possible way.
func (w *witness) miniLogins(d *deployment) {
	p := d.phone()
	for _, c := range []struct {
		code   string
		data   wechatsim.MiniOptions
		fields []string
	}{
		{"app_unknown", wechatsim.MiniOptions{}, []string{"app", "shop"}},
		{"body_invalid", wechatsim.MiniOptions{}, []string{"iv", "x"}},
		{"code_missing", wechatsim.MiniOptions{}, []string{"code", ""}},
		{"rawdata_signature_invalid", wechatsim.MiniOptions{Tamper: wechatsim.TamperRawData}, nil},
		{"data_undecryptable", wechatsim.MiniOptions{Tamper: wechatsim.TamperPadding}, nil},
		{"data_of_other_app", wechatsim.MiniOptions{AppID: shopID}, nil},
		{"data_too_old", wechatsim.MiniOptions{Timestamp: 1477314187}, nil},
		{"data_of_other_user", wechatsim.MiniOptions{OpenID: "oAnother"}, nil},
	} {
		p.want(p.miniLogin(c.data, c.fields...), 400, c.code)
	}
	p.want(p.post("/miniprogram/login", map[string]any{"rawData": strings.Repeat("x", 40<<10)}), 413, "body_too_large")
	for _, c := range []struct {
		errcode, status int
		code            string
	}{
		{40029, 400, "login_code_invalid"}, {40163, 400, "login_code_used"}, {42003, 400, "login_code_expired"}, {40226, 403, "login_blocked"},
		{45011, 429, "login_too_often"}, {40125, 500, "login_misconfigured"}, {-1, 503, "login_unavailable"},
	} {
		d.sim.Fail(wechatsim.Fault{Path: wechatsim.PathCodeToSession, ErrCode: c.errcode, Times: 1})
		p.want(p.post("/miniprogram/login", map[string]any{"code": p.wxLogin()}), c.status, c.code)
	}
	w.miniSuperseded(d)
	for _, path := range []string{"/miniprogram/login", "/miniprogram/decrypt", "/miniprogram/phone"} {
		cut := p.request("POST", path, "{}")
		cut.Body = broken{}
		p.want(p.serve(cut), 400, "body_unreadable")
	}
}

// miniSuperseded logs the user out of all devices while a login waits for WeChat.
func (w *witness) miniSuperseded(d *deployment) {
	slow, other := d.phone(), d.phone()
	other.bearer = other.token(other.miniLogin(wechatsim.MiniOptions{}, "sku", "news"))
	d.sim.Fail(wechatsim.Fault{Path: wechatsim.PathCodeToSession, AnswerDelay: 2 * time.Second, Times: 1})
	var superseded *http.Response
	var login sync.WaitGroup
	login.Go(func() {
		superseded = slow.post("/miniprogram/login", map[string]any{"code": slow.wxLogin(), "sku": "news"})
	})
	time.Sleep(time.Second)
	other.want(other.do("DELETE", "/oauth/session?all=true&sku=news", ""), 204, "")
	login.Wait()
	slow.want(superseded, 503, "login_superseded")
}

func (w *witness) miniData(p *browser) {
	for _, c := range []struct {
		code string
		data wechatsim.MiniOptions
	}{
		{"data_undecryptable", wechatsim.MiniOptions{Tamper: wechatsim.TamperPadding}},
		{"data_of_other_app", wechatsim.MiniOptions{AppID: shopID}},
		{"data_too_old", wechatsim.MiniOptions{Timestamp: 1477314187}},
		{"data_of_other_user", wechatsim.MiniOptions{OpenID: "oAnother"}},
	} {
		p.want(p.decrypt(c.data, ""), 400, c.code)
	}
	p.want(p.post("/miniprogram/decrypt", map[string]any{"iv": "x"}), 400, "body_invalid")
	p.want(p.post("/miniprogram/decrypt", map[string]any{"iv": strings.Repeat("x", 40<<10)}), 413, "body_too_large")
	p.want(p.decrypt(wechatsim.MiniOptions{}, "news"), 403, "session_other_product")
}

// miniCalls makes the calls that need the account's access token.
func (w *witness) miniCalls(d *deployment, p *browser) {
	p.want(p.number(), 503, "token_unavailable")
	p.want(p.get("/miniprogram/session"), 503, "token_unavailable")
	_, err := d.refresher.Tick(w.Context())
	w.must(err)
	time.Sleep(time.Second) // until the reader reads the table again
	p.want(p.number(), 200, "")
	p.want(p.get("/miniprogram/session?sku=shop"), 200, "")
	p.want(p.get("/miniprogram/session?sku=a&sku=b"), 400, "parameter_repeated")
	p.want(p.get("/miniprogram/session?sku=%zz"), 400, "query_malformed")
	p.want(p.get("/miniprogram/session?sku=news"), 403, "session_other_product")
	p.want(p.post("/miniprogram/phone", map[string]any{"code": "guessed"}), 400, "phone_code_invalid")
	p.want(p.post("/miniprogram/phone", map[string]any{}), 400, "code_missing")
	p.want(p.do("POST", "/miniprogram/phone", "code=x"), 400, "body_invalid")
	p.want(p.post("/miniprogram/phone", map[string]any{"code": strings.Repeat("x", 40<<10)}), 413, "body_too_large")
	for _, c := range []struct {
		errcode, status int
		code            string
	}{{-1, 503, "wechat_unavailable"}, {48001, 500, "wechat_refused"}} {
		d.sim.Fail(wechatsim.Fault{Path: wechatsim.PathPhoneNumber, ErrCode: c.errcode})
		d.sim.Fail(wechatsim.Fault{Path: wechatsim.PathCheckSession, ErrCode: c.errcode})
		p.want(p.number(), c.status, c.code)
		p.want(p.get("/miniprogram/session"), c.status, c.code)
		d.sim.ClearFaults()
	}
	w.must(d.sim.ReplaceSessionKey(miniID, "hua"))
	p.want(p.get("/miniprogram/session"), 409, "session_key_invalid")
}

// miniOthers calls without a mini-program's session, without time, and without a session_key.
func (w *witness) miniOthers(d *deployment, p *browser) {
	page, nobody := d.bearer(), d.phone()
	for _, call := range []func(*browser) *http.Response{
		func(b *browser) *http.Response { return b.decrypt(wechatsim.MiniOptions{}, "") },
		(*browser).number,
		func(b *browser) *http.Response { return b.get("/miniprogram/session") },
	} {
		page.want(call(page), 403, "session_not_miniprogram")
		nobody.want(call(nobody), 401, "session_missing")
	}
	ctx, cancel := context.WithTimeout(w.Context(), 0)
	defer cancel()
	for _, target := range []string{"POST /miniprogram/decrypt", "GET /miniprogram/session"} {
		method, path, _ := strings.Cut(target, " ")
		p.want(p.serve(p.request(method, path, `{"encryptedData":"AAAAAAAAAAAAAAAAAAAAAA==","iv":"AAAAAAAAAAAAAAAAAAAAAA=="}`).WithContext(ctx)), 503, "timeout")
	}
	item, err := d.db.Get(w.Context(), "user#"+miniID+"#"+d.sim.OpenID(miniID, "hua"))
	w.must(err)
	w.must(d.db.Delete(w.Context(), item.Key, item.Version)) // as an operator may
	p.want(p.decrypt(wechatsim.MiniOptions{}, ""), 409, "session_key_missing")
	p.want(p.get("/miniprogram/session"), 409, "session_key_missing")
	p.want(p.do("DELETE", "/oauth/session?all=true", ""), 204, "")
	p.want(p.decrypt(wechatsim.MiniOptions{}, ""), 401, "session_revoked")
}
