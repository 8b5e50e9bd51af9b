package trigger

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGoodServersRefuseAllVariants(t *testing.T) {
	for _, c := range []struct {
		name   string
		server *developer
		o      Options
		count  int
	}{
		{"secure", encryptingServer(), Options{}, 16},
		{"compatible", encryptingServer(), Options{Compatible: true}, 16},
		{"secure in JSON", encryptingServer(), Options{JSON: true}, 14},
		{"plain", plainServer(), Options{Encrypt: new(bool)}, 9},
		{"plain in JSON", plainServer(), Options{Encrypt: new(bool), JSON: true}, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Type, c.o.Tamper, c.o.URL = "text", true, c.server.start(t)
			out, err := run(t, accountEnv, c.o)
			expect(t, out, err, "", `unchanged +200  accepted +success`, fmt.Sprintf("all %d were refused", c.count))
			if strings.Count(out, "403  refused") != c.count || len(c.server.seen) != 1 {
				t.Errorf("%d messages got through\n%s", len(c.server.seen), out)
			}
		})
	}
}

// A mistake of a server shows in exactly the variants that it accepts.
func TestTamperFindsMistakes(t *testing.T) {
	for _, c := range []struct {
		name    string
		mistake func(*developer)
		plain   bool
		through string
	}{
		{"time", func(d *developer) { d.ignoresTime = true }, false, "sent an hour ago, correctly signed"},
		{"appid", func(d *developer) { d.ignoresAppID = true }, false, "for another appid, correctly signed"},
		{"plain", func(d *developer) { d.takesPlain = true }, false, "plain body in place of the encrypted one, plain push, correctly signed"},
		{"DTD", func(d *developer) { d.readsDTD = true }, false, "a DOCTYPE before the body, a DOCTYPE within the encryption"},
		{"plain DTD", func(d *developer) { d.readsDTD = true }, true, "a DOCTYPE before the body"},
		{"plain time", func(d *developer) { d.ignoresTime = true }, true, "sent an hour ago, correctly signed"},
		{"plain signature", func(d *developer) { d.ignoresSignature = true }, true, "signature altered, signature left out, signature empty, signed with another token, timestamp altered, nonce altered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, o := encryptingServer(), Options{Type: "text", Tamper: true}
			if c.plain {
				d, o.Encrypt = plainServer(), new(bool)
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
		unsigned := encryptingServer()
		unsigned.ignoresSignature = true
		out, err := run(t, accountEnv, Options{Type: "text", Tamper: true, URL: unsigned.start(t)})
		expect(t, out, err, "msg_signature altered, msg_signature left out, msg_signature empty, signed with another token", "ciphertext altered")
	})
}

// A server that refuses everything proves nothing, and a crash is not a refusal.
func TestTamperNeedsAWorkingServer(t *testing.T) {
	closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }))
	defer closed.Close()
	out, err := run(t, accountEnv, Options{Type: "text", Tamper: true, URL: closed.URL})
	expect(t, out, err, "not accepted even unchanged", "unchanged +403  repeat")

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
