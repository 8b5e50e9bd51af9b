package credential

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/store"
	"wechatfn/shared/wechat"
)

// renewToken asks WeChat for the token, once, and writes what came of it into
// the record.
func (k *Renewer) renewToken(ctx context.Context, account account.Account, record *Record, force bool) {
	asked := k.Now()
	secret, err := k.Secrets(ctx, account, force) // a forced call is too dear for a secret that may be old
	if err != nil {
		k.fail(ctx, account, record, &record.Token.State, err)
		record.Token.Dead = record.Token.Dead && !force // WeChat was not asked
		return
	}
	answer, err := k.WeChat.Token(ctx, account.AppID, secret.Reveal(), force)
	if err != nil {
		k.fail(ctx, account, record, &record.Token.State, err)
		if refusesSecret(err) {
			record.Token.Failure.Secret = Fingerprint(secret.Reveal())
		}
		if force && answered(err) {
			record.Token.Dead = false // WeChat did nothing, so the token lives on
		}
		return
	}
	k.learnToken(ctx, account, record, answer, asked)
}

func (k *Renewer) learnToken(ctx context.Context, account account.Account, record *Record, answer wechat.Token, asked time.Time) {
	before := record.Token
	next := Token{State: before.learn(answer.Value, answer.ExpiresIn, asked), Value: answer.Value}
	renewed := next.Fingerprint != before.Fingerprint
	if before.Dead && !renewed {
		// WeChat refuses the token and hands it out all the same. Asking with
		// force would kill it for everybody else: that is for an operator.
		pause := doubled(deadPause, deadPauseMax, before.Failure.Count)
		next.Failure = k.failed(account, before.Failure, Failure{Op: "compare", Class: wechat.ClassCredentialInvalid.String()}, pause, asked)
		k.Logger.ErrorContext(ctx, "token is refused but unchanged", "app", account.Name, "epoch", record.Lease.Epoch)
	}
	if renewed {
		k.Observe(account, Failure{})
		k.Logger.InfoContext(ctx, "token renewed", "app", account.Name, "epoch", record.Lease.Epoch, "life_s", int(next.left(asked).Seconds()))
	}
	record.Token = next
}

// renewTicket asks for one ticket, once, publishes it when it is new and writes
// what came of it into the record. Its error is the store's, or ErrLeaseLost.
func (k *Renewer) renewTicket(ctx context.Context, account account.Account, record *Record, typ wechat.TicketType) error {
	asked := k.Now()
	if !usableToken(record.Token, asked) {
		return nil
	}
	before := record.Tickets[typ]
	answer, err := k.WeChat.Ticket(ctx, record.Token.Value, typ)
	if err != nil {
		if isDead(err) {
			k.Logger.WarnContext(ctx, "token died early", "app", account.Name, "epoch", record.Lease.Epoch)
			record.Token.Dead = true
			return nil
		}
		k.fail(ctx, account, record, &before, err)
		record.Tickets[typ] = before
		return nil
	}
	next := before.learnTicket(answer.Value, answer.ExpiresIn, asked)
	if next.Published == "" {
		p := published{Ticket: answer.Value, ExpiresAt: next.ExpiresAt, Epoch: record.Lease.Epoch, Watched: next.Watched}
		next.Published, err = k.publish(ctx, account.AppID, typ, &p)
		next.ExpiresAt = p.ExpiresAt
		if err != nil {
			next.Failure = k.failed(account, before.Failure, Failure{Op: "publish", Class: "store"}, k.backoff(before.Failure.Count), asked)
			record.Tickets[typ] = next
			return err
		}
		k.Observe(account, Failure{})
		k.Logger.InfoContext(ctx, "ticket published", "app", account.Name, "type", string(typ), "epoch", record.Lease.Epoch, "life_s", int(next.left(asked).Seconds()))
	}
	record.Tickets[typ] = next
	return nil
}

const (
	deadPause       = time.Minute
	deadPauseMax    = 10 * time.Minute
	configPause     = 5 * time.Minute
	quotaPause      = time.Minute
	quotaPauseMax   = time.Hour
	busyPause       = 5 * time.Second
	busyPauseMax    = 40 * time.Second // so that a tick a minute after WeChat is well again finds the way free
	unexpectedPause = time.Minute
)

