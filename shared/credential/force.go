package credential

import (
	"context"
	"fmt"
	"time"

	"wechatfn/shared/account"
)

// The operator's budget, well inside WeChat's own (20 a day, 30 s apart).
const (
	forcesADay   = 10
	forceSpacing = 31 * time.Second
	forceDay     = 24 * time.Hour
)

// BudgetError: the forced refreshes are spent for now.
type BudgetError struct {
	RetryAfter time.Duration
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("credential: no forced refresh is left; the next one in %d s", int(e.RetryAfter.Seconds())+1)
}

// Force makes WeChat issue a new token and, in stable mode, invalidate the
// current one at once: for operators whose token has leaked. It is counted in
// the record before WeChat is asked. Errors: *BudgetError, ErrBusy, ErrLeaseLost,
// the store's; WeChat's refusal is logged and stands in the record.
func (k *Renewer) Force(ctx context.Context, account account.Account) (Record, error) {
	item, record, err := k.read(ctx, account.AppID)
	if err != nil {
		return Record{}, err
	}
	now := k.Now()
	if record.held(now) {
		return record, ErrBusy
	}
	forced, wait := spend(record.Forced, now)
	if wait > 0 {
		return record, &BudgetError{RetryAfter: wait}
	}
	record.Forced = forced
	// Until the answer is kept: should it get lost, or the refresher be killed, the
	// next tick asks which token stands.
	record.Token.Dead = true
	_, record, err = k.step(ctx, account, item, record, Plan{Token: true}, true)
	return record, err
}

// spend adds now to the times of earlier forced refreshes, or says how long to
// wait for a place.
func spend(times []int64, now time.Time) ([]int64, time.Duration) {
	var kept []int64
	for _, t := range times {
		if now.Sub(time.Unix(t, 0)) < forceDay {
			kept = append(kept, t)
		}
	}
	if n := len(kept); n > 0 {
		if wait := time.Unix(kept[n-1], 0).Add(forceSpacing).Sub(now); wait > 0 {
			return times, wait
		}
		if n >= forcesADay {
			return times, time.Unix(kept[n-forcesADay], 0).Add(forceDay).Sub(now)
		}
	}
	return append(kept, now.Unix()), 0
}
