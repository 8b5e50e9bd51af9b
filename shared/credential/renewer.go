package credential

import (
	"context"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/store"
	"wechatfn/shared/wechat"
)

// WeChat is the part of *wechat.Client that a Renewer calls.
type WeChat interface {
	Token(ctx context.Context, appID, secret string, force bool) (wechat.Token, error)
	Ticket(ctx context.Context, accessToken string, typ wechat.TicketType) (wechat.Ticket, error)
}

var (
	// ErrBusy: another refresher holds the account's lease.
	ErrBusy = errors.New("credential: another refresher is renewing")
	// ErrLeaseLost: another refresher took the lease over before the result could
	// be saved. The result is dropped; the other's is stored.
	ErrLeaseLost = errors.New("credential: the lease was lost")
)

// RenewerConfig configures a Renewer. Store, WeChat and Secrets are required.
type RenewerConfig struct {
	Store   store.Store
	WeChat  WeChat
	Secrets account.SecretSource

	Now    func() time.Time // nil: time.Now
	Jitter func() float64   // in [0,1); nil: math/rand
	Logger *slog.Logger     // nil: slog.Default()

	// Observe is called for each token or ticket that was renewed, with the zero
	// Failure, and for each failure to renew one. It may be nil. It must be safe
	// for concurrent use.
	Observe func(account.Account, Failure)
}

// Renewer renews tokens and tickets. It holds no state of its own, so any number
// can run at the same time. Its methods are safe for concurrent use.
type Renewer struct {
	store   store.Store
	weChat  WeChat
	secrets account.SecretSource
	now     func() time.Time
	jitter  func() float64
	logger  *slog.Logger
	observe func(account.Account, Failure)
}

// NewRenewer checks the configuration.
func NewRenewer(c RenewerConfig) (*Renewer, error) {
	if c.Store == nil || c.WeChat == nil || c.Secrets == nil {
		return nil, errors.New("credential: a Renewer needs Store, WeChat and Secrets")
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
	return &Renewer{store: c.Store, weChat: c.WeChat, secrets: c.Secrets, now: c.Now, jitter: c.Jitter, logger: c.Logger, observe: c.Observe}, nil
}

// maxEpochs bounds the epochs of one tick. One that finds the token invalid or
// the secret changed is followed by another one at once.
const maxEpochs = 3

// Tick renews what is due for the account. If nothing is due, it costs one store
// read. It returns the record as it is then. Errors: ErrBusy, ErrLeaseLost, the
// store's, or that a ticket could not be published. WeChat's errors are logged and
// stored in the record, with the time of the next attempt.
func (r *Renewer) Tick(ctx context.Context, account account.Account) (Record, error) {
	s, err := r.read(ctx, account.AppID)
	if err != nil {
		return Record{}, err
	}
	return r.renew(ctx, account, s)
}

// Record returns the stored record and renews nothing.
func (r *Renewer) Record(ctx context.Context, account account.Account) (Record, error) {
	s, err := r.read(ctx, account.AppID)
	return s.Record, err
}

// renew runs one epoch after another until nothing is due. The record may differ
// from the item that it was read from; the first epoch saves the difference.
func (r *Renewer) renew(ctx context.Context, account account.Account, s stored) (Record, error) {
	for range maxEpochs {
		r.resetBackoffOnNewSecret(ctx, account, &s.Record)
		plan := Next(s.Record, account.Tickets, r.now())
		if plan.Idle() {
			return s.Record, nil
		}
		var err error
		if s, err = r.runEpoch(ctx, account, s, plan); err != nil {
			return s.Record, err
		}
	}
	return s.Record, nil
}

// runEpoch does steps 2 to 4 of the package's comment: take the lease, ask WeChat for
// what the plan says, publish new tickets, save and release. The plan was made from s, and the lease is taken on
// that version of the item. If the lease is not taken, it returns s.
func (r *Renewer) runEpoch(ctx context.Context, account account.Account, s stored, plan Plan) (stored, error) {
	leased := stored{s.item, s.clone()}
	// A forced refresh makes the token invalid until the answer is saved. If the
	// answer is lost, or the refresher crashes, the next tick asks WeChat which token
	// is valid.
	leased.Token.Invalid = s.Token.Invalid || plan.Force
	leased, err := r.takeLease(ctx, leased)
	if err != nil {
		return s, err
	}
	if plan.Token {
		r.askToken(ctx, account, &leased.Record, plan, s.Token.Invalid)
		if len(plan.Tickets) > 0 && leased.Token.usable(r.now()) {
			// A new token is saved before it is used for tickets.
			if leased, err = r.save(ctx, leased); err != nil {
				return leased, err
			}
		}
	}
	var failed error
	for _, typ := range plan.Tickets {
		err := r.askTicket(ctx, account, &leased.Record, typ)
		if errors.Is(err, ErrLeaseLost) {
			return leased, err
		}
		failed = errors.Join(failed, err) // the other tickets are renewed, and the record is saved
	}
	leased.Lease.Owner = ""
	leased, err = r.save(ctx, leased)
	return leased, errors.Join(failed, err)
}
