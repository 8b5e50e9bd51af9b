package wechatsim

import (
	"testing"
	"time"
)

func (w *fixture) expectTicket(value string, want bool) {
	w.t.Helper()
	if w.TicketValid(appID, "jsapi", value) != want {
		w.t.Errorf("%v: ticket alive: %v, want %v", w.clock().Sub(start), !want, want)
	}
	err := w.VerifySignature(appID, "https://example.com/?a=b", "nonce", 1714536000,
		sign(value, "nonce", 1714536000, "https://example.com/?a=b"))
	if (err == nil) != want {
		w.t.Errorf("%v: signature: %v, want it to pass: %v", w.clock().Sub(start), err, want)
	}
}

// TestTicket: one value for 7200 s from the first fetch, and 7200 each time.
func TestTicket(t *testing.T) {
	w := newFixture(t)
	token := w.stable(false).token
	first := w.fetchTicket(token, "jsapi")
	if first.expiresIn != 7200 || first.code != 0 || first.message != "ok" {
		t.Fatalf("%+v", first)
	}
	w.advance(7200*time.Second - 1)
	if r := w.fetchTicket(token, "jsapi"); r.ticket != first.ticket || r.expiresIn != 7200 {
		t.Errorf("near the end: %+v", r)
	}
	w.expectTicket(first.ticket, true)
	w.advance(1)
	w.expectTicket(first.ticket, false)
	second := w.ticket()
	if second == first.ticket {
		t.Error("the same ticket in the next window")
	}
	w.expectTicket(second, true)
}

func TestTicketTypes(t *testing.T) {
	w := newFixture(t)
	token := w.stable(false).token
	jsapi, card := w.fetchTicket(token, "jsapi"), w.fetchTicket(token, "wx_card")
	if jsapi.ticket == card.ticket || card.expiresIn != 7200 {
		t.Errorf("%+v", card)
	}
	if w.TicketValid(appID, "jsapi", card.ticket) || !w.TicketValid(appID, "wx_card", card.ticket) || w.TicketValid(other, "wx_card", card.ticket) {
		t.Error("types or accounts are mixed up")
	}
	for _, typ := range []string{"", "sdk"} {
		if r := w.fetchTicket(token, typ); r.status != 400 {
			t.Errorf("%q: %+v", typ, r)
		}
	}
}

// TestTicketOutlivesToken: a forced refresh ends the token, not the ticket.
func TestTicketOutlivesToken(t *testing.T) {
	w := newFixture(t)
	value := w.ticket()
	w.stable(true)
	w.expectTicket(value, true)
	if w.ticket() != value {
		t.Error("another ticket for another token")
	}
}

func TestTicketLead(t *testing.T) {
	for _, c := range []struct {
		lead, overlap, ends time.Duration
		early               bool
	}{
		{0, 0, 7200 * time.Second, false},
		{0, 300 * time.Second, 7500 * time.Second, false},
		{300 * time.Second, 0, 7200 * time.Second, false},
		{300 * time.Second, 300 * time.Second, 7500 * time.Second, false},
		{300 * time.Second, 0, 6900 * time.Second, true},
		{300 * time.Second, 60 * time.Second, 6960 * time.Second, true},
		{300 * time.Second, 600 * time.Second, 7500 * time.Second, true},
	} {
		w := newFixture(t, with(func(s *Switches) { s.TicketLead, s.TicketOverlap, s.TicketEndsEarly = c.lead, c.overlap, c.early }))
		first := w.ticket()
		change := lifetime - c.lead
		w.advance(change - 1)
		if w.ticket() != first {
			t.Errorf("%+v: changed early", c)
		}
		w.advance(1)
		second := w.ticket()
		if second == first {
			t.Errorf("%+v: did not change", c)
		}
		w.expectTicket(second, true)
		if c.ends > change {
			w.advanceTo(start.Add(c.ends - 1))
			w.expectTicket(first, true)
			w.advance(1)
		}
		w.expectTicket(first, false)
		w.advanceTo(start.Add(change + lifetime - c.lead - 1))
		w.expectTicket(second, true)
	}
}

// TestTicketOverlapAlone: with nobody asking for a new one, the old ends all the same.
func TestTicketOverlapAlone(t *testing.T) {
	w := newFixture(t, with(func(s *Switches) { s.TicketLead, s.TicketOverlap, s.TicketEndsEarly = time.Minute, time.Minute, true }))
	value := w.ticket()
	w.advance(lifetime + time.Minute - 1)
	w.expectTicket(value, true)
	w.ticket() // so late a successor does not prolong it
	w.advance(1)
	w.expectTicket(value, false)
}

// TestTicketGrid: a window ends at a fixed point, whenever it was first asked for.
func TestTicketGrid(t *testing.T) {
	for _, lead := range []time.Duration{0, 300 * time.Second} {
		w := newFixture(t, with(func(s *Switches) { s.TicketGrid, s.TicketLead = true, lead }))
		w.advance(7200*time.Second - lead - time.Second)
		late := w.ticket()
		w.advance(time.Second - 1)
		if w.ticket() != late {
			t.Error("changed within the window")
		}
		w.advance(1)
		next := w.ticket()
		if next == late {
			t.Error("did not change at the end of the window")
		}
		w.advanceTo(start.Add(lifetime - 1))
		w.expectTicket(late, true)
		w.advance(1)
		w.expectTicket(late, false)
		w.advanceTo(start.Add(2*lifetime - lead - 1))
		if w.ticket() != next {
			t.Error("the next window is not 7200 s long")
		}
	}
}

// TestTicketGridFirstFetchWithinLead: the first ticket ever is then the next window's.
func TestTicketGridFirstFetchWithinLead(t *testing.T) {
	w := newFixture(t, with(func(s *Switches) { s.TicketGrid, s.TicketLead = true, 300*time.Second }))
	w.advance(7000 * time.Second)
	value := w.ticket()
	w.advanceTo(start.Add(2*lifetime - 300*time.Second - 1))
	if w.ticket() != value {
		t.Error("changed")
	}
}

func TestTicketRemaining(t *testing.T) {
	for _, remaining := range []bool{false, true} {
		w := newFixture(t, with(func(s *Switches) { s.TicketRemaining = remaining }))
		token := w.stable(false).token
		w.fetchTicket(token, "jsapi")
		w.advance(time.Hour)
		want := 7200
		if remaining {
			want = 3600
		}
		if r := w.fetchTicket(token, "jsapi"); r.expiresIn != want {
			t.Errorf("%d, want %d", r.expiresIn, want)
		}
	}
}

func TestCurrentTicket(t *testing.T) {
	w := newFixture(t, with(func(s *Switches) { s.TicketOverlap = time.Minute }))
	if v, until := w.CurrentTicket(appID, "jsapi"); v != "" || !until.IsZero() {
		t.Errorf("before any: %q %v", v, until)
	}
	value := w.ticket()
	if v, until := w.CurrentTicket(appID, "jsapi"); v != value || !until.Equal(start.Add(lifetime+time.Minute)) {
		t.Errorf("%q %v", v, until)
	}
	w.advance(lifetime + time.Minute - 1)
	if v, _ := w.CurrentTicket(appID, "jsapi"); v != value {
		t.Error("gone before its end")
	}
	w.advance(1)
	if v, _ := w.CurrentTicket(appID, "jsapi"); v != "" {
		t.Error("still there at its end")
	}
	if n := w.Calls(PathTicket); n != 1 {
		t.Errorf("looking was counted: %d", n)
	}
}
