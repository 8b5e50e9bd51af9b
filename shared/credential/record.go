package credential

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"wechatfn/shared/store"
	"wechatfn/shared/wechat"
)

// Record is all that the refresher knows of one account. It is a single item,
// token#APPID, so that one conditional write can take the lease, fence every
// older holder off and save what was learnt. All times are Unix seconds.
type Record struct {
	Lease   Lease                       `json:"lease"`
	Token   Token                       `json:"token"`
	Tickets map[wechat.TicketType]State `json:"tickets,omitempty"`
	Forced  []int64                     `json:"forced,omitempty"` // operator's forced refreshes of the last day
}

// Lease says who may call WeChat for the account. Taking it is a conditional
// write that raises Epoch, so whoever held it before can no longer save.
type Lease struct {
	Epoch    int64  `json:"epoch"`
	Owner    string `json:"owner,omitempty"` // empty when released
	Deadline int64  `json:"deadline,omitempty"`
}

// Token is the global access token itself.
type Token struct {
	State
	Value string `json:"value,omitempty"`
	// Dead: WeChat refused the token before its time, or may have ended it by force.
	// The value stays until the next one is there, but is asked for nothing.
	Dead bool `json:"dead,omitempty"`
}

// Held is what is known of one credential, token or ticket.
type State struct {
	Fingerprint string  `json:"fingerprint,omitempty"` // of the value; empty when none was ever seen
	ExpiresAt   int64   `json:"expires_at,omitempty"`
	PolledAt    int64   `json:"polled_at,omitempty"` // when WeChat was last asked with success
	Failure     Failure `json:"failure,omitzero"`

	// The rest concerns tickets.

	// Watched: the value was already there when it was first seen, so it may end
	// before ExpiresAt; it is polled each minute until it has changed once.
	Watched bool `json:"watched,omitempty"`
	// Lead is how many seconds before its predecessor's end this one was first
	// seen; negative when after.
	Lead int64 `json:"lead,omitempty"`
	// Published is the version of the item the signature path reads; empty when
	// it has still to be written.
	Published string `json:"published,omitempty"`
}

// Failure keeps the refresher from asking again before Until.
type Failure struct {
	Op    string `json:"op,omitempty"`
	Code  int    `json:"code,omitempty"` // WeChat's errcode, 0 when it did not answer
	Class string `json:"class,omitempty"`
	Count int    `json:"count,omitempty"` // in a row
	Until int64  `json:"until,omitempty"`
	// Secret is the fingerprint of the AppSecret that was refused; another one
	// in its place ends the wait.
	Secret string `json:"secret,omitempty"`
}

// Fingerprint identifies a secret value without giving it away.
func Fingerprint(value string) string {
	if value == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:16])
}

// maxLease, in seconds, is more than any lease lasts, clocks minutes apart
// included. One that says otherwise was taken by a clock that was wrong.
const maxLease = 900

func (r Record) held(now time.Time) bool {
	left := r.Lease.Deadline - now.Unix()
	return r.Lease.Owner != "" && 0 < left && left <= maxLease
}

// is reports whether the fingerprint is that of this token.
func (t Token) is(fingerprint string) bool {
	return fingerprint != "" && fingerprint == t.Fingerprint
}

// clone copies the parts a step changes, so that a decision never alters its input.
func (r Record) clone() Record {
	tickets := make(map[wechat.TicketType]State, len(r.Tickets))
	for typ, held := range r.Tickets {
		tickets[typ] = held
	}
	r.Tickets = tickets
	r.Forced = append([]int64(nil), r.Forced...)
	return r
}

// published is the value of ticket#APPID#TYPE, all that the signature function
// may see of an account.
type published struct {
	Ticket    string `json:"ticket"`
	ExpiresAt int64  `json:"expires_at"`
	Epoch     int64  `json:"epoch"`
	// Watched: the ticket may end before ExpiresAt, so that readers look often.
	Watched bool `json:"watched,omitempty"`
}

func (p published) item(key string) store.Item {
	return store.Item{Key: key, Value: store.Encode(p), ExpiresAt: time.Unix(p.ExpiresAt, 0)}
}

// publishedIn reads a published item; the zero value for none.
func publishedIn(item store.Item) published {
	var p published
	_ = item.Decode(&p)
	return p
}

func tokenKey(appID string) string          { return store.Key(store.KindToken, appID) }
func refreshRequestKey(appID string) string { return store.Key(store.KindRefreshRequest, appID) }
func ticketKey(appID string, typ wechat.TicketType) string {
	return store.Key(store.KindTicket, appID, string(typ))
}
