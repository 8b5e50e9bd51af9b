package miniprogram

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"wechatfn/shared/session"
)

var (
	// ErrUndecryptable: a wrong key, a wrong padding, or no JSON with a watermark.
	// The error does not say which: somebody who can try ciphertexts and learns where
	// they fail can decrypt without the key.
	ErrUndecryptable = errors.New("miniprogram: the data cannot be decrypted")
	// ErrOtherApp: the watermark is another mini-program's.
	ErrOtherApp = errors.New("miniprogram: the data is of another mini-program")
	// ErrTooOld: the watermark's time is too far from now.
	ErrTooOld = errors.New("miniprogram: the data is too old")
)

const (
	keyBytes   = 16 // AES-128, and the IV
	blockBytes = aes.BlockSize
)

// RawDataSignature is what wx.getUserInfo and wx.getUserProfile give as signature:
// the SHA-1, in hex, of rawData, byte by byte as it came, and the text of session_key.
//
// https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html
func RawDataSignature(rawData, sessionKey string) string {
	sum := sha1.Sum([]byte(rawData + sessionKey))
	return hex.EncodeToString(sum[:])
}

// VerifyRawData reports whether the signature is rawData's, in constant time.
func VerifyRawData(rawData, sessionKey, signature string) bool {
	return subtle.ConstantTimeCompare([]byte(RawDataSignature(rawData, sessionKey)), []byte(signature)) == 1
}

// Watermark says which data is accepted.
type Watermark struct {
	AppID string // the one that the data must have
	Now   time.Time
	Age   time.Duration // how far its time, in whole seconds, may be from Now; 0: any
}

// Data is what was decrypted. It is not redacted when printed, because it is the user's own.
type Data struct {
	JSON []byte // valid; control characters are blanks, and bad UTF-8 is U+FFFD
	// OpenID is empty in data without a user, such as a phone number, and since 2021 in
	// most data with one.
	OpenID string

	fields map[string]json.RawMessage
}

// Decrypt opens encryptedData, the base64 of AES-128-CBC, with session_key and iv, the
// base64 of 16 bytes each, and checks the watermark. Errors: ErrUndecryptable,
// ErrOtherApp, ErrTooOld.
//
// Nothing in it is authenticated. With CBC the sender can choose the first 16 bytes
// through iv, and can change later bytes if the 16 before them may become noise. So the
// data is only what the user's own client says. It proves no openid, unionid or phone
// number; WeChat itself answers with those.
//
// https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html
func Decrypt(sessionKey, encryptedData, iv string, w Watermark) (Data, error) {
	key, ok := decode(sessionKey, keyBytes)
	start, fits := decode(iv, keyBytes)
	text, err := base64.StdEncoding.DecodeString(encryptedData)
	if !ok || !fits || err != nil || len(text) == 0 || len(text)%blockBytes != 0 {
		return Data{}, ErrUndecryptable
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return Data{}, ErrUndecryptable
	}
	cipher.NewCBCDecrypter(block, start).CryptBlocks(text, text)
	plain, ok := unpad(text)
	if !ok {
		return Data{}, ErrUndecryptable
	}
	return read(plain, w)
}

// decode reads base64 of exactly so many bytes, without line breaks.
func decode(text string, size int) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(text)
	return b, err == nil && len(b) == size && len(text) == base64.StdEncoding.EncodedLen(size)
}

// unpad removes PKCS#7 padding, and checks every byte of it.
func unpad(text []byte) ([]byte, bool) {
	n := int(text[len(text)-1])
	if n < 1 || n > blockBytes {
		return nil, false
	}
	padding := text[len(text)-n:]
	return text[:len(text)-n], bytes.Equal(padding, bytes.Repeat([]byte{byte(n)}, n))
}

func read(plain []byte, w Watermark) (Data, error) {
	d := Data{JSON: clean(plain)}
	if json.Unmarshal(d.JSON, &d.fields) != nil {
		return Data{}, ErrUndecryptable
	}
	var mark map[string]json.RawMessage
	if json.Unmarshal(d.fields["watermark"], &mark) != nil {
		return Data{}, ErrUndecryptable
	}
	made, err := strconv.ParseInt(strings.Trim(string(mark["timestamp"]), `"`), 10, 64)
	if appID := textOf(mark["appid"]); appID == "" || err != nil {
		return Data{}, ErrUndecryptable
	} else if appID != w.AppID {
		return Data{}, ErrOtherApp
	}
	now, age := w.Now.Unix(), int64(w.Age/time.Second)
	if age > 0 && (made < now-age || made > now+age) {
		return Data{}, ErrTooOld
	}
	d.OpenID = textOf(d.fields["openId"])
	return d, nil
}

// clean replaces control characters by blanks. WeChat has been seen to leave some in
// nicknames.
func clean(text []byte) []byte {
	return bytes.Map(func(c rune) rune {
		if c < 0x20 {
			return ' '
		}
		return c // of bad UTF-8: U+FFFD
	}, text)
}

// maxText is many times what a nickname or the address of a picture has.
const maxText = 1 << 10

// profile is the data of wx.getUserInfo and wx.getUserProfile; nil for other data. A field
// of a wrong type is left out, and so is a text that would only fill the user's item: a
// client can make such data (see Decrypt).
func profile(fields map[string]json.RawMessage) *session.Profile {
	if _, ok := fields["nickName"]; !ok {
		return nil
	}
	p := session.Profile{
		Nickname: textOf(fields["nickName"]), HeadImgURL: textOf(fields["avatarUrl"]), Language: textOf(fields["language"]),
		Country: textOf(fields["country"]), Province: textOf(fields["province"]), City: textOf(fields["city"]),
	}
	for _, text := range []*string{&p.Nickname, &p.HeadImgURL, &p.Language, &p.Country, &p.Province, &p.City} {
		if len(*text) > maxText {
			*text = ""
		}
	}
	_ = json.Unmarshal(fields["gender"], &p.Sex)
	return &p
}

func textOf(field json.RawMessage) (s string) {
	_ = json.Unmarshal(field, &s)
	return s
}
