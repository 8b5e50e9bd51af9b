package jssdk

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/wechat"
)

const (
	appID  = "wx0123456789abcdef"
	origin = "https://www.example.com"
)

var now = time.Unix(1_800_000_000, 0)

// tickets hands out one ticket for each type, or an error.
type tickets struct {
	jsapi  string
	expiry time.Time
	err    error
	calls  atomic.Int32
}

func (f *tickets) Ticket(_ context.Context, appID string, typ wechat.TicketType) (string, time.Time, error) {
	f.calls.Add(1)
	if f.err != nil {
		return "", time.Time{}, f.err
	}
	if typ == wechat.WXCard {
		return "card-" + appID, f.expiry, nil
	}
	return f.jsapi, f.expiry, nil
}

func newHandler(t testing.TB, change func(*Config)) *Handler {
	t.Helper()
	c := Config{
		Accounts: account.List{
			{Name: "shop", AppID: appID, Tickets: []wechat.TicketType{wechat.JSAPI, wechat.WXCard}},
			{Name: "plain", AppID: "wxffffffffffffffff", Tickets: []wechat.TicketType{wechat.JSAPI}},
		},
		Origins:    []string{origin, "http://localhost:8080"},
		Tickets:    &tickets{jsapi: "ticket-1", expiry: now.Add(time.Hour)},
		RetryAfter: 2 * time.Second,
		Now:        func() time.Time { return now },
		Logger:     slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&c)
	}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(h http.Handler, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w
}

func signed(t *testing.T, w *httptest.ResponseRecorder) Signature {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	var s Signature
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// recompute makes the signature without Sign.
func recompute(ticket string, s Signature) string {
	return fmt.Sprintf("%x", sha1.Sum(fmt.Appendf(nil, "jsapi_ticket=%s&noncestr=%s&timestamp=%d&url=%s", ticket, s.NonceStr, s.Timestamp, s.URL)))
}

func TestSignatureIsOfTheURLAsItWasSent(t *testing.T) {
	h := newHandler(t, nil)
	for _, c := range []struct{ name, page, want string }{
		{"fragment", origin + "/a?x=1&y=<2>#part", origin + "/a?x=1&y=<2>"},
		{"origin alone", origin, origin},
		{"escapes", origin + "/%E4%BD%A0?q=a+b%20c", origin + "/%E4%BD%A0?q=a+b%20c"},
		{"capitals and a default port", "HTTPS://WWW.example.com:443/A", "HTTPS://WWW.example.com:443/A"},
		{"port, and a query without a path", "http://localhost:8080?params=value", "http://localhost:8080?params=value"},
		{"Chinese", origin + "/你好", origin + "/你好"},
		{"a URL in the query", origin + "/?next=https://other.com/@x:y", origin + "/?next=https://other.com/@x:y"},
		{"an escape that is not one", origin + "/%zz", origin + "/%zz"},
	} {
		for _, path := range []string{"/signature", "/get-signature"} {
			t.Run(c.name+path, func(t *testing.T) {
				s := signed(t, get(h, path+"?url="+url.QueryEscape(c.page)))
				if s.URL != c.want || s.AppID != appID || s.Timestamp != now.Unix() || len(s.NonceStr) != 32 {
					t.Errorf("%+v", s)
				}
				if s.Signature != recompute("ticket-1", s) {
					t.Error("the signature is wrong")
				}
			})
		}
	}
}

func TestAnswerIsExact(t *testing.T) {
	h := newHandler(t, func(c *Config) { c.Rand = bytes.NewReader(make([]byte, 16)) })
	w := get(h, "/signature?url="+url.QueryEscape(origin+"/?a=1&b=<2>"))
	want := `{"appId":"wx0123456789abcdef","timestamp":1800000000,"nonceStr":"00000000000000000000000000000000","signature":"` +
		Sign("ticket-1", strings.Repeat("0", 32), now.Unix(), origin+"/?a=1&b=<2>") + `","url":"https://www.example.com/?a=1&b=<2>"}`
	if got := strings.TrimSpace(w.Body.String()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, header := range []struct{ name, want string }{{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}} {
		if got := w.Header().Get(header.name); got != header.want {
			t.Errorf("%s: %q", header.name, got)
		}
	}
}

func TestURLThatArrivesWholeIsSigned(t *testing.T) {
	h := newHandler(t, nil)
	for _, c := range []struct{ name, query, want string }{
		{"not encoded, a path", "url=" + origin + "/a", origin + "/a"},
		{"not encoded, one parameter", "url=" + origin + "/a?x=1", origin + "/a?x=1"},
		{"not encoded, a plus", "url=" + origin + "/a?q=1+2", origin + "/a?q=1+2"},
		{"a URL in another parameter", "url=" + url.QueryEscape(origin+"/a?x=1") + "&from=https://x/", origin + "/a?x=1"},
		{"a cache buster", "url=" + url.QueryEscape(origin+"/a?x=1") + "&_=1700000000", origin + "/a?x=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if s := signed(t, get(h, "/signature?"+c.query)); s.URL != c.want {
				t.Errorf("signed %s", s.URL)
			}
		})
	}
}

