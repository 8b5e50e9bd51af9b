package wechatsim

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestContentTypes(t *testing.T) {
	for _, c := range []struct{ name, given, want string }{
		{"default", "", ContentTypeJSON}, {"text", ContentTypeText, ContentTypeText}, {"no charset", ContentTypeNoCharset, ContentTypeNoCharset},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, with(func(s *Switches) { s.ContentType = c.given }))
			if r := f.stable(false); r.contentType != c.want || r.status != 200 {
				t.Errorf("%+v", r)
			}
			if r := f.fetchTicket("x", "jsapi"); r.contentType != c.want {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestErrcodeStyles(t *testing.T) {
	for _, text := range []bool{false, true} {
		t.Run(fmt.Sprintf("StringErrcode=%v", text), func(t *testing.T) {
			f := newFixture(t, with(func(s *Switches) { s.StringErrcode = text }))
			bad, good := `"errcode":40001,`, `"errcode":0,`
			if text {
				bad, good = `"errcode":"40001",`, `"errcode":"0",`
			}
			token := f.stable(false)
			if r := f.fetchTicket("x", "jsapi"); !strings.Contains(r.text, bad) {
				t.Error(r.text)
			}
			if r := f.fetchTicket(token.token, "jsapi"); !strings.Contains(r.text, good) {
				t.Error(r.text)
			}
			if strings.Contains(token.text, "errcode") {
				t.Errorf("the answer with a token has an errcode: %s", token.text)
			}
		})
	}
}

func TestRIDStyles(t *testing.T) {
	const message = "invalid credential, access_token is invalid or not latest"
	for _, c := range []struct {
		name  string
		style RIDStyle
		want  string
	}{
		{"none", RIDNone, ""}, {"space", RIDSpace, " rid: 6631be40-"}, {"comma", RIDComma, ", rid: 6631be40-"},
		{"hints", RIDHints, ", hints: [ req_id: 6631be40-"}, {"hint", RIDHint, " hint: [6631be40-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, with(func(s *Switches) { s.RID = c.style }))
			first, second := f.fetchTicket("x", "jsapi").message, f.fetchTicket("x", "jsapi").message
			if !strings.HasPrefix(first, message+c.want) || c.style == RIDNone && first != message {
				t.Errorf("%q", first)
			}
			if c.style != RIDNone && first == second {
				t.Error("ids repeat")
			}
		})
	}
}

func TestSwitchesAreChecked(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*Switches)
	}{
		{"WhitelistCode", func(s *Switches) { s.WhitelistCode = 1 }},
		{"WrongSecretCode", func(s *Switches) { s.WrongSecretCode = 1 }},
		{"ExpiredTokenCode", func(s *Switches) { s.ExpiredTokenCode = 40014 }},
		{"UnknownTokenCode", func(s *Switches) { s.UnknownTokenCode = 42001 }},
		{"MinuteQuotaCode", func(s *Switches) { s.MinuteQuotaCode = -1 }},
		{"ExpiredCodeCode", func(s *Switches) { s.ExpiredCodeCode = 40163 }},
		{"UsedCodeCode", func(s *Switches) { s.UsedCodeCode = 42003 }},
		{"UnknownUserTokenCode", func(s *Switches) { s.UnknownUserTokenCode = 42001 }},
		{"CodeLifetime", func(s *Switches) { s.CodeLifetime = 601 * time.Second }},
		{"CodeLifetime -1ns", func(s *Switches) { s.CodeLifetime = -1 }},
		{"Refusal", func(s *Switches) { s.Refusal = "x" }},
		{"UnionID", func(s *Switches) { s.UnionID = "x" }},
		{"UsedPhoneCodeCode", func(s *Switches) { s.UsedPhoneCodeCode = 42003 }},
		{"ForeignPhoneCodeCode", func(s *Switches) { s.ForeignPhoneCodeCode = 40163 }},
		{"SessionKey", func(s *Switches) { s.SessionKey = "x" }},
		{"SessionKeyLifetime", func(s *Switches) { s.SessionKeyLifetime = -1 }},
		{"TokenLength", func(s *Switches) { s.TokenLength = 3 }},
		{"RID", func(s *Switches) { s.RID = "%d" }},
		{"TicketLead", func(s *Switches) { s.TicketLead = lifetime }},
		{"ForceOverlap", func(s *Switches) { s.ForceOverlap = -time.Second }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var cfg Config
			c.set(&cfg.Switches)
			_, err := New(cfg)
			mustContain(t, err, c.name)
		})
	}
	_, err := New(Config{Apps: []App{{ID: "wx1"}}})
	mustContain(t, err, "Secret")
	_, err = New(Config{Apps: []App{{ID: "wx1", Secret: "a"}, {ID: "wx1", Secret: "b"}}})
	mustContain(t, err, "twice")
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		name             string
		lists            func(*Config)
		callback, domain string
	}{
		{"default", func(*Config) {}, `["203.0.113.7","198.51.100.0/24"]`, `["203.0.113.80","203.0.113.81"]`},
		{"configured", func(c *Config) { c.CallbackIPs, c.APIDomainIPs = []string{"192.0.2.9"}, []string{"192.0.2.8"} }, `["192.0.2.9"]`, `["192.0.2.8"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, c.lists)
			q := url.Values{"access_token": {f.stable(false).token}}
			if r := f.ask("GET", PathCallbackIPs, q, nil); r.text != `{"ip_list":`+c.callback+`}` {
				t.Error(r.text)
			}
			if r := f.ask("GET", PathDomainIPs, q, nil); r.text != `{"ip_list":`+c.domain+`}` {
				t.Error(r.text)
			}
		})
	}
}

// The caller is the address of the connection, unless the header names one.
func TestCallerAddress(t *testing.T) {
	for _, c := range []struct{ name, remote, header, want string }{
		{"IPv4", "203.0.113.5:99", "", "203.0.113.5"},
		{"IPv4 in IPv6", "[::ffff:203.0.113.5]:99", "", "203.0.113.5"},
		{"IPv6 with a zone", "[2001:db8::1%eth0]:99", "", "2001:db8::1"},
		{"no port", "203.0.113.5", "", "203.0.113.5"},
		{"header", "203.0.113.5:99", "203.0.113.6", "203.0.113.6"},
		{"socket without an address", "@", "", ""},
		{"broken header", "203.0.113.5:99", "nonsense", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", PathToken, nil)
			r.RemoteAddr = c.remote
			if c.header != "" {
				r.Header.Set(CallerHeader, c.header)
			}
			a, err := caller(r)
			if c.want == "" && err == nil || c.want != "" && (err != nil || a.String() != c.want) {
				t.Errorf("%v, %v", a, err)
			}
		})
	}
}

func TestUnknownCallerIsRefused(t *testing.T) {
	f := newFixture(t)
	rec := httptest.NewRecorder()
	r := httptest.NewRequest("GET", PathToken, nil)
	r.RemoteAddr = "@"
	f.ServeHTTP(rec, r)
	if rec.Code != 400 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestCallsAreCountedByAppAndPath(t *testing.T) {
	f := newFixture(t)
	token := f.stable(false).token
	f.stable(true)
	f.stable(true)
	f.classic()
	f.fetchTicket(token, "jsapi") // replaced by force, but its account is known
	f.fetchTicket("x", "jsapi")
	f.Fail(Fault{DropBefore: true, Times: 1})
	_, _ = f.tryStable(t.Context())
	want := map[Call]int{
		{appID, PathStableToken, false}: 2, {appID, PathStableToken, true}: 2, {appID, PathToken, false}: 1,
		{appID, PathTicket, false}: 1, {"", PathTicket, false}: 1,
	}
	got := f.Counts()
	if !maps.Equal(got, want) {
		t.Errorf("counts %v, want %v", got, want)
	}
	if f.Calls(PathStableToken) != 4 || f.Calls(PathTicket) != 2 || f.Calls(PathDomainIPs) != 0 {
		t.Errorf("sums: %d, %d, %d", f.Calls(PathStableToken), f.Calls(PathTicket), f.Calls(PathDomainIPs))
	}
	f.ResetCounts()
	if len(f.Counts()) != 0 || f.Calls(PathTicket) != 0 {
		t.Error("counts were not reset")
	}
}
