package wechatsim

import (
	"testing"
	"time"
)

// WeChat's own sample, of the JS-SDK page.
func TestSignWeChatsSample(t *testing.T) {
	got := sign("sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg",
		"Wm3WZYTPz0wzccnW", 1414587457, "http://mp.weixin.qq.com?params=value")
	if got != "0f9de62fce790f9a083d5c99e95740ceb90c27ed" {
		t.Error(got)
	}
}

func TestVerifySignature(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Apps[0].JSDomains = []string{"example.com"} })
	const page = "https://example.com/a?b=c&d=%20"
	ticket := f.ticket()
	good := sign(ticket, "n", 1714536000, page)
	for _, c := range []struct {
		name, app, page, nonce string
		timestamp              int64
		signature, want        string
	}{
		{"good", appID, page, "n", 1714536000, good, ""},
		{"with a fragment", appID, page + "#/route?x", "n", 1714536000, good, ""},
		{"other nonce", appID, page, "m", 1714536000, good, "63002,invalid signature"},
		{"other time", appID, page, "n", 1714536001, good, "63002,invalid signature"},
		{"other page", appID, page + "&e", "n", 1714536000, good, "63002,invalid signature"},
		{"empty", appID, page, "n", 1714536000, "", "differ"},
		{"other account", other, page, "n", 1714536000, good, "63002,invalid signature"},
		{"no account", "wx9", page, "n", 1714536000, good, "40048,invalid url domain"},
		{"other domain", appID, "https://example.org/", "n", 1714536000, sign(ticket, "n", 1714536000, "https://example.org/"), "40048,invalid url domain"},
		{"no URL", appID, "https://%zz", "n", 1714536000, good, "40048,invalid url domain"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := f.VerifySignature(c.app, c.page, c.nonce, c.timestamp, c.signature)
			if c.want == "" && err != nil {
				t.Errorf("%v", err)
			}
			if c.want != "" {
				mustContain(t, err, c.want)
			}
		})
	}
	f.advance(lifetime + 5*time.Minute)
	err := f.VerifySignature(appID, page, "n", 1714536000, good)
	mustContain(t, err, "config:fail,Error: 系统错误,错误码:63002,invalid signature [20240501 14:05:00][]")
	mustContain(t, err, "the ticket ended 5m0s ago")
}

// While two tickets are accepted, a signature with either is valid.
func TestTwoValidTickets(t *testing.T) {
	f := newFixture(t, with(func(s *Switches) { s.TicketLead = 300 * time.Second }))
	first := f.ticket()
	f.advance(6900 * time.Second)
	f.expectTicket(first, true)
	f.expectTicket(f.ticket(), true)
	f.expectTicket(first, true)
}
