package oauth

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"wechatfn/shared/store"
	"wechatfn/shared/wait"
)

const (
	// flowLife is how long a user may take at WeChat's page.
	flowLife = 10 * time.Minute
	// outcomeLife is how long a callback that comes again gets the same answer:
	// WeChat's clients have been seen to call twice.
	outcomeLife = time.Minute
	// look is how often a callback looks whether another has ended.
	look = 150 * time.Millisecond
)

// flow is one login under way: what the item state#HASH holds. It is made when a
// browser is sent to WeChat, taken by the first callback, and kept with its
// outcome for those that come again.
type flow struct {
	App       string `json:"app"`
	Scope     string `json:"scope"`
	ReturnTo  string `json:"return_to"` // absolute, checked
	Lang      string `json:"lang,omitzero"`
	Challenge string `json:"challenge,omitzero"` // of a page of another site, see ticket
	Browser   string `json:"browser"`            // hash of the cookie of the browser that began it
	Restarted bool   `json:"restarted,omitzero"` // because the cookie was lost; not done twice
	Taken     int64  `json:"taken,omitzero"`     // in work until then, Unix milliseconds
	Outcome   string `json:"outcome,omitzero"`   // how it ended: landed, or the code of a problem
	OpenID    string `json:"openid,omitzero"`    // of who has landed
	UnionID   string `json:"unionid,omitzero"`
	SameSite  bool   `json:"same_site,omitzero"` // the page sends our cookie, so the session can be one
	Kept      bool   `json:"kept,omitzero"`      // the browser had a session of the user already

	issued string // the token of the session, where this very call opened it
	endsAt int64  // when that session ends, Unix seconds
}

// The outcomes that lead to the page.
const (
	landedSession = "session" // with a cookie
	landedTicket  = "ticket"  // with a one-time ticket in the URL
)

// newState returns 128 random bits in hex: WeChat's page takes letters and
// digits.
func newState(random io.Reader) (string, error) {
	var b [16]byte
	_, err := io.ReadFull(random, b[:])
	return hex.EncodeToString(b[:]), err
}

func isState(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 16
}

// key keeps what is secret out of the table's keys.
func key(kind, secret string) string {
	return store.Key(kind, digest(secret))
}

func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// seed is what the tokens of a login are made from. Only the browser that began
// it can make them (its cookie is as random as they are), so a callback that
// comes again gets the same ones though they are stored nowhere.
func seed(cookie, state, what string) ([]byte, error) {
	return hkdf.Key(sha256.New, []byte(cookie), []byte(state), "wechatfn "+what, 32)
}

// begin stores a new flow under state.
func (h *Handler) begin(ctx context.Context, state string, f flow) error {
	_, err := h.Store.Create(ctx, store.Item{Key: key(store.KindState, state), Value: store.Encode(f), ExpiresAt: h.Now().Add(flowLife)})
	if err != nil {
		return fmt.Errorf("oauth: begin a login: %w", err)
	}
	return nil
}

// find reads a flow. Errors: store.ErrNotFound, the store's.
func (h *Handler) find(ctx context.Context, state string) (item store.Item, f flow, err error) {
	if !isState(state) {
		return item, f, store.ErrNotFound
	}
	if item, err = h.Store.Get(ctx, key(store.KindState, state)); err == nil {
		err = item.Decode(&f)
	}
	return item, f, err
}

// take makes the flow ours: of many callbacks one succeeds, the others see how it
// stands. Errors: store.ErrConflict with the flow as it stands, the store's.
func (h *Handler) take(ctx context.Context, item store.Item, f flow, until time.Time) (store.Item, flow, error) {
	taken := f
	taken.Taken = until.UnixMilli()
	item.Value = store.Encode(taken)
	if end := until.Add(outcomeLife); end.After(item.ExpiresAt) { // it began long ago
		item.ExpiresAt = end
	}
	standing, err := h.Store.Replace(ctx, item)
	if errors.Is(err, store.ErrConflict) && standing.Key != "" {
		if err := standing.Decode(&f); err != nil {
			return standing, f, err
		}
		return standing, f, store.ErrConflict
	}
	return standing, taken, err
}

// end keeps the outcome for the callbacks that come again.
func (h *Handler) end(ctx context.Context, item store.Item, f flow) error {
	item.Value, item.ExpiresAt = store.Encode(f), h.Now().Add(outcomeLife)
	_, err := h.Store.Replace(ctx, item)
	return err
}

// await waits for the outcome of a flow that another callback has in work. The
// flow is returned without an outcome when that one is dead or time runs out.
func (h *Handler) await(ctx context.Context, state string, f flow) (flow, error) {
	for f.Outcome == "" && h.Now().UnixMilli() < f.Taken {
		if wait.For(ctx, look) != nil {
			return f, nil
		}
		_, next, err := h.find(ctx, state)
		if err != nil {
			return f, err
		}
		f = next
	}
	return f, nil
}
