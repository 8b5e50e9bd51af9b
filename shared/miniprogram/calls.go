package miniprogram

import (
	"context"
	"encoding/json"
	"net/http"

	"wechatfn/shared/session"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

// decrypt answers with the data, decrypted. It reads the table twice and does not ask
// WeChat.
func (h *Handler) decrypt(w http.ResponseWriter, r *http.Request) error {
	var in struct{ EncryptedData, IV, SKU string }
	if err := readBody(r, &in); err != nil {
		return err
	}
	if err := checkCiphertext(in.EncryptedData, in.IV); err != nil {
		return err
	}
	s, err := h.open(r, in.SKU)
	if err != nil {
		return err
	}
	key, err := h.key(r.Context(), s.AppID, s.OpenID)
	if err != nil {
		return err
	}
	d, err := h.decipher(key, in.EncryptedData, in.IV, s.AppID, s.OpenID)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, map[string]json.RawMessage{"data": d.JSON})
}

// Phone is the answer to a phone number's code.
type Phone struct {
	PhoneNumber     string `json:"phoneNumber"`     // with the country code where it is not a mainland number
	PurePhoneNumber string `json:"purePhoneNumber"` // without it
	CountryCode     string `json:"countryCode"`     // "86"
}

// phone answers with the number that WeChat gives for the code of its button. WeChat
// checks the code against the openid of the session.
func (h *Handler) phone(w http.ResponseWriter, r *http.Request) error {
	var in struct{ Code, SKU string }
	if err := readBody(r, &in); err != nil {
		return err
	}
	if !isCode(in.Code) {
		return errCode
	}
	s, err := h.open(r, in.SKU)
	if err != nil {
		return err
	}
	var p wechat.Phone
	err = h.withToken(r.Context(), s.AppID, func(token string) (err error) {
		p, err = h.cfg.WeChat.PhoneNumber(r.Context(), token, in.Code, s.OpenID)
		return err
	})
	if err != nil {
		return phoneProblem(err)
	}
	if p.AppID != s.AppID {
		return errPhoneCode
	}
	return web.JSON(w, http.StatusOK, Phone{p.PhoneNumber, p.PurePhoneNumber, p.CountryCode})
}

// session asks WeChat whether the stored session_key is still valid.
func (h *Handler) session(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r, "sku")
	if err != nil {
		return err
	}
	s, err := h.open(r, query.Get("sku"))
	if err != nil {
		return err
	}
	key, err := h.key(r.Context(), s.AppID, s.OpenID)
	if err != nil {
		return err
	}
	err = h.withToken(r.Context(), s.AppID, func(token string) error {
		return h.cfg.WeChat.CheckSessionKey(r.Context(), token, s.OpenID, key)
	})
	if err != nil {
		return callProblem(err)
	}
	return web.JSON(w, http.StatusOK, map[string]bool{"valid": true})
}

// ResetSessionKey has WeChat replace the user's session_key, for an operator: what was
// encrypted with the old one cannot be read any more. Errors: *problem.Problem, the store's.
func (h *Handler) ResetSessionKey(ctx context.Context, appID, openID string) error {
	key, err := h.key(ctx, appID, openID)
	if err != nil {
		return err
	}
	var fresh wechat.MiniSession
	var asked int64
	err = h.withToken(ctx, appID, func(token string) (err error) {
		asked = h.cfg.Now().UnixMilli() // a login may come while another token is waited for
		fresh, err = h.cfg.WeChat.ResetSessionKey(ctx, token, openID, key)
		return err
	})
	if err != nil {
		return callProblem(err)
	}
	_, err = h.cfg.Sessions.Update(ctx, appID, openID, func(u *session.User) error {
		if t := (session.Tokens{SessionKey: fresh.SessionKey, AskedAt: asked}); t.Supersede(u.Tokens) {
			u.Tokens = t
		}
		return nil
	})
	return err
}
