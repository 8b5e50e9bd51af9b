package miniprogram

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"wechatfn/shared/session"
)

type vector struct {
	ID    string
	Kind  string
	Input struct {
		AppID         string
		SessionKey    string `json:"session_key"`
		IV            string
		EncryptedData string `json:"encrypted_data"`
		RawData       string `json:"raw_data"`
		Signature     string
	}
	Expected struct {
		Accept    *bool
		Plaintext string
		Signature string
		Reject    string
	}
}

func vectors(t testing.TB) (all []vector) {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) != 10 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	return file.Vectors
}

// made is the time in the watermark of WeChat's sample.
var made = time.Unix(1477314187, 0)

func (v vector) open() (Data, error) {
	return Decrypt(v.Input.SessionKey, v.Input.EncryptedData, v.Input.IV, Watermark{AppID: v.Input.AppID, Now: made, Age: time.Minute})
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.ID, v.check)
	}
}

func (v vector) check(t *testing.T) {
	switch v.Kind {
	case "mini_decrypt":
		if d, err := v.open(); err != nil || string(d.JSON) != v.Expected.Plaintext || d.OpenID != "oGZUI0egBJY1zhBYw2KhdUfwVJJE" {
			t.Errorf("%s, %v", d.JSON, err)
		}
	case "mini_decrypt-negative":
		want := ErrUndecryptable
		if v.Expected.Reject == "watermark_appid" {
			want = ErrOtherApp
		}
		if d, err := v.open(); !errors.Is(err, want) || d.JSON != nil {
			t.Errorf("%s, %v", d.JSON, err)
		}
	case "mini_rawdata_signature":
		if got := RawDataSignature(v.Input.RawData, v.Input.SessionKey); got != v.Expected.Signature || !VerifyRawData(v.Input.RawData, v.Input.SessionKey, got) {
			t.Errorf("%s", got)
		}
	case "mini_rawdata_signature-negative":
		if VerifyRawData(v.Input.RawData, v.Input.SessionKey, v.Input.Signature) {
			t.Error("it is accepted")
		}
	case "mini_session_signature": // checksession's: package wechat
	default:
		t.Errorf("unknown kind %s", v.Kind)
	}
}

const (
	testKey = "tiihtNczf5v6AKRyjwEUhQ=="
	testIV  = "r7BXXKkLb8qrSNn05n0qiA=="
)

func bytesOf(text string) []byte { b, _ := base64.StdEncoding.DecodeString(text); return b }

// seal encrypts a text that is already padded.
func seal(padded []byte) string {
	block, err := aes.NewCipher(bytesOf(testKey))
	if err != nil {
		panic(err)
	}
	out := make([]byte, len(padded))
	cipher.NewCBCEncrypter(block, bytesOf(testIV)).CryptBlocks(out, padded)
	return base64.StdEncoding.EncodeToString(out)
}

func pad(text string) []byte {
	n := blockBytes - len(text)%blockBytes
	return append([]byte(text), bytes.Repeat([]byte{byte(n)}, n)...)
}

func marked(fields string) string {
	return fmt.Sprintf(`{%s"watermark":{"timestamp":%d,"appid":"wx1"}}`, fields, made.Unix())
}

func openTest(encryptedData string) (Data, error) {
	return Decrypt(testKey, encryptedData, testIV, Watermark{AppID: "wx1", Now: made, Age: time.Minute})
}

