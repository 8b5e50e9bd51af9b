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

// ErrNoTicket: there is no valid ticket now. A refresh request was written, unless
// there was one in the last 10 s or the store failed.
var ErrNoTicket = errors.New("credential: no valid ticket")

// ErrNoToken: there is no valid access token now. A refresh request was written,
// unless there was one in the last 10 s or the store failed.
var ErrNoToken = errors.New("credential: no valid access token")

// RetryAfter is when a caller that got ErrNoTicket or ErrNoToken should try again.
// The refresher needs about a second.
const RetryAfter = 2 * time.Second

// How long a Reader uses its memory before it reads the table again.
const (
	cacheTTL           = 60 * time.Second // a value that is not near its expiry
	cacheTTLNearExpiry = 10 * time.Second // one that may have been replaced by now, or a store that does not answer
	cacheTTLMissing    = time.Second      // no valid value
)

const (
	// renewalOverdue: a value this near its expiry should have been replaced by
	// now. So the Reader requests a refresh, while it still hands out the value.
	renewalOverdue = 180 * time.Second
	// readTimeout leaves a request time for its answer when the table hangs.
	readTimeout = 2 * time.Second
	// replacementInterval is how often Replacement reads the table.
	replacementInterval = 200 * time.Millisecond
)

// credential is a ticket or an access token. It is handed out until Margin before
// its expiry.
type credential struct {
	value     string
	expiresAt time.Time
	watched   bool // it may expire before expiresAt
}

// valid reports whether it can be handed out.
func (c credential) valid(now time.Time) bool { return c.expiresAt.Sub(now) > Margin }

// ReaderConfig configures a Reader. Store is required.
type ReaderConfig struct {
	Store store.Store
	// OnRefreshRequest is called after a refresh request was written. In the cloud
	// it is nil: the table's stream invokes the refresher.
	OnRefreshRequest func(appID string)

	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: slog.Default()
}

// Reader hands out tickets and access tokens from memory. It reads the table once a
// minute, and every 10 s when the value may have been replaced. It never reads an
// AppSecret, and reads an access token only if it is asked for one. It is safe for
// concurrent use. Its memory is bounded by accounts x (ticket types + 1).
type Reader struct {
	store            store.Store
	onRefreshRequest func(appID string)
	now              func() time.Time
	logger           *slog.Logger
	reads            singleflight.Group

	mu        sync.Mutex            // guards the maps; never held during a store call
	cache     map[string]cacheEntry // by key of the table
	requested map[string]time.Time  // the last refresh request, by AppID
}

type cacheEntry struct {
	credential
	until time.Time // when to read again
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
	return &Reader{
		store: c.Store, onRefreshRequest: c.OnRefreshRequest, now: c.Now, logger: c.Logger,
		cache: map[string]cacheEntry{}, requested: map[string]time.Time{},
	}, nil
}

// Ticket returns a ticket of the account and its known expiry, which is more than
// Margin away. Errors: ErrNoTicket, joined with the store's if it did not answer.
func (r *Reader) Ticket(ctx context.Context, appID string, typ wechat.TicketType) (string, time.Time, error) {
	t, err := r.get(ctx, appID, ticketKey(appID, typ))
	if t.value == "" {
		return "", time.Time{}, errors.Join(ErrNoTicket, err)
	}
	return t.value, t.expiresAt, nil
}

// Token returns the account's access token. Its known expiry is more than Margin
// away, and nobody has reported it as invalid. WeChat may have invalidated it
// nevertheless: see Replacement. Errors: ErrNoToken, joined with the store's if it
// did not answer.
func (r *Reader) Token(ctx context.Context, appID string) (string, error) {
	t, err := r.get(ctx, appID, tokenKey(appID))
	if t.value == "" {
		return "", errors.Join(ErrNoToken, err)
	}
	return t.value, nil
}

