package miniprogram

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"wechatfn/shared/account"
	"wechatfn/shared/session"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

const (
	// maxBody is many times what any wx.get… gives.
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

// login exchanges the code for a session. All that can be wrong with the request is
// found out before the code is spent, which happens once.
func (h *Handler) login(w http.ResponseWriter, r *http.Request) error {
	var in loginRequest
	if err := readBody(r, &in); err != nil {
		return err
	}
	account, ok := h.Accounts.Find(in.App)
	if !ok {
		return errUnknownApp
	}
	if err := in.check(); err != nil {
		return err
	}
	mini, asked, err := h.spend(r.Context(), account, in.Code)
	if err != nil {
		return loginProblem(err)
	}
	profile, err := h.verify(in, account, mini)
	if err != nil {
		return err
	}
	grant, err := h.admit(r, session.Login{
		App: account.Name, AppID: account.AppID, OpenID: mini.OpenID, UnionID: mini.UnionID, SKU: in.SKU, Device: in.Device,
		Began: asked, Profile: profile, Tokens: &session.Tokens{SessionKey: mini.SessionKey, AskedAt: asked},
	})
	if _, over := errors.AsType[*session.RevokedError](err); over {
		return loginSuperseded(err)
	}
	if err != nil {
		return err
	}
	h.Logger.InfoContext(r.Context(), "login", "account", account.Name, "outcome", "session", h.LoggedIn())
	return web.JSON(w, http.StatusOK, grant)
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

// isObject: encoding/json takes null for one.
func isObject(body []byte) bool {
	return strings.HasPrefix(strings.TrimLeft(string(body), " \t\r\n"), "{")
}

// check finds all that WeChat need not be asked about.
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

// spend exchanges the code, and says when WeChat was asked, in Unix milliseconds: after
// the AppSecret was read, which may take its time. It is never tried again: a code is
// spent by the try.
func (h *Handler) spend(ctx context.Context, account account.Account, code string) (mini wechat.MiniSession, asked int64, err error) {
	secret, err := h.Secrets(ctx, account, false)
	if err != nil && ctx.Err() == nil { // perhaps it has just been stored
		secret, err = h.Secrets(ctx, account, true)
	}
	if err != nil {
		return mini, 0, err
	}
	asked = h.Now().UnixMilli()
	mini, err = h.WeChat.CodeToSession(ctx, account.AppID, secret.Reveal(), code)
	if e, ok := errors.AsType[*wechat.Error](err); ok && e.SecretRefused() {
		_, _ = h.Secrets(ctx, account, true) // so that the next login has the new one, if there is one
	}
	return mini, asked, err
}

// verify checks the data that came with the code, and returns the profile in it. That
// of rawData counts, because it is signed; what was decrypted is not (see Decrypt).
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
	_ = json.Unmarshal(clean([]byte(in.RawData)), &fields) // it is genuine, whatever it is
	return cmp.Or(profile(fields), found), nil
}

// decipher opens data of that user of that mini-program.
func (h *Handler) decipher(key, encryptedData, iv, appID, openID string) (Data, error) {
	d, err := Decrypt(key, encryptedData, iv, Watermark{AppID: appID, Now: h.Now(), Age: h.DataAge})
	if err != nil {
		return d, dataProblem(err)
	}
	if d.OpenID != "" && d.OpenID != openID {
		return d, errOtherUser
	}
	return d, nil
}

// crowded is how often a login is begun anew that others at the same time, on too
// many devices, have pushed out before it began.
const crowded = 5

// admit keeps the session that the device has, or opens one.
func (h *Handler) admit(r *http.Request, l session.Login) (Grant, error) {
	if token := web.Bearer(r); token != "" {
		s, kept, err := h.keep(r.Context(), l, token)
		if kept || err != nil {
			return h.grant(token, s, l.UnionID, false), err
		}
	}
	for try := 0; ; try++ {
		token, s, newUser, err := h.Sessions.Issue(r.Context(), l)
		pushed, ok := errors.AsType[*session.RevokedError](err)
		if !ok || pushed.Reason != session.ReasonTooManyDevices || try == crowded {
			return h.grant(token, s, "", newUser), err
		}
	}
}

func (h *Handler) grant(token string, s session.Session, unionID string, newUser bool) Grant {
	return Grant{token, s.ExpiresAt - h.Now().Unix(), s.OpenID, cmp.Or(unionID, s.UnionID), newUser}
}

// keep reports whether the device has a session of this user and product already,
// which then stays as it is: a mini-program that logs in at each start would else
// fill the user's list with itself.
func (h *Handler) keep(ctx context.Context, l session.Login, token string) (session.Session, bool, error) {
	s, err := h.Sessions.Check(ctx, token, l.SKU)
	if err != nil || s.AppID != l.AppID || s.OpenID != l.OpenID || s.Device != l.Device {
		return s, false, nil // no session, another's, or a table that Issue will meet too
	}
	err = h.Sessions.RecordLogin(ctx, l)
	if errors.Is(err, session.ErrNoUser) {
		return s, false, nil
	}
	return s, err == nil, err
}
