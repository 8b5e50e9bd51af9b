package jssdk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/store"
)

// cachedSignature is the value of signature#APPID#HASH. TicketHash is that of the
// ticket that it was made with: it is not used with another ticket.
type cachedSignature struct {
	Timestamp  int64  `json:"timestamp"`
	NonceStr   string `json:"nonceStr"`
	Signature  string `json:"signature"`
	TicketHash string `json:"ticket_hash"`
}

// cacheTimeout bounds what the cache may cost a page that waits for its signature.
const cacheTimeout = time.Second

// cached returns the signature that the table has for the page. If it has none, or
// with force, it makes a new one and writes it. If several calls write at the same time,
// the first one succeeds and all return its signature. If the table fails, the page
// gets a signature that is not cached.
func (h *Handler) cached(ctx context.Context, account account.Account, pageURL, ticket string, expiry time.Time, force bool) (Signature, error) {
	ctx, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	key, ticketHash := signatureKey(account.AppID, pageURL), hash(ticket)
	item, err := h.config.Table.Get(ctx, key)
	if s, ok := decodeSignature(item, ticketHash); ok && !force {
		return s.of(account, pageURL), nil
	}
	made, signErr := h.newSignature(account, pageURL, ticket)
	if signErr != nil || (err != nil && !errors.Is(err, store.ErrNotFound)) {
		h.logNotCached(ctx, err)
		return made, signErr
	}
	value := store.Encode(cachedSignature{made.Timestamp, made.NonceStr, made.Signature, ticketHash})
	item, err = store.Write(ctx, h.config.Table, store.Item{Key: key, Value: value, Version: item.Version, ExpiresAt: expiry})
	if s, ok := decodeSignature(item, ticketHash); ok && err != nil {
		return s.of(account, pageURL), nil // another call wrote first
	}
	h.logNotCached(ctx, err)
	return made, nil
}

func (h *Handler) logNotCached(ctx context.Context, err error) {
	if err != nil {
		h.config.Logger.WarnContext(ctx, "signature not cached", "error", err)
	}
}

// decodeSignature returns the cached signature if it was made with that ticket.
func decodeSignature(item store.Item, ticketHash string) (cachedSignature, bool) {
	var s cachedSignature
	if item.Decode(&s) != nil {
		return s, false
	}
	return s, s.TicketHash == ticketHash
}

func (s cachedSignature) of(account account.Account, pageURL string) Signature {
	return Signature{AppID: account.AppID, Timestamp: s.Timestamp, NonceStr: s.NonceStr, Signature: s.Signature, URL: pageURL}
}

func signatureKey(appID, pageURL string) string {
	return store.Key(store.KindSignature, appID, hash(pageURL))
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}