func TestRefusedParameters(t *testing.T) {
	h := newHandler(t, nil)
	esc := url.QueryEscape
	for _, c := range []struct {
		name, query string
		status      int
		code        string
	}{
		{"no url", "", 400, "url_missing"},
		{"empty url", "url=", 400, "url_missing"},
		{"only a fragment", "url=" + esc("#a"), 400, "url_relative"},
		{"relative", "url=" + esc("/a/b"), 400, "url_relative"},
		{"no scheme", "url=" + esc("www.example.com/a"), 400, "url_relative"},
		{"scheme-relative", "url=" + esc("//www.example.com/a"), 400, "url_relative"},
		{"ftp", "url=" + esc("ftp://www.example.com/"), 400, "url_scheme"},
		{"javascript", "url=" + esc("javascript:alert(1)"), 400, "url_scheme"},
		{"file", "url=" + esc("file:///etc/passwd"), 400, "url_scheme"},
		{"no host", "url=" + esc("https:///a"), 400, "url_malformed"},
		{"backslash host", "url=" + esc(`https://www.example.com\.evil.com/`), 400, "url_malformed"},
		{"not UTF-8", "url=https%3A%2F%2Fwww.example.com%2F%FF", 400, "url_malformed"},
		{"2049 bytes", "url=" + esc(origin+"/"+strings.Repeat("a", 2049-len(origin)-1)), 400, "url_too_long"},
		{"userinfo", "url=" + esc("https://user:pw@www.example.com/"), 400, "url_userinfo"},
		{"userinfo trick", "url=" + esc("https://www.example.com@evil.com/"), 400, "url_userinfo"},
		{"other origin", "url=" + esc("https://evil.example/"), 403, "origin_not_allowed"},
		{"other scheme", "url=" + esc("http://www.example.com/"), 403, "origin_not_allowed"},
		{"other port", "url=" + esc("https://www.example.com:8443/"), 403, "origin_not_allowed"},
		{"suffix", "url=" + esc("https://www.example.com.evil.com/"), 403, "origin_not_allowed"},
		{"newline", "url=" + esc(origin+"/a\nb"), 400, "url_control_characters"},
		{"NUL", "url=" + esc(origin+"/\x00"), 400, "url_control_characters"},
		{"DEL", "url=" + esc(origin+"/\x7f"), 400, "url_control_characters"},
		{"space", "url=" + esc(origin+"/a") + "%20b", 400, "url_control_characters"},
		{"one slash", "url=" + esc("https:/www.example.com/"), 400, "url_relative"},
		{"backslashes", "url=" + esc(`https:\\www.example.com/`), 400, "url_relative"},
		{"host and port", "url=" + esc("localhost:8080/x"), 400, "url_relative"},
		{"mailto", "url=" + esc("mailto:a@b.c"), 400, "url_scheme"},
		{"two ports", "url=" + esc("https://www.example.com::443/"), 403, "origin_not_allowed"},
		{"dot at the end of the host", "url=" + esc("https://www.example.com./"), 403, "origin_not_allowed"},
		{"broken IPv6", "url=" + esc("https://[::1/"), 403, "origin_not_allowed"},
		{"encoded thrice", "url=" + esc(esc(esc(origin+"/a"))), 400, "url_encoded_twice"},
		{"not encoded, an escaped slash lost", "url=" + origin + "/?next=%2Fa", 400, "url_not_encoded"},
		{"not encoded, a whole URL lost", "url=" + origin + "/?next=https%3A%2F%2Fx%2F", 400, "url_not_encoded"},
		{"megabytes of escapes", "url=https://" + strings.Repeat("%41", 1<<20), 400, "url_too_long"},
		{"encoded twice", "url=" + esc(esc(origin+"/a")), 400, "url_encoded_twice"},
		{"not encoded", "url=" + origin + "/a?x=1&y=2", 400, "url_not_encoded"},
		{"not encoded, escapes lost", "url=" + origin + "/%E4%BD%A0", 400, "url_not_encoded"},
		{"bad app", "app=nobody&url=" + esc(origin), 400, "app_unknown"},
		{"bad force", "force=yes&url=" + esc(origin), 400, "force_invalid"},
		{"url twice", "url=" + esc(origin) + "&url=" + esc(origin), 400, "parameter_repeated"},
		{"app twice", "app=shop&app=shop&url=" + esc(origin), 400, "parameter_repeated"},
		{"bad escape", "url=%zz", 400, "query_malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := get(h, "/signature?"+c.query)
			var p struct {
				Status      int
				Code, Title string
				Hint        struct{ En, Zh string }
			}
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatalf("%v: %s", err, w.Body)
			}
			if w.Code != c.status || p.Status != c.status || p.Code != c.code {
				t.Errorf("%d %s, want %d %s", w.Code, p.Code, c.status, c.code)
			}
			if p.Title == "" || p.Hint.En == "" || p.Hint.Zh == "" || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("the problem is not complete: %s", w.Body)
			}
		})
	}
}

