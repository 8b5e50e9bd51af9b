package credential

import (
	"slices"
	"testing"
	"time"

	"wechatfn/shared/wechat"
)

var noon = time.Unix(1_800_000_000, 0)

// at is a record whose token and ticket were polled and end at the given
// distances from noon, in seconds.
func at(change func(*Record)) Record {
	r := Record{
		Token:   Token{Value: "t", State: State{Fingerprint: "a", ExpiresAt: noon.Unix() + 5000, PolledAt: noon.Unix() - 2000}},
		Tickets: map[wechat.TicketType]State{wechat.JSAPI: {Fingerprint: "b", Published: "v", ExpiresAt: noon.Unix() + 5000, PolledAt: noon.Unix() - 60}},
	}
	if change != nil {
		change(&r)
	}
	return r
}

func ticketAt(change func(*State)) Record {
	return at(func(r *Record) {
		held := r.Tickets[wechat.JSAPI]
		change(&held)
		r.Tickets[wechat.JSAPI] = held
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
		{"all fresh", at(nil), 0, false, false},

		{"token a moment before its window", at(func(r *Record) { r.Token.ExpiresAt = unix + 300 }), -time.Nanosecond, false, false},
		{"token at its window", at(func(r *Record) { r.Token.ExpiresAt = unix + 300 }), 0, true, false},
		{"token polled just now", at(func(r *Record) { r.Token.ExpiresAt = unix + 200; r.Token.PolledAt = unix - 45 }), -time.Nanosecond, false, false},
		{"token polled a tick ago", at(func(r *Record) { r.Token.ExpiresAt = unix + 200; r.Token.PolledAt = unix - 45 }), 0, true, false},
		{"token dead", at(func(r *Record) { r.Token.Dead = true }), 0, true, false},
		{"token dead, waiting", at(func(r *Record) { r.Token.Dead = true; r.Token.Failure.Until = unix }), -time.Nanosecond, false, false},
		{"token dead, waited", at(func(r *Record) { r.Token.Dead = true; r.Token.Failure.Until = unix }), 0, true, false},
		{"token ended, waiting", at(func(r *Record) {
			r.Token.ExpiresAt = unix
			r.Token.Failure.Until = unix + 1
			delete(r.Tickets, wechat.JSAPI)
		}), 0, false, false},

		{"ticket never seen", at(func(r *Record) { delete(r.Tickets, wechat.JSAPI) }), 0, false, true},
		{"ticket a moment before its window", ticketAt(func(h *State) { h.ExpiresAt = unix + 240 }), -time.Nanosecond, false, false},
		{"ticket at its window", ticketAt(func(h *State) { h.ExpiresAt = unix + 240 }), 0, false, true},
		{"ticket before its learnt window", ticketAt(func(h *State) { h.Lead = 300; h.ExpiresAt = unix + 480 }), -time.Nanosecond, false, false},
		{"ticket at its learnt window", ticketAt(func(h *State) { h.Lead = 300; h.ExpiresAt = unix + 480 }), 0, false, true},
		{"ticket before the longest window", ticketAt(func(h *State) { h.Lead = 7000; h.ExpiresAt = unix + 3600 }), -time.Nanosecond, false, false},
		{"ticket at the longest window", ticketAt(func(h *State) { h.Lead = 7000; h.ExpiresAt = unix + 3600 }), 0, false, true},
		{"ticket polled just now", ticketAt(func(h *State) { h.ExpiresAt = unix + 200; h.PolledAt = unix - 45 }), -time.Nanosecond, false, false},
		{"ticket polled a tick ago", ticketAt(func(h *State) { h.ExpiresAt = unix + 200; h.PolledAt = unix - 45 }), 0, false, true},
		{"ticket within the margin, kicked", ticketAt(func(h *State) { h.ExpiresAt = unix + 60; h.PolledAt = unix - 9 }), 0, false, true},
		{"ticket before the margin, kicked", ticketAt(func(h *State) { h.ExpiresAt = unix + 60; h.PolledAt = unix - 9 }), -time.Nanosecond, false, false},
		{"ticket watched", ticketAt(func(h *State) { h.Watched = true; h.PolledAt = unix - 45 }), 0, false, true},
		{"ticket watched, polled just now", ticketAt(func(h *State) { h.Watched = true; h.PolledAt = unix - 45 }), -time.Nanosecond, false, false},
		{"ticket due for a check", ticketAt(func(h *State) { h.PolledAt = unix - 855 }), 0, false, true},
		{"ticket not yet due for a check", ticketAt(func(h *State) { h.PolledAt = unix - 855 }), -time.Nanosecond, false, false},
		{"ticket not published", ticketAt(func(h *State) { h.Published = ""; h.PolledAt = unix - 9 }), 0, false, true},
		{"ticket failed, waiting", ticketAt(func(h *State) { h.Watched = true; h.Failure.Until = unix }), -time.Nanosecond, false, false},
		{"ticket failed, waited", ticketAt(func(h *State) { h.Watched = true; h.Failure.Until = unix }), 0, false, true},

		{"leased", at(func(r *Record) { r.Token.Value = ""; r.Lease = Lease{Owner: "x", Deadline: unix} }), -time.Nanosecond, false, false},
		{"lease over", at(func(r *Record) { r.Token.Value = ""; r.Lease = Lease{Owner: "x", Deadline: unix} }), 0, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan := Next(c.record, []wechat.TicketType{wechat.JSAPI}, noon.Add(c.after))
			if plan.Token != c.token || slices.Contains(plan.Tickets, wechat.JSAPI) != c.ticket {
				t.Errorf("plan %+v, want token %v, ticket %v", plan, c.token, c.ticket)
			}
		})
	}
}

