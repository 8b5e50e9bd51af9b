package session

import (
	"errors"
	"time"

	"wechatfn/shared/store"
)

// record is the value of session#HASH. Times are Unix seconds.
type record struct {
	Secret     string `json:"secret,omitzero"` // hash of the current token's secret; empty in a tombstone
	Generation int    `json:"generation,omitzero"`
	App        string `json:"app,omitzero"`
	AppID      string `json:"appId"`
	OpenID     string `json:"openid"`
	UnionID    string `json:"unionid,omitzero"`
	SKU        string `json:"sku,omitzero"`
	Device     string `json:"device,omitzero"`
	CreatedAt  int64  `json:"created"`
	EndsAt     int64  `json:"end"`
	IdleEnd    int64  `json:"idleEnd"` // at most EndsAt
	Revoked    Reason `json:"revoked,omitzero"`
	RevokedAt  int64  `json:"revokedAt,omitzero"`
}

// errReused: the token is not the current one of its family. Only somebody who had an
// older token knows the family.
var errReused = errors.New("session: a token was used again after its rotation")

// check reports whether the token is current in a valid session. Errors: ErrNoSession,
// *RevokedError, errReused.
func (r record) check(t token, now int64) error {
	switch {
	case now >= r.expiry():
		return ErrNoSession
	case r.Revoked != "":
		return r.revokedError()
	case !equalHashes(r.Secret, t.secretHash()):
		return errReused
	}
	return nil
}

func (r record) revokedError() error { return &RevokedError{r.Revoked, r.RevokedAt} }

// expiry is when the item expires. A revoked session is stored with its reason until its
// absolute end.
func (r record) expiry() int64 {
	if r.Revoked != "" {
		return r.EndsAt
	}
	return r.IdleEnd
}

func (r record) revoked(why Reason, now int64) record {
	r.Revoked, r.RevokedAt = why, now
	return r
}

// extended moves the idle end to idleTimeout after now, and at most to the absolute end.
func (r record) extended(now, idleTimeout int64) record {
	r.IdleEnd = max(r.IdleEnd, min(now+idleTimeout, r.EndsAt))
	return r
}

func (r record) session(id string) Session {
	return Session{
		ID: id, App: r.App, AppID: r.AppID, OpenID: r.OpenID, UnionID: r.UnionID, SKU: r.SKU, Device: r.Device,
		Generation: r.Generation, CreatedAt: r.CreatedAt, ExpiresAt: r.IdleEnd, EndsAt: r.EndsAt,
	}
}

// device is the session as it is listed.
func (r record) device(id string) Device {
	return Device{ID: id, Device: r.Device, SKU: r.SKU, CreatedAt: r.CreatedAt, EndsAt: r.EndsAt}
}

// into is the item with the record as its value. Its version stays, so that a write
// replaces the item that was read.
func (r record) into(item store.Item) store.Item {
	item.Value, item.ExpiresAt = store.Encode(r), time.Unix(r.expiry(), 0)
	return item
}

func (r record) newItem(id string) store.Item { return r.into(store.Item{Key: sessionKey(id)}) }

func readRecord(item store.Item) (record, error) {
	var r record
	return r, wrap("read", item.Decode(&r))
}