// Replacement returns another access token than the one that WeChat refuses. If the
// table has none yet, it reports the refused one to the refresher and waits for the
// new one until ctx ends, so ctx needs a deadline. Errors: ErrNoToken, joined with
// ctx's, and with the store's if it did not answer.
func (r *Reader) Replacement(ctx context.Context, appID, refused string) (string, error) {
	for reported := false; ; reported = true {
		r.expire(tokenKey(appID))
		token, err := r.Token(ctx, appID)
		if err == nil && token != refused {
			return token, nil
		}
		if !reported {
			r.reportInvalid(ctx, appID, fingerprint(refused))
		}
		if ended := wait.For(ctx, replacementInterval); ended != nil {
			return "", errors.Join(ErrNoToken, err, ended)
		}
	}
}

// get returns the value to hand out, or the zero credential if there is none, with
// the store's error if that is the reason.
func (r *Reader) get(ctx context.Context, appID, key string) (credential, error) {
	entry := r.cached(key)
	var err error
	if !r.now().Before(entry.until) {
		entry, err = r.load(ctx, key)
	}
	now := r.now() // reading may have taken some time
	if entry.expiresAt.Sub(now) < renewalOverdue {
		r.requestRefresh(ctx, appID)
	}
	if !entry.valid(now) {
		return credential{}, err
	}
	return entry.credential, nil
}

// load reads the item and caches it. Concurrent calls share one read. If the store
// does not answer, the cached value is used until its own expiry.
func (r *Reader) load(ctx context.Context, key string) (cacheEntry, error) {
	loaded, err, _ := r.reads.Do(key, func() (any, error) {
		entry := r.cached(key)
		if r.now().Before(entry.until) {
			return entry, nil // another call has loaded it since the caller looked
		}
		// All callers wait for this read, so it must not end when the first of them
		// goes away. But it ends before the answer to that one is due.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeLeft(ctx, readTimeout))
		defer cancel()
		value, err := r.read(ctx, key)
		if err != nil {
			r.logger.WarnContext(ctx, store.Kind(key)+" not read", "error", err)
			value = entry.credential
		}
		return r.put(key, value, err), err
	})
	return loaded.(cacheEntry), err
}

// timeLeft is the time until the deadline of ctx, but never more than limit.
func timeLeft(ctx context.Context, limit time.Duration) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(limit, time.Until(deadline))
	}
	return limit
}

// read returns the zero credential if there is none to hand out.
func (r *Reader) read(ctx context.Context, key string) (credential, error) {
	item, err := r.store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return credential{}, nil
	}
	if err != nil {
		return credential{}, fmt.Errorf("credential: read the %s: %w", store.Kind(key), err)
	}
	if store.Kind(key) == store.KindToken {
		return decodeToken(item)
	}
	var p publishedTicket
	if item.Decode(&p) != nil || p.Ticket == "" {
		return credential{}, fmt.Errorf("credential: the item %s is not a ticket", key)
	}
	return credential{value: p.Ticket, expiresAt: time.Unix(p.ExpiresAt, 0), watched: p.Watched}, nil
}

// decodeToken returns the access token in the account's record.
func decodeToken(item store.Item) (credential, error) {
	var r Record
	if item.Decode(&r) != nil {
		return credential{}, fmt.Errorf("credential: the item %s is not a record", item.Key)
	}
	if r.Token.Invalid || r.Token.Value == "" {
		return credential{}, nil
	}
	return credential{value: r.Token.Value, expiresAt: time.Unix(r.Token.ExpiresAt, 0)}, nil
}

func (r *Reader) cached(key string) cacheEntry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cache[key]
}

// put caches what was read. readErr is the error of the read, if the store did not answer.
func (r *Reader) put(key string, c credential, readErr error) cacheEntry {
	now := r.now()
	entry := cacheEntry{credential: c, until: now.Add(cacheTTL)}
	switch left := c.expiresAt.Sub(now); {
	case left <= Margin:
		entry.until = now.Add(cacheTTLMissing)
	case readErr != nil || c.watched || left < ticketWindow+cacheTTL:
		entry.until = now.Add(cacheTTLNearExpiry)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cache[key] = entry
	return entry
}

// expire makes the next call read the table. The cached value is still used if the
// table does not answer.
func (r *Reader) expire(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	entry := r.cache[key]
	entry.until = time.Time{}
	r.cache[key] = entry
}
