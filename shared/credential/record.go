package credential

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"wechatfn/shared/store"
	"wechatfn/shared/wechat"
)

// Record is everything that the refresher knows of one account. It is a single
// item, token#APPID. So one conditional write can take the lease, keep out every
// earlier holder of it, and save what WeChat has answered. All times are Unix
// seconds.
type Record struct {
	Lease   Lease                       `json:"lease"`
	Token   Token                       `json:"token"`
	Tickets map[wechat.TicketType]State `json:"tickets,omitempty"`
	Forced  []int64                     `json:"forced,omitempty"` // times of an operator's forced refreshes in the last day
}

// Lease says who may call WeChat for the account. Taking it is a conditional
// write that raises Epoch. From then on no earlier holder can save.
type Lease struct {
	Epoch int64 `json:"epoch"`
	// Owner is a random text while the lease is held, and empty when it is released.
	// Who holds it is decided by the item's version.
	Owner    string `json:"owner,omitempty"`
	Deadline int64  `json:"deadline,omitempty"`
}

// Token is the access token itself.
type Token struct {
	State
	Value string `json:"value,omitempty"`
	// Invalid: WeChat refused the token before its expiry, or a forced refresh
	// may have invalidated it. The value is stored until there is a new one, but
	// is not used.
	Invalid bool `json:"invalid,omitempty"`
}

// State is what is known of one token or ticket.
type State struct {
	Fingerprint string  `json:"fingerprint,omitempty"` // of the value; empty if WeChat has never answered
	ExpiresAt   int64   `json:"expires_at,omitempty"`
	PolledAt    int64   `json:"polled_at,omitempty"` // when WeChat was last asked with success
	Failure     Failure `json:"failure,omitzero"`

	// The rest is for tickets.

	// Watched: the ticket may have been made long before we first saw it, so it may
	// expire before ExpiresAt. It is polled each minute until it has changed once.
	Watched bool `json:"watched,omitempty"`
	// Lead is how many seconds before the expiry of the previous ticket this one
	// was first seen. It is negative if that was after the expiry.
	Lead int64 `json:"lead,omitempty"`
	// Published is the version of the item that readers read. It is empty if the
	// ticket must still be published.
	Published string `json:"published,omitempty"`
}

// Failure is the last failure to renew. WeChat is not asked again before Until.
type Failure struct {
	Op    string `json:"op,omitempty"`
	Code  int    `json:"code,omitempty"` // WeChat's errcode; 0 if it did not answer
	Class string `json:"class,omitempty"`
	Count int    `json:"count,omitempty"` // failures in a row
	Until int64  `json:"until,omitempty"`
	// Secret is the fingerprint of the AppSecret that WeChat refused. When
	// another secret is stored, the wait is over.
	Secret string `json:"secret,omitempty"`
}

// fingerprint identifies a secret value without revealing it.
func fingerprint(value string) string {
	if value == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:16])
}

// maxLeaseSeconds is more than any lease lasts, even if clocks differ by some
// minutes. A deadline beyond it was written by a clock that was wrong.
const maxLeaseSeconds = 900

// active reports whether somebody holds the lease.
func (l Lease) active(now time.Time) bool {
	left := l.Deadline - now.Unix()
	return l.Owner != "" && 0 < left && left <= maxLeaseSeconds
}

// is reports whether the fingerprint is that of this token.
func (t Token) is(fingerprint string) bool {
	return fingerprint != "" && fingerprint == t.Fingerprint
}

// usable reports whether the refresher can ask for tickets with the token. Readers
// stop handing it out Margin earlier.
func (t Token) usable(now time.Time) bool {
	return t.Value != "" && !t.Invalid && t.left(now) > 0
}

// clone copies the parts that runEpoch changes, so that it does not change the record
// that it was given.
func (r Record) clone() Record {
	tickets := make(map[wechat.TicketType]State, len(r.Tickets))
	maps.Copy(tickets, r.Tickets)
	r.Tickets = tickets
	r.Forced = slices.Clone(r.Forced)
	return r
}

// publishedTicket is the value of ticket#APPID#TYPE, the only item of an account
// that the signature function may read.
type publishedTicket struct {
	Ticket    string `json:"ticket"`
	ExpiresAt int64  `json:"expires_at"`
	Epoch     int64  `json:"epoch"`
	// Watched: the ticket may expire before ExpiresAt, so readers read often.
	Watched bool `json:"watched,omitempty"`
}

func (p publishedTicket) item(key string) store.Item {
	return store.Item{Key: key, Value: store.Encode(p), ExpiresAt: time.Unix(p.ExpiresAt, 0)}
}

// decodePublished returns the zero value if the item is not a published ticket.
func decodePublished(item store.Item) publishedTicket {
	var p publishedTicket
	_ = item.Decode(&p)
	return p
}

func tokenKey(appID string) string          { return store.Key(store.KindToken, appID) }
func refreshRequestKey(appID string) string { return store.Key(store.KindRefreshRequest, appID) }
func ticketKey(appID string, typ wechat.TicketType) string {
	return store.Key(store.KindTicket, appID, string(typ))
}
