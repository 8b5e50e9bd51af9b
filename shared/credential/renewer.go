// Package credential keeps WeChat's global access token and tickets alive for
// any number of processes that share one table.
//
// Why the token never dies: [Next] decides, from the stored record and the time,
// what to ask WeChat for, well before an end. A [Keeper] takes the account's
// lease in one conditional write, asks, and saves in another that succeeds only
// while the lease is still its own. So however many refreshers run, and wherever
// one is killed, WeChat is asked once an epoch and the newest answer stands. The
// signature path never asks WeChat: a [Reader] hands out the published ticket
// from memory and, when there is none, leaves a kick in the table.
package credential

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/store"
	"wechatfn/shared/wechat"
)

// WeChat is the part of *wechat.Client that a Keeper calls.
type WeChat interface {
	Token(ctx context.Context, appID, secret string, force bool) (wechat.Token, error)
	Ticket(ctx context.Context, accessToken string, typ wechat.TicketType) (wechat.Ticket, error)
}

var (
	// ErrBusy: another refresher holds the account's lease.
	ErrBusy = errors.New("credential: another refresher is at work")
	// ErrLeaseLost: the lease was taken over before the result could be saved;
	// the result is dropped and the other's stands.
	ErrLeaseLost = errors.New("credential: the lease was lost")
	// ErrUnknownAccount: no account with a token has that AppID.
	ErrUnknownAccount = errors.New("credential: unknown account")
)

// KeeperConfig configures a Keeper. Store, WeChat and Secrets are required.
type RenewerConfig struct {
	Store    store.Store
	WeChat   WeChat
	Secrets  account.SecretSource
	Accounts account.List

	Now    func() time.Time // nil: time.Now
	Jitter func() float64   // in [0,1); nil: math/rand
	Logger *slog.Logger     // nil: slog.Default()

	// Observe is told of each token or ticket that was renewed, with the zero
	// Failure, and of each failure to renew one. It may be nil, and is called by as
	// many goroutines as the Keeper.
	Observe func(account.Account, Failure)
}

// Keeper renews tokens and tickets. It holds no state of its own, so any number
// may run at once; its methods are safe for concurrent use.
type Renewer struct {
	RenewerConfig
}

