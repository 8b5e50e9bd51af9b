package credential

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/wechat"
)

// maxRecovery is how long after an outage there may be no valid token or ticket.
const maxRecovery = 120 * time.Second

var outages = []struct {
	name  string
	fault wechatsim.Fault
}{
	{"connection broken", wechatsim.Fault{DropBefore: true}},
	{"busy", wechatsim.Fault{ErrCode: -1}},
	{"no answer", wechatsim.Fault{Delay: time.Minute}},
	{"502 page", wechatsim.Fault{Status: 502, Body: "<html>"}},
	{"answer lost", wechatsim.Fault{DropAfter: true}},
}

// WeChat is down for some minutes. No request is refused while the ticket is valid, and
// two minutes after the outage everything is as before.
func TestWeChatIsDown(t *testing.T) {
	for i, c := range ticketBehaviours {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for j, minutes := range []time.Duration{1, 4, 15, 60, 180} {
				for start := 121; start < 245; start += 21 {
					if raceDetector && start%3 != 0 {
						continue
					}
					outage := outages[(i+j+start)%len(outages)]
					if outage.fault.DropAfter && c.switches.TicketEndsEarly {
						continue // WeChat ends the old ticket, and the answer that says so is lost
					}
					t.Run(fmt.Sprintf("%s/from=%d/minutes=%d", outage.name, start, minutes), func(t *testing.T) {
						bubble(t, c.switches, func(t *testing.T, f *fixture) {
							s := newOutageSimulation(f)
							if outage.fault.DropAfter || c.switches.TicketGrid {
								s.maxInvalid = maxUnseen
							}
							s.weChatFails(time.Duration(start)*time.Minute, minutes*time.Minute, outage.fault, c.maxRefusal)
						})
					})
				}
			}
		})
	}
}

// outageSimulation is a simulation in which WeChat or the table is down for a while.
type outageSimulation struct {
	*simulation
	maxInvalid time.Duration // for how long an invalid ticket may be handed out in the test
}

func newOutageSimulation(f *fixture) *outageSimulation {
	s := &outageSimulation{simulation: newSimulation(f)}
	s.requestInterval = 20 * time.Second
	return s
}

// weChatFails simulates start of normal work, an outage of that length, and what comes
// after it.
func (s *outageSimulation) weChatFails(start, length time.Duration, fault wechatsim.Fault, maxRefusal time.Duration) {
	s.t.Helper()
	stop := s.schedule()
	s.requests(start, time.Time{}) // TestThirtyDays checks the beginning
	expiry := s.publishedExpiry(s.t)
	s.sim.Fail(fault)
	s.requests(length, expiry)
	s.sim.ClearFaults()
	s.requests(maxRecovery, expiry)
	if token := s.record().Token; !s.sim.TokenValid(testAppID, token.Value) || token.left(time.Now()) <= 0 {
		s.t.Errorf("no valid token %v after the outage: %+v", maxRecovery, token.State)
	}
	s.longestRefusal, s.refused, s.refusedSince = 0, 0, time.Time{}
	s.requests(135*time.Minute, time.Time{}) // until the next change of the ticket: a wrong expiry shows then
	if s.longestRefusal > maxRefusal || (maxRefusal == 0 && s.refused > 0) {
		s.t.Errorf("%d requests refused, for %v without a break, after the outage", s.refused, s.longestRefusal)
	}
	if s.invalidFor > s.maxInvalid {
		s.t.Errorf("an invalid ticket was handed out for %v", s.invalidFor)
	}
	stop()
}

// schedule ticks each minute until it is stopped.
func (s *outageSimulation) schedule() (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ; ctx.Err() == nil; time.Sleep(time.Minute) {
			_, _ = s.renewer.Tick(ctx, s.account)
		}
	}()
	return func() { cancel(); <-done; synctest.Wait() }
}

// requests makes requests for d. Until Margin before expiry none may be refused.
func (s *outageSimulation) requests(d time.Duration, expiry time.Time) {
	s.t.Helper()
	for i := range int(d / s.requestInterval) {
		s.requestBefore(expiry, s.readers[i%len(s.readers)])
		time.Sleep(s.requestInterval)
	}
}

func (s *outageSimulation) requestBefore(expiry time.Time, reader *Reader) {
	s.t.Helper()
	if err := s.request(reader); err != nil && time.Until(expiry) > Margin {
		s.t.Errorf("%s: %v, %v before the expiry of the ticket", time.Now(), err, time.Until(expiry))
	}
}

// outage has the calls of a store fail while it is down.
type outage struct {
	down  atomic.Bool
	hangs bool // the store does not answer, instead of failing at once
	lands bool // writes are applied though they fail
}

var errStoreDown = errors.New("the table is down")

func (o *outage) call(ctx context.Context, c storetest.Call, do func(context.Context) error) error {
	if !o.down.Load() {
		return do(ctx)
	}
	if o.lands && c.Verb != "get" {
		_ = do(ctx)
	}
	if o.hangs {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // an SDK gives up then
		defer cancel()
		<-ctx.Done()
	}
	return errStoreDown
}

