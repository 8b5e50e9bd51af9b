package wechatsim

import (
	"fmt"
	"testing"
	"time"
)

func (f *fixture) expectTicket(value string, want bool) {
	f.t.Helper()
	if f.TicketValid(appID, "jsapi", value) != want {
		f.t.Errorf("%v: ticket valid: %v, want %v", f.clock().Sub(start), !want, want)
	}
	err := f.VerifySignature(appID, "https://example.com/?a=b", "nonce", 1714536000,
		sign(value, "nonce", 1714536000, "https://example.com/?a=b"))
	if (err == nil) != want {
		f.t.Errorf("%v: signature: %v, want it to pass: %v", f.clock().Sub(start), err, want)
	}
}

// A ticket is repeated for 7200 s from the first fetch, and expires_in always says 7200.
func TestTicketIsRepeated(t *testing.T) {
	f := newFixture(t)
	token := f.stable(false).token
	first := f.fetchTicket(token, "jsapi")
	if first.expiresIn != 7200 || first.code != 0 || first.message != "ok" {
		t.Fatalf("%+v", first)
	}
	f.advance(7200*time.Second - 1)
	if r := f.fetchTicket(token, "jsapi"); r.ticket != first.ticket || r.expiresIn != 7200 {
		t.Errorf("near the end: %+v", r)
	}
	f.expectTicket(first.ticket, true)
	f.advance(1)
	f.expectTicket(first.ticket, false)
	second := f.ticket()
	if second == first.ticket {
		t.Error("the same ticket in the next window")
	}
	f.expectTicket(second, true)
}

func TestTicketTypes(t *testing.T) {
	f := newFixture(t)
	token := f.stable(false).token
	jsapi, card := f.fetchTicket(token, "jsapi"), f.fetchTicket(token, "wx_card")
	if jsapi.ticket == card.ticket || card.expiresIn != 7200 {
		t.Errorf("%+v", card)
	}
	if f.TicketValid(appID, "jsapi", card.ticket) || !f.TicketValid(appID, "wx_card", card.ticket) || f.TicketValid(other, "wx_card", card.ticket) {
		t.Error("types or accounts are mixed up")
	}
	for _, typ := range []string{"", "sdk"} {
		if r := f.fetchTicket(token, typ); r.status != 400 {
			t.Errorf("%q: %+v", typ, r)
		}
	}
}

// A forced refresh ends the token, not the ticket.
func TestForcedRefreshReplacesNoTicket(t *testing.T) {
	f := newFixture(t)
	value := f.ticket()
	f.stable(true)
	f.expectTicket(value, true)
	if f.ticket() != value {
		t.Error("another ticket for another token")
	}
}

func TestTicketLead(t *testing.T) {
	for _, c := range []struct {
		name                string
		lead, overlap, ends time.Duration
		early               bool
	}{
		{"default", 0, 0, 7200 * time.Second, false},
		{"overlap", 0, 300 * time.Second, 7500 * time.Second, false},
		{"lead", 300 * time.Second, 0, 7200 * time.Second, false},
		{"lead and overlap", 300 * time.Second, 300 * time.Second, 7500 * time.Second, false},
		{"lead, ends early", 300 * time.Second, 0, 6900 * time.Second, true},
		{"lead and short overlap, ends early", 300 * time.Second, 60 * time.Second, 6960 * time.Second, true},
		{"lead and long overlap, ends early", 300 * time.Second, 600 * time.Second, 7500 * time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, with(func(s *Switches) { s.TicketLead, s.TicketOverlap, s.TicketEndsEarly = c.lead, c.overlap, c.early }))
			first := f.ticket()
			change := lifetime - c.lead
			f.advance(change - 1)
			if f.ticket() != first {
				t.Error("changed early")
			}
			f.advance(1)
			second := f.ticket()
			if second == first {
				t.Error("did not change")
			}
			f.expectTicket(second, true)
			if c.ends > change {
				f.advanceTo(start.Add(c.ends - 1))
				f.expectTicket(first, true)
				f.advance(1)
			}
			f.expectTicket(first, false)
			f.advanceTo(start.Add(change + lifetime - c.lead - 1))
			f.expectTicket(second, true)
		})
	}
}

