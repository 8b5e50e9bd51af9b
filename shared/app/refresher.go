package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/config"
	"wechatfn/shared/credential"
	"wechatfn/shared/metrics"
	"wechatfn/shared/store"
	"wechatfn/shared/wechat"
)

// RefresherNeeds is what the refresher cannot run without.
const RefresherNeeds = config.Secrets

// Refresher is the refresher function. It is invoked by the schedule (any event
// without an action), by the table's stream (kicks) and by operators:
//
//	{"action":"status"}                        the life of every token and ticket
//	{"action":"force_refresh","app":"NAME"}    a new token at once; the old one dies
type Refresher struct {
	renewer  *credential.Renewer
	accounts account.List
	logger   *slog.Logger
	now      func() time.Time
	gauges   *gauges
}

// WeChat builds the client that the configuration asks for.
func WeChat(c *config.Config) (*wechat.Client, error) {
	return wechat.New(wechat.Config{BaseURL: c.APIBase, ProxyURL: c.ProxyURL.Reveal(), Classic: c.TokenMode == config.ModeClassic})
}

// NewRefresher builds the refresher.
func NewRefresher(c *config.Config, s store.Store, w credential.WeChat, secrets account.SecretSource, logger *slog.Logger) (*Refresher, error) {
	g := &gauges{metrics: metrics.New(c.FunctionName, nil)}
	now := c.Now
	if now == nil {
		now = time.Now
	}
	if logger == nil {
		logger = slog.Default()
	}
	renewer, err := credential.NewRenewer(credential.RenewerConfig{Store: s, WeChat: w, Secrets: secrets, Now: now, Logger: logger, Observe: g.observe})
	if err != nil {
		return nil, err
	}
	return &Refresher{renewer: renewer, accounts: c.Accounts.Where(account.Account.HasToken), logger: logger, now: now, gauges: g}, nil
}

// saveReserve is kept back from an invocation's time for saving what WeChat has
// answered.
const saveReserve = 3 * time.Second

// event is what of an invocation's event matters.
type event struct {
	Action  string `json:"action"`
	App     string `json:"app"`
	Records []struct {
		DynamoDB struct {
			Keys struct {
				PK struct{ S string } `json:"pk"`
			}
		} `json:"dynamodb"`
	}
}

// Invoke implements lambda.Handler.
func (r *Refresher) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-saveReserve))
		defer cancel()
	}
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, errors.New("refresher: the event is not a JSON object")
	}
	report, err := r.handle(ctx, e)
	r.gauges.write(ctx, r.logger)
	if err != nil {
		return nil, err
	}
	return json.Marshal(report)
}

func (r *Refresher) handle(ctx context.Context, e event) (Report, error) {
	switch {
	case len(e.Records) > 0:
		return r.handleStream(ctx, e), nil
	case e.Action == "" || e.Action == "tick":
		return r.Tick(ctx)
	case e.Action == "status":
		return r.Status(ctx)
	case e.Action == "force_refresh":
		return r.Force(ctx, e.App)
	}
	return Report{}, fmt.Errorf("refresher: unknown action %.32q; there are tick, status and force_refresh", e.Action)
}

// Tick looks after all accounts at once. Errors: the store's.
func (r *Refresher) Tick(ctx context.Context) (Report, error) {
	return r.each(r.accounts, func(a account.Account) (credential.Record, error) {
		record, err := r.renewer.Tick(ctx, a)
		if err == nil || passing(err) {
			r.gauges.read(a, record, r.now())
		}
		return record, err
	})
}

// Status reads how all accounts stand.
func (r *Refresher) Status(ctx context.Context) (Report, error) {
	return r.each(r.accounts, func(a account.Account) (credential.Record, error) { return r.renewer.Record(ctx, a) })
}

