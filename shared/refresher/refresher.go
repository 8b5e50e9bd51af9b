// Package refresher keeps the access tokens and tickets of all accounts valid. It adds
// to package credential, which does so for one account, what the refresher function
// needs: all accounts at once, the events that invoke the function, and metrics.
package refresher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/credential"
	"wechatfn/shared/metrics"
	"wechatfn/shared/store"
)

// Config configures a Refresher. Accounts, Store, WeChat and Secrets are required.
type Config struct {
	Accounts account.List // those that have an access token
	Store    store.Store
	WeChat   credential.WeChat
	Secrets  account.SecretSource

	// FunctionName is the name of the Lambda function, for the metrics. There are no
	// metrics if it is empty.
	FunctionName string
	Now          func() time.Time // nil: time.Now
	Logger       *slog.Logger     // nil: slog.Default()
}

// Refresher is the refresher function. Any number of instances can run at the same
// time. It is safe for concurrent use.
type Refresher struct {
	renewer      *credential.Renewer
	accounts     account.List
	now          func() time.Time
	logger       *slog.Logger
	measurements *measurements
}

// ErrUnknownAccount: no account that has a token has that name or AppID.
var ErrUnknownAccount = errors.New("refresher: unknown account")

// New checks the configuration.
func New(c Config) (*Refresher, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	m := &measurements{metrics: metrics.New(c.FunctionName, c.Now)}
	renewer, err := credential.NewRenewer(credential.RenewerConfig{
		Store: c.Store, WeChat: c.WeChat, Secrets: c.Secrets,
		Now: c.Now, Logger: c.Logger, Observe: m.observe,
	})
	if err != nil {
		return nil, err
	}
	return &Refresher{renewer: renewer, accounts: c.Accounts, now: c.Now, logger: c.Logger, measurements: m}, nil
}

// Tick renews what is due in all accounts. The schedule calls it once a minute.
// Errors: the store's.
func (r *Refresher) Tick(ctx context.Context) (Report, error) {
	return r.each(r.accounts, func(a account.Account) (credential.Record, error) {
		record, err := r.renewer.Tick(ctx, a)
		if err == nil || doneElsewhere(err) {
			r.measurements.add(a, record, r.now())
		}
		return record, err
	})
}

// Status reads the state of all accounts, and changes nothing. Errors: the store's.
func (r *Refresher) Status(ctx context.Context) (Report, error) {
	return r.each(r.accounts, func(a account.Account) (credential.Record, error) { return r.renewer.Record(ctx, a) })
}

// HandleRefreshRequests handles the refresh requests for some accounts, by AppID.
// Errors: ErrUnknownAccount, the store's.
func (r *Refresher) HandleRefreshRequests(ctx context.Context, appIDs ...string) (Report, error) {
	var accounts account.List
	var unknown error
	for _, appID := range appIDs {
		if a, ok := r.accounts.FindAppID(appID); ok {
			accounts = append(accounts, a)
		} else {
			unknown = ErrUnknownAccount
		}
	}
	report, err := r.each(accounts, func(a account.Account) (credential.Record, error) { return r.renewer.HandleRefreshRequest(ctx, a) })
	return report, errors.Join(unknown, err)
}

// Force makes WeChat replace the access token: the current one becomes invalid. It is
// for operators. The name of the account may be empty if there is one account only.
// Errors: *credential.BudgetError, credential.ErrBusy, credential.ErrLeaseLost,
// ErrUnknownAccount, the store's.
func (r *Refresher) Force(ctx context.Context, name string) (Report, error) {
	var report Report
	for _, a := range r.accounts {
		if a.Name == name || (name == "" && len(r.accounts) == 1) {
			record, err := r.renewer.Force(ctx, a)
			report.add(a, record, r.now())
			return report, err
		}
	}
	return report, fmt.Errorf("%w: force_refresh needs the name of an account in app", ErrUnknownAccount)
}

// each calls f for all the accounts at the same time: if WeChat is slow for one
// account, the others must not wait.
func (r *Refresher) each(accounts account.List, f func(account.Account) (credential.Record, error)) (Report, error) {
	records, errs := make([]credential.Record, len(accounts)), make([]error, len(accounts))
	var wg sync.WaitGroup
	for i, a := range accounts {
		wg.Go(func() {
			records[i], errs[i] = f(a)
			if doneElsewhere(errs[i]) {
				errs[i] = nil
			}
		})
	}
	wg.Wait()
	var report Report
	for i, a := range accounts {
		report.add(a, records[i], r.now())
	}
	return report, errors.Join(errs...)
}

// doneElsewhere reports whether another instance of the refresher does the work, or has
// done it.
func doneElsewhere(err error) bool {
	return errors.Is(err, credential.ErrBusy) || errors.Is(err, credential.ErrLeaseLost)
}
