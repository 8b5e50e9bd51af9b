package message

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"wechatfn/shared/store"
)

// The ledger makes a push count once, however often it is delivered and to how
// many processes. For each there is one item, push#HASH:
//
//	Create   in work, until the time at which this process gives up or is dead
//	Replace  done, with the answer, which every later delivery gets
//	Replace  expired at once, when the hand-over failed: the next delivery begins anew
//
// A delivery that meets a push in work waits: for the answer, or to take over
// from a process that died.
type ledger struct {
	store store.Store
	now   func() time.Time
	life  time.Duration // of an item: longer than the push can be delivered again
}

// entry is the value of an item.
type entry struct {
	Until  int64   `json:"until,omitzero"`  // in work until then, Unix milliseconds
	Answer *answer `json:"answer,omitzero"` // done
}

// answer is what WeChat gets. The zero answer is success.
type answer struct {
	ContentType string `json:"type,omitzero"`
	Body        string `json:"body,omitzero"`
}

// errInWork: another process has the push in work, and time ran out on us.
var errInWork = errors.New("message: another delivery of the push is in work")

// look is how often a push in work is looked at.
const look = 200 * time.Millisecond

// ledgerKey is what makes two deliveries the same push: the MsgId, and where there is
// none, as with events, all that was sent. WeChat says that sender, time and
// event tell one event from another. They do not for those that the system
// sends (results of a media check all come from one sender), and what would
// count as a duplicate would be lost.
func (p *push) ledgerKey() string {
	h := sha256.New()
	if !p.IsEvent() && p.MsgID != "" {
		fmt.Fprintf(h, "%s\x00id\x00%s", p.AppID, p.MsgID)
	} else {
		fmt.Fprintf(h, "%s\x00all\x00%s", p.AppID, p.JSON)
	}
	return store.Key(store.KindPush, base64.RawURLEncoding.EncodeToString(h.Sum(nil)))
}

// claim returns the item that is now ours to finish or to release, or the answer
// of a push that is done. We give up at until. Errors: errInWork, the store's.
func (l *ledger) claim(ctx context.Context, key string, until time.Time) (store.Item, *answer, error) {
	ours := store.Item{Key: key, Value: encode(entry{Until: until.UnixMilli()}), ExpiresAt: l.now().Add(l.life)}
	standing, err := l.store.Create(ctx, ours)
	for errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrConflict) {
		var e entry
		if standing.Key != "" {
			if err := json.Unmarshal(standing.Value, &e); err != nil {
				return store.Item{}, nil, fmt.Errorf("message: %s cannot be read", store.Kind(key))
			}
		}
		if e.Answer != nil {
			return store.Item{}, e.Answer, nil
		}
		standing, err = l.step(ctx, ours, standing, time.UnixMilli(e.Until))
	}
	return standing, nil, err
}

// step is one try for a push that was in work: wait and look again while its
// holder may live, else take over. It returns as Create does.
func (l *ledger) step(ctx context.Context, ours, standing store.Item, until time.Time) (store.Item, error) {
	left := until.Sub(l.now())
	switch {
	case standing.Key == "":
		return l.store.Create(ctx, ours)
	case left <= 0:
		ours.Version = standing.Version
		return l.store.Replace(ctx, ours)
	}
	if err := wait(ctx, min(left, look)); err != nil {
		return store.Item{}, errInWork
	}
	found, err := l.store.Get(ctx, ours.Key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return l.store.Create(ctx, ours)
	case err != nil:
		return store.Item{}, err
	}
	return found, store.ErrExists
}

// finish writes the answer that every later delivery gets.
func (l *ledger) finish(ctx context.Context, item store.Item, a answer) error {
	item.Value, item.ExpiresAt = encode(entry{Answer: &a}), l.now().Add(l.life)
	_, err := l.store.Replace(ctx, item)
	return err
}

// release lets the next delivery begin anew at once.
func (l *ledger) release(ctx context.Context, item store.Item) error {
	item.ExpiresAt = l.now().Truncate(time.Second)
	_, err := l.store.Replace(ctx, item)
	return err
}

// encode does not escape for HTML: an answer is full of < and >.
func encode(e entry) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(e) // strings and a number always encode
	return bytes.TrimSpace(text.Bytes())
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