// each runs f for the accounts, side by side: WeChat being slow for one must not
// cost another its renewal.
func (r *Refresher) each(accounts account.List, f func(account.Account) (credential.Record, error)) (Report, error) {
	records, errs := make([]credential.Record, len(accounts)), make([]error, len(accounts))
	var wg sync.WaitGroup
	for i, account := range accounts {
		wg.Go(func() {
			records[i], errs[i] = f(account)
			if passing(errs[i]) {
				errs[i] = nil
			}
		})
	}
	wg.Wait()
	var report Report
	for i, account := range accounts {
		report.add(account, records[i], r.now())
	}
	return report, errors.Join(errs...)
}

// Kick answers the kicks of some accounts. Errors: credential.ErrUnknownAccount,
// the store's.
func (r *Refresher) HandleRefreshRequests(ctx context.Context, appIDs ...string) (Report, error) {
	var accounts account.List
	var unknown error
	for _, appID := range appIDs {
		account, ok := r.accounts.FindAppID(appID)
		if !ok {
			unknown = credential.ErrUnknownAccount
			continue
		}
		accounts = append(accounts, account)
	}
	report, err := r.each(accounts, func(a account.Account) (credential.Record, error) { return r.renewer.HandleRefreshRequest(ctx, a) })
	return report, errors.Join(unknown, err)
}

// kicks answers the kicks of a stream batch. A kick that fails is not worth a
// retry of the batch, which would hold up the stream: the next kick or tick
// does the same.
func (r *Refresher) handleStream(ctx context.Context, e event) Report {
	var appIDs []string
	for _, record := range e.Records {
		appID, ok := strings.CutPrefix(record.DynamoDB.Keys.PK.S, store.Prefix(store.KindRefreshRequest))
		if ok && !slices.Contains(appIDs, appID) {
			appIDs = append(appIDs, appID)
		}
	}
	report, err := r.HandleRefreshRequests(ctx, appIDs...)
	if err != nil {
		r.logger.ErrorContext(ctx, "refresh request failed", "error", err)
	}
	return report
}

// Force is the operator's forced refresh. The name may be left out where there is
// one account only. Errors: *credential.BudgetError, credential.ErrBusy,
// credential.ErrUnknownAccount, the store's.
func (r *Refresher) Force(ctx context.Context, name string) (Report, error) {
	var report Report
	for _, account := range r.accounts {
		if account.Name == name || (name == "" && len(r.accounts) == 1) {
			record, err := r.renewer.Force(ctx, account)
			report.add(account, record, r.now())
			return report, err
		}
	}
	return report, fmt.Errorf("refresher: force_refresh needs the name of an account in app: %w", credential.ErrUnknownAccount)
}

// passing: another refresher did or does the work.
func passing(err error) bool {
	return errors.Is(err, credential.ErrBusy) || errors.Is(err, credential.ErrLeaseLost)
}

// Report tells how the accounts stand after an invocation. It holds no secret.
type Report struct {
	Accounts []AccountReport `json:"accounts"`
}

// AccountReport is one account's part. Lives are in seconds.
type AccountReport struct {
	App     string                      `json:"app"`
	Epoch   int64                       `json:"epoch"`
	Token   CredentialReport            `json:"token"`
	Tickets map[string]CredentialReport `json:"tickets,omitempty"`
}

// CredentialReport tells how a token or ticket stands.
type CredentialReport struct {
	SecondsLeft int64               `json:"secondsLeft"`
	Failure     *credential.Failure `json:"failure,omitempty"`
}

func (r *Report) add(account account.Account, record credential.Record, now time.Time) {
	one := AccountReport{App: account.Name, Epoch: record.Lease.Epoch, Token: reportOn(record.Token.State, now)}
	for typ, held := range record.Tickets {
		if one.Tickets == nil {
			one.Tickets = map[string]CredentialReport{}
		}
		one.Tickets[string(typ)] = reportOn(held, now)
	}
	r.Accounts = append(r.Accounts, one)
}

func reportOn(held credential.State, now time.Time) CredentialReport {
	report := CredentialReport{SecondsLeft: max(0, held.ExpiresAt-now.Unix())}
	if held.Failure != (credential.Failure{}) {
		failure := held.Failure
		failure.Secret = ""
		report.Failure = &failure
	}
	return report
}
