package credential

import (
	"math"
	"time"

	"wechatfn/shared/wechat"
)

// The clockwork. WeChat hands out a new token in the old one's last 300 s and
// never says that a ticket is about to change, so renewing is polling near the
// end; with one tick a minute, each value here is a little less than a whole
// number of ticks.
const (
	// Margin: nothing is handed out in the last minute before its known end.
	Margin = 60 * time.Second

	tokenWindow = 300 * time.Second
	ticketCheck = 14*time.Minute + 15*time.Second // a ticket with life left, in case WeChat ended it early

	// A ticket is polled each minute from ticketWindow before its end, or from
	// leadMargin before the point where its predecessor was seen to change.
	ticketWindow    = 240 * time.Second
	ticketWindowMax = time.Hour
	leadMargin      = 180 * time.Second

	pollSpacing    = 45 * time.Second // at most one poll a tick, however many ticks arrive
	requestSpacing = 9 * time.Second  // with nothing to hand out: at the pace of kicks

	// A ticket that WeChat goes on repeating so long after its end is not worth
	// more than 732 calls a day.
	endedFor     = 5 * time.Minute
	endedSpacing = 118 * time.Second

	// leaseLife outlasts the refresher's timeout (15 s), so that a live holder
	// is never overtaken, and lets the next tick or kick take over a dead one.
	leaseLife = 18 * time.Second

	// ticketLife is how long a ticket lives from its first sight, whatever
	// WeChat claims when it repeats it.
	ticketLife = 7200 * time.Second
)

// Plan is what to ask WeChat for next. Its zero value: nothing.
type Plan struct {
	Token   bool
	Tickets []wechat.TicketType
}

// Idle reports whether there is nothing to do.
func (p Plan) Idle() bool { return !p.Token && len(p.Tickets) == 0 }

// Next decides what to do for an account: a pure function of what is known and
// the time. wants lists the tickets to keep alive. The plan is empty while
// another holds the lease.
func Next(r Record, wants []wechat.TicketType, now time.Time) Plan {
	var plan Plan
	if r.held(now) {
		return plan
	}
	plan.Token = tokenDue(r.Token, now)
	if !plan.Token && !usableToken(r.Token, now) {
		return plan // no ticket without a token, and the token has to wait
	}
	for _, typ := range wants {
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
	case t.Value == "" || t.Dead:
		return true
	default:
		return t.left(now) <= tokenWindow && t.since(now) >= pollSpacing
	}
}

func usableToken(t Token, now time.Time) bool {
	return t.Value != "" && !t.Dead && t.left(now) > 0
}

func ticketDue(h State, now time.Time) bool {
	if now.Unix() < h.Failure.Until {
		return false
	}
	left := h.left(now)
	switch {
	case left <= -endedFor:
		return h.since(now) >= endedSpacing
	case h.Published == "" || left <= Margin:
		return h.since(now) >= requestSpacing
	case h.Watched || left <= h.window():
		return h.since(now) >= pollSpacing
	default:
		return h.since(now) >= ticketCheck
	}
}

func (h State) left(now time.Time) time.Duration { return time.Unix(h.ExpiresAt, 0).Sub(now) }

// since is how long ago WeChat was asked. What a clock that was ahead has noted
// counts for nothing.
func (h State) since(now time.Time) time.Duration {
	since := now.Sub(time.Unix(h.PolledAt, 0))
	if since < -time.Minute {
		return math.MaxInt64
	}
	return since
}

// window is how long before its end a ticket is polled each minute. Whether
// WeChat hands out the next ticket some time before the end of the last is not
// known, so it is learnt.
func (h State) window() time.Duration {
	learnt := time.Duration(h.Lead)*time.Second + leadMargin
	return min(max(ticketWindow, learnt), ticketWindowMax)
}

// learn returns what is known of a credential after WeChat answered value with
// expiresIn to a question asked at now.
//
// A value that was seen before never gains life: WeChat repeats a ticket and
// claims 7200 s each time.
func (h State) learn(value string, expiresIn time.Duration, now time.Time) State {
	end := now.Add(expiresIn).Unix()
	if fp := Fingerprint(value); fp != h.Fingerprint {
		h = State{Fingerprint: fp, ExpiresAt: end}
	} else if end < h.ExpiresAt {
		h.ExpiresAt, h.Published = end, "" // readers must know
	}
	h.PolledAt = now.Unix()
	h.Failure = Failure{}
	return h
}

// learnTicket is learn for a ticket, whose birth is only known as well as the
// polls around it: it lies between the last sight of the old one and the first
// sight of the new one. Counting from at most a minute after the old one's last
// sight keeps Margin on the safe side; with more time between, the new one is
// watched until it changes.
func (h State) learnTicket(value string, expiresIn time.Duration, now time.Time) State {
	next := h.learn(value, min(expiresIn, ticketLife), now)
	if next.Fingerprint == h.Fingerprint {
		return next
	}
	next.Lead = int64(h.left(now).Seconds())
	gap := h.since(now)
	next.Watched = gap > 2*time.Minute // as it is where none was ever seen
	if !next.Watched && gap > Margin {
		next.ExpiresAt -= int64((gap - Margin).Seconds())
	}
	return next
}
