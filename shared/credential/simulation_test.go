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

// simulation is the refresher and the signature function at work: a tick each
// minute, requests to three instances, and refresh requests that reach the refresher
// after half a second, as the table's stream delivers them.
type simulation struct {
	*fixture
	renewer         *Renewer
	readers         []*Reader
	requestInterval time.Duration
	tickJitter      time.Duration        // a tick is late by this at most
	ticks           func(minute int) int // how many there are in a minute

	served, refused int
	invalidFor      time.Duration // for how long an invalid ticket was handed out
	longestRefusal  time.Duration // how long requests were refused without a break
	refusedSince    time.Time
}

func newSimulation(f *fixture) *simulation {
	s := &simulation{
		fixture: f, renewer: f.renewer(),
		requestInterval: 10 * time.Second,
		tickJitter:      5 * time.Second,
		ticks:           func(int) int { return 1 },
	}
	for range 3 {
		s.readers = append(s.readers, f.reader(func(string) {
			go func() {
				time.Sleep(500 * time.Millisecond)
				_, _ = s.renewer.HandleRefreshRequest(f.t.Context(), f.account)
			}()
		}))
	}
	return s
}

// run runs the simulation for d. The ticket of each request is checked with the
// simulated WeChat.
func (s *simulation) run(d time.Duration) {
	rng := rand.New(rand.NewPCG(1, 2))
	begin := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for minute := 0; time.Since(begin) < d; minute++ {
			at := begin.Add(time.Duration(minute)*time.Minute + time.Duration(rng.Int64N(int64(s.tickJitter)+1)))
			time.Sleep(time.Until(at))
			for range s.ticks(minute) {
				s.tick(s.renewer)
			}
		}
	}()
	for i := 0; time.Since(begin) < d; i++ {
		s.request(s.readers[i%len(s.readers)])
		time.Sleep(s.requestInterval)
	}
	<-done
	synctest.Wait()
	time.Sleep(time.Second) // for the last refresh request
}

// request counts whether the reader hands out a ticket. It returns the reader's error.
func (s *simulation) request(reader *Reader) error {
	value, expiry, err := reader.Ticket(s.t.Context(), testAppID, wechat.JSAPI)
	if err != nil {
		if s.refusedSince.IsZero() {
			s.refusedSince = time.Now()
		}
		s.refused++
		s.longestRefusal = max(s.longestRefusal, time.Since(s.refusedSince))
		return err
	}
	s.refusedSince = time.Time{}
	s.served++
	if !s.sim.TicketValid(testAppID, "jsapi", value) {
		s.invalidFor += s.requestInterval
	}
	if left := time.Until(expiry); left <= Margin {
		s.t.Errorf("%s: a ticket was handed out %v before its expiry", time.Now(), left)
	}
	return nil
}

func (s *simulation) checkToken() {
	s.t.Helper()
	record := s.record()
	if left := record.Token.left(time.Now()); left < Margin {
		s.t.Errorf("%s: the token has %v left", time.Now(), left)
	}
	if !s.sim.TokenValid(testAppID, record.Token.Value) {
		s.t.Errorf("%s: the stored token is invalid", time.Now())
	}
}

// ticketBehaviours are the ways in which WeChat may change tickets. maxRefusal is
// how long requests are refused in the worst of them: if the next ticket is given out
// only when the last one has expired, there is none to hand out from Margin before
// that expiry until the next poll.
var ticketBehaviours = []struct {
	name       string
	switches   wechatsim.Switches
	maxRefusal time.Duration
}{
	{"next ticket 5 minutes early", nextTicketEarly, 0},
	{"early, the old one ends when the next one is fetched", wechatsim.Switches{TicketLead: 300 * time.Second, TicketOverlap: 60 * time.Second, TicketEndsEarly: true}, 0},
	{"next ticket 20 minutes early", wechatsim.Switches{TicketLead: 20 * time.Minute, TicketOverlap: 300 * time.Second}, 0},
	{"next ticket at the expiry", wechatsim.Switches{}, 130 * time.Second},
	{"at the expiry, on a grid", wechatsim.Switches{TicketGrid: true}, 130 * time.Second},
	{"at the expiry, the old one still accepted", wechatsim.Switches{TicketOverlap: 300 * time.Second}, 130 * time.Second},
}

// nextTicketEarly is a WeChat that gives out the next ticket five minutes before the
// expiry.
var nextTicketEarly = wechatsim.Switches{TicketLead: 300 * time.Second, TicketOverlap: 300 * time.Second}

