package session

import (
	"errors"
	"time"

	"wechatfn/shared/store"
)

// record is the value of session#HASH. Times are Unix seconds.
type record struct {
	Secret     string `json:"secret,omitzero"` // hash of the current token's; none where the session was ended before it began
	Generation int    `json:"generation,omitzero"`
	App        string `json:"app,omitzero"`
	AppID      string `json:"appId"`
	OpenID     string `json:"openid"`
	UnionID    string `json:"unionid,omitzero"`
	SKU        string `json:"sku,omitzero"`
	Device     string `json:"device,omitzero"`
	CreatedAt  int64  `json:"created"`
	EndsAt     int64  `json:"end"`
	IdleEnd    int64  `json:"idleEnd"` // never after EndsAt
	Revoked    Reason `json:"revoked,omitzero"`
	RevokedAt  int64  `json:"revokedAt,omitzero"`
}

// errReused: the token is not the current one of its family. Nobody but who had
// an older one knows the family.
var errReused = errors.New("session: a token was used again after its rotation")

// verdict is what the session is for a token at that time: nil, ErrNoSession, a
// *RevokedError, or errReused.
func (r record) verdict(t token, now int64) error {
	switch {
	case now >= r.expiry():
		return ErrNoSession
	case r.Revoked != "":
		return r.revocation()
	case !same(r.Secret, t.secretHash()):
		return errReused
	}
	return nil
}

func (r record) revocation() error { return &RevokedError{r.Revoked, r.RevokedAt} }

// expiry is when the item goes. A revoked session tells why for as long as it
// might have lived.
func (r record) expiry() int64 {
	if r.Revoked != "" {
		return r.EndsAt
	}
	return r.IdleEnd
}

func (r record) revoke(why Reason, now int64) record {
	r.Revoked, r.RevokedAt = why, now
	return r
}

// used extends the idle end, up to the absolute one.
func (r record) used(now, idle int64) record {
	r.IdleEnd = max(r.IdleEnd, min(now+idle, r.EndsAt))
	return r
}

func (r record) session(id string) Session {
	return Session{
		ID: id, App: r.App, AppID: r.AppID, OpenID: r.OpenID, UnionID: r.UnionID, SKU: r.SKU, Device: r.Device,
		Generation: r.Generation, CreatedAt: r.CreatedAt, ExpiresAt: r.IdleEnd, EndsAt: r.EndsAt,
	}
}

// device is what the user's list holds of the session.
func (r record) device(id string) Device {
	return Device{ID: id, Device: r.Device, SKU: r.SKU, CreatedAt: r.CreatedAt, EndsAt: r.EndsAt}
}

// over is the item with the record in it, to be written over the version that was read.
func (r record) over(item store.Item) store.Item {
	item.Value, item.ExpiresAt = store.Encode(r), time.Unix(r.expiry(), 0)
	return item
}

func (r record) item(id string) store.Item { return r.over(store.Item{Key: sessionKey(id)}) }

func readRecord(item store.Item) (record, error) {
	var r record
	return r, failed("read", item.Decode(&r))
}
