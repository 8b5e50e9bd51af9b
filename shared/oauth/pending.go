package oauth

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"wechatfn/shared/login"
	"wechatfn/shared/session"
	"wechatfn/shared/store"
	"wechatfn/shared/wait"
)

const (
	// pendingTTL is how long a user can take at WeChat's page.
	pendingTTL = 10 * time.Minute
	// outcomeTTL is how long a callback that comes again gets the same answer. WeChat's
	// clients have been seen to call twice.
	outcomeTTL = time.Minute
	// pollInterval is how often a request looks whether another one has finished.
	pollInterval = 150 * time.Millisecond
)

// pendingLogin is the value of the item state#HASH. It is stored when a browser is sent
// to WeChat, claimed by the first callback, and stored again with its outcome for
// callbacks that come after it.
type pendingLogin struct {
	App       string `json:"app"`
	Scope     string `json:"scope"`
	ReturnTo  string `json:"return_to"` // absolute, checked
	Lang      string `json:"lang,omitzero"`
	Challenge string `json:"challenge,omitzero"` // of a page of another site, see loginCode
	Browser   string `json:"browser"`            // digest of the login cookie of the browser that began it
	SameSite  bool   `json:"same_site,omitzero"` // the page sends our cookie, so the session can be a cookie
	Restarted bool   `json:"restarted,omitzero"` // begun again because the cookie was missing; not done twice

	ClaimedUntil int64   `json:"claimed_until,omitzero"` // a callback completes it until then, Unix milliseconds
	Outcome      outcome `json:"outcome,omitzero"`       // zero until the login has ended
}

// outcome is how a login ended, as all its callbacks have to know it.
type outcome struct {
	Result string              `json:"result"`          // resultSession, resultCode, or the code of a problem
	Login  session.StoredLogin `json:"login,omitzero"`  // who logged in, without profile and tokens
	Reused bool                `json:"reused,omitzero"` // the browser had a session of the user already
}

// The results that lead to the page.
const (
	resultSession = "session" // a session in a cookie
	resultCode    = "code"    // a one-time login code in the URL
)

// isOpen reports whether no callback has claimed the login yet.
func (p pendingLogin) isOpen() bool { return p.ClaimedUntil == 0 && p.Outcome.Result == "" }

// storedPending is a pending login as this request read it.
type storedPending struct {
	item store.Item
	pendingLogin
}

// newState returns 128 random bits in hex: WeChat's page takes letters and digits only.
func newState(random io.Reader) (string, error) {
	var b [16]byte
	_, err := io.ReadFull(random, b[:])
	return hex.EncodeToString(b[:]), err
}

func isState(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 16
}

func stateKey(state string) string { return store.Key(store.KindState, login.Digest(state)) }

// storePending stores a new pending login under its state.
func (h *Handler) storePending(ctx context.Context, state string, p pendingLogin) error {
	_, err := h.cfg.Store.Create(ctx, store.Item{Key: stateKey(state), Value: store.Encode(p), ExpiresAt: h.cfg.Now().Add(pendingTTL)})
	if err != nil {
		return fmt.Errorf("oauth: begin a login: %w", err)
	}
	return nil
}

// findPending reads a pending login. Errors: store.ErrNotFound, the store's.
func (h *Handler) findPending(ctx context.Context, state string) (p storedPending, err error) {
	if !isState(state) {
		return p, store.ErrNotFound
	}
	if p.item, err = h.cfg.Store.Get(ctx, stateKey(state)); err == nil {
		err = p.item.Decode(&p.pendingLogin)
	}
	return p, err
}

// claim reserves a pending login for this callback: of many callbacks one succeeds.
// Errors: store.ErrConflict with the pending login as another one stored it, the store's.
func (h *Handler) claim(ctx context.Context, p storedPending, until time.Time) (storedPending, error) {
	claimed := p
	claimed.ClaimedUntil = until.UnixMilli()
	claimed.item.Value = store.Encode(claimed.pendingLogin)
	if end := until.Add(outcomeTTL); end.After(claimed.item.ExpiresAt) { // the login began long ago
		claimed.item.ExpiresAt = end
	}
	var err error
	claimed.item, err = h.cfg.Store.Replace(ctx, claimed.item)
	if errors.Is(err, store.ErrConflict) && claimed.item.Key != "" {
		claimed.pendingLogin = pendingLogin{}
		if err := claimed.item.Decode(&claimed.pendingLogin); err != nil {
			return claimed, err
		}
	}
	return claimed, err
}

// storeOutcome stores how a login ended, for callbacks that come again.
func (h *Handler) storeOutcome(ctx context.Context, p storedPending, o outcome) error {
	p.Outcome = o
	p.item.Value, p.item.ExpiresAt = store.Encode(p.pendingLogin), h.cfg.Now().Add(outcomeTTL)
	_, err := h.cfg.Store.Replace(ctx, p.item)
	return err
}

// awaitOutcome waits for the outcome of a login that another callback has claimed. The
// outcome is zero if that callback does not store one in time, or if this request's own
// time ends first. Errors: store.ErrNotFound, the store's.
func (h *Handler) awaitOutcome(ctx context.Context, state string, p pendingLogin) (outcome, error) {
	for p.Outcome.Result == "" && h.cfg.Now().UnixMilli() < p.ClaimedUntil {
		if wait.For(ctx, pollInterval) != nil {
			return outcome{}, nil
		}
		next, err := h.findPending(ctx, state)
		if err != nil {
			return outcome{}, err
		}
		p = next.pendingLogin
	}
	return p.Outcome, nil
}