// Whatever is wrong with key, padding or text, the error is the same.
func TestDecryptHasOneError(t *testing.T) {
	good := marked(`"a":1,`)
	block := strings.Repeat("x", blockBytes)
	for _, c := range []struct {
		name   string
		padded []byte
	}{
		{"padding of 0", append([]byte(good+strings.Repeat(" ", 15-len(good)%16)), 0)},
		{"padding of 17", append(pad(good), bytes.Repeat([]byte{17}, 16)...)},
		{"padding of 32", []byte(good + strings.Repeat(" ", 16-len(good)%16+32))},
		{"padding of 255", append(pad(good), bytes.Repeat([]byte{255}, 16)...)},
		{"last byte alone", append(pad(good), append(bytes.Repeat([]byte{1}, 15), 3)...)},
		{"all is padding", bytes.Repeat([]byte{16}, 16)},
		{"no JSON", pad(block)},
		{"a list", pad("[" + good + "]")},
		{"null", pad("null")},
		{"a number", pad("5")},
		{"two values", pad(good + good)},
		{"no watermark", pad(`{"openId":"o"}`)},
		{"a text for it", pad(`{"watermark":"wx1"}`)},
		{"null for it", pad(`{"watermark":null}`)},
		{"no appid", pad(`{"watermark":{"timestamp":1477314187}}`)},
		{"an appid of none", pad(`{"watermark":{"timestamp":1477314187,"appid":5}}`)},
		{"no time", pad(`{"watermark":{"appid":"wx1"}}`)},
		{"a time of none", pad(`{"watermark":{"timestamp":"soon","appid":"wx1"}}`)},
		{"another case", pad(`{"Watermark":{"timestamp":1477314187,"appid":"wx1"}}`)},
		{"half of it", pad(good[:len(good)-1])},
		{"deep", pad(strings.Repeat("[", 20000))},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d, err := openTest(seal(c.padded)); !errors.Is(err, ErrUndecryptable) || err.Error() != ErrUndecryptable.Error() || d.JSON != nil {
				t.Errorf("%v", err)
			}
		})
	}
	for _, c := range []struct{ name, key, text, iv string }{
		{"no key", "", seal(pad(good)), testIV},
		{"a long key", "tiihtNczf5v6AKRyjwEUhQAA", seal(pad(good)), testIV},
		{"no iv", testKey, seal(pad(good)), ""},
		{"iv of 15 bytes", testKey, seal(pad(good)), "r7BXXKkLb8qrSNn05n0q"},
		{"an iv cut apart", testKey, seal(pad(good)), testIV[:8] + "\n" + testIV[8:]},
		{"no base64", testKey, "%%%%", testIV},
		{"half a block", testKey, "AAAAAAAAAAA=", testIV},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Decrypt(c.key, c.text, c.iv, Watermark{AppID: "wx1", Now: made}); !errors.Is(err, ErrUndecryptable) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestWatermark(t *testing.T) {
	text := seal(pad(marked("")))
	for _, c := range []struct {
		name string
		now  time.Time
		age  time.Duration
		app  string
		want error
	}{
		{"now", made, time.Minute, "wx1", nil},
		{"a minute ago", made.Add(time.Minute), time.Minute, "wx1", nil},
		{"over a minute ago", made.Add(time.Minute + time.Second), time.Minute, "wx1", ErrTooOld},
		{"in a minute", made.Add(-time.Minute), time.Minute, "wx1", nil},
		{"in over a minute", made.Add(-time.Minute - time.Second), time.Minute, "wx1", ErrTooOld},
		{"any age", made.AddDate(10, 0, 0), 0, "wx1", nil},
		{"another app", made, time.Minute, "wx2", ErrOtherApp},
		{"no app", made, time.Minute, "", ErrOtherApp},
		{"another app, long ago", made.AddDate(10, 0, 0), time.Minute, "wx2", ErrOtherApp},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Decrypt(testKey, text, testIV, Watermark{c.app, c.now, c.age}); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
	for _, c := range []struct{ name, timestamp string }{{"a text", `"1477314187"`}, {"a number", "1477314187"}} {
		t.Run("the time as "+c.name, func(t *testing.T) {
			if _, err := openTest(seal(pad(`{"watermark":{"appid":"wx1","timestamp":` + c.timestamp + `}}`))); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
}

// Nothing in a user's name makes the data unreadable.
func TestOddNamesAreRead(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"a control character", "a\x14b", "a b"},
		{"a line break", "a\nb", "a b"},
		{"bad UTF-8", "a\xffb", "a\uFFFDb"},
		{"markup", "<小明>&", "<小明>&"},
		{"a quotation mark", `\"`, `"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := openTest(seal(pad(marked(`"nickName":"` + c.in + `","gender":"1","city":5,`))))
			if err != nil || !json.Valid(d.JSON) {
				t.Fatalf("%s, %v", d.JSON, err)
			}
			if p := profile(d.fields); p == nil || p.Nickname != c.want || p.Sex != 0 || p.City != "" {
				t.Errorf("%+v", p)
			}
		})
	}
}

// A text that is far too long for a profile is not stored.
func TestLongTextIsNotStored(t *testing.T) {
	long := strings.Repeat("a", maxText)
	d, err := openTest(seal(pad(marked(`"nickName":"` + long + `","city":"b` + long + `","avatarUrl":"b` + long + `",`))))
	if err != nil {
		t.Fatal(err)
	}
	if p := profile(d.fields); p == nil || *p != (session.Profile{Nickname: long}) {
		t.Errorf("%+v", p)
	}
}

// CBC does not authenticate: another iv changes the first block. So what was decrypted is
// only what the client says, and no openid, unionid or phone number is taken from it.
func TestCiphertextIsNotAuthentic(t *testing.T) {
	iv := bytesOf(testIV)
	text := marked(`"unionId":"mine",`)
	for i, want := range []byte("him!") {
		iv[len(`{"unionId":"`)+i] ^= "mine"[i] ^ want
	}
	d, err := Decrypt(testKey, seal(pad(text)), base64.StdEncoding.EncodeToString(iv), Watermark{AppID: "wx1", Now: made})
	if err != nil || !strings.HasPrefix(string(d.JSON), `{"unionId":"him!",`) {
		t.Errorf("%s, %v: is it authenticated now?", d.JSON, err)
	}
}

// Nothing makes Decrypt panic, and what it accepts is JSON with our watermark in it.
func FuzzDecrypt(f *testing.F) {
	for _, v := range vectors(f) {
		if strings.HasPrefix(v.Kind, "mini_decrypt") {
			f.Add(v.Input.SessionKey, v.Input.EncryptedData, v.Input.IV, "")
		}
	}
	f.Add(testKey, "", testIV, marked(`"openId":"o",`))
	f.Add(testKey, "", testIV, `{"watermark":{"appid":"wx1","timestamp":1477314187},"watermark":5}`)
	f.Fuzz(func(t *testing.T, key, text, iv, plain string) {
		check := func(key, text string) {
			for _, app := range []string{"wx1", "wx4f4bc4dec97d474b"} {
				d, err := Decrypt(key, text, iv, Watermark{AppID: app, Now: made, Age: time.Minute})
				switch {
				case err != nil && (d.JSON != nil || !errors.Is(err, ErrUndecryptable) && !errors.Is(err, ErrOtherApp) && !errors.Is(err, ErrTooOld)):
					t.Errorf("%s, %v", d.JSON, err)
				case err == nil && (!json.Valid(d.JSON) || !bytes.Contains(d.JSON, []byte("watermark"))):
					t.Errorf("taken: %q", d.JSON)
				}
				profile(d.fields)
			}
		}
		check(key, text)
		if len(plain) < 4096 {
			iv = testIV
			check(testKey, seal(pad(plain)))
		}
	})
}

// BenchmarkDecrypt measures a decryption without the reads of the table.
func BenchmarkDecrypt(b *testing.B) {
	v := vectors(b)[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.open(); err != nil {
			b.Fatal(err)
		}
	}
}
