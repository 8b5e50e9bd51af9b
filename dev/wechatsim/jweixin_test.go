package wechatsim

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func (f *fixture) browse(path string) *httptest.ResponseRecorder {
	f.t.Helper()
	rec := httptest.NewRecorder()
	f.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
	return rec
}

// The JS-SDK script is served as WeChat's is, with the switches in it.
func TestScriptHasTheSwitches(t *testing.T) {
	for _, on := range []bool{false, true} {
		t.Run(fmt.Sprintf("switches=%v", on), func(t *testing.T) {
			f := newFixture(t, with(func(s *Switches) { s.JSCurrentOnIOS, s.JSUnlistedOffline, s.JSReadyWaits = on, on, on }))
			rec := f.browse("/open/js/jweixin-1.6.0.js?wechatsim=inside")
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
			if f.Calls(PathScript) != 1 {
				t.Error("not counted")
			}
		})
	}
}

const (
	signedPage = "https://example.com/a?b=c&d=%20"
	signedAt   = "1714536000"
)

// preVerify asks for a verdict as the script does, and returns errMsg.
func (f *fixture) preVerify(app, page, nonce, timestamp, signature string) string {
	f.t.Helper()
	query := url.Values{"appid": {app}, "url": {page}, "noncestr": {nonce}, "timestamp": {timestamp}, "signature": {signature}}
	rec := f.browse(PathPreVerify + "?" + query.Encode())
	var said struct {
		ErrMsg  string `json:"errMsg"`
		Code    int    `json:"errcode"`
		Message string `json:"errmsg"`
	}
	must(f.t, json.Unmarshal(rec.Body.Bytes(), &said))
	if rec.Header().Get("Access-Control-Allow-Origin") != "*" {
		f.t.Error("pages of other origins cannot read the answer")
	}
	return said.ErrMsg
}

// newSignedFixture is a fixture whose account has a domain, and the signature of a page on it.
func newSignedFixture(t *testing.T) (f *fixture, signature string) {
	t.Helper()
	f = newFixture(t, func(c *Config) { c.Apps[0].JSDomains = []string{"example.com"} })
	return f, sign(f.ticket(), "n", 1714536000, signedPage)
}

// wx.config learns the verdict, and pages of any origin may ask.
func TestPreVerify(t *testing.T) {
	f, good := newSignedFixture(t)
	for _, c := range []struct{ name, app, page, nonce, timestamp, signature, want string }{
		{"good", appID, signedPage, "n", signedAt, good, "config:ok"},
		{"with a fragment", appID, signedPage + "#x", "n", signedAt, good, "config:ok"},
		{"another page", appID, signedPage + "&x", "n", signedAt, good, "config:fail,Error: 系统错误,错误码:63002,invalid signature [20240501 12:00:00][]"},
		{"no number", appID, signedPage, "n", "undefined", good, "错误码:63002,invalid signature"},
		{"no account", "wx9", signedPage, "n", signedAt, good, "错误码:40048,invalid url domain"},
		{"another domain", appID, "https://example.org/", "n", signedAt, good, "错误码:40048,invalid url domain"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := f.preVerify(c.app, c.page, c.nonce, c.timestamp, c.signature); !strings.HasPrefix(got, "config:") || !strings.Contains(got, c.want) {
				t.Errorf("%s", got)
			}
		})
	}
}

func TestSetJSDomains(t *testing.T) {
	f, good := newSignedFixture(t)
	f.SetJSDomains(appID)
	if got := f.preVerify(appID, signedPage, "n", signedAt, good); got != "config:ok" {
		t.Errorf("any domain: %s", got)
	}
	f.SetJSDomains(appID, "example.net")
	if got := f.preVerify(appID, signedPage, "n", signedAt, good); !strings.Contains(got, "40048") {
		t.Errorf("a domain that was removed: %s", got)
	}
	f.SetJSDomains("wx9", "example.com")
	if got := f.preVerify("wx9", signedPage, "n", signedAt, good); !strings.Contains(got, "40048") {
		t.Errorf("an unknown account: %s", got)
	}
}

func TestPreVerifyFaults(t *testing.T) {
	f := newFixture(t)
	f.Fail(Fault{Path: PathPreVerify, ErrCode: 63002, ErrMsg: "invalid signature", Times: 1})
	if rec := f.browse(PathPreVerify + "?appid=" + appID); rec.Body.String() != `{"errcode":63002,"errmsg":"invalid signature"}` || rec.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("a fault: %s", rec.Body)
	}
	if rec := f.browse(PathPreVerify + "?url=%zz"); rec.Code != 400 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