// A ticket ends even if nobody fetches the next one.
func TestTicketEndsWithoutANextFetch(t *testing.T) {
	f := newFixture(t, with(func(s *Switches) { s.TicketLead, s.TicketOverlap, s.TicketEndsEarly = time.Minute, time.Minute, true }))
	value := f.ticket()
	f.advance(lifetime + time.Minute - 1)
	f.expectTicket(value, true)
	f.ticket() // this late, the next ticket does not extend it
	f.advance(1)
	f.expectTicket(value, false)
}

// The window of a ticket ends at a fixed time, whenever the ticket is fetched first.
func TestTicketGrid(t *testing.T) {
	for _, lead := range []time.Duration{0, 300 * time.Second} {
		t.Run(fmt.Sprintf("TicketLead=%v", lead), func(t *testing.T) {
			f := newFixture(t, with(func(s *Switches) { s.TicketGrid, s.TicketLead = true, lead }))
			f.advance(7200*time.Second - lead - time.Second)
			late := f.ticket()
			f.advance(time.Second - 1)
			if f.ticket() != late {
				t.Error("changed within the window")
			}
			f.advance(1)
			next := f.ticket()
			if next == late {
				t.Error("did not change at the end of the window")
			}
			f.advanceTo(start.Add(lifetime - 1))
			f.expectTicket(late, true)
			f.advance(1)
			f.expectTicket(late, false)
			f.advanceTo(start.Add(2*lifetime - lead - 1))
			if f.ticket() != next {
				t.Error("the next window is not 7200 s long")
			}
		})
	}
}

// A first fetch within the lead gets the ticket of the next window.
func TestTicketGridFirstFetchWithinLead(t *testing.T) {
	f := newFixture(t, with(func(s *Switches) { s.TicketGrid, s.TicketLead = true, 300*time.Second }))
	f.advance(7000 * time.Second)
	value := f.ticket()
	f.advanceTo(start.Add(2*lifetime - 300*time.Second - 1))
	if f.ticket() != value {
		t.Error("changed")
	}
}

func TestTicketRemaining(t *testing.T) {
	for _, remaining := range []bool{false, true} {
		t.Run(fmt.Sprintf("TicketRemaining=%v", remaining), func(t *testing.T) {
			f := newFixture(t, with(func(s *Switches) { s.TicketRemaining = remaining }))
			token := f.stable(false).token
			f.fetchTicket(token, "jsapi")
			f.advance(time.Hour)
			want := 7200
			if remaining {
				want = 3600
			}
			if r := f.fetchTicket(token, "jsapi"); r.expiresIn != want {
				t.Errorf("%d, want %d", r.expiresIn, want)
			}
		})
	}
}

func TestCurrentTicket(t *testing.T) {
	f := newFixture(t, with(func(s *Switches) { s.TicketOverlap = time.Minute }))
	if v, until := f.CurrentTicket(appID, "jsapi"); v != "" || !until.IsZero() {
		t.Errorf("before any: %q %v", v, until)
	}
	value := f.ticket()
	if v, until := f.CurrentTicket(appID, "jsapi"); v != value || !until.Equal(start.Add(lifetime+time.Minute)) {
		t.Errorf("%q %v", v, until)
	}
	f.advance(lifetime + time.Minute - 1)
	if v, _ := f.CurrentTicket(appID, "jsapi"); v != value {
		t.Error("no current ticket before its end")
	}
	f.advance(1)
	if v, _ := f.CurrentTicket(appID, "jsapi"); v != "" {
		t.Error("a current ticket at its end")
	}
	if n := f.Calls(PathTicket); n != 1 {
		t.Errorf("reading was counted: %d", n)
	}
}
