package credential

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"wechatfn/shared/store"
	"wechatfn/shared/wait"
	"wechatfn/shared/wechat"
)

// ErrNoTicket: no ticket can be handed out now; the refresher has been kicked.
var ErrNoTicket = errors.New("credential: no ticket is alive")

// ErrNoToken: no access token can be handed out now; the refresher has been kicked.
var ErrNoToken = errors.New("credential: no access token is alive")

// RetryAfter is when a caller that got one of these should come again: a kicked
// refresher needs about a second.
const RetryAfter = 2 * time.Second

// How long a Reader trusts its memory.
const (
	keepFor    = 60 * time.Second // a ticket with life left
	keepNear   = 10 * time.Second // one that may have a successor by now, or a store that does not answer
	keepAbsent = time.Second      // no ticket
	// overdue: a ticket so near its end should have been renewed by now, so the
	// refresher is kicked while this one still serves.
	overdue = 180 * time.Second
	// A table that hangs must leave a request time to be answered.
	readTimeout    = 2 * time.Second
	requestTimeout = time.Second
	// lookAgain is how often Another looks for a new token.
	lookAgain = 200 * time.Millisecond
)

// ticket is what memory holds of one, or of an access token: its value and its known
// end. It is handed out until Margin before.
type ticket struct {
	value     string
	expiresAt time.Time
	watched   bool // it may end before
}

func (t ticket) usable(now time.Time) bool { return t.expiresAt.Sub(now) > Margin }

// ReaderConfig configures a Reader. Store is required.
type ReaderConfig struct {
	Store store.Store
	// OnKick is called after a kick was left in the table. In the cloud it is nil:
	// the table's stream calls the refresher.
	OnRefreshRequest func(appID string)

	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: slog.Default()
}

// Reader hands out tickets and access tokens from memory, reading the table once a minute, and
// every 10 s when one may have a successor. It never sees an AppSecret, nor an access token unless it is asked
// for one. Safe for concurrent use; its memory is bounded by accounts x (ticket types + 1).
type Reader struct {
	ReaderConfig
	flights singleflight.Group

	mu        sync.Mutex // guards what follows; never held over a store call
	copies    map[string]cached
	requested map[string]time.Time
}

type cached struct {
	ticket ticket
	until  time.Time // when to read again
}

// NewReader checks the configuration.
func NewReader(c ReaderConfig) (*Reader, error) {
	if c.Store == nil {
		return nil, errors.New("credential: a Reader needs a Store")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return &Reader{ReaderConfig: c, copies: map[string]cached{}, requested: map[string]time.Time{}}, nil
}

// Ticket returns a ticket of the account that is not within Margin of its end,
// and that end. Errors: ErrNoTicket, joined with the store's when that did not
// answer.
func (r *Reader) Ticket(ctx context.Context, appID string, typ wechat.TicketType) (string, time.Time, error) {
	t, err := r.live(ctx, appID, ticketKey(appID, typ))
	if t.value == "" {
		return "", time.Time{}, errors.Join(ErrNoTicket, err)
	}
	return t.value, t.expiresAt, nil
}

// Token returns the account's access token, not within Margin of its end nor known
// to be dead. WeChat may have ended it all the same: see Another. Errors: ErrNoToken,
// joined with the store's when that did not answer.
func (r *Reader) Token(ctx context.Context, appID string) (string, error) {
	t, err := r.live(ctx, appID, tokenKey(appID))
	if t.value == "" {
		return "", errors.Join(ErrNoToken, err)
	}
	return t.value, nil
}

// Another returns another access token than one that WeChat refuses: the one that the
// table has, or else the one that the refresher gets, which is told. It waits for that
// until ctx ends. Errors: ErrNoToken.
func (r *Reader) Replacement(ctx context.Context, appID, dead string) (string, error) {
	for told := false; ; told = true {
		r.forget(tokenKey(appID))
		token, err := r.Token(ctx, appID)
		if err == nil && token != dead {
			return token, nil
		}
		if !told {
			r.reportInvalid(ctx, appID, Fingerprint(dead))
		}
		if ended := wait.For(ctx, lookAgain); ended != nil {
			return "", errors.Join(ErrNoToken, err, ended)
		}
	}
}

// forget has the next caller read the table. What is in memory still serves where
// the table does not answer.
func (r *Reader) forget(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.copies[key]
	c.until = time.Time{}
	r.copies[key] = c
}

// live returns what can be handed out of a key; the zero ticket where nothing can,
// with the store's error if that is why.
func (r *Reader) live(ctx context.Context, appID, key string) (ticket, error) {
	have := r.copy(key)
	var err error
	if !r.Now().Before(have.until) {
		have, err = r.load(ctx, key)
	}
	now := r.Now() // the table may have taken its time
	if have.ticket.expiresAt.Sub(now) < overdue {
		r.RequestRefresh(ctx, appID)
	}
	if !have.ticket.usable(now) {
		return ticket{}, err
	}
	return have.ticket, nil
}

func (r *Reader) copy(key string) cached {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.copies[key]
}

// load reads the item once however many ask, and keeps the answer. When the
// store does not answer, the copy in memory goes on until its own end.
func (r *Reader) load(ctx context.Context, key string) (cached, error) {
	loaded, err, _ := r.flights.Do(key, func() (any, error) {
		kept := r.copy(key)
		if r.Now().Before(kept.until) {
			return kept, nil // another flight landed between the look and the call
		}
		// Everybody waits for this read: it must not end with the first caller who goes
		// away. Nobody waits past the time in which the answer has to be out.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), left(ctx, readTimeout))
		defer cancel()
		read, err := r.read(ctx, key)
		if err != nil {
			r.Logger.WarnContext(ctx, store.Kind(key)+" not read", "error", err)
			read = kept.ticket
		}
		return r.keep(key, read, err), err
	})
	return loaded.(cached), err
}

// left is what a caller has of its time, and no more than most.
func left(ctx context.Context, most time.Duration) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(most, time.Until(deadline))
	}
	return most
}

