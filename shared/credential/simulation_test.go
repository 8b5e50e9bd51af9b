package credential

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/wechat"
)

// life runs a stack: a tick a minute, requests to several instances of the
// signature function, kicks delivered as a stream does.
type life struct {
	*world
	k       *Renewer
	readers []*Reader
	every   time.Duration // between requests
	jitter  time.Duration // of a tick, either way
	ticks   func(minute int) int

	served, refused int
	dead            time.Duration // for how long a dead ticket was handed out
	starved         time.Duration // longest run of refusals
	since           time.Time
}

func newLife(w *world) *life {
	l := &life{world: w, k: w.keeper(), every: 10 * time.Second, jitter: 5 * time.Second, ticks: func(int) int { return 1 }}
	for range 3 {
		l.readers = append(l.readers, w.reader(func(string) {
			go func() {
				time.Sleep(500 * time.Millisecond)
				_, _ = l.k.HandleRefreshRequest(w.t.Context(), w.account)
			}()
		}))
	}
	return l
}

// run lives for d. Each request's ticket is put to the simulated WeChat.
func (l *life) run(d time.Duration) {
	rng := rand.New(rand.NewPCG(1, 2))
	begin := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for minute := 0; time.Since(begin) < d; minute++ {
			at := begin.Add(time.Duration(minute)*time.Minute + time.Duration(rng.Int64N(int64(l.jitter)+1)))
			time.Sleep(time.Until(at))
			for range l.ticks(minute) {
				l.tick(l.k)
			}
		}
	}()
	for i := 0; time.Since(begin) < d; i++ {
		l.request(l.readers[i%len(l.readers)])
		time.Sleep(l.every)
	}
	<-done
	synctest.Wait()
	time.Sleep(time.Second) // the last kick
}

func (l *life) request(r *Reader) {
	value, end, err := r.Ticket(l.t.Context(), testAppID, wechat.JSAPI)
	if err != nil {
		if l.since.IsZero() {
			l.since = time.Now()
		}
		l.refused++
		l.starved = max(l.starved, time.Since(l.since))
		return
	}
	l.since = time.Time{}
	l.served++
	if !l.sim.TicketValid(testAppID, "jsapi", value) {
		l.dead += l.every
	}
	if left := time.Until(end); left <= Margin {
		l.t.Errorf("%s: a ticket was handed out %v before its end", time.Now(), left)
	}
}

func (l *life) checkToken() {
	l.t.Helper()
	record := l.stored()
	if left := record.Token.left(time.Now()); left < Margin {
		l.t.Errorf("%s: the token has %v left", time.Now(), left)
	}
	if !l.sim.TokenValid(testAppID, record.Token.Value) {
		l.t.Errorf("%s: the stored token is dead", time.Now())
	}
}

// worlds are the ways in which WeChat may end tickets. gap is what the worst of
// them costs: where the next ticket shows only when the last has ended, nothing
// can be handed out from Margin before that end until the next poll finds it.
var worlds = []struct {
	name     string
	switches wechatsim.Switches
	gap      time.Duration
}{
	{"next ticket 5 minutes early", wechatsim.Switches{TicketLead: 300 * time.Second, TicketOverlap: 300 * time.Second}, 0},
	{"early, old one dies when asked", wechatsim.Switches{TicketLead: 300 * time.Second, TicketOverlap: 60 * time.Second, TicketEndsEarly: true}, 0},
	{"next ticket 20 minutes early", wechatsim.Switches{TicketLead: 20 * time.Minute, TicketOverlap: 300 * time.Second}, 0},
	{"next ticket at the end", wechatsim.Switches{}, 130 * time.Second},
	{"at the end, on a grid", wechatsim.Switches{TicketGrid: true}, 130 * time.Second},
	{"at the end, old one accepted on", wechatsim.Switches{TicketOverlap: 300 * time.Second}, 130 * time.Second},
}

// P4 and P8: thirty days of jittered ticks.
func TestThirtyDays(t *testing.T) {
	days := 30
	if raceDetector {
		days = 1 // the whole month runs without it
	}
	for _, classic := range []bool{false, true} {
		for _, c := range worlds {
			t.Run(fmt.Sprintf("classic=%v/%s", classic, c.name), func(t *testing.T) {
				t.Parallel()
				bubble(t, c.switches, func(t *testing.T, w *world) {
					w.classic = classic
					w.account.Tickets = []wechat.TicketType{wechat.JSAPI, wechat.WXCard}
					l := newLife(w)
					time.Sleep(31*time.Minute + 7*time.Second) // somewhere on the grid
					l.tick(l.k)
					for day := range days {
						w.sim.ResetCounts()
						l.refused, l.starved, l.dead = 0, 0, 0
						l.run(24 * time.Hour)
						l.checkToken()
						l.checkDay(day, c.gap)
					}
				})
			})
		}
	}
}

func (l *life) checkDay(day int, gap time.Duration) {
	l.t.Helper()
	if l.starved > gap || (gap == 0 && l.refused > 0) {
		l.t.Errorf("day %d: %d requests refused, %v on end; %v is allowed", day, l.refused, l.starved, gap)
	}
	// The first ticket may have been born before anybody looked, and end unseen.
	if l.dead > 0 && (day > 0 || l.dead > unknowable) {
		l.t.Errorf("day %d: a dead ticket was handed out for %v", day, l.dead)
	}
	tokens, tickets := l.tokenCalls(), l.sim.Calls(wechatsim.PathTicket)
	limit := 400
	if day == 0 {
		limit = 700 // the birth of the first tickets is not known: they are watched
	}
	if tokens > 150 || tickets > limit {
		l.t.Errorf("day %d: %d token and %d ticket calls", day, tokens, tickets)
	}
	if day < 2 {
		l.t.Logf("day %d: %d token and %d ticket calls for two ticket types, %d of %d requests refused, %v on end", day, tokens, tickets, l.refused, l.served+l.refused, l.starved)
	}
}

// P9: duplicate ticks and ten missed in a row, at every phase of a ticket's life.
func TestDuplicateTicksCostNothing(t *testing.T) {
	t.Parallel()
	count := func(ticks int) (calls string) {
		bubble(t, wechatsim.Switches{TicketLead: 300 * time.Second}, func(t *testing.T, w *world) {
			l := newLife(w)
			l.jitter = 0
			l.ticks = func(int) int { return ticks }
			l.tick(l.k)
			l.run(12 * time.Hour)
			if l.refused > 0 || l.dead > 0 {
				t.Errorf("%d ticks at a time: %d requests refused", ticks, l.refused)
			}
			calls = w.calls()
		})
		return calls
	}
	if one, five := count(1), count(5); one != five {
		t.Errorf("five ticks at a time made %s calls, one made %s", five, one)
	}
}

func TestTenMissedTicks(t *testing.T) {
	t.Parallel()
	for _, c := range worlds {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			step := 1
			if raceDetector {
				step = 65
			}
			for first := 1; first < 130; first += step {
				bubble(t, c.switches, func(t *testing.T, w *world) {
					l := newLife(w)
					l.ticks = func(minute int) int {
						if minute >= first && minute < first+10 {
							return 0
						}
						return 1
					}
					l.tick(l.k)
					l.run(270 * time.Minute)
					if l.dead > 0 || l.starved > c.gap || (c.gap == 0 && l.refused > 0) {
						t.Errorf("ticks %d to %d missed: %d requests refused, %v on end", first, first+9, l.refused, l.starved)
					}
				})
			}
		})
	}
}