func TestLongestURLIsSigned(t *testing.T) {
	page := origin + "/" + strings.Repeat("a", maxURLBytes-len(origin)-1)
	if s := signed(t, get(newHandler(t, nil), "/signature?url="+url.QueryEscape(page))); s.URL != page {
		t.Error("2048 bytes were refused or changed")
	}
}

func TestNoTicketIsAnsweredWith503(t *testing.T) {
	h := newHandler(t, func(c *Config) { c.Tickets = &tickets{err: errors.New("secret-detail")} })
	w := get(h, "/signature?url="+url.QueryEscape(origin))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "2" {
		t.Errorf("%d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if strings.Contains(w.Body.String(), "secret-detail") || !strings.Contains(w.Body.String(), `"ticket_unavailable"`) {
		t.Errorf("body: %s", w.Body)
	}
	if w := get(h, "/signature/health"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"secondsLeft":0`) {
		t.Errorf("health: %d %s", w.Code, w.Body)
	}
}

func TestRefusedURLReadsNoTicket(t *testing.T) {
	f := &tickets{jsapi: "t"}
	h := newHandler(t, func(c *Config) { c.Tickets = f })
	get(h, "/signature?url="+url.QueryEscape("https://evil.example/"))
	if n := f.calls.Load(); n != 0 {
		t.Errorf("%d ticket look-ups for a refused page", n)
	}
}

func TestHealthAnswersTheSecondsLeft(t *testing.T) {
	w := get(newHandler(t, nil), "/signature/health")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `{"app":"plain","type":"jsapi","secondsLeft":3600}`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if strings.Contains(w.Body.String(), "ticket-1") {
		t.Error("the ticket is in the answer")
	}
}

func TestAppPicksTheAccount(t *testing.T) {
	h := newHandler(t, nil)
	if s := signed(t, get(h, "/signature?app=plain&url="+url.QueryEscape(origin))); s.AppID != "wxffffffffffffffff" {
		t.Errorf("app=plain signed for %s", s.AppID)
	}
	if w := get(h, "/signature/card?app=plain&cardId=p1"); w.Code != 400 || !strings.Contains(w.Body.String(), "ticket_not_configured") {
		t.Errorf("card without wx_card: %d %s", w.Code, w.Body)
	}
}

func TestCORS(t *testing.T) {
	h := newHandler(t, nil)
	for _, c := range []struct{ name, from, want string }{
		{"allowed", origin, origin},
		{"not allowed", "https://evil.example", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/signature?url="+url.QueryEscape(origin), nil)
			r.Header.Set("Origin", c.from)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != c.want || !strings.Contains(w.Header().Get("Vary"), "Origin") {
				t.Errorf("allowed %q, Vary %q", got, w.Header().Get("Vary"))
			}
		})
	}
}

func TestCardParametersAreSigned(t *testing.T) {
	w := get(newHandler(t, nil), "/signature/card?cardId=pCard_1&code=12&openid=oUser&outerStr=shop")
	var answer struct{ CardID, CardExt string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var ext CardExt
	if err := json.Unmarshal([]byte(answer.CardExt), &ext); err != nil {
		t.Fatal(err)
	}
	want := SignCard("card-"+appID, ext.Timestamp, ext.NonceStr, "pCard_1", "12", "oUser")
	if ext.Signature != want || ext.Timestamp != "1800000000" || ext.OuterStr != "shop" || answer.CardID != "pCard_1" {
		t.Errorf("%+v", answer)
	}
}

func TestChooseCard(t *testing.T) {
	w := get(newHandler(t, nil), "/signature/choose-card?shopId=1&cardType=CASH&cardId=pCard_1")
	var c ChooseCard
	if err := json.Unmarshal(w.Body.Bytes(), &c); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if c.CardSign != SignCard("card-"+appID, appID, "1", c.Timestamp, c.NonceStr, "pCard_1", "CASH") || c.SignType != "SHA1" {
		t.Errorf("%+v", c)
	}
}

func TestRefusedCardParameters(t *testing.T) {
	h := newHandler(t, nil)
	for _, c := range []struct{ name, query, code string }{
		{"no card", "", "parameter_invalid"},
		{"a space", "cardId=a%20b", "parameter_invalid"},
		{"129 characters", "cardId=" + strings.Repeat("a", 129), "parameter_invalid"},
		{"a quotation mark", "cardId=p&openid=%22", "parameter_invalid"},
		{"not a time", "cardId=p&fixedBeginTimestamp=now", "parameter_invalid"},
		{"card twice", "cardId=p&cardId=p", "parameter_repeated"},
		{"unknown app", "cardId=p&app=nobody", "app_unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if w := get(h, "/signature/card?"+c.query); w.Code != 400 || !strings.Contains(w.Body.String(), `"`+c.code+`"`) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}

func FuzzSignatureQuery(f *testing.F) {
	h := newHandler(f, nil)
	for _, seed := range []string{"url=" + url.QueryEscape(origin+"/a?b#c"), "url=https://www.example.com/?a&b", "url=%", "force=1", "url=https%3A%2F%2F%5B%3A%3A1%5D"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, "/signature", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%q: %d %s", query, w.Code, w.Body)
		}
		if w.Code != 200 {
			return
		}
		s := signed(t, w)
		u, err := url.Parse(s.URL)
		if err == nil && !strings.EqualFold(u.Scheme+"://"+strings.TrimSuffix(u.Host, ":443"), origin) && !strings.EqualFold(u.Scheme+"://"+u.Host, "http://localhost:8080") {
			t.Fatalf("%q signed %q", query, s.URL)
		}
		if s.Signature != recompute("ticket-1", s) || strings.Contains(s.URL, "#") {
			t.Fatalf("%q: %+v", query, s)
		}
	})
}
