package credential

import (
	"context"
	"time"

	"wechatfn/shared/account"
	"wechatfn/shared/wechat"
)

// askToken asks WeChat for the token, once, and sets record.Token from the answer.
// wasInvalid is the token's Invalid before a forced refresh set it. It counts again
// if WeChat cannot have changed the token.
func (r *Renewer) askToken(ctx context.Context, account account.Account, record *Record, plan Plan, wasInvalid bool) {
	asked := r.now()
	// A forced call uses up budget, so it is not made with a cached secret, which may be old.
	secret, err := r.secrets(ctx, account, plan.Force)
	if err != nil {
		r.fail(ctx, account, record, &record.Token.State, err)
		record.Token.Invalid = wasInvalid // WeChat was not asked
		return
	}
	answer, err := r.weChat.Token(ctx, account.AppID, secret.Reveal(), plan.Force)
	if err != nil {
		r.fail(ctx, account, record, &record.Token.State, err)
		if refusesSecret(err) {
			record.Token.Failure.Secret = fingerprint(secret.Reveal())
		}
		if answered(err) {
			record.Token.Invalid = wasInvalid // WeChat refused, so it changed nothing
		}
		return
	}
	r.learnToken(ctx, account, record, answer, asked)
}

// learnToken stores WeChat's answer. WeChat's answer is current by definition, so
// Invalid is cleared, even if the answer is the token that was refused. In that case
// WeChat is asked again after unchangedPause at the earliest.
func (r *Renewer) learnToken(ctx context.Context, account account.Account, record *Record, answer wechat.Token, asked time.Time) {
	before := record.Token
	next := Token{State: before.learn(answer.Value, answer.ExpiresIn, asked), Value: answer.Value}
	renewed := next.Fingerprint != before.Fingerprint
	if before.Invalid && !renewed {
		// WeChat refuses the token and gives it out nevertheless. A forced refresh
		// would invalidate it for everybody who uses it: only an operator decides that.
		pause := doubled(unchangedPause, unchangedPauseMax, before.Failure.Count)
		next.Failure = r.countFailure(account, before.Failure, Failure{Op: "compare", Class: wechat.ClassCredentialInvalid.String()}, pause, asked)
		r.logger.ErrorContext(ctx, "token is refused but unchanged", "account", account.Name, "epoch", record.Lease.Epoch)
	}
	if renewed {
		r.observe(account, Failure{})
		r.logger.InfoContext(ctx, "token renewed", "account", account.Name, "epoch", record.Lease.Epoch, "lifetime_s", int(next.left(asked).Seconds()))
	}
	record.Token = next
}

// askTicket asks WeChat for one ticket, once, publishes it if it is new, and sets
// record.Tickets from the answer. WeChat's errors are logged and stored in the
// record. Errors: publish's.
func (r *Renewer) askTicket(ctx context.Context, account account.Account, record *Record, typ wechat.TicketType) error {
	asked := r.now()
	if !record.Token.usable(asked) {
		return nil
	}
	before := record.Tickets[typ]
	answer, err := r.weChat.Ticket(ctx, record.Token.Value, typ)
	if err != nil {
		if refusesToken(err) {
			r.logger.WarnContext(ctx, "token invalidated early", "account", account.Name, "epoch", record.Lease.Epoch)
			record.Token.Invalid = true
			return nil
		}
		r.fail(ctx, account, record, &before, err)
		record.Tickets[typ] = before
		return nil
	}
	next := before.learnTicket(answer.Value, answer.ExpiresIn, asked)
	if next.Published == "" {
		p := publishedTicket{Ticket: answer.Value, ExpiresAt: next.ExpiresAt, Epoch: record.Lease.Epoch, Watched: next.Watched}
		next.Published, err = r.publish(ctx, account.AppID, typ, &p)
		next.ExpiresAt = p.ExpiresAt
		if err != nil {
			next.Failure = r.countFailure(account, before.Failure, Failure{Op: "publish", Class: "store"}, r.backoff(before.Failure.Count), asked)
			record.Tickets[typ] = next
			return err
		}
		r.observe(account, Failure{})
		r.logger.InfoContext(ctx, "ticket published", "account", account.Name, "type", string(typ), "epoch", record.Lease.Epoch, "lifetime_s", int(next.left(asked).Seconds()))
	}
	record.Tickets[typ] = next
	return nil
}