// NewKeeper checks the configuration.
func NewRenewer(c RenewerConfig) (*Renewer, error) {
	if c.Store == nil || c.WeChat == nil || c.Secrets == nil {
		return nil, errors.New("credential: a Keeper needs Store, WeChat and Secrets")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Jitter == nil {
		c.Jitter = mathrand.Float64
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Observe == nil {
		c.Observe = func(account.Account, Failure) {}
	}
	return &Renewer{c}, nil
}

// maxSteps bounds the epochs of one tick: a token found dead or a secret found
// changed is worth a second one at once.
const maxSteps = 3

// Tick does what is due for the account, if anything: at rest it is one store
// read. It returns the record as it stands. Errors: ErrBusy, ErrLeaseLost, the
// store's; WeChat's failures are logged and kept in the record, which says when
// to try again.
func (k *Renewer) Tick(ctx context.Context, account account.Account) (Record, error) {
	item, record, err := k.read(ctx, account.AppID)
	if err != nil {
		return Record{}, err
	}
	return k.work(ctx, account, item, record)
}

// Kicked answers a kick: somebody found no ticket to hand out, or holds a token
// that WeChat calls dead. It looks at what is published, where Tick trusts its
// own record. Errors: as Tick's.
func (k *Renewer) HandleRefreshRequest(ctx context.Context, account account.Account) (Record, error) {
	dead := k.refreshRequestFor(ctx, account.AppID)
	item, record, err := k.read(ctx, account.AppID)
	if err != nil {
		return Record{}, err
	}
	if record.held(k.Now()) {
		return record, ErrBusy // not noted: who still misses something kicks again
	}
	record = k.withoutUnpublished(ctx, account, record)
	record.Token.Dead = record.Token.Dead || record.Token.is(dead)
	return k.work(ctx, account, item, record)
}

// work takes one step after another until nothing is due. The record may know
// more than the item it was read from; what it knows is saved with the first
// step.
func (k *Renewer) work(ctx context.Context, account account.Account, item store.Item, record Record) (Record, error) {
	for range maxSteps {
		k.resetBackoffOnNewSecret(ctx, account, &record)
		plan := Next(record, account.Tickets, k.Now())
		if plan.Idle() {
			return record, nil
		}
		var err error
		if item, record, err = k.step(ctx, account, item, record, plan, false); err != nil {
			return record, err
		}
	}
	return record, nil
}

// Account finds a configured account by AppID. Errors: ErrUnknownAccount.
func (k *Renewer) Account(appID string) (account.Account, error) {
	if a, ok := k.Accounts.FindAppID(appID); ok {
		return a, nil
	}
	return account.Account{}, ErrUnknownAccount
}

// step is one epoch: take the lease, ask WeChat what the plan says, publish,
// save and release. The record it starts from is the one that was decided on,
// for the lease is taken on that very version.
func (k *Renewer) step(ctx context.Context, account account.Account, item store.Item, record Record, plan Plan, force bool) (store.Item, Record, error) {
	read := record
	record = record.clone()
	item, err := k.takeLease(ctx, account.AppID, item, &record)
	if err != nil {
		return item, read, err
	}
	if plan.Token {
		k.renewToken(ctx, account, &record, force)
		if len(plan.Tickets) > 0 && usableToken(record.Token, k.Now()) {
			// A new token is kept before anything else is tried with it.
			if item, err = k.save(ctx, item, record); err != nil {
				return item, record, err
			}
		}
	}
	var unpublished error
	for _, typ := range plan.Tickets {
		err := k.renewTicket(ctx, account, &record, typ)
		if errors.Is(err, ErrLeaseLost) {
			return item, record, err
		}
		unpublished = errors.Join(unpublished, err) // what else was learnt is saved all the same
	}
	record.Lease.Owner = ""
	item, err = k.save(ctx, item, record)
	return item, record, errors.Join(unpublished, err)
}

// takeLease is the conditional write that makes this keeper the only one.
func (k *Renewer) takeLease(ctx context.Context, appID string, item store.Item, record *Record) (store.Item, error) {
	now := k.Now()
	record.Lease = Lease{
		Epoch:    record.Lease.Epoch + 1,
		Owner:    rand.Text(),
		Deadline: now.Add(leaseLife + time.Second).Unix(), // a started second counts
	}
	if item.Version == "" {
		// Past every epoch of a record that was deleted: its tickets may still stand,
		// and its holders may still be at work.
		record.Lease.Epoch = now.Unix()
		item.Key = tokenKey(appID)
	}
	item.Value = store.Encode(record)
	item, err := store.Write(ctx, k.Store, item)
	if errors.Is(err, store.ErrConflict) {
		return item, ErrBusy
	}
	if err != nil {
		return item, fmt.Errorf("credential: take the lease: %w", err)
	}
	return item, nil
}

// save writes the record while the lease is still ours. It gets its own time:
// what WeChat has answered must not be lost because the invocation is ending.
func (k *Renewer) save(ctx context.Context, item store.Item, record Record) (store.Item, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	item.Value = store.Encode(record)
	saved, err := k.Store.Replace(ctx, item)
	switch {
	case errors.Is(err, store.ErrConflict):
		return item, ErrLeaseLost
	case err != nil:
		return item, fmt.Errorf("credential: save: %w", err)
	}
	return saved, nil
}

const saveTimeout = 2 * time.Second

// read returns the stored record, or an empty one and an item without version.
func (k *Renewer) read(ctx context.Context, appID string) (store.Item, Record, error) {
	item, err := k.Store.Get(ctx, tokenKey(appID))
	if errors.Is(err, store.ErrNotFound) {
		return store.Item{}, Record{}, nil
	}
	if err != nil {
		return item, Record{}, fmt.Errorf("credential: read: %w", err)
	}
	var record Record
	if item.Decode(&record) != nil {
		return item, Record{}, fmt.Errorf("credential: the record of %s is not readable; delete the item %s", appID, tokenKey(appID))
	}
	return item, record, nil
}

// Look returns the stored record without doing anything.
func (k *Renewer) Record(ctx context.Context, account account.Account) (Record, error) {
	_, record, err := k.read(ctx, account.AppID)
	return record, err
}
