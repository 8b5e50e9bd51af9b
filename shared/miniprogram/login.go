package miniprogram

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"wechatfn/shared/account"
	"wechatfn/shared/login"
	"wechatfn/shared/session"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

const (
	// maxBody is many times the size of what any wx.get… returns.
	maxBody = 32 << 10
	maxCode = 512
)

// loginRequest is the body of POST /miniprogram/login.
type loginRequest struct {
	App           string
	Code          string
	SKU           string
	Device        string
	RawData       string
	Signature     string
	EncryptedData string
	IV            string
}

// Grant is the answer to a login.
type Grant struct {
	Token     string `json:"token"`
	ExpiresIn int64  `json:"expiresIn"` // seconds
	OpenID    string `json:"openid"`
	UnionID   string `json:"unionid,omitzero"`
	NewUser   bool   `json:"newUser"` // the user's first login to this mini-program
}

// login exchanges the code for a session. Everything that can be wrong with the request
// is refused before WeChat is asked, because a code works once.
func (h *Handler) login(w http.ResponseWriter, r *http.Request) error {
	var in loginRequest
	if err := readBody(r, &in); err != nil {
		return err
	}
	account, ok := h.cfg.Accounts.Find(in.App)
	if !ok {
		return errUnknownApp
	}
	if err := in.check(); err != nil {
		return err
	}
	mini, askedAt, err := h.codes.Exchange(r.Context(), account, in.Code)
	if err != nil {
		return exchangeProblems.Of(err)
	}
	profile, err := h.verify(in, account, mini)
	if err != nil {
		return err
	}
	opened, err := h.opener.Open(r.Context(), session.Login{
		App: account.Name, AppID: account.AppID, OpenID: mini.OpenID, UnionID: mini.UnionID, SKU: in.SKU, Device: in.Device,
		Began: askedAt, Profile: profile, Tokens: &session.Tokens{SessionKey: mini.SessionKey, AskedAt: askedAt},
	}, web.Bearer(r))
	if login.Revoked(err) {
		return errSuperseded.Because(err).RetryIn(login.DefaultRetry)
	}
	if err != nil {
		return err
	}
	h.cfg.Logger.InfoContext(r.Context(), "login", "account", account.Name, "outcome", "session", h.cfg.LoggedIn())
	return web.JSON(w, http.StatusOK, h.grant(opened, mini.UnionID))
}

// grant is the answer to a login. WeChat can give a unionid that a reused session does
// not have.
func (h *Handler) grant(o login.Opened, unionID string) Grant {
	s := o.Session
	return Grant{o.Token, s.ExpiresAt - h.cfg.Now().Unix(), s.OpenID, cmp.Or(unionID, s.UnionID), o.NewUser}
}

func readBody(r *http.Request, v any) error {
	body, err := web.ReadBody(r, maxBody)
	if err != nil {
		return err
	}
	if !isObject(body) || json.Unmarshal(body, v) != nil {
		return errBody
	}
	return nil
}

// isObject: encoding/json decodes null as an empty object.
func isObject(body []byte) bool {
	return strings.HasPrefix(strings.TrimLeft(string(body), " \t\r\n"), "{")
}

// check refuses everything that can be refused without asking WeChat.
func (in loginRequest) check() error {
	switch {
	case !isCode(in.Code):
		return errCode
	case !session.IsSKU(in.SKU):
		return badField("sku has at most 64 of A-Z a-z 0-9 . _ -")
	case !session.IsDevice(in.Device):
		return badField("device has at most 128 bytes and no control characters")
	case (in.RawData == "") != (in.Signature == ""):
		return badField("rawData and signature come together")
	case in.Signature != "" && (len(in.Signature) != 40 || strings.Trim(in.Signature, "0123456789abcdef") != ""):
		return badField("signature is 40 hexadecimal digits, in lower case")
	case in.EncryptedData == "" && in.IV == "":
		return nil
	}
	return checkCiphertext(in.EncryptedData, in.IV)
}

func isCode(code string) bool {
	return 0 < len(code) && len(code) <= maxCode && !strings.ContainsFunc(code, func(c rune) bool { return c <= ' ' || c > '~' })
}

func checkCiphertext(encryptedData, iv string) error {
	if encryptedData == "" || iv == "" {
		return badField("encryptedData and iv come together")
	}
	if _, ok := decode(iv, keyBytes); !ok {
		return badField("iv is not the base64 of 16 bytes")
	}
	text, err := base64.StdEncoding.DecodeString(encryptedData)
	if err != nil || len(text)%blockBytes != 0 || strings.ContainsAny(encryptedData, "\r\n") {
		return badField("encryptedData is not the base64 of whole blocks of 16 bytes; a + that became a space is the usual reason")
	}
	return nil
}

// verify checks the data that came with the code, and returns the profile in it. It
// prefers that of rawData, which is signed; what was decrypted is not (see Decrypt).
func (h *Handler) verify(in loginRequest, account account.Account, mini wechat.MiniSession) (found *session.Profile, err error) {
	if in.EncryptedData != "" {
		d, err := h.decipher(mini.SessionKey, in.EncryptedData, in.IV, account.AppID, mini.OpenID)
		if err != nil {
			return nil, err
		}
		found = profile(d.fields)
	}
	if in.RawData == "" {
		return found, nil
	}
	if !VerifyRawData(in.RawData, mini.SessionKey, in.Signature) {
		return nil, errSignature
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(clean([]byte(in.RawData)), &fields) // it is WeChat's, whatever it is
	return cmp.Or(profile(fields), found), nil
}

// decipher decrypts data, which must be of that user of that mini-program.
func (h *Handler) decipher(key, encryptedData, iv, appID, openID string) (Data, error) {
	d, err := Decrypt(key, encryptedData, iv, Watermark{AppID: appID, Now: h.cfg.Now(), Age: h.cfg.DataAge})
	if err != nil {
		return d, dataProblem(err)
	}
	if d.OpenID != "" && d.OpenID != openID {
		return d, errOtherUser
	}
	return d, nil
}
