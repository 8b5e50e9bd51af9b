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

// openMini is a server's strict reading of encryptedData. The vectors hold it to WeChat's own
// samples, so that it can judge what the simulator makes.
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

// TestMiniVectors: the simulator seals, signs and proves as WeChat's samples do.
func TestMiniVectors(t *testing.T) {
	b, err := os.ReadFile("testdata/mini-vectors.json")
	must(t, err)
	var file struct {
		Vectors []struct {
			ID, Kind string
			Input    struct {
				AppID, IV, Data, Signature string
				Key                        string `json:"session_key"`
				Encrypted                  string `json:"encrypted_data"`
				Raw                        string `json:"raw_data"`
			}
			Expected struct{ Plaintext, Reject, Signature string }
		}
	}
	must(t, json.Unmarshal(b, &file))
	seen := map[string]int{}
	for _, v := range file.Vectors {
		in, want := v.Input, v.Expected
		seen[v.Kind]++
		switch v.Kind {
		case "mini_decrypt":
			if sealed, err := sealMini([]byte(want.Plaintext), in.Key, in.IV); err != nil || sealed != in.Encrypted {
				t.Errorf("%s: sealed %s, %v", v.ID, sealed, err)
			}
			if text, err := openMini(MiniData{EncryptedData: in.Encrypted, IV: in.IV}, in.Key, in.AppID); err != nil || string(text) != want.Plaintext {
				t.Errorf("%s: %s, %v", v.ID, text, err)
			}
		case "mini_decrypt-negative":
			if _, err := openMini(MiniData{EncryptedData: in.Encrypted, IV: in.IV}, in.Key, in.AppID); err == nil || err.Error() != want.Reject {
				t.Errorf("%s: %v, want %s", v.ID, err, want.Reject)
			}
		case "mini_rawdata_signature":
			if got := signRawData(in.Raw, in.Key); got != want.Signature {
				t.Errorf("%s: %s", v.ID, got)
			}
		case "mini_rawdata_signature-negative":
			if signRawData(in.Raw, in.Key) == in.Signature {
				t.Errorf("%s is taken", v.ID)
			}
		case "mini_session_signature":
			if got := sessionHMAC(in.Key, in.Data); got != want.Signature {
				t.Errorf("%s: %s", v.ID, got)
			}
		default:
			t.Errorf("%s: unknown kind %s", v.ID, v.Kind)
		}
	}
	if len(seen) != 5 || len(file.Vectors) != 10 {
		t.Errorf("%v", seen)
	}
}

// miniUser is what user data says once it is decrypted.
type miniUser struct {
	OpenID, UnionID, NickName, City string
	Gender                          int
	Watermark                       watermark
}

func (w *fixture) userData(o MiniOptions) MiniData {
	w.t.Helper()
	d, err := w.MiniUserData(mini, "hua", o)
	must(w.t, err)
	return d
}

func TestMiniUserData(t *testing.T) {
	w := newMiniFixture(t)
	m := w.miniLogin("hua")
	w.advance(time.Minute)
	for name, c := range map[string]struct {
		o    MiniOptions
		want miniUser
	}{
		"honest":        {MiniOptions{}, miniUser{OpenID: m.OpenID, UnionID: *m.UnionID}},
		"other openid":  {MiniOptions{OpenID: "oOther"}, miniUser{OpenID: "oOther", UnionID: *m.UnionID}},
		"no openid":     {MiniOptions{NoOpenID: true}, miniUser{}},
		"old timestamp": {MiniOptions{Timestamp: 1477314187}, miniUser{OpenID: m.OpenID, UnionID: *m.UnionID, Watermark: watermark{Timestamp: 1477314187}}},
		"other appid":   {MiniOptions{AppID: lone}, miniUser{OpenID: m.OpenID, UnionID: *m.UnionID, Watermark: watermark{AppID: lone}}},
	} {
		d := w.userData(c.o)
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
			t.Errorf("%s: %s", name, text)
		}
		if d.Signature != signRawData(d.RawData, m.Key) {
			t.Errorf("%s: the signature is wrong", name)
		}
	}
	alone, err := w.MiniUserData(lone, "hua", MiniOptions{})
	must(t, err)
	key, err := w.SessionKey(lone, "hua")
	must(t, err)
	text, err := openMini(alone, key, lone)
	if err != nil || bytes.Contains(text, []byte("unionId")) || !bytes.Contains(text, []byte(w.OpenID(lone, "hua"))) {
		t.Errorf("a mini-program that is linked to nothing: %s, %v", text, err)
	}
	if _, err := openMini(w.userData(MiniOptions{AppID: lone}), m.Key, mini); err == nil || err.Error() != "watermark_appid" {
		t.Errorf("data of another mini-program: %v", err)
	}
}

