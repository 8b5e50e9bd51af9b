package credential

import (
	"context"
	"errors"

	"wechatfn/shared/store"
	"wechatfn/shared/wechat"
)

var errPublish = errors.New("credential: the ticket could not be published")

// publish writes the item that readers read, and returns its version. If the same
// ticket is published already, because a refresher crashed before it could save,
// its expiry must not move to a later time: p.ExpiresAt becomes the earlier of the
// two. Errors: ErrLeaseLost if a later epoch has published; else errPublish.
func (r *Renewer) publish(ctx context.Context, appID string, typ wechat.TicketType, p *publishedTicket) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	version := ""
	for range 3 {
		item := p.item(ticketKey(appID, typ))
		item.Version = version
		current, err := store.Write(ctx, r.store, item)
		switch {
		case err == nil:
			return current.Version, nil
		case !errors.Is(err, store.ErrConflict):
			return "", errors.Join(errPublish, err)
		}
		before := decodePublished(current)
		if before.Epoch > p.Epoch {
			return "", ErrLeaseLost
		}
		if before.Ticket == p.Ticket {
			p.ExpiresAt = min(p.ExpiresAt, before.ExpiresAt)
		}
		version = current.Version
	}
	return "", errPublish
}
