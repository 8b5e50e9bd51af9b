package message

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"wechatfn/shared/store"
	"wechatfn/shared/wait"
)

// dedupe makes a push count once, however often it is delivered and to how many
// processes. For each push there is one item, push#HASH:
//
//	Create   in progress, until this process must have ended
//	Replace  done, with the answer, which every later delivery gets
//	Replace  expired at once, when the sink failed: the next delivery starts again
//
// A delivery that finds the push in progress waits for the answer, or takes over from
// a process that crashed.
type dedupe struct {
	store store.Store
	now   func() time.Time
	ttl   time.Duration // of an item: longer than WeChat repeats the push
}

// entry is the value of an item.
type entry struct {
	Until  int64   `json:"until,omitzero"`  // in progress until then, Unix milliseconds
	Answer *answer `json:"answer,omitzero"` // done
}

// answer is what WeChat gets. The zero answer is success.
type answer struct {
	ContentType string `json:"type,omitzero"`
	Body        string `json:"body,omitzero"`
}

// errInProgress: another process still works on the push, and our time is over.
var errInProgress = errors.New("message: another delivery of the push is in progress")

// pollInterval is how often a push in progress is read again.
const pollInterval = 200 * time.Millisecond

// dedupeKey is equal for two deliveries of the same push: the MsgId, or, where there is
// none, as with events, all that was sent. WeChat says that sender, time and event
// identify an event. They do not for events of the system: results of a media check
// all come from one sender. If two different pushes had one key, the second would be lost.
func (p *push) dedupeKey() string {
	h := sha256.New()
	if !p.IsEvent() && p.MsgID != "" {
		fmt.Fprintf(h, "%s\x00id\x00%s", p.AppID, p.MsgID)
	} else {
		fmt.Fprintf(h, "%s\x00all\x00%s", p.AppID, p.JSON)
	}
	return store.Key(store.KindPush, base64.RawURLEncoding.EncodeToString(h.Sum(nil)))
}

// claim returns the item that this process now has to finish or to release, or the
// answer of a push that is done. This process gives up at until. Errors:
// errInProgress, the store's.
func (d *dedupe) claim(ctx context.Context, key string, until time.Time) (store.Item, *answer, error) {
	ours := store.Item{Key: key, Value: store.Encode(entry{Until: until.UnixMilli()}), ExpiresAt: d.now().Add(d.ttl)}
	current, err := d.store.Create(ctx, ours)
	for errors.Is(err, store.ErrConflict) {
		var e entry
		if current.Key != "" {
			if err := current.Decode(&e); err != nil {
				return store.Item{}, nil, err
			}
		}
		if e.Answer != nil {
			return store.Item{}, e.Answer, nil
		}
		current, err = d.waitOrTakeOver(ctx, ours, current, time.UnixMilli(e.Until))
	}
	return current, nil, err
}

// waitOrTakeOver is one try for a push that was in progress. While its process may still
// be running, it waits and reads the item again; else it takes over. A nil error means
// that this process has claimed the push. Errors: store.ErrConflict with the stored item
// (the zero Item if there is none), errInProgress, the store's.
func (d *dedupe) waitOrTakeOver(ctx context.Context, ours, current store.Item, until time.Time) (store.Item, error) {
	left := until.Sub(d.now())
	if current.Key == "" || left <= 0 {
		ours.Version = current.Version
		return store.Write(ctx, d.store, ours)
	}
	if err := wait.For(ctx, min(left, pollInterval)); err != nil {
		return store.Item{}, errInProgress
	}
	found, err := d.store.Get(ctx, ours.Key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return d.store.Create(ctx, ours)
	case err != nil:
		return store.Item{}, err
	}
	return found, store.ErrExists
}

// finish writes the answer that every later delivery gets.
func (d *dedupe) finish(ctx context.Context, item store.Item, a answer) error {
	item.Value, item.ExpiresAt = store.Encode(entry{Answer: &a}), d.now().Add(d.ttl)
	_, err := d.store.Replace(ctx, item)
	return err
}

// release lets the next delivery start again at once.
func (d *dedupe) release(ctx context.Context, item store.Item) error {
	item.ExpiresAt = d.now().Truncate(time.Second)
	_, err := d.store.Replace(ctx, item)
	return err
}
