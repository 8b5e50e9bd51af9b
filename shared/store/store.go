// Package store is the contract between wechatfn and its database: four verbs over
// versioned items that expire. Whatever must outlast an invocation (tokens, tickets,
// leases, refresh requests, sessions) is built once on top of it. So a new back-end is
// one small package that passes [wechatfn/shared/store/storetest].
package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Limits of every back-end. The engine with the smallest limits sets them: DynamoDB,
// with 400 KB an item, the names of its attributes included.
const (
	MaxKeyBytes   = 1024
	MaxValueBytes = 350 << 10
)

var (
	// ErrNotFound: no valid item is stored under the key.
	ErrNotFound = errors.New("store: not found")
	// ErrConflict: the item is gone, has expired, or has another version than the
	// one that was read.
	ErrConflict = errors.New("store: conflict")
	// ErrExists is the conflict of Create: a valid item is stored under the key.
	// errors.Is(ErrExists, ErrConflict) is true.
	ErrExists = fmt.Errorf("%w: the item exists", ErrConflict)
	// ErrInvalid: the item exceeds a limit. Nothing was sent to the engine.
	ErrInvalid = errors.New("store: invalid item")
)

// Item is what a store holds under a key. Value is UTF-8 text, by convention JSON; it may
// be empty.
//
// The store makes a new Version on every write and never uses one twice, not even
// after a delete. So a writer that has an old version can never overwrite a newer
// item.
//
// ExpiresAt is stored in whole Unix seconds, rounded up, so that no item expires too
// early. Zero means never. An item is valid until that second. From then on it is
// absent for every verb, whether or not the engine has removed it.
type Item struct {
	Key       string
	Value     []byte
	Version   string
	ExpiresAt time.Time
}

// Store is implemented by the back-ends and is safe for concurrent use.
//
// Each verb is one engine call when nothing fails. A write whose answer is lost may
// have been applied. The back-end finds out by reading back. A nil error means that the
// write was applied. ErrConflict and ErrInvalid mean that it was not applied. After any
// other error the write was not found afterwards, but may still be applied. Delete is the
// exception: nil means that the version is gone, so after lost answers two callers can
// both get nil. Where only one caller may succeed, mark the item with Replace instead
// of deleting it.
//
// Errors of every verb: ErrInvalid, the context's and the engine's. The verbs list the
// others.
type Store interface {
	// Get returns the valid item under key. It is never older than the last write
	// that any caller got a nil error for. Errors: ErrNotFound.
	Get(ctx context.Context, key string) (Item, error)

	// Create writes the item only if no valid item is stored under its key, and
	// returns it with its new Version. item.Version is ignored. On ErrExists it
	// returns the stored item, read in the same call. Errors: ErrExists.
	Create(ctx context.Context, item Item) (Item, error)

	// Replace writes the item only if item.Version is the version of the valid item
	// that is stored, and returns it with its new Version. On ErrConflict it returns
	// the stored item, read in the same call, or the zero Item if there is none.
	// Errors: ErrConflict.
	Replace(ctx context.Context, item Item) (Item, error)

	// Delete removes the valid item only if version is its version. No function uses
	// Delete, and no function has the right to. Errors: ErrConflict.
	Delete(ctx context.Context, key, version string) error
}

// Write creates an item that has no Version, and replaces one that has. It returns
// what that verb returns. Either refusal is an ErrConflict.
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

// ExpirySeconds is ExpiresAt as it is stored: Unix seconds, rounded up; 0 means never.
// A time at or before the Unix epoch is stored as 1, since 0 has its own meaning.
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

// Validate reports the first limit that the item exceeds, as an ErrInvalid. The error
// does not quote the value: it may contain a secret.
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

// Check refuses what must not be sent to an engine: an item that exceeds a limit (see
// Validate), and a call whose context has ended. Every verb of a back-end calls it
// first.
func (i Item) Check(ctx context.Context) error {
	if err := i.Validate(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: %s: %w", Kind(i.Key), err)
	}
	return nil
}

// Kind is the part of a key before its first separator, a '#'. IAM policies and log lines name the
// kind, and not the identifiers that follow it.
func Kind(key string) string {
	for i := range len(key) {
		if key[i] == separator {
			return key[:i]
		}
	}
	return key
}
