package credential

import (
	"reflect"
	"testing"
	"time"

	"wechatfn/shared/wechat"
)

var noon = time.Unix(1_800_000_000, 0)

// recordWith is a record at noon in which nothing is due, changed by change.
func recordWith(change func(*Record)) Record {
	r := Record{
		Token:   Token{Value: "t", State: State{Fingerprint: "a", ExpiresAt: noon.Unix() + 5000, PolledAt: noon.Unix() - 2000}},
		Tickets: map[wechat.TicketType]State{wechat.JSAPI: {Fingerprint: "b", Published: "v", ExpiresAt: noon.Unix() + 5000, PolledAt: noon.Unix() - 60}},
	}
	if change != nil {
		change(&r)
	}
	return r
}

// ticketWith is a record at noon in which nothing is due but what change causes.
func ticketWith(change func(*State)) Record {
	return recordWith(func(r *Record) {
		ticket := r.Tickets[wechat.JSAPI]
		change(&ticket)
		r.Tickets[wechat.JSAPI] = ticket
	})
}

func TestNext(t *testing.T) {
	unix := noon.Unix()
	for _, c := range []struct {
		name   string
		record Record
		after  time.Duration
		token  bool
		ticket bool
	}{
		{"nothing known", Record{}, 0, true, true},
		{"nothing due", recordWith(nil), 0, false, false},

		{"token just before its window", recordWith(func(r *Record) { r.Token.ExpiresAt = unix + 300 }), -time.Nanosecond, false, false},
		{"token at the start of its window", recordWith(func(r *Record) { r.Token.ExpiresAt = unix + 300 }), 0, true, false},
		{"token polled just now", recordWith(func(r *Record) { r.Token.ExpiresAt = unix + 200; r.Token.PolledAt = unix - 45 }), -time.Nanosecond, false, false},
		{"token polled a tick ago", recordWith(func(r *Record) { r.Token.ExpiresAt = unix + 200; r.Token.PolledAt = unix - 45 }), 0, true, false},
		{"token invalid", recordWith(func(r *Record) { r.Token.Invalid = true }), 0, true, false},
		{"token invalid, before the end of the wait", recordWith(func(r *Record) { r.Token.Invalid = true; r.Token.Failure.Until = unix }), -time.Nanosecond, false, false},
		{"token invalid, at the end of the wait", recordWith(func(r *Record) { r.Token.Invalid = true; r.Token.Failure.Until = unix }), 0, true, false},
		{"token invalid and waiting, ticket due", recordWith(func(r *Record) {
			r.Token.Invalid = true
			r.Token.Failure.Until = unix + 1
			r.Tickets[wechat.JSAPI] = State{Fingerprint: "b", Published: "v", ExpiresAt: unix + 5000, Watched: true}
		}), 0, false, false},
		{"token expired and waiting, ticket never seen", recordWith(func(r *Record) {
			r.Token.ExpiresAt = unix
			r.Token.Failure.Until = unix + 1
			delete(r.Tickets, wechat.JSAPI)
		}), 0, false, false},
		{"token waiting a second before its expiry, ticket due", recordWith(func(r *Record) {
			r.Token.ExpiresAt = unix + 1
			r.Token.Failure.Until = unix + 1
			r.Tickets[wechat.JSAPI] = State{Fingerprint: "b", Published: "v", ExpiresAt: unix + 5000, Watched: true}
		}), 0, false, true},
		{"token waiting at its expiry, ticket due", recordWith(func(r *Record) {
			r.Token.ExpiresAt = unix
			r.Token.Failure.Until = unix + 1
			r.Tickets[wechat.JSAPI] = State{Fingerprint: "b", Published: "v", ExpiresAt: unix + 5000, Watched: true}
		}), 0, false, false},

		{"ticket never seen", recordWith(func(r *Record) { delete(r.Tickets, wechat.JSAPI) }), 0, false, true},
		{"ticket just before its window", ticketWith(func(s *State) { s.ExpiresAt = unix + 240 }), -time.Nanosecond, false, false},
		{"ticket at the start of its window", ticketWith(func(s *State) { s.ExpiresAt = unix + 240 }), 0, false, true},
		{"ticket before its learned window", ticketWith(func(s *State) { s.Lead = 300; s.ExpiresAt = unix + 480 }), -time.Nanosecond, false, false},
		{"ticket at the start of its learned window", ticketWith(func(s *State) { s.Lead = 300; s.ExpiresAt = unix + 480 }), 0, false, true},
		{"ticket before the longest window", ticketWith(func(s *State) { s.Lead = 7000; s.ExpiresAt = unix + 3600 }), -time.Nanosecond, false, false},
		{"ticket at the start of the longest window", ticketWith(func(s *State) { s.Lead = 7000; s.ExpiresAt = unix + 3600 }), 0, false, true},
		{"ticket polled just now", ticketWith(func(s *State) { s.ExpiresAt = unix + 200; s.PolledAt = unix - 45 }), -time.Nanosecond, false, false},
		{"ticket polled a tick ago", ticketWith(func(s *State) { s.ExpiresAt = unix + 200; s.PolledAt = unix - 45 }), 0, false, true},
		{"ticket within the margin, polled just now", ticketWith(func(s *State) { s.ExpiresAt = unix + 60; s.PolledAt = unix - 9 }), -time.Nanosecond, false, false},
		{"ticket within the margin, polled a request ago", ticketWith(func(s *State) { s.ExpiresAt = unix + 60; s.PolledAt = unix - 9 }), 0, false, true},
		{"ticket expired, polled 8 s ago", ticketWith(func(s *State) { s.ExpiresAt = unix; s.PolledAt = unix - 8 }), 0, false, false},
		{"ticket watched, polled a tick ago", ticketWith(func(s *State) { s.Watched = true; s.PolledAt = unix - 45 }), 0, false, true},
		{"ticket watched, polled just now", ticketWith(func(s *State) { s.Watched = true; s.PolledAt = unix - 45 }), -time.Nanosecond, false, false},
		{"ticket due for a check", ticketWith(func(s *State) { s.PolledAt = unix - 855 }), 0, false, true},
		{"ticket not yet due for a check", ticketWith(func(s *State) { s.PolledAt = unix - 855 }), -time.Nanosecond, false, false},
		{"ticket not published", ticketWith(func(s *State) { s.Published = ""; s.PolledAt = unix - 9 }), 0, false, true},
		{"ticket not published, polled 8 s ago", ticketWith(func(s *State) { s.Published = ""; s.PolledAt = unix - 8 }), 0, false, false},
		{"ticket failed, before the end of the wait", ticketWith(func(s *State) { s.Watched = true; s.Failure.Until = unix }), -time.Nanosecond, false, false},
		{"ticket failed, at the end of the wait", ticketWith(func(s *State) { s.Watched = true; s.Failure.Until = unix }), 0, false, true},

		{"lease held", recordWith(func(r *Record) { r.Token.Value = ""; r.Lease = Lease{Owner: "x", Deadline: unix} }), -time.Nanosecond, false, false},
		{"lease expired", recordWith(func(r *Record) { r.Token.Value = ""; r.Lease = Lease{Owner: "x", Deadline: unix} }), 0, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := Plan{Token: c.token}
			if c.ticket {
				want.Tickets = []wechat.TicketType{wechat.JSAPI}
			}
			if plan := Next(c.record, []wechat.TicketType{wechat.JSAPI}, noon.Add(c.after)); !reflect.DeepEqual(plan, want) {
				t.Errorf("plan %+v, want %+v", plan, want)
			}
		})
	}
}

