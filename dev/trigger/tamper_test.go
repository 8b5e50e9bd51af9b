package trigger

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTamper(t *testing.T) {
	for _, c := range []struct {
		name   string
		server *developer
		o      Options
		count  int
	}{
		{"secure", encrypting(), Options{}, 16},
		{"compatible", encrypting(), Options{Compatible: true}, 16},
		{"secure in JSON", encrypting(), Options{JSON: true}, 14},
		{"plain", plainly(), Options{Encrypt: new(bool)}, 9},
		{"plain in JSON", plainly(), Options{Encrypt: new(bool), JSON: true}, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Type, c.o.Tamper, c.o.URL = "text", true, c.server.start(t)
			out, err := run(t, accountEnv, c.o)
			expect(t, out, err, "", `untouched +200  accepted +success`, fmt.Sprintf("all %d were refused", c.count))
			if strings.Count(out, "403  refused") != c.count || len(c.server.seen) != 1 {
				t.Errorf("%d messages got through\n%s", len(c.server.seen), out)
			}
		})
	}
}

// Each mistake of a server shows in the variants that it accepts, and in no other.
func TestTamperFinds(t *testing.T) {
	for _, c := range []struct {
		name    string
		mistake func(*developer)
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
		t.Run(c.name, func(t *testing.T) {
			d, o := encrypting(), Options{Type: "text", Tamper: true}
			if c.plain {
				d, o.Encrypt = plainly(), new(bool)
			}
			c.mistake(d)
			o.URL = d.start(t)
			out, err := run(t, accountEnv, o)
			expect(t, out, err, "were not refused: "+c.through, "NOT REFUSED")
			if err != nil && !strings.HasSuffix(err.Error(), ": "+c.through) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	t.Run("signature", func(t *testing.T) {
		unsigned := encrypting()
		unsigned.ignoresSignature = true
		out, err := run(t, accountEnv, Options{Type: "text", Tamper: true, URL: unsigned.start(t)})
		expect(t, out, err, "msg_signature altered, msg_signature left out, msg_signature empty, signed with another token", "ciphertext altered")
	})
}

// TestTamperProvesSomething: a server that refuses all is no proof, nor
// is a crash a refusal.
func TestTamperProvesSomething(t *testing.T) {
	closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }))
	defer closed.Close()
	out, err := run(t, accountEnv, Options{Type: "text", Tamper: true, URL: closed.URL})
	expect(t, out, err, "not accepted even when untouched", "untouched +403  repeat")

	n := 0
	crashing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n++; n > 1 {
			w.WriteHeader(500)
		}
	}))
	defer crashing.Close()
	out, err = run(t, accountEnv, Options{Type: "text", Tamper: true, URL: crashing.URL})
	expect(t, out, err, "16 of 16 were not refused", "500  NOT REFUSED")
}
