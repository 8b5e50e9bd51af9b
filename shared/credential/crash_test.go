package credential

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/store"
	"wechatfn/shared/wechat"
)

var errKilled = errors.New("killed")

// mortal is everything a refresher reaches outside itself. When it has made
// its last call it is dead: that call may or may not have landed, and nothing
// later reaches anybody.
type mortal struct {
	store.Store
	WeChat
	left   atomic.Int64 // calls until death
	landed bool         // whether the last call lands
}

func (m *mortal) step(do func() error) error {
	switch left := m.left.Add(-1); {
	case left > 0:
		return do()
	case left == 0 && m.landed:
		_ = do()
	}
	return errKilled
}

func (m *mortal) Get(ctx context.Context, key string) (item store.Item, err error) {
	err = m.step(func() error { item, err = m.Store.Get(ctx, key); return err })
	return item, err
}

func (m *mortal) Create(ctx context.Context, in store.Item) (item store.Item, err error) {
	err = m.step(func() error { item, err = m.Store.Create(ctx, in); return err })
	return item, err
}

func (m *mortal) Replace(ctx context.Context, in store.Item) (item store.Item, err error) {
	err = m.step(func() error { item, err = m.Store.Replace(ctx, in); return err })
	return item, err
}

func (m *mortal) Token(ctx context.Context, appID, secret string, force bool) (token wechat.Token, err error) {
	err = m.step(func() error { token, err = m.WeChat.Token(ctx, appID, secret, force); return err })
	return token, err
}

func (m *mortal) Ticket(ctx context.Context, token string, typ wechat.TicketType) (ticket wechat.Ticket, err error) {
	err = m.step(func() error { ticket, err = m.WeChat.Ticket(ctx, token, typ); return err })
	return ticket, err
}

// killAfter runs one tick of a refresher that dies with its nth call outside,
// and reports whether it did.
func (w *world) killAfter(n int, landed bool) bool {
	k := w.keeper()
	m := &mortal{Store: w.store, WeChat: k.WeChat, landed: landed}
	m.left.Store(int64(n))
	k.Store, k.WeChat = m, m
	_, err := k.Tick(w.t.Context(), w.account)
	return m.left.Load() <= 0 || errors.Is(err, errKilled)
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
	return err == nil && ticket.usable(time.Now()) && w.sim.TokenValid(testAppID, record.Token.Value) &&
		record.Token.left(time.Now()) > 0 && !record.held(time.Now())
}

// P2: wherever a refresher is killed, another takes over: within 30 s when
// requests kick it, within 150 s by the schedule alone.
func TestKilledAtAnyStep(t *testing.T) {
	t.Parallel()
	for _, classic := range []bool{false, true} {
		for _, start := range starts {
			for _, landed := range []bool{false, true} {
				t.Run(fmt.Sprintf("classic=%v/%s/landed=%v", classic, start.name, landed), func(t *testing.T) {
					points := 0
					for n := 1; ; n++ {
						killed := true
						bubble(t, wechatsim.Switches{TicketLead: 300 * time.Second}, func(t *testing.T, w *world) {
							w.classic = classic
							start.setUp(w)
							if killed = w.killAfter(n, landed); killed {
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
					if killed = w.killAfter(n, true); !killed {
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
