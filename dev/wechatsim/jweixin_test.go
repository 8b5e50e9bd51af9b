package wechatsim

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func (w *fixture) browse(path string) *httptest.ResponseRecorder {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
	return rec
}

// TestScript: served as WeChat's is, with the switches inside.
func TestScript(t *testing.T) {
	for _, on := range []bool{false, true} {
		w := newFixture(t, with(func(s *Switches) { s.JSCurrentOnIOS, s.JSUnlistedOffline, s.JSReadyWaits = on, on, on }))
		rec := w.browse("/open/js/jweixin-1.6.0.js?wechatsim=inside")
		if rec.Code != 200 || rec.Header().Get("Content-Type") != "text/javascript; charset=utf-8" || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v", rec.Code, rec.Header())
		}
		for _, name := range []string{"currentOnIOS", "unlistedOffline", "readyWaits"} {
			if !strings.Contains(rec.Body.String(), `"`+name+`":`+strconv.FormatBool(on)) {
				t.Errorf("no %s in the script", name)
			}
		}
		if strings.Contains(rec.Body.String(), "SETTINGS") || !strings.Contains(rec.Body.String(), "window.wx = window.jWeixin") {
			t.Error("not the script")
		}
		if w.Calls(PathScript) != 1 {
			t.Error("not counted")
		}
	}
}

// TestPreVerify: what wx.config gets to know, and that pages of any origin may ask.
func TestPreVerify(t *testing.T) {
	w := newFixture(t, func(c *Config) { c.Apps[0].JSDomains = []string{"example.com"} })
	const page = "https://example.com/a?b=c&d=%20"
	good := sign(w.ticket(), "n", 1714536000, page)
	ask := func(app, page, nonce, timestamp, signature string) string {
		query := url.Values{"appid": {app}, "url": {page}, "noncestr": {nonce}, "timestamp": {timestamp}, "signature": {signature}}
		rec := w.browse(PathPreVerify + "?" + query.Encode())
		var said struct {
			ErrMsg  string `json:"errMsg"`
			Code    int    `json:"errcode"`
			Message string `json:"errmsg"`
		}
		must(t, json.Unmarshal(rec.Body.Bytes(), &said))
		if rec.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Error("of one origin alone")
		}
		return said.ErrMsg
	}
	for _, c := range []struct{ name, app, page, nonce, timestamp, signature, want string }{
		{"good", appID, page, "n", "1714536000", good, "config:ok"},
		{"with a fragment", appID, page + "#x", "n", "1714536000", good, "config:ok"},
		{"another page", appID, page + "&x", "n", "1714536000", good, "config:fail,Error: 系统错误,错误码:63002,invalid signature [20240501 12:00:00][]"},
		{"no number", appID, page, "n", "undefined", good, "错误码:63002,invalid signature"},
		{"no account", "wx9", page, "n", "1714536000", good, "错误码:40048,invalid url domain"},
		{"another domain", appID, "https://example.org/", "n", "1714536000", good, "错误码:40048,invalid url domain"},
	} {
		if got := ask(c.app, c.page, c.nonce, c.timestamp, c.signature); !strings.HasPrefix(got, "config:") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	w.SetJSDomains(appID)
	if got := ask(appID, page, "n", "1714536000", good); got != "config:ok" {
		t.Errorf("any domain: %s", got)
	}
	w.SetJSDomains(appID, "example.net")
	if got := ask(appID, page, "n", "1714536000", good); !strings.Contains(got, "40048") {
		t.Errorf("the domain has gone: %s", got)
	}
	w.SetJSDomains("wx9", "example.com")
	if got := ask("wx9", page, "n", "1714536000", good); !strings.Contains(got, "40048") {
		t.Errorf("an account out of nowhere: %s", got)
	}
	w.Fail(Fault{Path: PathPreVerify, ErrCode: 63002, ErrMsg: "invalid signature", Times: 1})
	if rec := w.browse(PathPreVerify + "?appid=" + appID); rec.Body.String() != `{"errcode":63002,"errmsg":"invalid signature"}` || rec.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("a fault: %s", rec.Body)
	}
	if rec := w.browse(PathPreVerify + "?url=%zz"); rec.Code != 400 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