func (r *Reader) keep(key string, t ticket, err error) cached {
	now := r.Now()
	c := cached{ticket: t, until: now.Add(keepFor)}
	switch left := t.expiresAt.Sub(now); {
	case left <= Margin:
		c.until = now.Add(keepAbsent)
	case err != nil || t.watched || left < ticketWindow+keepFor:
		c.until = now.Add(keepNear)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.copies[key] = c
	return c
}

// read returns the zero ticket when there is none to hand out.
func (r *Reader) read(ctx context.Context, key string) (ticket, error) {
	item, err := r.Store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return ticket{}, nil
	}
	if err != nil {
		return ticket{}, fmt.Errorf("credential: read the %s: %w", store.Kind(key), err)
	}
	if store.Kind(key) == store.KindToken {
		return tokenIn(item)
	}
	var p published
	if item.Decode(&p) != nil || p.Ticket == "" {
		return ticket{}, fmt.Errorf("credential: the item %s is not a ticket", key)
	}
	return ticket{value: p.Ticket, expiresAt: time.Unix(p.ExpiresAt, 0), watched: p.Watched}, nil
}

// tokenIn finds the access token in the account's record.
func tokenIn(item store.Item) (ticket, error) {
	var r Record
	if item.Decode(&r) != nil {
		return ticket{}, fmt.Errorf("credential: the item %s is not a record", item.Key)
	}
	if r.Token.Dead || r.Token.Value == "" {
		return ticket{}, nil
	}
	return ticket{value: r.Token.Value, expiresAt: time.Unix(r.Token.ExpiresAt, 0)}, nil
}

// Kick asks the refresher to look after the account now. At most one kick in 10 s
// stands in the table for all processes, and this one tries no oftener.
func (r *Reader) RequestRefresh(ctx context.Context, appID string) {
	if !r.mayRequest(appID) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := r.Store.Create(ctx, refreshRequestItem(appID, refreshRequest{}, r.Now()))
	r.afterRequest(ctx, appID, err)
}

// reportDead kicks the refresher with the news that WeChat refuses the token
// with that fingerprint (see [Fingerprint]). A kick that stands without such
// news is given it.
func (r *Reader) reportInvalid(ctx context.Context, appID, fingerprint string) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	news := refreshRequestItem(appID, refreshRequest{Dead: fingerprint}, r.Now())
	standing, err := r.Store.Create(ctx, news)
	if errors.Is(err, store.ErrExists) && string(standing.Value) == "{}" {
		news.Version = standing.Version
		_, err = r.Store.Replace(ctx, news)
	}
	r.afterRequest(ctx, appID, err)
}

func (r *Reader) afterRequest(ctx context.Context, appID string, err error) {
	switch {
	case errors.Is(err, store.ErrConflict):
	case err != nil:
		r.Logger.WarnContext(ctx, "refresh request not written", "error", err)
	case r.OnRefreshRequest != nil:
		r.OnRefreshRequest(appID)
	}
}

func (r *Reader) mayRequest(appID string) bool {
	now := r.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.requested[appID]) < refreshRequestTTL {
		return false
	}
	r.requested[appID] = now
	return true
}
