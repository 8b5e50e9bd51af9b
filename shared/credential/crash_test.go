package credential

import (
	"context"
	"fmt"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/wechat"
)

// crashingWeChat is WeChat as a process reaches it.
type crashingWeChat struct {
	WeChat
	process *storetest.Process
}

func (c crashingWeChat) Token(ctx context.Context, appID, secret string, force bool) (token wechat.Token, err error) {
	err = c.process.Do(func() error { token, err = c.WeChat.Token(ctx, appID, secret, force); return err })
	return token, err
}

func (c crashingWeChat) Ticket(ctx context.Context, token string, typ wechat.TicketType) (ticket wechat.Ticket, err error) {
	err = c.process.Do(func() error { ticket, err = c.WeChat.Ticket(ctx, token, typ); return err })
	return ticket, err
}

// renewerIn is a Renewer in the process, which counts its calls to the store and to
// WeChat.
func (f *fixture) renewerIn(p *storetest.Process) *Renewer {
	renewer := f.renewerOn(p.Store(f.store))
	renewer.weChat = crashingWeChat{renewer.weChat, p}
	return renewer
}

// crashAt runs one tick of a refresher that crashes at its nth call, and reports
// whether it did.
func (f *fixture) crashAt(n int, when storetest.When) bool {
	p := storetest.CrashAt(n, when)
	_, _ = f.renewerIn(p).Tick(f.t.Context(), f.account)
	return p.Crashed()
}

// crashStates are the states in which a refresher crashes.
var crashStates = []struct {
	name  string
	setUp func(*fixture)
}{
	{"empty table", func(*fixture) {}},
	{"token due", func(f *fixture) { f.tick(f.renewer()); time.Sleep(6950 * time.Second) }},
	{"token and ticket expired", func(f *fixture) { f.tick(f.renewer()); time.Sleep(8000 * time.Second) }},
	{"token invalidated elsewhere", func(f *fixture) {
		f.tick(f.renewer())
		time.Sleep(time.Minute)
		_ = f.sim.ForeignRefresh(testAppID)
	}},
}

// recovered reports whether token and ticket are valid and the lease is free. It uses
// read, since Ticket might write a refresh request.
func (f *fixture) recovered() bool {
	record := f.record()
	ticket, err := f.reader(nil).read(f.t.Context(), ticketKey(testAppID, wechat.JSAPI))
	return err == nil && ticket.valid(time.Now()) && f.sim.TokenValid(testAppID, record.Token.Value) &&
		record.Token.left(time.Now()) > 0 && !record.Lease.active(time.Now())
}

// Wherever a refresher crashes, another one takes over: within 30 s if there are
// requests, within 150 s by the schedule alone.
func TestCrashAtAnyCall(t *testing.T) {
	t.Parallel()
	for _, classic := range []bool{false, true} {
		for _, state := range crashStates {
			for _, when := range []storetest.When{storetest.Before, storetest.After} {
				t.Run(fmt.Sprintf("classic=%v/%s/%s", classic, state.name, when), func(t *testing.T) {
					calls := 0
					for n := 1; ; n++ {
						crashed := true
						bubble(t, wechatsim.Switches{TicketLead: 300 * time.Second}, func(t *testing.T, f *fixture) {
							f.classic = classic
							state.setUp(f)
							if crashed = f.crashAt(n, when); crashed {
								f.wantTakeover(n)
							}
						})
						if !crashed {
							break
						}
						calls++
					}
					if calls < 2 {
						t.Errorf("only %d calls to crash at", calls)
					}
				})
			}
		}
	}
}

// wantTakeover simulates requests each second, and ticks each minute of which the first
// is 59 s after the crash: the worst moment.
func (f *fixture) wantTakeover(n int) {
	crashed := time.Now()
	renewer := f.renewer()
	reader := f.reader(func(string) { _, _ = renewer.HandleRefreshRequest(f.t.Context(), f.account) })
	refused := false
	for !f.recovered() {
		since := time.Since(crashed)
		if refused && since > 30*time.Second {
			f.t.Errorf("crash at call %d: requests are still refused after %v", n, since)
			return
		}
		if since > 150*time.Second {
			f.t.Errorf("crash at call %d: not taken over after %v", n, since)
			return
		}
		time.Sleep(time.Second)
		_, _, err := reader.Ticket(f.t.Context(), testAppID, wechat.JSAPI)
		refused = err != nil
		if (int(since.Seconds())+1)%60 == 0 {
			f.tick(renewer)
		}
	}
}

func TestCrashAtAnyCallWithoutRequests(t *testing.T) {
	for _, state := range crashStates {
		t.Run(state.name, func(t *testing.T) {
			for n := 1; ; n++ {
				crashed := true
				bubble(t, wechatsim.Switches{TicketLead: 300 * time.Second}, func(t *testing.T, f *fixture) {
					state.setUp(f)
					if crashed = f.crashAt(n, storetest.After); !crashed {
						return
					}
					begin := time.Now()
					for time.Sleep(59 * time.Second); !f.recovered(); time.Sleep(time.Minute) {
						f.tick(f.renewer())
						if time.Since(begin) > 150*time.Second {
							t.Fatalf("crash at call %d: not taken over after %v", n, time.Since(begin))
						}
						if f.recovered() {
							break
						}
					}
				})
				if !crashed {
					break
				}
			}
		})
	}
}

// A refresher publishes a ticket and crashes before it saves the record. The next one
// sees the same ticket minutes later: its expiry does not move.
func TestCrashAfterPublishingDoesNotMoveTheExpiry(t *testing.T) {
	crashes := 0
	for n := 1; n < 10; n++ {
		t.Run(fmt.Sprintf("call=%d", n), func(t *testing.T) {
			bubble(t, wechatsim.Switches{TicketLead: 300 * time.Second}, func(t *testing.T, f *fixture) {
				renewer := f.renewer()
				for range 115 {
					f.tick(renewer)
					time.Sleep(time.Minute)
				}
				first := f.publishedExpiry(t)
				f.crashAt(n, storetest.After)
				before := f.publishedExpiry(t)
				if before.Equal(first) {
					return // no new ticket was published
				}
				crashes++
				time.Sleep(5 * time.Minute)
				f.tick(renewer)
				if after := f.publishedExpiry(t); after.After(before) {
					t.Errorf("the expiry moved by %v", after.Sub(before))
				}
				if after := f.record().Tickets[wechat.JSAPI].ExpiresAt; after != f.publishedExpiry(t).Unix() {
					t.Errorf("the expiry in the record is %d", after)
				}
			})
		})
	}
	if crashes == 0 {
		t.Error("there was no crash after publishing")
	}
}
