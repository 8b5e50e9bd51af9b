package wechatsim

import (
	"bytes"
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MiniData is what a mini-program gets from wx.getUserInfo, or from the older getPhoneNumber button,
// without RawData and Signature. Its JSON is what a mini-program posts.
type MiniData struct {
	RawData       string `json:"rawData,omitempty"`
	Signature     string `json:"signature,omitempty"` // SHA-1 of RawData and the session key's text
	EncryptedData string `json:"encryptedData"`
	IV            string `json:"iv"`
}

// MiniTamper is a change to MiniData after it was made.
type MiniTamper string

// The changes there are.
const (
	TamperNone      MiniTamper = ""
	TamperPadding   MiniTamper = "padding"   // the last byte of the ciphertext
	TamperMiddle    MiniTamper = "middle"    // a byte in its middle, which breaks a block and flips a bit of the next
	TamperIV        MiniTamper = "iv"        // a bit of the IV, which flips one of the first block
	TamperCut       MiniTamper = "cut"       // the last byte is missing, so the last block is incomplete
	TamperRawData   MiniTamper = "rawdata"   // RawData, after it was signed
	TamperSignature MiniTamper = "signature" // another signature
)

// MiniOptions make data that WeChat would not make. The zero value makes WeChat's.
type MiniOptions struct {
	AppID      string // in the watermark, instead of the mini-program
	OpenID     string // instead of the user's
	NoOpenID   bool   // neither openId nor unionId
	Timestamp  int64  // in the watermark, Unix seconds, instead of the clock's
	SessionKey string // instead of the user's valid one, which is created if there is none
	Tamper     MiniTamper
}

type watermark struct {
	Timestamp int64  `json:"timestamp"`
	AppID     string `json:"appid"`
}

// rawUser is the public part of a user, in WeChat's order.
type rawUser struct {
	NickName  string `json:"nickName"`
	Gender    int    `json:"gender"`
	Language  string `json:"language"`
	City      string `json:"city"`
	Province  string `json:"province"`
	Country   string `json:"country"`
	AvatarURL string `json:"avatarUrl"`
}

// MiniUserData is the result of wx.getUserInfo when the user agrees.
func (s *Sim) MiniUserData(appID, user string, o MiniOptions) (MiniData, error) {
	return s.miniData(appID, user, o, func(u User, mark watermark) (raw string, message any) {
		public := rawUser{u.Nickname, u.Sex, "zh_CN", u.City, u.Province, u.Country, u.HeadImgURL}
		private := struct {
			OpenID string `json:"openId,omitempty"`
			rawUser
			UnionID   string    `json:"unionId,omitempty"`
			Watermark watermark `json:"watermark"`
		}{rawUser: public, Watermark: mark}
		if !o.NoOpenID {
			private.OpenID = cmp.Or(o.OpenID, s.OpenID(appID, u.ID))
			if s.apps[appID].OpenPlatform != "" {
				private.UnionID = s.unionID(appID, u.ID, "unionid")
			}
		}
		return string(plainJSON(public)), private
	})
}

// MiniPhoneData is the result of the older getPhoneNumber button, which encrypted the number.
func (s *Sim) MiniPhoneData(appID, user string, o MiniOptions) (MiniData, error) {
	return s.miniData(appID, user, o, func(u User, mark watermark) (string, any) { return "", s.phone(u, mark) })
}

func (s *Sim) miniData(appID, user string, o MiniOptions, content func(User, watermark) (string, any)) (d MiniData, err error) {
	if !slices.Contains(tampers, o.Tamper) {
		return d, fmt.Errorf("wechatsim: unknown MiniTamper %q", o.Tamper)
	}
	unknown := s.changeMini(appID, user, func(a *account, u User, now time.Time) {
		key := o.SessionKey
		if key == "" {
			key = s.sessionKey(appID, a, u.ID, now)
		}
		mark := watermark{cmp.Or(o.Timestamp, now.Unix()), cmp.Or(o.AppID, appID)}
		raw, message := content(u, mark)
		a.Issued++
		iv := base64.StdEncoding.EncodeToString(s.derive("iv", appID, a.Issued)[:aes.BlockSize])
		d, err = makeMiniData(raw, plainJSON(message), key, iv)
	})
	if unknown != nil {
		return MiniData{}, unknown
	}
	if err != nil {
		return MiniData{}, err
	}
	return o.Tamper.apply(d), nil
}

func makeMiniData(raw string, message []byte, sessionKey, iv string) (d MiniData, err error) {
	d.IV = iv
	if raw != "" {
		d.RawData, d.Signature = raw, signRawData(raw, sessionKey)
	}
	d.EncryptedData, err = sealMini(message, sessionKey, iv)
	return d, err
}

// signRawData follows
// https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html
func signRawData(raw, sessionKey string) string {
	sum := sha1.Sum([]byte(raw + sessionKey))
	return hex.EncodeToString(sum[:])
}

// sealMini encrypts with AES-128-CBC and PKCS#7. Key, IV and result are base64.
func sealMini(message []byte, sessionKey, iv string) (string, error) {
	key, err := base64.StdEncoding.DecodeString(sessionKey)
	start, wrong := base64.StdEncoding.DecodeString(iv)
	if err != nil || wrong != nil || len(key) != 16 || len(start) != aes.BlockSize {
		return "", errors.New("wechatsim: session key and IV are the base64 of 16 bytes each")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	pad := aes.BlockSize - len(message)%aes.BlockSize
	text := append(slices.Clone(message), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, start).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(text), nil
}

var tampers = []MiniTamper{TamperNone, TamperPadding, TamperMiddle, TamperIV, TamperCut, TamperRawData, TamperSignature}

func (t MiniTamper) apply(d MiniData) MiniData {
	switch t {
	case TamperPadding:
		d.EncryptedData = flip(d.EncryptedData, func(b []byte) []byte { b[len(b)-1] ^= 0xff; return b })
	case TamperMiddle:
		d.EncryptedData = flip(d.EncryptedData, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	case TamperIV:
		d.IV = flip(d.IV, func(b []byte) []byte { b[aes.BlockSize-1] ^= 1; return b })
	case TamperCut:
		d.EncryptedData = flip(d.EncryptedData, func(b []byte) []byte { return b[:len(b)-1] })
	case TamperRawData:
		d.RawData += " "
	case TamperSignature:
		d.Signature = strings.Repeat("0", 2*sha1.Size)
	}
	return d
}

func flip(text string, change func([]byte) []byte) string {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) == 0 {
		return text // cannot happen: it was encoded here
	}
	return base64.StdEncoding.EncodeToString(change(raw))
}

// phone is the content of phone_info, and of the encrypted data. No page says how the number of
// another country is written; here its code comes first.
func (s *Sim) phone(u User, mark watermark) fields {
	country, number := cmp.Or(u.CountryCode, "86"), cmp.Or(u.Phone, s.madeUpNumber(u.ID))
	full := number
	if country != "86" {
		full = "+" + country + number
	}
	f := fields{"phoneNumber": full, "purePhoneNumber": number, "countryCode": country, "watermark": mark}
	if s.switches.NumericCountryCode {
		f["countryCode"] = json.Number(country)
	}
	return f
}

func (s *Sim) madeUpNumber(user string) string {
	n := binary.BigEndian.Uint64(s.derive("phone", user, 0))
	return fmt.Sprintf("138%08d", n%100_000_000)
}

// plainJSON does not escape < and &, as WeChat does not.
func plainJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return nil // cannot happen: texts and numbers, checked by checkUsers
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
