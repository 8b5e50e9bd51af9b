package credential

import (
	"context"
	"errors"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/store"
)

const (
	// refreshRequestTTL is how long a refresh request is in the table. While it is
	// there nobody can create another one. So the refresher is invoked at most once
	// in 10 s for an account, however many processes have no valid ticket.
	refreshRequestTTL = 10 * time.Second
	// requestTimeout leaves a page's request time for its answer.
	requestTimeout = time.Second
)

// refreshRequest is the value of refresh_request#APPID. Invalid is the fingerprint
// of a token that WeChat refused. It is empty if there was no valid ticket or token.
type refreshRequest struct {
	Invalid string `json:"invalid,omitempty"`
}

func refreshRequestItem(appID string, request refreshRequest, now time.Time) store.Item {
	return store.Item{Key: refreshRequestKey(appID), Value: store.Encode(request), ExpiresAt: now.Add(refreshRequestTTL)}
}

// requestRefresh asks the refresher to renew now what is due for the account. At
// most one request in 10 s is in the table, and a Reader tries no more often.
func (r *Reader) requestRefresh(ctx context.Context, appID string) {
	if !r.mayRequest(appID) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := r.store.Create(ctx, refreshRequestItem(appID, refreshRequest{}, r.now()))
	r.afterRequest(ctx, appID, err)
}

// reportInvalid writes a refresh request that says that WeChat refuses the token
// with that fingerprint. If there is a request without a
// fingerprint, it replaces that.
func (r *Reader) reportInvalid(ctx context.Context, appID, fingerprint string) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	report := refreshRequestItem(appID, refreshRequest{Invalid: fingerprint}, r.now())
	existing, err := r.store.Create(ctx, report)
	if errors.Is(err, store.ErrExists) && string(existing.Value) == "{}" {
		report.Version = existing.Version
		_, err = r.store.Replace(ctx, report)
	}
	r.afterRequest(ctx, appID, err)
}

func (r *Reader) afterRequest(ctx context.Context, appID string, err error) {
	switch {
	case errors.Is(err, store.ErrConflict):
	case err != nil:
		r.logger.WarnContext(ctx, "refresh request not written", "error", err)
	case r.onRefreshRequest != nil:
		r.onRefreshRequest(appID)
	}
}

func (r *Reader) mayRequest(appID string) bool {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.requested[appID]) < refreshRequestTTL {
		return false
	}
	r.requested[appID] = now
	return true
}

// HandleRefreshRequest renews for a Reader that found no valid ticket or token, or
// whose token WeChat refuses. Unlike Tick, it reads the published items too, in case
// one is missing. Errors: as Tick's.
func (r *Renewer) HandleRefreshRequest(ctx context.Context, account account.Account) (Record, error) {
	refused := r.reportedToken(ctx, account.AppID)
	s, err := r.read(ctx, account.AppID)
	if err != nil {
		return Record{}, err
	}
	if s.Lease.active(r.now()) {
		return s.Record, ErrBusy // the report is dropped; a Reader that still has no valid value requests again
	}
	s.Record = r.clearMissing(ctx, account, s.Record)
	s.Token.Invalid = s.Token.Invalid || s.Token.is(refused)
	return r.renew(ctx, account, s)
}

// reportedToken returns the fingerprint in the current refresh request. It is empty
// if there is none. A request that cannot be read is handled as one without it.
func (r *Renewer) reportedToken(ctx context.Context, appID string) string {
	item, err := r.store.Get(ctx, refreshRequestKey(appID))
	if err != nil {
		return ""
	}
	var request refreshRequest
	_ = item.Decode(&request)
	return request.Invalid
}

// clearMissing unsets Published for tickets whose item was deleted or overwritten.
func (r *Renewer) clearMissing(ctx context.Context, account account.Account, record Record) Record {
	record = record.clone()
	for _, typ := range account.Tickets {
		state := record.Tickets[typ]
		if state.left(r.now()) <= 0 {
			continue
		}
		item, err := r.store.Get(ctx, ticketKey(account.AppID, typ))
		if errors.Is(err, store.ErrNotFound) || (err == nil && item.Version != state.Published) {
			state.Published = ""
			record.Tickets[typ] = state
		}
	}
	return record
}
