package wechatsim

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"
)

// openMini reads encryptedData as a strict server does. The vectors check it against WeChat's own
// samples, so that it can check the simulator.
func openMini(d MiniData, sessionKey, appID string) ([]byte, error) {
	key, noKey := base64.StdEncoding.DecodeString(sessionKey)
	iv, noIV := base64.StdEncoding.DecodeString(d.IV)
	text, noText := base64.StdEncoding.DecodeString(d.EncryptedData)
	switch {
	case noKey != nil || len(key) != 16:
		return nil, errors.New("session_key_length")
	case noIV != nil || len(iv) != aes.BlockSize:
		return nil, errors.New("iv_length")
	case noText != nil || len(text) == 0 || len(text)%aes.BlockSize != 0:
		return nil, errors.New("block_size")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad < 1 || pad > aes.BlockSize || !bytes.HasSuffix(text, bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, errors.New("padding")
	}
	text = text[:len(text)-pad]
	var message struct{ Watermark watermark }
	if json.Unmarshal(text, &message) != nil {
		return nil, errors.New("json")
	}
	if message.Watermark.AppID != appID {
		return nil, errors.New("watermark_appid")
	}
	return text, nil
}

type miniVector struct {
	ID, Kind string
	Input    struct {
		AppID, IV, Data, Signature string
		Key                        string `json:"session_key"`
		Encrypted                  string `json:"encrypted_data"`
		Raw                        string `json:"raw_data"`
	}
	Expected struct{ Plaintext, Reject, Signature string }
}

// The simulator encrypts and signs as WeChat's samples do.
func TestMiniVectors(t *testing.T) {
	b, err := os.ReadFile("testdata/mini-vectors.json")
	must(t, err)
	var file struct{ Vectors []miniVector }
	must(t, json.Unmarshal(b, &file))
	kinds := map[string]bool{}
	for _, v := range file.Vectors {
		kinds[v.Kind] = true
		t.Run(v.ID, v.check)
	}
	if len(kinds) != 5 || len(file.Vectors) != 10 {
		t.Errorf("%d vectors of the kinds %v", len(file.Vectors), kinds)
	}
}

func (v miniVector) check(t *testing.T) {
	in, want := v.Input, v.Expected
	switch v.Kind {
	case "mini_decrypt":
		if sealed, err := sealMini([]byte(want.Plaintext), in.Key, in.IV); err != nil || sealed != in.Encrypted {
			t.Errorf("sealed %s, %v", sealed, err)
		}
		if text, err := openMini(MiniData{EncryptedData: in.Encrypted, IV: in.IV}, in.Key, in.AppID); err != nil || string(text) != want.Plaintext {
			t.Errorf("%s, %v", text, err)
		}
	case "mini_decrypt-negative":
		if _, err := openMini(MiniData{EncryptedData: in.Encrypted, IV: in.IV}, in.Key, in.AppID); err == nil || err.Error() != want.Reject {
			t.Errorf("%v, want %s", err, want.Reject)
		}
	case "mini_rawdata_signature":
		if got := signRawData(in.Raw, in.Key); got != want.Signature {
			t.Errorf("%s", got)
		}
	case "mini_rawdata_signature-negative":
		if signRawData(in.Raw, in.Key) == in.Signature {
			t.Error("the wrong signature fits")
		}
	case "mini_session_signature":
		if got := sessionHMAC(in.Key, in.Data); got != want.Signature {
			t.Errorf("%s", got)
		}
	default:
		t.Errorf("unknown kind %s", v.Kind)
	}
}

// miniUser is decrypted user data.
type miniUser struct {
	OpenID, UnionID, NickName, City string
	Gender                          int
	Watermark                       watermark
}

func (f *fixture) userData(o MiniOptions) MiniData {
	f.t.Helper()
	d, err := f.MiniUserData(mini, "hua", o)
	must(f.t, err)
	return d
}

func TestMiniUserData(t *testing.T) {
	f := newMiniFixture(t)
	m := f.miniLogin("hua")
	f.advance(time.Minute)
	for _, c := range []struct {
		name string
		o    MiniOptions
		want miniUser
	}{
		{"honest", MiniOptions{}, miniUser{OpenID: m.OpenID, UnionID: *m.UnionID}},
		{"other openid", MiniOptions{OpenID: "oOther"}, miniUser{OpenID: "oOther", UnionID: *m.UnionID}},
		{"no openid", MiniOptions{NoOpenID: true}, miniUser{}},
		{"old timestamp", MiniOptions{Timestamp: 1477314187}, miniUser{OpenID: m.OpenID, UnionID: *m.UnionID, Watermark: watermark{Timestamp: 1477314187}}},
		{"other appid", MiniOptions{AppID: lone}, miniUser{OpenID: m.OpenID, UnionID: *m.UnionID, Watermark: watermark{AppID: lone}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := f.userData(c.o)
			want := c.want
			want.NickName, want.City, want.Gender = "Li Hua", "Shenzhen", 2
			if want.Watermark.AppID == "" {
				want.Watermark.AppID = mini
			}
			if want.Watermark.Timestamp == 0 {
				want.Watermark.Timestamp = start.Unix() + 60
			}
			text, err := openMini(d, m.Key, want.Watermark.AppID)
			must(t, err)
			var got miniUser
			if must(t, json.Unmarshal(text, &got)); got != want {
				t.Errorf("%s", text)
			}
			if d.Signature != signRawData(d.RawData, m.Key) {
				t.Error("the signature is wrong")
			}
		})
	}
	alone, err := f.MiniUserData(lone, "hua", MiniOptions{})
	must(t, err)
	key, err := f.SessionKey(lone, "hua")
	must(t, err)
	text, err := openMini(alone, key, lone)
	if err != nil || bytes.Contains(text, []byte("unionId")) || !bytes.Contains(text, []byte(f.OpenID(lone, "hua"))) {
		t.Errorf("a mini-program that is not linked: %s, %v", text, err)
	}
	if _, err := openMini(f.userData(MiniOptions{AppID: lone}), m.Key, mini); err == nil || err.Error() != "watermark_appid" {
		t.Errorf("data of another mini-program: %v", err)
	}
}

// MiniData has the JSON that a mini-program posts; RawData has WeChat's bytes.
func TestMiniDataAsJSON(t *testing.T) {
	f := newMiniFixture(t)
	d, err := f.MiniUserData(mini, "odd", MiniOptions{})
	must(t, err)
	if want := `{"nickName":"<b>\"O'Odd\" & Söhne</b>","gender":0,"language":"zh_CN","city":"","province":"","country":"","avatarUrl":""}`; d.RawData != want {
		t.Error(d.RawData)
	}
	var fields map[string]string
	text, err := json.Marshal(d)
	must(t, err)
	must(t, json.Unmarshal(text, &fields))
	if len(fields) != 4 || fields["rawData"] != d.RawData || fields["signature"] == "" || fields["encryptedData"] == "" || fields["iv"] == "" {
		t.Errorf("%s", text)
	}
	if once, again := f.userData(MiniOptions{}), f.userData(MiniOptions{}); again.IV == once.IV || again.EncryptedData == once.EncryptedData {
		t.Error("an IV repeats")
	}
}

// Data is encrypted with the valid key, which the server may not know, or with a given one.
func TestMiniDataKeys(t *testing.T) {
	f := newMiniFixture(t)
	before := f.userData(MiniOptions{}) // no login yet: a key is made for it
	if _, err := openMini(before, f.validKey("hua"), mini); err != nil {
		t.Error(err)
	}
	m := f.miniLogin("hua")
	must(t, f.ReplaceSessionKey(mini, "hua"))
	if _, err := openMini(f.userData(MiniOptions{}), m.Key, mini); err == nil {
		t.Error("a replaced key opens later data")
	}
	if _, err := openMini(f.userData(MiniOptions{SessionKey: m.Key}), m.Key, mini); err != nil {
		t.Error(err)
	}
	_, err := f.MiniUserData(mini, "hua", MiniOptions{SessionKey: "short"})
	mustContain(t, err, "16 bytes")
}

// A strict server refuses each change for a different reason.
func TestTamperedMiniData(t *testing.T) {
	f := newMiniFixture(t)
	m := f.miniLogin("hua")
	for _, c := range []struct {
		tamper MiniTamper
		want   string
	}{
		{TamperPadding, "padding"}, {TamperMiddle, "json"}, {TamperCut, "block_size"}, {TamperRawData, "signature"}, {TamperSignature, "signature"},
	} {
		t.Run(string(c.tamper), func(t *testing.T) {
			d := f.userData(MiniOptions{Tamper: c.tamper})
			_, err := openMini(d, m.Key, mini)
			if c.want == "signature" {
				if err != nil || d.Signature == signRawData(d.RawData, m.Key) {
					t.Errorf("%v", err)
				}
				return
			}
			if err == nil || d.Signature != signRawData(d.RawData, m.Key) {
				t.Errorf("%s is accepted", c.tamper)
			}
			if c.tamper != TamperMiddle && err.Error() != c.want { // a changed block can break anything
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
	// A changed IV changes the first block alone, and CBC does not notice.
	text, err := openMini(f.userData(MiniOptions{Tamper: TamperIV}), m.Key, mini)
	honest, _ := openMini(f.userData(MiniOptions{}), m.Key, mini)
	if err != nil || bytes.Equal(text, honest) || !bytes.Equal(text[aes.BlockSize:], honest[aes.BlockSize:]) {
		t.Errorf("IV: %s, %v", text, err)
	}
	_, err = f.MiniUserData(mini, "hua", MiniOptions{Tamper: "x"})
	mustContain(t, err, "MiniTamper")
}
