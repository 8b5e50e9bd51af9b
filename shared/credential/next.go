package credential

import (
	"math"
	"time"

	"wechatfn/shared/wechat"
)

// When to ask WeChat. In stable mode WeChat gives out a new token in the last 300 s
// of the old one; in classic mode each call makes a new one. WeChat does not say when
// a ticket will change. So renewing means polling near the expiry. The schedule
// invokes the refresher once a minute, and refresh requests at most once in 10 s. Each
// interval is less than the time between the invocations that may ask, so that none of
// them comes too early.
const (
	// Margin is how long before its expiry a token or ticket is no longer handed out.
	Margin = 60 * time.Second

	tokenWindow         = 300 * time.Second
	ticketCheckInterval = 14*time.Minute + 15*time.Second // outside its window, in case WeChat ended the ticket early

	// A ticket's window begins ticketWindow before its expiry. If the previous
	// ticket changed earlier than that, the window begins leadMargin before that
	// point, but never more than ticketWindowMax before the expiry.
	ticketWindow    = 240 * time.Second
	ticketWindowMax = time.Hour
	leadMargin      = 180 * time.Second

	pollInterval    = 45 * time.Second // in a window: at most one poll a minute, however often the refresher is invoked
	requestInterval = 9 * time.Second  // without a valid ticket: less than refreshRequestTTL, so that each refresh request may ask once

	// From five minutes after a ticket's expiry, WeChat is asked every 118 s only, in
	// case it repeats the ticket: at most 732 times a day.
	longExpired         = 5 * time.Minute
	longExpiredInterval = 118 * time.Second

	// leaseTTL is longer than the refresher's timeout (15 s), so a holder that is
	// still running never loses its lease. It is short enough for the next tick or
	// refresh request to take over from a holder that crashed.
	leaseTTL = 18 * time.Second

	// ticketLifetime counts from when a ticket was first seen. WeChat says 7200 s
	// again each time it repeats the ticket.
	ticketLifetime = 7200 * time.Second
)

// Plan is what to ask WeChat for. Its zero value is nothing.
type Plan struct {
	Token   bool
	Tickets []wechat.TicketType
	// Force makes WeChat replace the token: the current one becomes invalid. Next
	// never sets it: only an operator asks for it.
	Force bool
}

// Idle reports whether there is nothing to do.
func (p Plan) Idle() bool { return !p.Token && len(p.Tickets) == 0 }

// Next decides what to ask WeChat for. It is a pure function of the record and the
// time; types are the tickets that the account needs. The plan is empty while
// somebody holds the lease.
func Next(r Record, types []wechat.TicketType, now time.Time) Plan {
	var plan Plan
	if r.Lease.active(now) {
		return plan
	}
	plan.Token = tokenDue(r.Token, now)
	if !plan.Token && !r.Token.usable(now) {
		return plan // the token must wait, and without it no ticket can be fetched
	}
	for _, typ := range types {
		if ticketDue(r.Tickets[typ], now) {
			plan.Tickets = append(plan.Tickets, typ)
		}
	}
	return plan
}

func tokenDue(t Token, now time.Time) bool {
	switch {
	case now.Unix() < t.Failure.Until:
		return false
	case t.Value == "" || t.Invalid:
		return true
	default:
		return t.left(now) <= tokenWindow && t.sincePoll(now) >= pollInterval
	}
}

func ticketDue(s State, now time.Time) bool {
	if now.Unix() < s.Failure.Until {
		return false
	}
	left := s.left(now)
	switch {
	case left <= -longExpired:
		return s.sincePoll(now) >= longExpiredInterval
	case s.Published == "" || left <= Margin:
		return s.sincePoll(now) >= requestInterval
	case s.Watched || left <= s.window():
		return s.sincePoll(now) >= pollInterval
	default:
		return s.sincePoll(now) >= ticketCheckInterval
	}
}

// left is the time until the expiry; negative after it.
func (s State) left(now time.Time) time.Duration { return time.Unix(s.ExpiresAt, 0).Sub(now) }

// sincePoll is how long ago WeChat was asked. A time in the future was written by
// a clock that was ahead, so it is ignored.
func (s State) sincePoll(now time.Time) time.Duration {
	since := now.Sub(time.Unix(s.PolledAt, 0))
	if since < -time.Minute {
		return math.MaxInt64
	}
	return since
}

// window is how long before its expiry a ticket is polled each minute. It is not
// known whether WeChat gives out the next ticket before the old one expires, so
// this is learned from the last change.
func (s State) window() time.Duration {
	learned := time.Duration(s.Lead)*time.Second + leadMargin
	return min(max(ticketWindow, learned), ticketWindowMax)
}

// learn updates the state after an answer of WeChat. asked is when the call began.
//
// The expiry of a value that was seen before never moves to a later time: WeChat
// repeats a ticket and says 7200 s each time.
func (s State) learn(value string, expiresIn time.Duration, asked time.Time) State {
	expiry := asked.Add(expiresIn).Unix()
	if fp := fingerprint(value); fp != s.Fingerprint {
		s = State{Fingerprint: fp, ExpiresAt: expiry}
	} else if expiry < s.ExpiresAt {
		s.ExpiresAt, s.Published = expiry, "" // publish the earlier expiry
	}
	s.PolledAt = asked.Unix()
	s.Failure = Failure{}
	return s
}

// learnTicket is learn for a ticket. A ticket was made between poll A (the last that
// answered the old ticket) and poll B (the first that answered this one). If B is at
// most two minutes after A, the expiry is at most A + 1 min + 7200 s. That is a minute
// too late at worst, and Margin is a minute. Otherwise the ticket is watched until it
// changes.
func (s State) learnTicket(value string, expiresIn time.Duration, asked time.Time) State {
	next := s.learn(value, min(expiresIn, ticketLifetime), asked)
	if next.Fingerprint == s.Fingerprint {
		return next
	}
	next.Lead = int64(s.left(asked).Seconds())
	gap := s.sincePoll(asked)
	next.Watched = gap > 2*time.Minute // also if no ticket was ever seen
	if !next.Watched && gap > Margin {
		next.ExpiresAt -= int64((gap - Margin).Seconds())
	}
	return next
}
