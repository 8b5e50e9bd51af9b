package jssdk

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"wechatfn/shared/account"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

// CardExt is the cardExt of wx.addCard. WeChat takes it as a JSON text with its
// numbers as strings.
type CardExt struct {
	Code           string `json:"code,omitempty"`
	OpenID         string `json:"openid,omitempty"`
	Timestamp      string `json:"timestamp"`
	NonceStr       string `json:"nonce_str"`
	FixedBeginTime string `json:"fixed_begintimestamp,omitempty"`
	OuterStr       string `json:"outer_str,omitempty"`
	Signature      string `json:"signature"`
}

func (h *Handler) card(w http.ResponseWriter, r *http.Request) error {
	query, err := cardQuery(r, "cardId", "app", "cardId", "code", "openid", "outerStr", "fixedBeginTimestamp")
	if err != nil {
		return err
	}
	if strings.Trim(query.Get("fixedBeginTimestamp"), "0123456789") != "" {
		return badParameter("fixedBeginTimestamp", "is in Unix seconds: digits only")
	}
	account, err := h.account(&query, wechat.WXCard)
	if err != nil {
		return err
	}
	ext := CardExt{
		Code:           query.Get("code"),
		OpenID:         query.Get("openid"),
		FixedBeginTime: query.Get("fixedBeginTimestamp"),
		OuterStr:       query.Get("outerStr"),
	}
	ext.Timestamp, ext.NonceStr, ext.Signature, err = h.signCard(r.Context(), account, query.Get("cardId"), ext.Code, ext.OpenID)
	if err != nil {
		return err
	}
	text, err := json.Marshal(ext)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, struct {
		CardID  string `json:"cardId"`
		CardExt string `json:"cardExt"`
	}{query.Get("cardId"), string(text)})
}

// ChooseCard is what wx.chooseCard takes.
type ChooseCard struct {
	ShopID    string `json:"shopId"`
	CardType  string `json:"cardType"`
	CardID    string `json:"cardId"`
	Timestamp string `json:"timestamp"`
	NonceStr  string `json:"nonceStr"`
	SignType  string `json:"signType"`
	CardSign  string `json:"cardSign"`
}

func (h *Handler) chooseCard(w http.ResponseWriter, r *http.Request) error {
	query, err := cardQuery(r, "", "app", "shopId", "cardType", "cardId")
	if err != nil {
		return err
	}
	account, err := h.account(&query, wechat.WXCard)
	if err != nil {
		return err
	}
	c := ChooseCard{ShopID: query.Get("shopId"), CardType: query.Get("cardType"), CardID: query.Get("cardId"), SignType: "SHA1"}
	c.Timestamp, c.NonceStr, c.CardSign, err = h.signCard(r.Context(), account, account.AppID, c.ShopID, c.CardType, c.CardID)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, c)
}

// signCard signs the values together with the ticket, the time and a nonce.
func (h *Handler) signCard(ctx context.Context, account account.Account, values ...string) (timestamp, nonce, signature string, err error) {
	ticket, _, err := h.ticket(ctx, account, wechat.WXCard)
	if err != nil {
		return "", "", "", err
	}
	if nonce, err = h.nonce(); err != nil {
		return "", "", "", err
	}
	timestamp = strconv.FormatInt(h.config.Now().Unix(), 10)
	return timestamp, nonce, SignCard(append(values, ticket, timestamp, nonce)...), nil
}

// cardQuery parses the parameters of a card call. Each is short and has only the
// characters of WeChat's ids. required is the parameter that must be there, or empty.
func cardQuery(r *http.Request, required string, known ...string) (web.Query, error) {
	query, err := web.ParseQuery(r, known...)
	if err != nil {
		return query, err
	}
	if required != "" && query.Get(required) == "" {
		return query, badParameter(required, "is missing or empty")
	}
	for _, name := range known {
		if value := query.Get(name); len(value) > 128 || strings.Trim(value, cardCharacters) != "" {
			return query, badParameter(name, "may hold 128 of A-Z, a-z, 0-9 and _ - . only")
		}
	}
	return query, nil
}

const cardCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."
