package wechat

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/url"
)

const (
	opCodeToSession = "jscode2session"
	opPhoneNumber   = "getuserphonenumber"
	opCheckSession  = "checksession"
	opResetSession  = "resetusersessionkey"

	sessionKeyBytes = 16 // a session key is the base64 text of an AES-128 key
	sigMethod       = "hmac_sha256"
)

// MiniSession is what a wx.login code is exchanged for. A user has one current session key, which the next
// wx.login may replace; it never leaves the server. It prints as [redacted].
type MiniSession struct {
	OpenID     string // the user at this mini-program
	UnionID    string // the user at all accounts of one Open Platform account; often ""
	SessionKey string // base64 text of 16 bytes
}

// Format hides everything, whatever the verb.
func (MiniSession) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue hides the values from slog, whose JSON handler does not use Format.
func (MiniSession) LogValue() slog.Value { return slog.StringValue(redacted) }

// CodeToSession turns a wx.login code into the user's session (/sns/jscode2session). A code works
// once, within five minutes and for its account alone, so the call is never tried a second time,
// not even when the connection breaks: the mini-program calls wx.login again. See Error.CodeUsed;
// CodeUserBlocked is a user that WeChat holds for a risk.
// https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html
func (c *Client) CodeToSession(ctx context.Context, appID, secret, code string) (MiniSession, error) {
	return c.miniSession(ctx, call{
		op: opCodeToSession, path: "/sns/jscode2session", secrets: []string{secret, code},
		query: url.Values{"appid": {appID}, "secret": {secret}, "js_code": {code}, "grant_type": {"authorization_code"}},
	})
}

func (c *Client) miniSession(ctx context.Context, r call) (MiniSession, error) {
	var a struct {
		OpenID  text `json:"openid"`
		UnionID text `json:"unionid"`
		Key     text `json:"session_key"`
	}
	if err := c.do(ctx, r, &a); err != nil {
		return MiniSession{}, err
	}
	if a.OpenID == "" {
		return MiniSession{}, &Error{Op: r.op, Status: 200, Message: "unexpected answer: no openid"}
	}
	if key, err := base64.StdEncoding.DecodeString(string(a.Key)); err != nil || len(key) != sessionKeyBytes {
		return MiniSession{}, &Error{Op: r.op, Status: 200, Message: "unexpected answer: session_key is not the base64 of 16 bytes"}
	}
	return MiniSession{OpenID: string(a.OpenID), UnionID: string(a.UnionID), SessionKey: string(a.Key)}, nil
}

// Phone is a phone number that the user chose to share. AppID and Timestamp (Unix seconds) are the
// watermark's: the caller checks that AppID is its own. It prints as [redacted].
type Phone struct {
	PhoneNumber     string // with the country code when it is not a mainland number
	PurePhoneNumber string // without it
	CountryCode     string // "86"
	AppID           string
	Timestamp       int64
}

// Format hides everything, whatever the verb.
func (Phone) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue hides the values from slog, whose JSON handler does not use Format.
func (Phone) LogValue() slog.Value { return slog.StringValue(redacted) }

// PhoneNumber turns the code of a getPhoneNumber button into the number
// (/wxa/business/getuserphonenumber). It takes the account's access token. WeChat checks openid
// against the code where one is given; "" leaves that out. The code works once and within five
// minutes, so the call is never tried a second time: the user presses the button again.
// https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/phone-number/getPhoneNumber.html
func (c *Client) PhoneNumber(ctx context.Context, accessToken, code, openid string) (Phone, error) {
	body := struct {
		Code   string `json:"code"`
		OpenID string `json:"openid,omitempty"`
	}{code, openid}
	r := call{
		op: opPhoneNumber, path: "/wxa/business/getuserphonenumber", body: body,
		query: url.Values{"access_token": {accessToken}}, secrets: []string{accessToken, code, openid},
	}
	var a struct {
		Info phoneAnswer `json:"phone_info"`
	}
	if err := c.do(ctx, r, &a); err != nil {
		return Phone{}, err
	}
	if a.Info.Number == "" || a.Info.Pure == "" {
		return Phone{}, &Error{Op: r.op, Status: 200, Message: "unexpected answer: no phone number"}
	}
	return a.Info.phone(), nil
}

type phoneAnswer struct {
	Number    text `json:"phoneNumber"`
	Pure      text `json:"purePhoneNumber"`
	Country   text `json:"countryCode"` // the page prints 86, its table and callers "86"
	Watermark struct {
		AppID     text  `json:"appid"`
		Timestamp loose `json:"timestamp"`
	} `json:"watermark"`
}

func (a phoneAnswer) phone() Phone {
	return Phone{
		PhoneNumber: string(a.Number), PurePhoneNumber: string(a.Pure), CountryCode: string(a.Country),
		AppID: string(a.Watermark.AppID), Timestamp: int64(a.Watermark.Timestamp),
	}
}

// CheckSessionKey asks whether a session key is still the user's current one (/wxa/checksession): nil,
// or an Error such as SessionKeyInvalid. The call may be tried a second time. The page's table puts
// the parameters into a body, its example into the query; they are sent in the query.
// https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/checkSessionKey.html
func (c *Client) CheckSessionKey(ctx context.Context, accessToken, openid, sessionKey string) error {
	r := signed(opCheckSession, accessToken, openid, sessionKey)
	r.repeat = true
	var a struct {
		Code *number `json:"errcode"`
	}
	if err := c.do(ctx, r, &a); err != nil {
		return err
	}
	if a.Code == nil { // the answer is nothing but the errcode; without it there is no yes
		return &Error{Op: r.op, Status: 200, Message: "unexpected answer: no errcode"}
	}
	return nil
}

// ResetSessionKey gives the user a new session key in place of the current one (/wxa/resetusersessionkey),
// which is not extended by it; see Error.SessionKeyInvalid. It is never tried a second time: when the
// answer is lost, so is the key. UnionID stays "".
// https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/ResetUserSessionKey.html
func (c *Client) ResetSessionKey(ctx context.Context, accessToken, openid, sessionKey string) (MiniSession, error) {
	s, err := c.miniSession(ctx, signed(opResetSession, accessToken, openid, sessionKey))
	if err != nil {
		return MiniSession{}, err
	}
	if s.OpenID != openid {
		return MiniSession{}, &Error{Op: opResetSession, Status: 200, Message: "unexpected answer: not the session of this openid"}
	}
	s.UnionID = ""
	return s, nil
}

// signed is a call that proves possession of a session key without sending it.
func signed(op, accessToken, openid, sessionKey string) call {
	signature := sessionSignature(sessionKey, "")
	return call{
		op: op, path: "/wxa/" + op, secrets: []string{accessToken, openid, sessionKey, signature},
		query: url.Values{"access_token": {accessToken}, "openid": {openid}, "signature": {signature}, "sig_method": {sigMethod}},
	}
}

// sessionSignature is the HMAC of data, whose key is the base64 text of the session key, not the
// bytes that it encodes.
// https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html
func sessionSignature(sessionKey, data string) string {
	h := hmac.New(sha256.New, []byte(sessionKey))
	h.Write([]byte(data))
	return hex.EncodeToString(h.Sum(nil))
}
