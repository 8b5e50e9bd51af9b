package wechatsim

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestContentTypes(t *testing.T) {
	for given, want := range map[string]string{
		"": ContentTypeJSON, ContentTypeText: ContentTypeText, ContentTypeNoCharset: ContentTypeNoCharset,
	} {
		w := newFixture(t, with(func(s *Switches) { s.ContentType = given }))
		if r := w.stable(false); r.contentType != want || r.status != 200 {
			t.Errorf("%+v", r)
		}
		if r := w.fetchTicket("x", "jsapi"); r.contentType != want {
			t.Errorf("%+v", r)
		}
	}
}

func TestErrcodeStyles(t *testing.T) {
	for _, text := range []bool{false, true} {
		w := newFixture(t, with(func(s *Switches) { s.StringErrcode = text }))
		bad, good := `"errcode":40001,`, `"errcode":0,`
		if text {
			bad, good = `"errcode":"40001",`, `"errcode":"0",`
		}
		token := w.stable(false)
		if r := w.fetchTicket("x", "jsapi"); !strings.Contains(r.text, bad) {
			t.Error(r.text)
		}
		if r := w.fetchTicket(token.token, "jsapi"); !strings.Contains(r.text, good) {
			t.Error(r.text)
		}
		if strings.Contains(token.text, "errcode") {
			t.Errorf("a token's answer has no errcode: %s", token.text)
		}
	}
}

func TestRIDStyles(t *testing.T) {
	const message = "invalid credential, access_token is invalid or not latest"
	for style, want := range map[RIDStyle]string{
		RIDNone: "", RIDSpace: " rid: 6631be40-", RIDComma: ", rid: 6631be40-",
		RIDHints: ", hints: [ req_id: 6631be40-", RIDHint: " hint: [6631be40-",
	} {
		w := newFixture(t, with(func(s *Switches) { s.RID = style }))
		first, second := w.fetchTicket("x", "jsapi").message, w.fetchTicket("x", "jsapi").message
		if !strings.HasPrefix(first, message+want) || style == RIDNone && first != message {
			t.Errorf("%q: %q", style, first)
		}
		if style != RIDNone && first == second {
			t.Errorf("%q: ids repeat", style)
		}
	}
}

func TestSwitchesAreChecked(t *testing.T) {
	for name, f := range map[string]func(*Switches){
		"WhitelistCode":    func(s *Switches) { s.WhitelistCode = 1 },
		"WrongSecretCode":  func(s *Switches) { s.WrongSecretCode = 1 },
		"ExpiredTokenCode": func(s *Switches) { s.ExpiredTokenCode = 40014 },
		"UnknownTokenCode": func(s *Switches) { s.UnknownTokenCode = 42001 },
		"MinuteQuotaCode":  func(s *Switches) { s.MinuteQuotaCode = -1 },
		"ExpiredCodeCode":  func(s *Switches) { s.ExpiredCodeCode = 40163 },
		"UsedCodeCode":     func(s *Switches) { s.UsedCodeCode = 42003 },
		"UnknownUserToken": func(s *Switches) { s.UnknownUserTokenCode = 42001 },
		"CodeLife":         func(s *Switches) { s.CodeLifetime = 601 * time.Second },
		"CodeLife -1":      func(s *Switches) { s.CodeLifetime = -1 },
		"Refusal":          func(s *Switches) { s.Refusal = "x" },
		"UnionID":          func(s *Switches) { s.UnionID = "x" },
		"UsedPhoneCode":    func(s *Switches) { s.UsedPhoneCodeCode = 42003 },
		"ForeignPhoneCode": func(s *Switches) { s.ForeignPhoneCodeCode = 40163 },
		"SessionKey style": func(s *Switches) { s.SessionKey = "x" },
		"SessionKeyLife":   func(s *Switches) { s.SessionKeyLifetime = -1 },
		"TokenLength":      func(s *Switches) { s.TokenLength = 3 },
		"RID":              func(s *Switches) { s.RID = "%d" },
		"not within":       func(s *Switches) { s.TicketLead = lifetime },
		"-1s":              func(s *Switches) { s.ForceOverlap = -time.Second },
	} {
		var cfg Config
		f(&cfg.Switches)
		_, err := New(cfg)
		mustContain(t, err, name)
	}
	_, err := New(Config{Apps: []App{{ID: "wx1"}}})
	mustContain(t, err, "Secret")
	_, err = New(Config{Apps: []App{{ID: "wx1", Secret: "a"}, {ID: "wx1", Secret: "b"}}})
	mustContain(t, err, "twice")
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		lists            func(*Config)
		callback, domain string
	}{
		{func(*Config) {}, `["203.0.113.7","198.51.100.0/24"]`, `["203.0.113.80","203.0.113.81"]`},
		{func(c *Config) { c.CallbackIPs, c.APIDomainIPs = []string{"192.0.2.9"}, []string{"192.0.2.8"} }, `["192.0.2.9"]`, `["192.0.2.8"]`},
	} {
		w := newFixture(t, c.lists)
		q := url.Values{"access_token": {w.stable(false).token}}
		if r := w.ask("GET", PathCallbackIPs, q, nil); r.text != `{"ip_list":`+c.callback+`}` {
			t.Error(r.text)
		}
		if r := w.ask("GET", PathDomainIPs, q, nil); r.text != `{"ip_list":`+c.domain+`}` {
			t.Error(r.text)
		}
	}
}

