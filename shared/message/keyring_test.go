package message

import (
	"strings"
	"testing"

	"wechatfn/shared/secret"
)

// A new token or key is taken up when a push does not verify with the old one,
// and the previous ones go on working.
func TestPreviousSecretsAreAcceptedUntilRemoved(t *testing.T) {
	w := newFixture(t)
	oldPush, newToken, newKey := w.sealed(eventMessage("1")), w.sealedWith("newtoken", w.key(testKey).encrypt(make([]byte, 16), eventMessage("2"), testAppID)),
		w.sealedWith("newtoken", w.key(otherKey).encrypt(make([]byte, 16), eventMessage("3"), testAppID))
	want(t, "before", w.serve(w.sealed(eventMessage("0"))), 200, "success")
	w.secrets = secret.Push{Token: secret.New("newtoken"), AESKey: secret.New(testKey), PreviousToken: secret.New(testToken)}
	want(t, "a new token", w.serve(newToken), 200, "success")
	w.secrets.AESKey, w.secrets.PreviousAESKey = secret.New(otherKey), secret.New(testKey)
	want(t, "a new key", w.serve(newKey), 200, "success")
	want(t, "the previous ones", w.serve(oldPush), 200, "success")
	if len(w.sink.taken) != 4 || w.reads != 3 {
		t.Errorf("%d messages, secrets read %d times", len(w.sink.taken), w.reads)
	}
	w.secrets.PreviousToken, w.secrets.PreviousAESKey, w.cached = secret.Secret{}, secret.Secret{}, nil
	want(t, "no longer", w.serve(w.sealed(eventMessage("4"))), 403, `"push_refused"`)
}

func TestNewKeyringRefusesBadSecrets(t *testing.T) {
	sealed := secret.New
	for _, c := range []struct {
		name string

		appID   string
		secrets secret.Push
	}{
		{"no AppID", "", secret.Push{Token: sealed("t")}},
		{"no token", testAppID, secret.Push{AESKey: sealed(testKey)}},
		{"42 characters", testAppID, secret.Push{Token: sealed("t"), AESKey: sealed(testKey[1:])}},
		{"44 characters", testAppID, secret.Push{Token: sealed("t"), AESKey: sealed(testKey + "A")}},
		{"not base64", testAppID, secret.Push{Token: sealed("t"), AESKey: sealed("canary!" + testKey[7:])}},
		{"previous is wrong", testAppID, secret.Push{Token: sealed("t"), AESKey: sealed(testKey), PreviousAESKey: sealed("canary")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewKeyring(c.appID, c.secrets)
			if err == nil || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: %v", c.name, err)
			}
		})
	}
}
