package miniprogram

import (
	"net/http/httptest"
	"strings"
	"testing"

	"wechatfn/dev/wechatsim"
)

// phoneCode is the code of a press of the phone number button.
func (p *phone) phoneCode() string {
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

func TestPhone(t *testing.T) {
	for _, c := range []struct {
		name    string
		numeric bool
	}{{"country code in quotes", false}, {"numeric country code", true}} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, func(sim *wechatsim.Config) { sim.Switches.NumericCountryCode = c.numeric })
			p := f.phone("hua", "sku", "shop")
			p.mustLogIn(false)
			f.resetCalls()
			code := p.phoneCode()
			want(t, "number", p.number(code), 200, `"countryCode":"86"`)
			f.wantCalls("phone", "get session", 1)
			p.plant(p.stored().OpenID)
			wantCode(t, "used", p.number(code), 400, "phone_code_invalid")
			wantCode(t, "a wx.login code", p.number(p.code()), 400, "phone_code_invalid")
			wantCode(t, "another's", p.number(f.phone("ming").phoneCode()), 400, "phone_code_invalid")
			wantCode(t, "another product", p.number(p.phoneCode(), "sku", "news"), 403, "session_other_product")
			wantCode(t, "no code", p.number(""), 400, "code_missing")
			wantCode(t, "no body", p.do("POST", "/miniprogram/phone", nil), 400, "body_invalid")
		})
	}
}

// The code of another mini-program is the client's mistake: it raises no alarm.
func TestPhoneCodeOfAnotherAppRaisesNoAlarm(t *testing.T) {
	for _, c := range []struct {
		name    string
		errcode int
	}{{"40013", 40013}, {"40029", 40029}} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, func(sim *wechatsim.Config) { sim.Switches.ForeignPhoneCodeCode = c.errcode })
			p, other := f.phone("hua"), f.phone("hua")
			other.appID = otherID
			p.mustLogIn(false)
			wantCode(t, "of another app", p.number(other.phoneCode()), 400, "phone_code_invalid")
			if strings.Contains(f.log.String(), "level=ERROR") {
				t.Errorf("an error is logged:\n%s", f.log.String())
			}
		})
	}
}

// A number whose watermark is another mini-program's is refused.
func TestPhoneWithWatermarkOfAnotherApp(t *testing.T) {
	for _, c := range []struct {
		name, appID string
		status      int
	}{{"its own", miniID, 200}, {"another's", otherID, 400}} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			p := f.phone("hua")
			p.mustLogIn(false)
			f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathPhoneNumber, Body: `{"errcode":0,"phone_info":{"phoneNumber":"13580006666","purePhoneNumber":"13580006666","countryCode":"86","watermark":{"timestamp":1,"appid":"` + c.appID + `"}}}`})
			if got := p.number(p.phoneCode()); got.Code != c.status || strings.Contains(got.Body.String(), "13580006666") != (c.status == 200) {
				t.Errorf("%d %s", got.Code, got.Body)
			}
		})
	}
}

// The number goes to its user's client: no log and no item of the store has it.
func TestPhoneIsNotStoredOrLogged(t *testing.T) {
	f := newFixture(t)
	p := f.phone("hua")
	p.mustLogIn(false)
	got := p.number(p.phoneCode())
	_, number, _ := strings.Cut(got.Body.String(), `"purePhoneNumber":"`)
	number, _, _ = strings.Cut(number, `"`)
	if len(number) != 11 {
		t.Fatal(got.Body)
	}
	p.plant(number)
	for _, item := range f.store.Written() {
		f.search("the table's keys", item.Key)
		if strings.Contains(string(item.Value), number) {
			t.Errorf("%s holds the number", item.Key)
		}
	}
}

func TestPhoneFails(t *testing.T) {
	for _, c := range []struct {
		name    string
		errcode int
		status  int
		code    string
		retry   string
	}{
		{"busy", -1, 503, "wechat_unavailable", "2"},
		{"minute quota", 45011, 503, "wechat_unavailable", "60"},
		{"day quota", 45009, 503, "wechat_unavailable", "2"},
		{"AppSecret", 40125, 500, "wechat_refused", ""},
		{"no right", 48001, 500, "wechat_refused", ""},
		{"whitelist", 40164, 500, "wechat_refused", ""},
		{"another openid", 40003, 400, "phone_code_invalid", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			p := f.phone("hua")
			p.mustLogIn(false)
			f.resetCalls()
			f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathPhoneNumber, ErrCode: c.errcode})
			got := p.number(p.phoneCode())
			wantCode(t, "number", got, c.status, c.code)
			if got.Header().Get("Retry-After") != c.retry || f.sim.Calls(wechatsim.PathPhoneNumber) != 1 {
				t.Errorf("Retry-After %q, %d calls", got.Header().Get("Retry-After"), f.sim.Calls(wechatsim.PathPhoneNumber))
			}
			if c.status == 500 && !strings.Contains(f.log.String(), "level=ERROR") {
				t.Error("no error is logged")
			}
		})
	}
}
