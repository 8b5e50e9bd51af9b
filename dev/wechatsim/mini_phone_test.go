package wechatsim

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
)

func abroad(c *Config) {
	c.Users = append(defaultUsers(), User{ID: "wing", Phone: "91234567", CountryCode: "852"}, User{ID: "li", Phone: "13580006666"})
}

func TestPhoneNumber(t *testing.T) {
	w := newMiniFixture(t, abroad)
	w.advance(time.Minute)
	for user, want := range map[string][3]string{
		"wing": {"+85291234567", "91234567", `"852"`}, "li": {"13580006666", "13580006666", `"86"`},
	} {
		p := w.phoneNumber(w.phoneCode(user), w.OpenID(mini, user)).expect(t, 0).Phone
		if got := [3]string{p.Number, p.Pure, string(p.Country)}; got != want || p.Watermark != (watermark{start.Unix() + 60, mini}) {
			t.Errorf("%+v", p)
		}
	}
	ming, hua := w.phoneNumber(w.phoneCode("ming"), "").Phone, w.phoneNumber(w.phoneCode("hua"), "").Phone
	if len(ming.Pure) != 11 || ming.Pure == hua.Pure || w.phoneNumber(w.phoneCode("ming"), "").Phone.Pure != ming.Pure {
		t.Errorf("made-up numbers: %+v %+v", ming, hua)
	}
}

func TestCountryCodeStyles(t *testing.T) {
	for numeric, want := range map[bool]string{false: `"countryCode":"86"`, true: `"countryCode":86,`} {
		w := newMiniFixture(t, with(func(s *Switches) { s.NumericCountryCode = numeric }))
		if m := w.phoneNumber(w.phoneCode("ming"), ""); !strings.Contains(m.text, want) {
			t.Errorf("%v: %s", numeric, m.text)
		}
		d, err := w.MiniPhoneData(mini, "ming", MiniOptions{})
		must(t, err)
		if text, err := openMini(d, w.validKey("ming"), mini); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%v: %s, %v", numeric, text, err)
		}
	}
}

func TestPhoneCodesEnd(t *testing.T) {
	for _, used := range []int{40029, 40163} {
		w := newMiniFixture(t, with(func(s *Switches) { s.UsedPhoneCodeCode = used }))
		code := w.phoneCode("ming")
		w.phoneNumber(code, "").expect(t, 0)
		w.phoneNumber(code, "").expect(t, used)
		code = w.phoneCode("ming")
		w.advance(300*time.Second - time.Nanosecond)
		w.phoneNumber(code, "").expect(t, 0)
		code = w.phoneCode("ming")
		w.advance(300 * time.Second)
		w.phoneNumber(code, "").expect(t, 40029)
	}
	w := newMiniFixture(t)
	w.phoneNumber("", "").expect(t, 40029)
	w.phoneNumber(w.wxLogin("ming"), "").expect(t, 40029) // a login's code is no button's
	w.phoneNumber(w.phoneCode("ming"), w.OpenID(mini, "hua")).expect(t, 40003)
	w.phoneNumber(w.phoneCode("ming"), "ming").expect(t, 40003)
}

func TestPhoneNeedsItsToken(t *testing.T) {
	w := newMiniFixture(t, func(c *Config) { c.Quotas.PhoneMinute = 1 })
	code := w.phoneCode("ming")
	token := w.tokenOf(mini, miniSecret)
	body := map[string]string{"code": code}
	for name, c := range map[string]struct {
		token string
		want  int
	}{
		"none": {"", 41001}, "unknown": {"x", 40001}, "an account's": {w.tokenOf(appID, secret), -2},
		"the other mini's": {w.tokenOf(lone, "secret-6"), 40013},
	} {
		if r := w.ask("POST", PathPhoneNumber, url.Values{"access_token": {c.token}}, body); r.code != c.want {
			t.Errorf("%s: %s, want %d", name, r.text, c.want)
		}
	}
	w.mini("GET", PathPhoneNumber, url.Values{"access_token": {token}, "code": {code}}, nil).expect(t, 43002)
	if r := w.ask("POST", PathPhoneNumber, url.Values{"access_token": {token}}, "code="+code); r.status != 400 {
		t.Errorf("a form: %s", r.text)
	}
	w.phoneNumber(code, "").expect(t, 0)
	w.phoneNumber(w.phoneCode("ming"), "").expect(t, 45011)
	must(t, w.ForeignRefresh(mini))
	w.mini("POST", PathPhoneNumber, url.Values{"access_token": {token}}, body).expect(t, 40001)
}

func TestPhoneCodeOfAnotherApp(t *testing.T) {
	for _, code := range []int{40013, 40029} {
		w := newMiniFixture(t, with(func(s *Switches) { s.ForeignPhoneCodeCode = code }))
		foreign, err := w.PhoneCode(lone, "ming")
		must(t, err)
		w.phoneNumber(foreign, "").expect(t, code)
	}
}

func TestMiniPhoneData(t *testing.T) {
	w := newMiniFixture(t, abroad)
	key := w.miniLogin("wing").Key
	d, err := w.MiniPhoneData(mini, "wing", MiniOptions{Timestamp: 7})
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
