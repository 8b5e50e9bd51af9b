// Package store is the contract between wechatfn and the place where it keeps
// things: four verbs over versioned, expiring items. Everything that must
// survive an invocation (tokens, tickets, leases, kicks, sessions) is built once
// on top of it, so a new back-end is one small package that passes
// [wechatfn/shared/store/storetest].
package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Limits of every back-end; the smallest engine (DynamoDB, 400 KB an item with
// its attribute names) sets them.
const (
	MaxKeyBytes   = 1024
	MaxValueBytes = 350 << 10
)

var (
	// ErrNotFound: no live item stands under the key.
	ErrNotFound = errors.New("store: not found")
	// ErrConflict: the item is gone, has expired, or has another version than the
	// one that was read.
	ErrConflict = errors.New("store: conflict")
	// ErrExists is the conflict of Create: a valid item is stored under the key.
	// errors.Is(ErrExists, ErrConflict) is true.
	ErrExists = fmt.Errorf("%w: the item exists", ErrConflict)
	// ErrInvalid: the item breaks a limit; nothing was sent to the engine.
	ErrInvalid = errors.New("store: invalid item")
)

// Item is what a store keeps. Value is JSON text (valid UTF-8; it may be empty).
//
// Version is made by the store on every write and never used twice, not even
// after a delete: a writer who holds an old one can never win.
//
// ExpiresAt is kept in whole Unix seconds, rounded up, so that an item never
// dies early; zero means never. From that second on the item is absent for
// every verb, whether or not the engine has swept it yet.
type Item struct {
	Key       string
	Value     []byte
	Version   string
	ExpiresAt time.Time
}

// Store is implemented by the back-ends and is safe for concurrent use.
//
// Each verb is one engine call when nothing fails. A write that fails in
// transit may still have landed; a back-end settles that by reading back, so a
// nil error means the write stands (or stood), and an error means that nothing
// of it was seen. The exception is Delete: nil means the version is gone, and
// after such a failure two callers may both be told so. Where exactly one must
// win, Replace with a mark instead of deleting.
type Store interface {
	// Get returns the live item under key, never older than the last write that
	// was acknowledged to anyone. Errors: ErrNotFound.
	Get(ctx context.Context, key string) (Item, error)

	// Create writes the item only where no live item stands, and returns it with
	// its new Version. item.Version is ignored. On ErrExists the returned item
	// is the one that stands, read in the same call.
	Create(ctx context.Context, item Item) (Item, error)

	// Replace writes the item only where item.Version is still the version that
	// stands, and returns it with its new Version. On ErrConflict the returned
	// item is the one that stands, read in the same call, or the zero Item when
	// none does.
	Replace(ctx context.Context, item Item) (Item, error)

	// Delete removes the item only where version still stands. Errors: ErrConflict.
	Delete(ctx context.Context, key, version string) error
}

// Write creates an item that has no Version, and replaces one that has. It
// returns what that verb returns; either refusal is an ErrConflict.
func Write(ctx context.Context, s Store, item Item) (Item, error) {
	if item.Version == "" {
		return s.Create(ctx, item)
	}
	return s.Replace(ctx, item)
}

// NewVersion returns a version that was never used before: 130 random bits.
func NewVersion() string { return rand.Text() }

// Expired reports whether the item is absent at now.
func (i Item) Expired(now time.Time) bool {
	return !i.ExpiresAt.IsZero() && now.Unix() >= i.ExpirySeconds()
}

// ExpirySeconds is ExpiresAt as it is stored: Unix seconds rounded up, 0 for
// never. Times at or before the epoch are stored as 1, which is as past.
func (i Item) ExpirySeconds() int64 {
	if i.ExpiresAt.IsZero() {
		return 0
	}
	seconds := i.ExpiresAt.Unix()
	if i.ExpiresAt.Nanosecond() > 0 {
		seconds++
	}
	return max(seconds, 1)
}

// ExpiryTime is the inverse of ExpirySeconds.
func ExpiryTime(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// Validate reports the first limit the item breaks, wrapping ErrInvalid. The
// value is not quoted: it may hold a secret.
func (i Item) Validate() error {
	switch {
	case i.Key == "":
		return fmt.Errorf("%w: the key is empty", ErrInvalid)
	case len(i.Key) > MaxKeyBytes:
		return fmt.Errorf("%w: the key has %d bytes, the limit is %d", ErrInvalid, len(i.Key), MaxKeyBytes)
	case !utf8.ValidString(i.Key):
		return fmt.Errorf("%w: the key is not UTF-8", ErrInvalid)
	case len(i.Value) > MaxValueBytes:
		return fmt.Errorf("%w: the value of %s has %d bytes, the limit is %d", ErrInvalid, Kind(i.Key), len(i.Value), MaxValueBytes)
	case !utf8.Valid(i.Value):
		return fmt.Errorf("%w: the value of %s is not UTF-8", ErrInvalid, Kind(i.Key))
	}
	return nil
}

// Admit refuses what must not reach an engine: an item that breaks a limit (see
// Validate), and a call whose context has ended. Back-ends begin each verb with
// it.
func (i Item) Admit(ctx context.Context) error {
	if err := i.Validate(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: %s: %w", Kind(i.Key), err)
	}
	return nil
}

// Kind is the part of a key before its first '#': what IAM policies and log
// lines name, without the identifiers that follow.
func Kind(key string) string {
	for i := range len(key) {
		if key[i] == '#' {
			return key[:i]
		}
	}
	return key
}
