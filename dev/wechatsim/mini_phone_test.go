package wechatsim

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

func abroad(c *Config) {
	c.Users = append(defaultUsers(), User{ID: "wing", Phone: "91234567", CountryCode: "852"}, User{ID: "li", Phone: "13580006666"})
}

func TestPhoneNumber(t *testing.T) {
	f := newMiniFixture(t, abroad)
	f.advance(time.Minute)
	for _, c := range []struct{ user, number, pure, country string }{
		{"wing", "+85291234567", "91234567", `"852"`}, {"li", "13580006666", "13580006666", `"86"`},
	} {
		t.Run(c.user, func(t *testing.T) {
			p := f.phoneNumber(f.phoneCode(c.user), f.OpenID(mini, c.user)).expect(t, 0).Phone
			if p.Number != c.number || p.Pure != c.pure || string(p.Country) != c.country || p.Watermark != (watermark{start.Unix() + 60, mini}) {
				t.Errorf("%+v", p)
			}
		})
	}
	ming, hua := f.phoneNumber(f.phoneCode("ming"), "").Phone, f.phoneNumber(f.phoneCode("hua"), "").Phone
	if len(ming.Pure) != 11 || ming.Pure == hua.Pure || f.phoneNumber(f.phoneCode("ming"), "").Phone.Pure != ming.Pure {
		t.Errorf("made-up numbers: %+v %+v", ming, hua)
	}
}

func TestCountryCodeStyles(t *testing.T) {
	for _, c := range []struct {
		name    string
		numeric bool
		want    string
	}{{"text", false, `"countryCode":"86"`}, {"number", true, `"countryCode":86,`}} {
		t.Run(c.name, func(t *testing.T) {
			f := newMiniFixture(t, with(func(s *Switches) { s.NumericCountryCode = c.numeric }))
			if m := f.phoneNumber(f.phoneCode("ming"), ""); !strings.Contains(m.text, c.want) {
				t.Errorf("%s", m.text)
			}
			d, err := f.MiniPhoneData(mini, "ming", MiniOptions{})
			must(t, err)
			if text, err := openMini(d, f.validKey("ming"), mini); err != nil || !strings.Contains(string(text), c.want) {
				t.Errorf("%s, %v", text, err)
			}
		})
	}
}

func TestPhoneCodesAreUsedOnce(t *testing.T) {
	for _, used := range []int{40029, 40163} {
		t.Run(fmt.Sprint(used), func(t *testing.T) {
			f := newMiniFixture(t, with(func(s *Switches) { s.UsedPhoneCodeCode = used }))
			code := f.phoneCode("ming")
			f.phoneNumber(code, "").expect(t, 0)
			f.phoneNumber(code, "").expect(t, used)
			code = f.phoneCode("ming")
			f.advance(300*time.Second - time.Nanosecond)
			f.phoneNumber(code, "").expect(t, 0)
			code = f.phoneCode("ming")
			f.advance(300 * time.Second)
			f.phoneNumber(code, "").expect(t, 40029)
		})
	}
}

func TestPhoneCodesOfNobody(t *testing.T) {
	f := newMiniFixture(t)
	f.phoneNumber("", "").expect(t, 40029)
	f.phoneNumber(f.wxLogin("ming"), "").expect(t, 40029) // a code of wx.login
	f.phoneNumber(f.phoneCode("ming"), f.OpenID(mini, "hua")).expect(t, 40003)
	f.phoneNumber(f.phoneCode("ming"), "ming").expect(t, 40003)
}

func TestPhoneNumberNeedsATokenOfItsApp(t *testing.T) {
	f := newMiniFixture(t, func(c *Config) { c.Quotas.PhoneMinute = 1 })
	code := f.phoneCode("ming")
	token := f.tokenOf(mini, miniSecret)
	body := map[string]string{"code": code}
	for _, c := range []struct {
		name, token string
		want        int
	}{
		{"no token", "", 41001}, {"unknown token", "x", 40001}, {"token of an official account", f.tokenOf(appID, secret), -2},
		{"token of another mini-program", f.tokenOf(lone, "secret-6"), 40013},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := f.ask("POST", PathPhoneNumber, url.Values{"access_token": {c.token}}, body); r.code != c.want {
				t.Errorf("%s, want %d", r.text, c.want)
			}
		})
	}
	f.mini("GET", PathPhoneNumber, url.Values{"access_token": {token}, "code": {code}}, nil).expect(t, 43002)
	if r := f.ask("POST", PathPhoneNumber, url.Values{"access_token": {token}}, "code="+code); r.status != 400 {
		t.Errorf("a form: %s", r.text)
	}
	f.phoneNumber(code, "").expect(t, 0)
	f.phoneNumber(f.phoneCode("ming"), "").expect(t, 45011)
	must(t, f.ForeignRefresh(mini))
	f.mini("POST", PathPhoneNumber, url.Values{"access_token": {token}}, body).expect(t, 40001)
}

func TestPhoneCodeOfAnotherApp(t *testing.T) {
	for _, code := range []int{40013, 40029} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			f := newMiniFixture(t, with(func(s *Switches) { s.ForeignPhoneCodeCode = code }))
			foreign, err := f.PhoneCode(lone, "ming")
			must(t, err)
			f.phoneNumber(foreign, "").expect(t, code)
		})
	}
}

func TestMiniPhoneData(t *testing.T) {
	f := newMiniFixture(t, abroad)
	key := f.miniLogin("wing").Key
	d, err := f.MiniPhoneData(mini, "wing", MiniOptions{Timestamp: 7})
	must(t, err)
	text, err := openMini(d, key, mini)
	must(t, err)
	var p struct {
		PhoneNumber, PurePhoneNumber, CountryCode string
		Watermark                                 watermark
	}
	must(t, json.Unmarshal(text, &p))
	if p.PhoneNumber != "+85291234567" || p.PurePhoneNumber != "91234567" || p.CountryCode != "852" || p.Watermark != (watermark{7, mini}) {
		t.Errorf("%s", text)
	}
	if d.RawData+d.Signature != "" {
		t.Errorf("%+v", d)
	}
}