func TestLearn(t *testing.T) {
	before := State{Fingerprint: Fingerprint("one"), ExpiresAt: noon.Unix() + 1000, PolledAt: noon.Unix() - 50, Published: "v", Failure: Failure{Count: 3}}
	for _, c := range []struct {
		name      string
		held      State
		value     string
		expiresIn time.Duration
		end       int64 // from noon
		watched   bool
		published string
	}{
		{"the same never gains life", before, "one", 7200 * time.Second, 1000, false, "v"},
		{"the same may lose life, and is published again", before, "one", 300 * time.Second, 300, false, ""},
		{"another, seen a minute after", before, "two", 7200 * time.Second, 7200, false, ""},
		{"another, longer than a ticket lives", before, "two", 9000 * time.Second, 7200, false, ""},
		{"another after 100 s", older(before, 100), "two", 7200 * time.Second, 7160, false, ""},
		{"another after 120 s", older(before, 120), "two", 7200 * time.Second, 7140, false, ""},
		{"another after 121 s", older(before, 121), "two", 7200 * time.Second, 7200, true, ""},
		{"the first ever", State{}, "one", 7200 * time.Second, 7200, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.held.learnTicket(c.value, c.expiresIn, noon)
			if got.ExpiresAt != noon.Unix()+c.end || got.Watched != c.watched || got.Published != c.published {
				t.Errorf("%+v", got)
			}
			if got.PolledAt != noon.Unix() || got.Failure != (Failure{}) {
				t.Errorf("the poll was not noted: %+v", got)
			}
		})
	}
}

func older(h State, seconds int64) State {
	h.PolledAt = noon.Unix() - seconds
	return h
}

func TestSpend(t *testing.T) {
	unix := noon.Unix()
	day := int64(forceDay / time.Second)
	ten := make([]int64, 10)
	for i := range ten {
		ten[i] = unix - day + 1 + int64(i)*100
	}
	for _, c := range []struct {
		name  string
		times []int64
		wait  time.Duration
		left  int
	}{
		{"first", nil, 0, 1},
		{"30 s after another", []int64{unix - 30}, time.Second, 1},
		{"31 s after another", []int64{unix - 31}, 0, 2},
		{"eleventh of a day", ten, time.Second, 10},
		{"the oldest is a day old", append([]int64{unix - day}, ten[1:]...), 0, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, wait := spend(c.times, noon)
			if wait != c.wait || len(got) != c.left {
				t.Errorf("wait %v, %d times; want %v, %d", wait, len(got), c.wait, c.left)
			}
		})
	}
}

func BenchmarkNext(b *testing.B) {
	r, wants := at(nil), []wechat.TicketType{wechat.JSAPI, wechat.WXCard}
	b.ReportAllocs()
	for b.Loop() {
		Next(r, wants, noon)
	}
}