// maxUnseen is how long a ticket may be handed out after WeChat ended it, if nobody
// saw when WeChat made it: until the next poll and the next read.
const maxUnseen = 75 * time.Second

// Thirty days with late ticks: no request is refused, no invalid ticket is handed out,
// and WeChat is called a bounded number of times a day.
func TestThirtyDays(t *testing.T) {
	days := 30
	if raceDetector {
		days = 1 // the whole month runs without it
	}
	for _, classic := range []bool{false, true} {
		for _, c := range ticketBehaviours {
			t.Run(fmt.Sprintf("classic=%v/%s", classic, c.name), func(t *testing.T) {
				t.Parallel()
				bubble(t, c.switches, func(t *testing.T, f *fixture) {
					f.classic = classic
					f.account.Tickets = []wechat.TicketType{wechat.JSAPI, wechat.WXCard}
					s := newSimulation(f)
					time.Sleep(31*time.Minute + 7*time.Second) // somewhere on the grid
					s.tick(s.renewer)
					for day := range days {
						f.sim.ResetCounts()
						s.refused, s.longestRefusal, s.invalidFor = 0, 0, 0
						s.run(24 * time.Hour)
						s.checkToken()
						s.checkDay(day, c.maxRefusal)
					}
				})
			})
		}
	}
}

func (s *simulation) checkDay(day int, maxRefusal time.Duration) {
	s.t.Helper()
	if s.longestRefusal > maxRefusal || (maxRefusal == 0 && s.refused > 0) {
		s.t.Errorf("day %d: %d requests refused, for %v without a break; %v is allowed", day, s.refused, s.longestRefusal, maxRefusal)
	}
	// The first ticket may have existed before it was first seen, so its end may be unseen.
	if s.invalidFor > 0 && (day > 0 || s.invalidFor > maxUnseen) {
		s.t.Errorf("day %d: an invalid ticket was handed out for %v", day, s.invalidFor)
	}
	tokens, tickets := s.tokenCalls(), s.sim.Calls(wechatsim.PathTicket)
	limit := 400
	if day == 0 {
		limit = 700 // it is not known when the first tickets were made, so they are watched
	}
	if tokens > 150 || tickets > limit {
		s.t.Errorf("day %d: %d token and %d ticket calls", day, tokens, tickets)
	}
	if day < 2 {
		s.t.Logf("day %d: %d token and %d ticket calls for two ticket types, %d of %d requests refused, for %v without a break", day, tokens, tickets, s.refused, s.served+s.refused, s.longestRefusal)
	}
}

func TestFiveTicksAtATimeCostNoMoreCallsThanOne(t *testing.T) {
	t.Parallel()
	callsWith := func(ticks int) (calls string) {
		bubble(t, wechatsim.Switches{TicketLead: 300 * time.Second}, func(t *testing.T, f *fixture) {
			s := newSimulation(f)
			s.tickJitter = 0
			s.ticks = func(int) int { return ticks }
			s.tick(s.renewer)
			s.run(12 * time.Hour)
			if s.refused > 0 || s.invalidFor > 0 {
				t.Errorf("%d ticks at a time: %d requests refused", ticks, s.refused)
			}
			calls = f.calls()
		})
		return calls
	}
	if one, five := callsWith(1), callsWith(5); one != five {
		t.Errorf("five ticks at a time made %s calls, one made %s", five, one)
	}
}

// Ten ticks in a row are missed, beginning at each minute of a ticket's lifetime.
func TestTenMissedTicks(t *testing.T) {
	t.Parallel()
	step := 1
	if raceDetector {
		step = 65
	}
	for _, c := range ticketBehaviours {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for first := 1; first < 130; first += step {
				t.Run(fmt.Sprintf("from=%d", first), func(t *testing.T) {
					bubble(t, c.switches, func(t *testing.T, f *fixture) {
						s := newSimulation(f)
						s.ticks = func(minute int) int {
							if minute >= first && minute < first+10 {
								return 0
							}
							return 1
						}
						s.tick(s.renewer)
						s.run(270 * time.Minute)
						if s.invalidFor > 0 || s.longestRefusal > c.maxRefusal || (c.maxRefusal == 0 && s.refused > 0) {
							t.Errorf("%d requests refused, for %v without a break; an invalid ticket for %v", s.refused, s.longestRefusal, s.invalidFor)
						}
					})
				})
			}
		})
	}
}