// fail notes a failure in h and logs it: as an error when somebody has to act,
// as a warning when it passes by itself.
func (k *Renewer) fail(ctx context.Context, account account.Account, record *Record, h *State, err error) {
	failure, level := Failure{Op: "secret", Class: "secret"}, slog.LevelError
	pause := unexpectedPause
	var refused *wechat.Error
	if errors.As(err, &refused) {
		failure = Failure{Op: refused.Op, Code: refused.Code, Class: refused.Class().String()}
		pause, level = k.pause(refused, h.Failure.Count)
	}
	h.Failure = k.failed(account, h.Failure, failure, pause, k.Now())
	attrs := []any{"app", account.Name, "epoch", record.Lease.Epoch, "op", failure.Op, "class", failure.Class, "errcode", failure.Code, "retry_s", int(pause.Seconds()), "error", err}
	if refused != nil && refused.IP() != "" {
		attrs = append(attrs, "ip", refused.IP())
	}
	k.Logger.Log(ctx, level, "refresh failed", attrs...)
}

// pause says how long to keep away after an error, by its class.
func (k *Renewer) pause(err *wechat.Error, count int) (time.Duration, slog.Level) {
	switch err.Class() {
	case wechat.ClassConfiguration, wechat.ClassBug:
		return max(configPause, err.Pause()), slog.LevelError
	case wechat.ClassQuota:
		if err.Code == wechat.CodeDailyQuota {
			// It has been seen for a limit by the minute too: only when it stays is it
			// the day's.
			return doubled(quotaPause, quotaPauseMax, count), slog.LevelError
		}
		return max(quotaPause, err.Pause()), slog.LevelError
	case wechat.ClassBusy:
		return k.backoff(count), slog.LevelWarn
	default:
		return k.backoff(count), slog.LevelError
	}
}

// backoff doubles with each failure in a row, half of it by chance.
func (k *Renewer) backoff(count int) time.Duration {
	whole := doubled(busyPause, busyPauseMax, count)
	return whole/2 + time.Duration(k.Jitter()*float64(whole/2))
}

// doubled is first, twice as long for each failure before, and most at the most.
func doubled(first, most time.Duration, count int) time.Duration {
	return min(first<<min(count, 10), most)
}

// failed is next with the run of failures counted and the end of the wait set.
func (k *Renewer) failed(account account.Account, before, next Failure, pause time.Duration, now time.Time) Failure {
	next.Count = before.Count + 1
	next.Until = now.Add(pause).Unix()
	k.Observe(account, next)
	return next
}

// forgiveNewSecret ends the wait after a refused AppSecret as soon as another
// one is stored. Only then is the secret read outside an epoch.
func (k *Renewer) resetBackoffOnNewSecret(ctx context.Context, account account.Account, record *Record) {
	refused := record.Token.Failure.Secret
	if refused == "" {
		return
	}
	secret, err := k.Secrets(ctx, account, true)
	if err == nil && Fingerprint(secret.Reveal()) != refused {
		record.Token.Failure = Failure{}
	}
}

func isDead(err error) bool {
	var refused *wechat.Error
	return errors.As(err, &refused) && refused.Class() == wechat.ClassCredentialInvalid
}

// answered: WeChat has answered, with an errcode that says it did nothing.
func answered(err error) bool {
	var answer *wechat.Error
	return errors.As(err, &answer) && answer.Code > 0
}

func refusesSecret(err error) bool {
	var refused *wechat.Error
	return errors.As(err, &refused) && refused.SecretRefused()
}

// publish writes the item that the signature path reads, unless a later epoch
// has published already. It returns the version that now stands. A ticket that
// stands already, because whoever published it died before it could save, gains
// no life: p.ExpiresAt becomes what it was.
func (k *Renewer) publish(ctx context.Context, appID string, typ wechat.TicketType, p *published) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	version := ""
	for range 3 {
		item := p.item(ticketKey(appID, typ))
		item.Version = version
		standing, err := store.Write(ctx, k.Store, item)
		switch {
		case err == nil:
			return standing.Version, nil
		case !errors.Is(err, store.ErrConflict):
			return "", errors.Join(errPublish, err)
		}
		before := publishedIn(standing)
		if before.Epoch > p.Epoch {
			return "", ErrLeaseLost
		}
		if before.Ticket == p.Ticket {
			p.ExpiresAt = min(p.ExpiresAt, before.ExpiresAt)
		}
		version = standing.Version
	}
	return "", errPublish
}

var errPublish = errors.New("credential: the ticket could not be published")