// TestCaller: from the connection, or from the header, which wins.
func TestCaller(t *testing.T) {
	for _, c := range []struct{ remote, header, want string }{
		{"203.0.113.5:99", "", "203.0.113.5"},
		{"[::ffff:203.0.113.5]:99", "", "203.0.113.5"},
		{"[2001:db8::1%eth0]:99", "", "2001:db8::1"},
		{"203.0.113.5", "", "203.0.113.5"},
		{"203.0.113.5:99", "203.0.113.6", "203.0.113.6"},
		{"@", "", ""},
		{"203.0.113.5:99", "nonsense", ""},
	} {
		r := httptest.NewRequest("GET", PathToken, nil)
		r.RemoteAddr = c.remote
		if c.header != "" {
			r.Header.Set(CallerHeader, c.header)
		}
		a, err := caller(r)
		if c.want == "" && err == nil || c.want != "" && (err != nil || a.String() != c.want) {
			t.Errorf("%+v: %v, %v", c, a, err)
		}
	}
	w := newFixture(t)
	rec := httptest.NewRecorder()
	r := httptest.NewRequest("GET", PathToken, nil)
	r.RemoteAddr = "@"
	w.ServeHTTP(rec, r)
	if rec.Code != 400 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestCounts(t *testing.T) {
	w := newFixture(t)
	token := w.stable(false).token
	w.stable(true)
	w.stable(true)
	w.classic()
	w.fetchTicket(token, "jsapi") // dead by force, but its account is known
	w.fetchTicket("x", "jsapi")
	w.Fail(Fault{DropBefore: true, Times: 1})
	_, _ = w.tryStable(t.Context())
	want := map[Call]int{
		{appID, PathStableToken, false}: 2, {appID, PathStableToken, true}: 2, {appID, PathToken, false}: 1,
		{appID, PathTicket, false}: 1, {"", PathTicket, false}: 1,
	}
	got := w.Counts()
	for c, n := range want {
		if got[c] != n {
			t.Errorf("%+v: %d, want %d", c, got[c], n)
		}
	}
	if len(got) != len(want) || w.Calls(PathStableToken) != 4 || w.Calls(PathTicket) != 2 || w.Calls(PathDomainIPs) != 0 {
		t.Errorf("%v", got)
	}
	w.ResetCounts()
	if len(w.Counts()) != 0 || w.Calls(PathTicket) != 0 {
		t.Error("counts remain")
	}
}
