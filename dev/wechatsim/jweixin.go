package wechatsim

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed jweixin.js
var jweixin string

// serveScript serves the JS-SDK's script to a browser. The script checks signatures by PathPreVerify
// of the host that it was loaded from. With ?wechatsim=inside it works in any browser, as inside WeChat.
func (s *Sim) serveScript(*request) answer {
	settings, err := json.Marshal(map[string]bool{
		"currentOnIOS": s.switches.JSCurrentOnIOS, "unlistedOffline": s.switches.JSUnlistedOffline, "readyWaits": s.switches.JSReadyWaits,
	})
	if err != nil {
		return plainText(http.StatusInternalServerError, err.Error())
	}
	return answer{
		status: http.StatusOK, contentType: "text/javascript; charset=utf-8",
		body:   []byte(strings.Replace(jweixin, `"SETTINGS"`, string(settings), 1)),
		header: http.Header{"Cache-Control": {"no-store"}, "X-Content-Type-Options": {"nosniff"}},
	}
}

// servePreVerify is VerifySignature for the script, in any page. It answers errMsg as wx.error gets
// it. A fault answers errcode and errmsg instead; the script makes an errMsg of them.
func (s *Sim) servePreVerify(r *request) (fields, *refusal) {
	q, err := url.ParseQuery(r.rawQuery)
	if err != nil {
		return nil, unknown("the query cannot be read")
	}
	timestamp, err := strconv.ParseInt(q.Get("timestamp"), 10, 64)
	if err != nil {
		timestamp = -1 // no signature has it
	}
	if err := s.verify(r.body.AppID, q.Get("url"), q.Get("noncestr"), timestamp, q.Get("signature"), r.now); err != nil {
		return fields{"errMsg": err.Error()}, nil
	}
	return fields{"errMsg": "config:ok"}, nil
}

// SetJSDomains sets the hosts whose pages may use JS-SDK, as an operator does in the console. No hosts
// means any host. An unknown account is ignored.
func (s *Sim) SetJSDomains(appID string, hosts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if app, ok := s.apps[appID]; ok {
		app.JSDomains = slices.Clone(hosts)
		s.apps[appID] = app
	}
}

// verify is VerifySignature with the lock held.
func (s *Sim) verify(appID, pageURL, nonce string, timestamp int64, signature string, now time.Time) error {
	app, ok := s.apps[appID]
	if !ok {
		return wxError(now, 40048, "invalid url domain", "no such appId")
	}
	page, _, _ := strings.Cut(pageURL, "#")
	if u, err := url.Parse(page); err != nil || len(app.JSDomains) > 0 && !slices.Contains(app.JSDomains, u.Hostname()) {
		return wxError(now, 40048, "invalid url domain", "the page's host is not one of the account's")
	}
	return s.verifyTicket(appID, page, nonce, timestamp, signature, now)
}
