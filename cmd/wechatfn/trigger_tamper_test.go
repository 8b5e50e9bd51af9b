package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTriggerTamper(t *testing.T) {
	for _, c := range []struct {
		server *developer
		args   []string
		count  int
	}{
		{encrypting(), nil, 16}, {encrypting(), []string{"--compatible"}, 16}, {encrypting(), []string{"--json"}, 14},
		{plainly(), []string{"--no-encrypt"}, 9}, {plainly(), []string{"--no-encrypt", "--json"}, 8},
	} {
		out, err := runTrigger(t, accountEnv, append([]string{"text", "--tamper", "--url", c.server.start(t)}, c.args...)...)
		expectTrigger(t, out, err, "", `untouched +200  accepted +success`, fmt.Sprintf("all %d were refused", c.count))
		if strings.Count(out, "403  refused") != c.count || len(c.server.seen) != 1 {
			t.Errorf("%v: %d messages got through\n%s", c.args, len(c.server.seen), out)
		}
	}
}

// TestTriggerTamperFinds: each sin of a server shows in the variants it lets
// through, and in no other.
func TestTriggerTamperFinds(t *testing.T) {
	for _, c := range []struct {
		name    string
		sin     func(*developer)
		plain   bool
		through string
	}{
		{"time", func(d *developer) { d.ignoresTime = true }, false, "sent an hour ago, rightly signed"},
		{"appid", func(d *developer) { d.ignoresAppID = true }, false, "for another appid, rightly signed"},
		{"plain", func(d *developer) { d.takesPlain = true }, false, "plain body in place of the encrypted one, plain push, rightly signed"},
		{"DTD", func(d *developer) { d.readsDTD = true }, false, "a DOCTYPE before the body, a DOCTYPE within the encryption"},
		{"plain DTD", func(d *developer) { d.readsDTD = true }, true, "a DOCTYPE before the body"},
		{"plain time", func(d *developer) { d.ignoresTime = true }, true, "sent an hour ago, rightly signed"},
		{"plain signature", func(d *developer) { d.ignoresSignature = true }, true, "signature altered, signature left out, signature empty, signed with another token, timestamp altered, nonce altered"},
	} {
		d, args := encrypting(), []string{"text", "--tamper"}
		if c.plain {
			d, args = plainly(), append(args, "--no-encrypt")
		}
		c.sin(d)
		out, err := runTrigger(t, accountEnv, append(args, "--url", d.start(t))...)
		expectTrigger(t, out, err, "were not refused: "+c.through, "NOT REFUSED")
		if err != nil && !strings.HasSuffix(err.Error(), ": "+c.through) {
			t.Errorf("%s: %v\n%s", c.name, err, out)
		}
	}
	unsigned := encrypting()
	unsigned.ignoresSignature = true
	out, err := runTrigger(t, accountEnv, "text", "--tamper", "--url", unsigned.start(t))
	expectTrigger(t, out, err, "msg_signature altered, msg_signature left out, msg_signature empty, signed with another token", "ciphertext altered")
}

// TestTriggerTamperProvesSomething: a server that refuses all is no proof, nor
// is a crash a refusal.
func TestTriggerTamperProvesSomething(t *testing.T) {
	closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }))
	defer closed.Close()
	out, err := runTrigger(t, accountEnv, "text", "--tamper", "--url", closed.URL)
	expectTrigger(t, out, err, "not accepted even when untouched", "untouched +403  repeat")

	n := 0
	crashing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n++; n > 1 {
			w.WriteHeader(500)
		}
	}))
	defer crashing.Close()
	out, err = runTrigger(t, accountEnv, "text", "--tamper", "--url", crashing.URL)
	expectTrigger(t, out, err, "16 of 16 were not refused", "500  NOT REFUSED")
}
