// Package session keeps login sessions and the registry of users.
//
// A session is a family of tokens: one login of one user on one device. It is
// one item, session#HASH, that holds the hash of the one token that is good now.
// So a check is one read; a rotation is one conditional write, which of two at
// once only one can win; and a token that was rotated away and comes back finds
// its family but not its hash, which ends the family: somebody has a copy.
//
// A user of an app is one item too, user#APPID#OPENID. It lists the user's
// sessions. What holds wherever a process is killed or stands still:
//
//	a session is listed before it lives, and leaves the list only when it is
//	dead for good, so that no session can escape a logout of all devices
//
// A listed session that was never made is harmless: it only takes a place until
// its end. Who ends one that is not there yet leaves an item in its place, on
// which its maker runs up.
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
	ReasonReused         Reason = "reused"           // a token came back after its rotation
	ReasonTooManyDevices Reason = "too_many_devices" // newer logins took its place
)

var (
	// ErrNoSession: the token is malformed or unknown, or its session has ended.
	ErrNoSession = errors.New("session: no such session")
	// ErrOtherSKU: the session is one of another product.
	ErrOtherSKU = errors.New("session: the session is of another product")
	// ErrNoUser: the user never logged in to the app.
	ErrNoUser = errors.New("session: no such user")
	// ErrSeedUsed: the login that was made from the seed is over, or its token was
	// rotated. A new login needs a new seed.
	ErrSeedUsed = errors.New("session: the seed was used before")
	// ErrInvalid: a login or a change that cannot be stored; nothing was sent to the store.
	ErrInvalid = errors.New("session: invalid")
)

// RevokedError: the session was ended before its time. It is known until the
// session's absolute end, and ErrNoSession from then on.
type RevokedError struct {
	Reason Reason
	At     int64 // Unix seconds
}

func (e *RevokedError) Error() string { return "session: revoked: " + string(e.Reason) }

// MostDevices is the most devices that are sure to fit into a user's item.
const MostDevices = 256

// Config configures Sessions. Store, TTL, IdleTimeout and MaxDevices are required.
type Config struct {
	Store store.Store
	// TTL is how long after its login a session ends, whatever happens. Ends are
	// whole seconds, rounded down.
	TTL time.Duration
	// IdleTimeout is how long after its last use (see Touch and Rotate) a session ends.
	IdleTimeout time.Duration
	// MaxDevices is how many sessions a user may have in an app, at most MostDevices.
	MaxDevices int

	Now  func() time.Time // nil: time.Now
	Rand io.Reader        // of tokens; nil: crypto/rand
}

// Sessions has the verbs. It holds no state, so any number of processes may
// share a store; its methods are safe for concurrent use.
type Sessions struct {
	cfg        Config
	life, idle int64 // seconds
}

// New checks the configuration.
func New(c Config) (*Sessions, error) {
	switch {
	case c.Store == nil:
		return nil, errors.New("session: a Store is needed")
	case c.TTL < time.Second || c.IdleTimeout < time.Second:
		return nil, errors.New("session: TTL and IdleTimeout are at least a second")
	case c.MaxDevices < 1 || c.MaxDevices > MostDevices:
		return nil, fmt.Errorf("session: MaxDevices is 1 to %d", MostDevices)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	return &Sessions{cfg: c, life: int64(c.TTL / time.Second), idle: int64(c.IdleTimeout / time.Second)}, nil
}

func (s *Sessions) now() int64 { return s.cfg.Now().Unix() }

// Session says who is logged in, to what, and until when. It holds no secret:
// it may be logged and sent to its user. Times are Unix seconds.
type Session struct {
	// ID names the session in logs and in User.Devices. No token can be made from it.
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
	// ExpiresAt is when the session ends unless it is used before, EndsAt when it
	// ends whatever happens.
	ExpiresAt int64 `json:"expiresAt"`
	EndsAt    int64 `json:"endsAt"`
}

// crossed reports whether another's write came first.
func crossed(err error) bool { return errors.Is(err, store.ErrConflict) }

const (
	maxTries  = 100
	firstWait = 5 * time.Millisecond
	maxWait   = 100 * time.Millisecond
)

// pause waits by chance, longer with each try that another's write crossed.
// Errors: store.ErrConflict after maxTries, the context's.
func pause(ctx context.Context, try int) error {
	if try >= maxTries {
		return fmt.Errorf("session: too many writers at once: %w", store.ErrConflict)
	}
	return failed("wait", wait.For(ctx, mathrand.N(min(time.Duration(try+1)*firstWait, maxWait))))
}

// failed wraps an error of the store's, which names kinds of keys only.
func failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("session: %s: %w", doing, err)
}
