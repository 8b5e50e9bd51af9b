package message

import (
	"bytes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"wechatfn/shared/secret"
)

// raw encrypts bytes as they are, which must fill whole blocks.
func (k *aesKey) raw(text []byte) string {
	out := bytes.Clone(text)
	cipher.NewCBCEncrypter(k.block, k.iv).CryptBlocks(out, out)
	return base64.StdEncoding.EncodeToString(out)
}

// framed is a message as WeChat frames it, but with a length and a padding of the
// test's choice.
func framed(message, appID string, size uint32, padding []byte) []byte {
	text := binary.BigEndian.AppendUint32([]byte("0123456789abcdef"), size)
	return append(append(append(text, message...), appID...), padding...)
}

// Each check of a decrypted message, by name. The signature is right in all.
func TestDecryptRefuses(t *testing.T) {
	key, err := parseAESKey(testKey)
	if err != nil {
		t.Fatal(err)
	}
	pad := func(n, of int) []byte { return bytes.Repeat([]byte{byte(n)}, of) }
	// "hello", the AppID and 21 bytes of padding make 64.
	const message = "hello"
	n := 64 - headSize - len(message) - len(testAppID)
	for _, c := range []struct {
		name, encrypted string
		why             error
	}{
		{"right", key.raw(framed(message, testAppID, 5, pad(n, n))), nil},
		{"nothing", "", refusedBlockSize},
		{"not base64", "!!!!", refusedBase64},
		{"half a block", key.raw(framed(message, testAppID, 5, pad(n, n)))[:40] + "AA==", refusedBlockSize},
		{"blocks of 16", key.raw(framed("hello67890123456", testAppID, 16, pad(n-11+16, n-11+16)))[:64], refusedBlockSize},
		{"padding of 0", key.raw(framed(message, testAppID, 5, pad(0, n))), refusedPadding},
		{"padding of 33", key.raw(framed(message, testAppID, 5, pad(33, n))), refusedPadding},
		{"padding of 255", key.raw(framed(message, testAppID, 5, pad(255, n))), refusedPadding},
		{"padding that holds two lengths", key.raw(framed(message, testAppID, 5, append([]byte{1}, pad(n, n-1)...))), refusedPadding},
		{"nothing but padding", key.raw(pad(32, 32)), refusedLength},
		{"19 bytes", key.raw(append([]byte("0123456789abcdef\x00\x00\x00"), pad(13, 13)...)), refusedLength},
		{"longer than it is", key.raw(framed(message, testAppID, 24, pad(n, n))), refusedLength},
		{"2^32 - 1", key.raw(framed(message, testAppID, 1<<32-1, pad(n, n))), refusedLength},
		{"up to the end", key.raw(framed(message, testAppID, 23, pad(n, n))), refusedAppID},
		{"one byte less", key.raw(framed(message, testAppID, 4, pad(n, n))), refusedAppID},
		{"another AppID", key.raw(framed(message, "wxba5fad812f8e6fb8", 5, pad(n, n))), refusedAppID},
		{"an AppID and more", key.raw(framed("hell", testAppID+"x", 4, pad(n, n))), refusedAppID},
		{"the end of an AppID", key.raw(framed("hellowx", testAppID[2:], 7, pad(n, n))), refusedAppID},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := key.decrypt(c.encrypted, testAppID)
			if !errors.Is(err, c.why) || err == nil && string(text) != message {
				t.Errorf("%s: %q, %v, want %v", c.name, text, err, c.why)
			}
		})
	}
}

// All lengths, so all paddings.
func TestEncryptDecrypt(t *testing.T) {
	key, err := parseAESKey(testKey)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		message := strings.Repeat("x", n)
		sealed := key.encrypt([]byte("0123456789abcdef"), message, testAppID)
		if text, err := key.decrypt(sealed, testAppID); err != nil || string(text) != message {
			t.Errorf("%d bytes: %q, %v", n, text, err)
		}
	}
}

// The order of signing is bytewise, and Sign leaves its arguments alone.
func TestSign(t *testing.T) {
	parts := []string{"b", "a", "B", "é", "1"}
	if got, want := Sign(parts...), Sign("1", "B", "a", "b", "é"); got != want || parts[0] != "b" {
		t.Errorf("%s, want %s; %v", got, want, parts)
	}
}

func TestPreviousKeyIsSecond(t *testing.T) {
	ring, err := NewKeyring(testAppID, secret.Push{
		Token: secret.New("t"), AESKey: secret.New(testKey),
		PreviousToken: secret.New("old"), PreviousAESKey: secret.New(otherKey),
	})
	if err != nil || !ring.Encrypted() {
		t.Fatal(err)
	}
	for i, encoded := range []string{testKey, otherKey} {
		key, _ := parseAESKey(encoded)
		if _, used, err := ring.decrypt(key.encrypt(make([]byte, 16), "x", testAppID)); err != nil || used != ring.keys[i] {
			t.Errorf("key %d: %v", i, err)
		}
	}
	for _, token := range []string{"t", "old"} {
		if used, err := ring.verify(Sign(token, "1", "2"), "1", "2"); err != nil || used != token {
			t.Errorf("token %s: %s, %v", token, used, err)
		}
	}
}
