// Package session stores login sessions and the registry of users.
//
// A session is a family of tokens: one login of one user on one device. It is one
// item, session#HASH, with the hash of the family's current token. So a check is one
// read. A rotation is one conditional write, so of two at the same time only one
// succeeds. A token that is used again after its rotation finds the item of its family,
// but another hash in it. This ends the family, since somebody has a copy of the token.
//
// A user of an app is one item too, user#APPID#OPENID, with a list of the user's
// sessions. One rule holds even if a process crashes or freezes at any call:
//
//	A session is listed before it is created. It is removed from the list only when it
//	can never be valid again. So a logout of all devices ends every session.
//
// A session that is listed but never created does no harm: it takes a place in the list
// until its end. Revoking a session that is listed but not yet created writes a
// tombstone; the pending Issue then fails on it.
package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"time"

	"wechatfn/shared/store"
	"wechatfn/shared/wait"
)

// Reason is why a session was revoked.
type Reason string

// The reasons.
const (
	ReasonLogout         Reason = "logout"           // of this device
	ReasonLogoutAll      Reason = "logout_all"       // of all devices
	ReasonReused         Reason = "reused"           // a token was used again after its rotation
	ReasonTooManyDevices Reason = "too_many_devices" // newer logins have replaced it
)

var (
	// ErrNoSession: the token is malformed or unknown, or its session has ended.
	ErrNoSession = errors.New("session: no such session")
	// ErrOtherSKU: the session belongs to another product.
	ErrOtherSKU = errors.New("session: the session is of another product")
	// ErrNoUser: the user has never logged in to the app.
	ErrNoUser = errors.New("session: no such user")
	// ErrSeedUsed: the session that was made from the seed has ended, or its token was
	// rotated. A new login needs a new seed.
	ErrSeedUsed = errors.New("session: the seed was used before")
	// ErrInvalid: the login or the change cannot be stored. Nothing was sent to the store.
	ErrInvalid = errors.New("session: invalid")
)

// RevokedError: the session was revoked. The store knows this until the absolute end of
// the session. From then on the error is ErrNoSession.
type RevokedError struct {
	Reason Reason
	At     int64 // Unix seconds
}

func (e *RevokedError) Error() string { return "session: revoked: " + string(e.Reason) }

// MaxDevicesLimit is the largest MaxDevices. So many devices always fit into the item of
// a user.
const MaxDevicesLimit = 256

// Config configures Sessions. Store, TTL, IdleTimeout and MaxDevices are required.
type Config struct {
	Store store.Store
	// TTL is how long after its login a session ends at the latest. This is its absolute
	// end. Ends are whole seconds, rounded down.
	TTL time.Duration
	// IdleTimeout is how long after its last use (see Touch and Rotate) a session ends.
	IdleTimeout time.Duration
	// MaxDevices is how many sessions a user can have in an app, at most
	// MaxDevicesLimit.
	MaxDevices int

	Now  func() time.Time // nil: time.Now
	Rand io.Reader        // of tokens; nil: crypto/rand
}

// Sessions creates, checks and revokes sessions. It has no state, so any number of
// processes can share a store. Its methods are safe for concurrent use.
type Sessions struct {
	cfg              Config
	ttl, idleTimeout int64 // seconds
}

// New checks the configuration.
func New(c Config) (*Sessions, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("session: a Store is needed")
	case c.TTL < time.Second || c.IdleTimeout < time.Second:
		return nil, errors.New("session: TTL and IdleTimeout are at least a second")
	case c.MaxDevices < 1 || c.MaxDevices > MaxDevicesLimit:
		return nil, fmt.Errorf("session: MaxDevices is 1 to %d", MaxDevicesLimit)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return &Sessions{cfg: c, ttl: int64(c.TTL / time.Second), idleTimeout: int64(c.IdleTimeout / time.Second)}, nil
}

func (s *Sessions) now() int64 { return s.cfg.Now().Unix() }

// Session says who is logged in, to what, and until when. It contains no secret, so it
// can be logged and sent to its user. Times are Unix seconds.
type Session struct {
	// ID names the session in logs and in User.Devices. A token cannot be derived from it.
	ID      string `json:"id"`
	App     string `json:"app,omitzero"` // name of the account
	AppID   string `json:"appId"`
	OpenID  string `json:"openid"`
	UnionID string `json:"unionid,omitzero"`
	SKU     string `json:"sku,omitzero"`
	Device  string `json:"device,omitzero"`
	// Generation counts the rotations.
	Generation int   `json:"generation"`
	CreatedAt  int64 `json:"createdAt"`
	// ExpiresAt is when the session ends if it is not used before. EndsAt is its absolute
	// end.
	ExpiresAt int64 `json:"expiresAt"`
	EndsAt    int64 `json:"endsAt"`
}

// isConflict reports whether another write came first.
func isConflict(err error) bool { return errors.Is(err, store.ErrConflict) }

const (
	maxTries      = 100
	retryDelay    = 5 * time.Millisecond
	maxRetryDelay = 100 * time.Millisecond
)

// waitToRetry waits for a random time after a conflict. The limit of that time grows with
// each try. Errors: store.ErrConflict after maxTries, the context's.
func waitToRetry(ctx context.Context, try int) error {
	if try >= maxTries {
		return fmt.Errorf("session: too many writers at once: %w", store.ErrConflict)
	}
	return wrap("wait", wait.For(ctx, mathrand.N(min(time.Duration(try+1)*retryDelay, maxRetryDelay))))
}

// wrap adds to an error of the store what was done. It returns nil for nil.
func wrap(action string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("session: %s: %w", action, err)
}
