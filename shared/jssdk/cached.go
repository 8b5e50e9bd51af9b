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

// keptSignature is the value of signature#APPID#HASH. Bound ties it to the
// ticket it was made with: a signature never outlives its ticket.
type keptSignature struct {
	Timestamp int64  `json:"timestamp"`
	NonceStr  string `json:"nonceStr"`
	Signature string `json:"signature"`
	Bound     string `json:"bound"`
}

// keepTimeout bounds what keeping may cost a page that waits for its signature.
const keepTimeout = time.Second

// kept returns the signature that the table holds for the page, or makes one
// and keeps it. With force a new one takes its place. Whoever writes first wins,
// and all callers get that one. A store that fails costs the keeping, not the
// signature.
func (h *Handler) kept(ctx context.Context, account account.Account, pageURL, ticket string, end time.Time, force bool) (Signature, error) {
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	key, bound := keptKey(account.AppID, pageURL), hash(ticket)
	standing, err := h.Table.Get(ctx, key)
	if s, ok := opened(standing, bound); ok && !force {
		return s.of(account, pageURL), nil
	}
	made, signErr := h.make(account, pageURL, ticket)
	if signErr != nil || (err != nil && !errors.Is(err, store.ErrNotFound)) {
		h.warn(ctx, err)
		return made, signErr
	}
	value := store.Encode(keptSignature{made.Timestamp, made.NonceStr, made.Signature, bound})
	standing, err = store.Write(ctx, h.Table, store.Item{Key: key, Value: value, Version: standing.Version, ExpiresAt: end})
	if s, ok := opened(standing, bound); ok && err != nil {
		return s.of(account, pageURL), nil // another was first
	}
	h.warn(ctx, err)
	return made, nil
}

func (h *Handler) warn(ctx context.Context, err error) {
	if err != nil {
		h.Logger.WarnContext(ctx, "signature not kept", "error", err)
	}
}

// opened reads a kept signature that was made with the ticket bound names.
func opened(item store.Item, bound string) (keptSignature, bool) {
	var s keptSignature
	if item.Decode(&s) != nil {
		return s, false
	}
	return s, s.Bound == bound
}

func (s keptSignature) of(account account.Account, pageURL string) Signature {
	return Signature{AppID: account.AppID, Timestamp: s.Timestamp, NonceStr: s.NonceStr, Signature: s.Signature, URL: pageURL}
}

func keptKey(appID, pageURL string) string {
	return store.Key(store.KindSignature, appID, hash(pageURL))
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}