// requestTime is what a request has for its answer: the function's five seconds less
// the reserve of lambdahttp and the second in which the outcome of a write is read.
const requestTime = 3750 * time.Millisecond

// The table is down for ten minutes. Readers with a cached ticket hand it out until its
// expiry, the others refuse in time, and two minutes after the outage everything is as
// before.
func TestTableIsDown(t *testing.T) {
	t.Parallel()
	for _, fault := range []struct{ hangs, lands bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		for start := 121; start < 245; start += 8 {
			if raceDetector && start%9 != 0 {
				continue
			}
			t.Run(fmt.Sprintf("hangs=%v/lands=%v/from=%d", fault.hangs, fault.lands, start), func(t *testing.T) {
				bubble(t, nextTicketEarly, func(t *testing.T, f *fixture) {
					table := &outage{hangs: fault.hangs, lands: fault.lands}
					f.store.Intercept(table.call)
					newOutageSimulation(f).tableFails(time.Duration(start)*time.Minute, table)
				})
			})
		}
	}
}

func (s *outageSimulation) tableFails(start time.Duration, table *outage) {
	s.t.Helper()
	stop := s.schedule()
	s.requests(start, time.Time{})
	expiry := s.publishedExpiry(s.t)
	table.down.Store(true)
	for begin := time.Now(); time.Since(begin) < 10*time.Minute; time.Sleep(10 * time.Second) {
		s.inTime(func() { s.requestBefore(time.Time{}, s.reader(nil)) }) // nothing cached
		for _, reader := range s.readers {
			s.inTime(func() { s.requestBefore(expiry, reader) })
		}
	}
	table.down.Store(false)
	time.Sleep(maxRecovery)
	s.refused = 0
	s.requests(3*time.Hour, time.Time{})
	if s.refused > 0 || s.invalidFor > 0 {
		s.t.Errorf("after the outage %d requests refused, an invalid ticket handed out for %v", s.refused, s.invalidFor)
	}
	stop()
}

func (s *outageSimulation) inTime(request func()) {
	s.t.Helper()
	begin := time.Now()
	if request(); time.Since(begin) > requestTime {
		s.t.Errorf("the answer took %v", time.Since(begin))
	}
}

// One refresher had a clock that was ahead, and finished its tick or crashed in it. The
// others are not stopped by the times that it wrote.
func TestClockThatWasAhead(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{5 * time.Minute, time.Hour, 365 * 24 * time.Hour} {
		for _, calls := range []int{2, 100} { // crashed with the lease, or not at all
			t.Run(fmt.Sprintf("ahead=%v/calls=%d", ahead, calls), func(t *testing.T) {
				bubble(t, nextTicketEarly, func(t *testing.T, f *fixture) {
					renewer := f.renewerIn(storetest.CrashAt(calls, storetest.After))
					renewer.now = func() time.Time { return time.Now().Add(ahead) }
					_, _ = renewer.Tick(t.Context(), f.account)

					s := newOutageSimulation(f)
					stop := s.schedule()
					time.Sleep(7 * time.Minute)
					s.requests(4*time.Hour, time.Time{})
					if s.refused > 0 || s.invalidFor > 0 {
						t.Errorf("%d requests refused, an invalid ticket handed out for %v", s.refused, s.invalidFor)
					}
					stop()
				})
			})
		}
	}
}

// A ticket that existed before it was first seen may end at any moment. After that it
// is handed out until the next poll and the next read, and no longer.
func TestEndOfAWatchedTicketIsSeenSoon(t *testing.T) {
	t.Parallel()
	step := 11
	if raceDetector {
		step = 29
	}
	for phase := 1; phase < 60; phase += step {
		for lag := 0; lag < 60; lag += step {
			t.Run(fmt.Sprintf("phase=%d/lag=%d", phase, lag), func(t *testing.T) {
				bubble(t, wechatsim.Switches{TicketGrid: true}, func(t *testing.T, f *fixture) {
					time.Sleep(31*time.Minute + time.Duration(phase)*time.Second)
					renewer := f.renewer()
					f.tick(renewer)
					time.Sleep(time.Duration(lag) * time.Second)
					reader := f.reader(nil)
					invalidFor := time.Duration(0)
					for i := range 95 * 60 {
						if (i+lag)%60 == 0 {
							f.tick(renewer)
						}
						if v, _, err := reader.Ticket(t.Context(), testAppID, wechat.JSAPI); err == nil && !f.sim.TicketValid(testAppID, "jsapi", v) {
							invalidFor += time.Second
						}
						time.Sleep(time.Second)
					}
					if invalidFor > maxUnseen {
						t.Errorf("an invalid ticket was handed out for %v", invalidFor)
					}
				})
			})
		}
	}
}