func TestLearnTicket(t *testing.T) {
	before := State{Fingerprint: fingerprint("one"), ExpiresAt: noon.Unix() + 1000, PolledAt: noon.Unix() - 50, Published: "v", Failure: Failure{Count: 3}}
	polled := func(seconds int64) State {
		s := before
		s.PolledAt = noon.Unix() - seconds
		return s
	}
	for _, c := range []struct {
		name      string
		state     State
		value     string
		expiresIn time.Duration
		expiry    int64 // after noon
		watched   bool
		published string
	}{
		{"the same does not expire later", before, "one", 7200 * time.Second, 1000, false, "v"},
		{"the same may expire earlier, and is published again", before, "one", 300 * time.Second, 300, false, ""},
		{"another, 50 s after the last poll", before, "two", 7200 * time.Second, 7200, false, ""},
		{"another, said to be valid for longer than a ticket is", before, "two", 9000 * time.Second, 7200, false, ""},
		{"another, 100 s after the last poll", polled(100), "two", 7200 * time.Second, 7160, false, ""},
		{"another, 120 s after the last poll", polled(120), "two", 7200 * time.Second, 7140, false, ""},
		{"another, 121 s after the last poll", polled(121), "two", 7200 * time.Second, 7200, true, ""},
		{"the first ever", State{}, "one", 7200 * time.Second, 7200, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.state.learnTicket(c.value, c.expiresIn, noon)
			if got.ExpiresAt != noon.Unix()+c.expiry || got.Watched != c.watched || got.Published != c.published {
				t.Errorf("%+v", got)
			}
			if got.PolledAt != noon.Unix() || got.Failure != (Failure{}) {
				t.Errorf("the poll was not recorded: %+v", got)
			}
		})
	}
}

func TestLeadIsLearnedFromTheLastChange(t *testing.T) {
	before := State{Fingerprint: fingerprint("one"), ExpiresAt: noon.Unix() + 280, PolledAt: noon.Unix() - 60}
	if got := before.learnTicket("two", ticketLifetime, noon); got.Lead != 280 || got.window() != 460*time.Second {
		t.Errorf("lead %d, window %v", got.Lead, got.window())
	}
}

func BenchmarkNext(b *testing.B) {
	r, types := recordWith(nil), []wechat.TicketType{wechat.JSAPI, wechat.WXCard}
	b.ReportAllocs()
	for b.Loop() {
		Next(r, types, noon)
	}
}