// TestMiniDataAsJSON: as a mini-program posts it, and raw bytes as WeChat writes them.
func TestMiniDataAsJSON(t *testing.T) {
	w := newMiniFixture(t)
	d, err := w.MiniUserData(mini, "odd", MiniOptions{})
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
	if once, again := w.userData(MiniOptions{}), w.userData(MiniOptions{}); again.IV == once.IV || again.EncryptedData == once.EncryptedData {
		t.Error("an IV repeats")
	}
}

// TestMiniDataKeys: made with the live key, which the server may have lost, or with a given one.
func TestMiniDataKeys(t *testing.T) {
	w := newMiniFixture(t)
	before := w.userData(MiniOptions{}) // no login yet: a key is made for it
	if _, err := openMini(before, w.validKey("hua"), mini); err != nil {
		t.Error(err)
	}
	m := w.miniLogin("hua")
	must(t, w.ReplaceSessionKey(mini, "hua"))
	if _, err := openMini(w.userData(MiniOptions{}), m.Key, mini); err == nil {
		t.Error("a dead key opens what came after it")
	}
	if _, err := openMini(w.userData(MiniOptions{SessionKey: m.Key}), m.Key, mini); err != nil {
		t.Error(err)
	}
	_, err := w.MiniUserData(mini, "hua", MiniOptions{SessionKey: "short"})
	mustContain(t, err, "16 bytes")
}

// TestMiniTampers: each is refused for a reason of its own.
func TestMiniTampers(t *testing.T) {
	w := newMiniFixture(t)
	m := w.miniLogin("hua")
	for tamper, want := range map[MiniTamper]string{
		TamperPadding: "padding", TamperMiddle: "json", TamperCut: "block_size", TamperRawData: "signature", TamperSignature: "signature",
	} {
		d := w.userData(MiniOptions{Tamper: tamper})
		_, err := openMini(d, m.Key, mini)
		if want == "signature" {
			if err != nil || d.Signature == signRawData(d.RawData, m.Key) {
				t.Errorf("%s: %v", tamper, err)
			}
			continue
		}
		if err == nil || d.Signature != signRawData(d.RawData, m.Key) {
			t.Errorf("%s is taken", tamper)
		}
		if tamper != TamperMiddle && err.Error() != want { // a spoilt block may hurt anything
			t.Errorf("%s: %v, want %s", tamper, err, want)
		}
	}
	// An altered IV shows in the first block alone, and not as damage: that is what CBC is like.
	text, err := openMini(w.userData(MiniOptions{Tamper: TamperIV}), m.Key, mini)
	honest, _ := openMini(w.userData(MiniOptions{}), m.Key, mini)
	if err != nil || bytes.Equal(text, honest) || !bytes.Equal(text[aes.BlockSize:], honest[aes.BlockSize:]) {
		t.Errorf("IV: %s, %v", text, err)
	}
	_, err = w.MiniUserData(mini, "hua", MiniOptions{Tamper: "x"})
	mustContain(t, err, "MiniTamper")
}
