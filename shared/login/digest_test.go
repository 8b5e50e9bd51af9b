package login_test

import (
	"encoding/hex"
	"testing"

	"wechatfn/shared/login"
)

// The example of RFC 7636, appendix B.
func TestDigestIsTheS256Challenge(t *testing.T) {
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	if got := login.Digest(verifier); got != challenge {
		t.Errorf("%s", got)
	}
	for _, c := range []struct {
		name, secret, digest string
		want                 bool
	}{
		{"the same", verifier, challenge, true},
		{"other secret", verifier + "x", challenge, false},
		{"no secret", "", challenge, false},
		{"no digest", verifier, "", false},
		{"neither", "", "", false},
		{"the digest itself", challenge, challenge, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := login.Matches(c.secret, c.digest); got != c.want {
				t.Errorf("%v", got)
			}
		})
	}
}

// A browser that calls twice while a new version is deployed must get the same session
// from both, so what is made from a secret never changes.
func TestSeedNeverChanges(t *testing.T) {
	seeds := map[string]string{}
	for _, c := range []struct{ name, secret, state, purpose, want string }{
		{"session", "cookie", "state", "session", "a88bd5dd9676ad0fd5557e52a3ba6bf053c2f93e4e71defbd2912e4442dbf101"},
		{"code", "cookie", "state", "code", "37f8276f698a8581b8ec5bf6d23462c5628c583406ba137e73797aed5b19094e"},
		{"other state", "cookie", "state2", "session", "648a2c4844bf4a8f68498a5df86d4daa9054cea92789f875110a57b750709e82"},
		{"other secret", "cookie2", "state", "session", "ea191e31eee07174b2d7947112a42c97c790df04c3f28a246d5c0f792c2331d6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			seed, err := login.Seed(c.secret, c.state, c.purpose)
			if err != nil {
				t.Fatal(err)
			}
			got := hex.EncodeToString(seed)
			if got != c.want {
				t.Errorf("%s", got)
			}
			if other, ok := seeds[got]; ok {
				t.Errorf("the same as %s", other)
			}
			seeds[got] = c.name
		})
	}
}
