package credential

import (
	"context"
	"errors"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/store"
)

// kickLife: no more than one kick for an account stands at a time, so however
// many processes miss a ticket, the refresher is called at most once in 10 s.
const refreshRequestTTL = 10 * time.Second

// kick is the value of refresh_request#APPID. Dead is the fingerprint of a token that
// WeChat refused, empty when a ticket was missed.
type refreshRequest struct {
	Dead string `json:"dead,omitempty"`
}

func refreshRequestItem(appID string, k refreshRequest, now time.Time) store.Item {
	return store.Item{Key: refreshRequestKey(appID), Value: store.Encode(k), ExpiresAt: now.Add(refreshRequestTTL)}
}

// kickedFor returns the fingerprint of the token that the standing kick reports
// as dead, if any. A kick that cannot be read is still a kick.
func (k *Renewer) refreshRequestFor(ctx context.Context, appID string) string {
	item, err := k.Store.Get(ctx, refreshRequestKey(appID))
	if err != nil {
		return ""
	}
	var v refreshRequest
	_ = item.Decode(&v)
	return v.Dead
}

// withoutUnpublished returns the record without word of tickets that it takes for
// published and that are not there: deleted by hand, or written over.
func (k *Renewer) withoutUnpublished(ctx context.Context, account account.Account, record Record) Record {
	record = record.clone()
	for _, typ := range account.Tickets {
		held := record.Tickets[typ]
		if held.left(k.Now()) <= 0 {
			continue
		}
		item, err := k.Store.Get(ctx, ticketKey(account.AppID, typ))
		if errors.Is(err, store.ErrNotFound) || (err == nil && item.Version != held.Published) {
			held.Published = ""
			record.Tickets[typ] = held
		}
	}
	return record
}
