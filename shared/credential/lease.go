package credential

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"wechatfn/shared/store"
)

// stored is a record together with the item that it was read from or written to.
// The version of the item makes the next write conditional; it is empty if the
// account has no item yet.
type stored struct {
	item store.Item
	Record
}

// saveTimeout is how long saving an answer of WeChat may take.
const saveTimeout = 2 * time.Second

// read returns the stored record, or an empty one if there is none.
func (r *Renewer) read(ctx context.Context, appID string) (stored, error) {
	key := tokenKey(appID)
	item, err := r.store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return stored{item: store.Item{Key: key}}, nil
	}
	if err != nil {
		return stored{}, fmt.Errorf("credential: read: %w", err)
	}
	s := stored{item: item}
	if item.Decode(&s.Record) != nil {
		return stored{}, fmt.Errorf("credential: the record of %s is not readable; delete the item %s", appID, key)
	}
	return s, nil
}

// takeLease makes this Renewer the only one that may ask WeChat for the account.
// Errors: ErrBusy if the record was written since s was read; the store's.
func (r *Renewer) takeLease(ctx context.Context, s stored) (stored, error) {
	now := r.now()
	s.Lease = Lease{
		Epoch:    s.Lease.Epoch + 1,
		Owner:    rand.Text(),
		Deadline: now.Add(leaseTTL + time.Second).Unix(), // one second more, because Unix() rounds down
	}
	if s.item.Version == "" {
		// Perhaps a record was deleted. Its tickets may still be published, and a
		// holder of its lease may still be running. The Unix time in seconds is larger
		// than any epoch it can have had.
		s.Lease.Epoch = now.Unix()
	}
	s.item.Value = store.Encode(s.Record)
	item, err := store.Write(ctx, r.store, s.item)
	if errors.Is(err, store.ErrConflict) {
		return s, ErrBusy
	}
	if err != nil {
		return s, fmt.Errorf("credential: take the lease: %w", err)
	}
	s.item = item
	return s, nil
}

// save writes the record if the lease is still ours. It has a time limit of its
// own, so that an answer of WeChat is saved even if ctx has ended. Errors:
// ErrLeaseLost; the store's.
func (r *Renewer) save(ctx context.Context, s stored) (stored, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	s.item.Value = store.Encode(s.Record)
	item, err := r.store.Replace(ctx, s.item)
	switch {
	case errors.Is(err, store.ErrConflict):
		return s, ErrLeaseLost
	case err != nil:
		return s, fmt.Errorf("credential: save: %w", err)
	}
	s.item = item
	return s, nil
}
