package wechatsim

import (
	"fmt"
	"time"
)

// ticketLength is the length of the ticket in WeChat's own JS-SDK sample.
const ticketLength = 86

// ticket is a ticket of one type. At Ends its window ends; until Accepted, signatures with it are
// accepted.
type ticket struct {
	Value    string    `json:"value"`
	Ends     time.Time `json:"ends"`
	Accepted time.Time `json:"accepted"`
}

// serveTicket answers the same ticket for a window of 7200 s, and always says 7200.
func (s *Sim) serveTicket(r *request) (fields, *refusal) {
	appID, a, no := s.byToken(r)
	if no != nil {
		return nil, no
	}
	if r.typ != "jsapi" && r.typ != "wx_card" {
		return nil, unknown(fmt.Sprintf("type is jsapi or wx_card, not %q", r.typ))
	}
	if no := s.takeQuota(a, r, limit{"getticket", day, s.quotas.TicketDay}); no != nil {
		return nil, no
	}
	t := s.currentTicket(appID, a, r)
	seconds := int(lifetime / time.Second)
	if s.switches.TicketRemaining {
		seconds = int(t.Ends.Sub(r.now) / time.Second)
	}
	return fields{"errcode": 0, "errmsg": "ok", "ticket": t.Value, "expires_in": seconds}, nil
}

func (s *Sim) currentTicket(appID string, a *account, r *request) ticket {
	past := a.Tickets[r.typ]
	if n := len(past); n > 0 {
		last := &past[n-1]
		if r.now.Before(last.Ends.Add(-s.switches.TicketLead)) {
			return *last
		}
		s.retire(last, r.now)
	}
	s.state.Revision++
	ends := s.windowEnd(r.now)
	t := ticket{s.credential("ticket "+r.typ, appID, a, ticketLength), ends, ends.Add(s.switches.TicketOverlap)}
	a.Tickets[r.typ] = appendRecent(past, t)
	return t
}

func (s *Sim) retire(t *ticket, now time.Time) {
	if end := now.Add(s.switches.TicketOverlap); s.switches.TicketEndsEarly && end.Before(t.Accepted) {
		t.Accepted = end
	}
}

// windowEnd is 7200 s from now, or the next point of the grid after the lead: within the lead, the
// ticket is already that of the next window.
func (s *Sim) windowEnd(now time.Time) time.Time {
	if !s.switches.TicketGrid {
		return now.Add(lifetime)
	}
	const step = int64(lifetime / time.Second)
	at := now.Add(s.switches.TicketLead).Unix()
	return time.Unix((at/step+1)*step, 0)
}

// TicketValid reports whether WeChat accepts a signature made with the ticket now.
// typ is "jsapi" or "wx_card".
func (s *Sim) TicketValid(appID, typ, value string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for _, t := range s.tickets(appID, typ) {
		if t.Value == value && now.Before(t.Accepted) {
			return true
		}
	}
	return false
}

// CurrentTicket is the newest ticket, and the time until which WeChat accepts it; "" if none is
// accepted now. It issues nothing and counts nothing.
func (s *Sim) CurrentTicket(appID, typ string) (value string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	past := s.tickets(appID, typ)
	if len(past) == 0 || !s.now().Before(past[len(past)-1].Accepted) {
		return "", time.Time{}
	}
	last := past[len(past)-1]
	return last.Value, last.Accepted
}

func (s *Sim) tickets(appID, typ string) []ticket {
	if a := s.state.Apps[appID]; a != nil {
		return a.Tickets[typ]
	}
	return nil
}
