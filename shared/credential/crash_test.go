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

// keeperIn is a refresher in the process: that counts its calls of the store and of
// WeChat.
func (w *world) keeperIn(p *storetest.Process) *Renewer {
	k := w.keeperOn(p.Store(w.store))
	k.WeChat = crashingWeChat{k.WeChat, p}
	return k
}

// crashAt runs one tick of a refresher that crashes at its nth call outside, and
// reports whether it did.
func (w *world) crashAt(n int, when storetest.When) bool {
	p := storetest.CrashAt(n, when)
	_, _ = w.keeperIn(p).Tick(w.t.Context(), w.account)
	return p.Crashed()
}

// starts are the states in which a refresher dies: before the first token, with
// a token to renew, with a ticket to renew, after a token died early.
var starts = []struct {
	name  string
	setUp func(*world)
}{
	{"empty table", func(*world) {}},
	{"token due", func(w *world) { w.tick(w.keeper()); time.Sleep(6950 * time.Second) }},
	{"both ended", func(w *world) { w.tick(w.keeper()); time.Sleep(8000 * time.Second) }},
	{"token killed elsewhere", func(w *world) {
		w.tick(w.keeper())
		time.Sleep(time.Minute)
		_ = w.sim.ForeignRefresh(testAppID)
	}},
}

func (w *world) well() bool {
	record := w.stored()
	// Not through Ticket, which would kick.
	ticket, err := w.reader(nil).read(w.t.Context(), ticketKey(testAppID, wechat.JSAPI))
	return err == nil && ticket.usable(time.Now()) && w.sim.TokenAlive(testAppID, record.Token.Value) &&
		record.Token.left(time.Now()) > 0 && !record.held(time.Now())
}

// P2: wherever a refresher is killed, another takes over: within 30 s when
// requests kick it, within 150 s by the schedule alone.
func TestKilledAtAnyStep(t *testing.T) {
	t.Parallel()
	for _, classic := range []bool{false, true} {
		for _, start := range starts {
			for _, when := range []storetest.When{storetest.Before, storetest.After} {
				t.Run(fmt.Sprintf("classic=%v/%s/%s", classic, start.name, when), func(t *testing.T) {
					points := 0
					for n := 1; ; n++ {
						killed := true
						bubble(t, wechatsim.Switches{TicketLead: 300 * time.Second}, func(t *testing.T, w *world) {
							w.classic = classic
							start.setUp(w)
							if killed = w.crashAt(n, when); killed {
								w.wantTakeover(n)
							}
						})
						if !killed {
							break
						}
						points++
					}
					if points < 2 {
						t.Errorf("only %d points to die at", points)
					}
				})
			}
		}
	}
}

// wantTakeover lets requests come each second, and ticks each minute beginning
// 59 s after the death: the worst moment.
func (w *world) wantTakeover(n int) {
	died := time.Now()
	k := w.keeper()
	r := w.reader(func(string) { _, _ = k.HandleRefreshRequest(w.t.Context(), w.account) })
	starved := false
	for !w.well() {
		since := time.Since(died)
		if starved && since > 30*time.Second {
			w.t.Errorf("killed at call %d: still nothing after %v with traffic", n, since)
			return
		}
		if since > 150*time.Second {
			w.t.Errorf("killed at call %d: not taken over after %v", n, since)
			return
		}
		time.Sleep(time.Second)
		_, _, err := r.Ticket(w.t.Context(), testAppID, wechat.JSAPI)
		starved = err != nil
		if (int(since.Seconds())+1)%60 == 0 {
			w.tick(k)
		}
	}
}

// P2 without requests: the schedule alone.
func TestKilledAtAnyStepIdle(t *testing.T) {
	for _, start := range starts {
		t.Run(start.name, func(t *testing.T) {
			for n := 1; ; n++ {
				killed := true
				bubble(t, wechatsim.Switches{TicketLead: 300 * time.Second}, func(t *testing.T, w *world) {
					start.setUp(w)
					if killed = w.crashAt(n, storetest.After); !killed {
						return
					}
					died := time.Now()
					for time.Sleep(59 * time.Second); !w.well(); time.Sleep(time.Minute) {
						w.tick(w.keeper())
						if time.Since(died) > 150*time.Second {
							t.Fatalf("killed at call %d: not taken over after %v", n, time.Since(died))
						}
						if w.well() {
							break
						}
					}
				})
				if !killed {
					break
				}
			}
		})
	}
}
