package credential

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/wechat"
)

// How long to wait after an error before WeChat is asked again.
const (
	unchangedPause    = time.Minute // WeChat repeats a token that it refuses
	unchangedPauseMax = 10 * time.Minute
	configPause       = 5 * time.Minute
	quotaPause        = time.Minute
	quotaPauseMax     = time.Hour
	busyPause         = 5 * time.Second
	busyPauseMax      = 40 * time.Second // less than a minute: the first tick after WeChat has recovered may ask
	unexpectedPause   = time.Minute
)

// fail sets state.Failure and logs it: as an error if somebody must act, as a
// warning if it ends by itself.
func (r *Renewer) fail(ctx context.Context, account account.Account, record *Record, state *State, err error) {
	failure, level := Failure{Op: "secret", Class: "secret"}, slog.LevelError
	pause := unexpectedPause
	var refused *wechat.Error
	if errors.As(err, &refused) {
		failure = Failure{Op: refused.Op, Code: refused.Code, Class: refused.Class().String()}
		pause, level = r.pause(refused, state.Failure.Count)
	}
	state.Failure = r.countFailure(account, state.Failure, failure, pause, r.now())
	attrs := []any{"account", account.Name, "epoch", record.Lease.Epoch, "op", failure.Op, "class", failure.Class, "errcode", failure.Code, "retry_s", int(pause.Seconds()), "error", err}
	if refused != nil && refused.IP() != "" {
		attrs = append(attrs, "ip", refused.IP())
	}
	r.logger.Log(ctx, level, "refresh failed", attrs...)
}

// pause is how long to wait after an error of WeChat, by its class, and the level
// at which to log it. count is the number of failures in a row before this one.
func (r *Renewer) pause(err *wechat.Error, count int) (time.Duration, slog.Level) {
	switch err.Class() {
	case wechat.ClassConfiguration, wechat.ClassBug:
		return max(configPause, err.Pause()), slog.LevelError
	case wechat.ClassQuota:
		if err.Code == wechat.CodeDailyQuota {
			// WeChat has been seen to answer this for a limit by the minute too. If it
			// goes on, it is the day's limit.
			return doubled(quotaPause, quotaPauseMax, count), slog.LevelError
		}
		return max(quotaPause, err.Pause()), slog.LevelError
	case wechat.ClassBusy:
		return r.backoff(count), slog.LevelWarn
	default:
		return r.backoff(count), slog.LevelError
	}
}

// backoff doubles with each failure in a row. Half of it is random.
func (r *Renewer) backoff(count int) time.Duration {
	whole := doubled(busyPause, busyPauseMax, count)
	return whole/2 + time.Duration(r.jitter()*float64(whole/2))
}

// doubled is first, doubled count times, but never more than most.
func doubled(first, most time.Duration, count int) time.Duration {
	return min(first<<min(count, 10), most)
}

// countFailure sets Count and Until of next, reports it to Observe, and returns it.
// before is the failure before it.
func (r *Renewer) countFailure(account account.Account, before, next Failure, pause time.Duration, now time.Time) Failure {
	next.Count = before.Count + 1
	next.Until = now.Add(pause).Unix()
	r.observe(account, next)
	return next
}

// resetBackoffOnNewSecret ends the wait after a refused AppSecret as soon as
// another one is stored. Only for this is the secret read outside an epoch.
func (r *Renewer) resetBackoffOnNewSecret(ctx context.Context, account account.Account, record *Record) {
	refused := record.Token.Failure.Secret
	if refused == "" {
		return
	}
	secret, err := r.secrets(ctx, account, true)
	if err == nil && fingerprint(secret.Reveal()) != refused {
		record.Token.Failure = Failure{}
	}
}

// refusesToken reports whether WeChat refused the access token.
func refusesToken(err error) bool {
	var refused *wechat.Error
	return errors.As(err, &refused) && refused.Class() == wechat.ClassCredentialInvalid
}

// refusesSecret reports whether WeChat refused the AppSecret.
func refusesSecret(err error) bool {
	var refused *wechat.Error
	return errors.As(err, &refused) && refused.SecretRefused()
}

// answered reports whether WeChat answered with an errcode, so it did nothing.
func answered(err error) bool {
	var answer *wechat.Error
	return errors.As(err, &answer) && answer.Code > 0
}
