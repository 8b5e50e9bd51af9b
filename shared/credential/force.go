package credential

import (
	"context"
	"fmt"
	"time"

	"wechatfn/shared/account"
)

// The budget of forced refreshes is well below WeChat's own limits (20 a day, 30 s
// apart).
const (
	maxForcedPerDay = 10
	forcedWindow    = 24 * time.Hour
	forcedInterval  = 31 * time.Second
)

// BudgetError: no forced refresh is left for now.
type BudgetError struct {
	RetryAfter time.Duration
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("credential: no forced refresh is left; the next one in %d s", int(e.RetryAfter.Seconds())+1)
}

// Force makes WeChat replace the token: the current one becomes invalid, in stable
// mode at once. It is for operators whose token has leaked. It is counted in the
// record before WeChat is asked. If WeChat refuses, that is logged and stored in the
// record, and the token is as valid as before. Errors: *BudgetError, ErrBusy,
// ErrLeaseLost, the store's.
func (r *Renewer) Force(ctx context.Context, account account.Account) (Record, error) {
	s, err := r.read(ctx, account.AppID)
	if err != nil {
		return Record{}, err
	}
	now := r.now()
	if s.Lease.active(now) {
		return s.Record, ErrBusy
	}
	forced, wait := countForced(s.Forced, now)
	if wait > 0 {
		return s.Record, &BudgetError{RetryAfter: wait}
	}
	s.Forced = forced
	s, err = r.runEpoch(ctx, account, s, Plan{Token: true, Force: true})
	return s.Record, err
}

// countForced adds now to the times of the forced refreshes in the last 24 h. If the
// budget is used up or the last one is less than 31 s ago, wait is above 0, and the
// times are unchanged.
func countForced(times []int64, now time.Time) (counted []int64, wait time.Duration) {
	var recent []int64
	for _, t := range times {
		if now.Sub(time.Unix(t, 0)) < forcedWindow {
			recent = append(recent, t)
		}
	}
	if n := len(recent); n > 0 {
		if wait = time.Unix(recent[n-1], 0).Add(forcedInterval).Sub(now); wait > 0 {
			return times, wait
		}
		if n >= maxForcedPerDay {
			return times, time.Unix(recent[n-maxForcedPerDay], 0).Add(forcedWindow).Sub(now)
		}
	}
	return append(recent, now.Unix()), 0
}
