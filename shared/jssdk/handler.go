package jssdk

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/store"
	"wechatfn/shared/web"
	"wechatfn/shared/wechat"
)

// Tickets hands out valid tickets and their known expiry; *credential.Reader does.
type Tickets interface {
	Ticket(ctx context.Context, appID string, typ wechat.TicketType) (string, time.Time, error)
}

// Config configures a Handler. Accounts, Origins, Tickets and RetryAfter are required.
type Config struct {
	Accounts   account.List  // the first one is used without ?app=
	Origins    []string      // the pages that are signed for, and that may call
	Tickets    Tickets       // where the tickets come from
	RetryAfter time.Duration // of the 503 if there is no valid ticket

	// Table caches one signature for each page URL until its ticket expires. If it
	// is nil, each request makes a signature.
	Table store.Store

	Now    func() time.Time // nil: time.Now
	Rand   io.Reader        // nil: crypto/rand
	Logger *slog.Logger     // nil: slog.Default()
}

// Handler serves signatures:
//
//	GET /signature?url=&app=&force=   also as /get-signature
//	GET /signature/card?cardId=&...   cardExt for wx.addCard
//	GET /signature/choose-card?...    for wx.chooseCard
//	GET /signature/health             seconds left of each ticket
//
// Its memory does not grow with the pages it signs.
type Handler struct {
	http.Handler
	config Config
}

// New checks the configuration and builds the routes.
func New(c Config) (*Handler, error) {
	if len(c.Accounts) == 0 {
		return nil, errors.New("jssdk: no official account is configured, so there is nothing to sign for")
	}
	if c.Tickets == nil || c.RetryAfter <= 0 {
		return nil, errors.New("jssdk: Tickets and RetryAfter are required")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	h := &Handler{config: c}
	return h, h.route()
}

func (h *Handler) route() error {
	mux := new(web.Mux)
	for pattern, f := range map[string]web.HandlerFunc{
		"GET /signature":             h.signature,
		"GET /get-signature":         h.signature,
		"GET /signature/card":        h.card,
		"GET /signature/choose-card": h.chooseCard,
		"GET /signature/health":      h.health,
	} {
		mux.Handle(pattern, web.Handle(f, h.config.Logger))
	}
	var err error
	h.Handler, err = web.CORS(web.CORSConfig{Origins: h.config.Origins}, mux)
	return err
}

// Signature is what wx.config takes.
type Signature struct {
	AppID     string `json:"appId"`
	Timestamp int64  `json:"timestamp"` // Unix seconds
	NonceStr  string `json:"nonceStr"`
	Signature string `json:"signature"`
	URL       string `json:"url"`
}

func (h *Handler) signature(w http.ResponseWriter, r *http.Request) error {
	query, err := web.ParseQuery(r, "url", "app", "force")
	if err != nil {
		return err
	}
	if notEncoded(r.URL.RawQuery, &query) {
		return errURLNotEncoded
	}
	pageURL, err := checkURL(query.Get("url"), h.config.Origins)
	if err != nil {
		return err
	}
	force, err := parseForce(query.Get("force"))
	if err != nil {
		return err
	}
	account, err := h.account(&query, wechat.JSAPI)
	if err != nil {
		return err
	}
	signed, err := h.sign(r.Context(), account, pageURL, force)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, signed)
}

func (h *Handler) sign(ctx context.Context, account account.Account, pageURL string, force bool) (Signature, error) {
	ticket, expiry, err := h.ticket(ctx, account, wechat.JSAPI)
	if err != nil {
		return Signature{}, err
	}
	if h.config.Table == nil {
		return h.newSignature(account, pageURL, ticket)
	}
	return h.cached(ctx, account, pageURL, ticket, expiry, force)
}

func (h *Handler) newSignature(account account.Account, pageURL, ticket string) (Signature, error) {
	nonce, err := h.nonce()
	if err != nil {
		return Signature{}, err
	}
	timestamp := h.config.Now().Unix()
	return Signature{
		AppID:     account.AppID,
		Timestamp: timestamp,
		NonceStr:  nonce,
		Signature: Sign(ticket, nonce, timestamp, pageURL),
		URL:       pageURL,
	}, nil
}

func (h *Handler) ticket(ctx context.Context, account account.Account, typ wechat.TicketType) (string, time.Time, error) {
	ticket, expiry, err := h.config.Tickets.Ticket(ctx, account.AppID, typ)
	if err != nil {
		return "", expiry, errNoTicket.Because(err).RetryIn(h.config.RetryAfter)
	}
	return ticket, expiry, nil
}

// nonce returns 32 hex digits, the longest nonce that WeChat takes.
func (h *Handler) nonce() (string, error) {
	var random [16]byte
	if _, err := io.ReadFull(h.config.Rand, random[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(random[:]), nil
}

// account returns the account of ?app=, which must have tickets of that type.
func (h *Handler) account(query *web.Query, typ wechat.TicketType) (account.Account, error) {
	a, ok := h.config.Accounts.Find(query.Get("app"))
	if !ok {
		return a, errAppUnknown
	}
	if !slices.Contains(a.Tickets, typ) {
		return a, ticketNotConfigured(a.Name, typ)
	}
	return a, nil
}

func parseForce(value string) (bool, error) {
	switch value {
	case "", "0", "false":
		return false, nil
	case "1", "true":
		return true, nil
	}
	return false, errForce
}
