package credential

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/store"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/wechat"
)

// early is a WeChat that shows the next ticket five minutes before the end.
var early = worlds[0].switches

// repeating is a WeChat that answers one ticket only.
type repeating struct {
	WeChat
	life  time.Duration
	calls int
}

func (r *repeating) Ticket(context.Context, string, wechat.TicketType) (wechat.Ticket, error) {
	r.calls++
	return wechat.Ticket{Value: "the same", ExpiresIn: r.life}, nil
}

// What the message about an unreadable record advises.
func TestDeletedRecordIsMadeAnew(t *testing.T) {
	bubble(t, early, func(t *testing.T, w *world) {
		l := newLife(w)
		l.tick(l.k)
		l.run(6 * time.Hour)
		before := l.ends(t)
		item, err := w.store.Get(t.Context(), tokenKey(testAppID))
		if err != nil || w.store.Store.Delete(t.Context(), item.Key, item.Version) != nil {
			t.Fatal("no record to delete")
		}
		if _, err := l.k.Tick(t.Context(), w.account); err != nil {
			t.Errorf("the first tick: %v", err)
		}
		if after := l.ends(t); after.After(before) {
			t.Errorf("the ticket gained %v of life", after.Sub(before))
		}
		l.refused = 0
		l.run(4 * time.Hour)
		if l.refused > 0 {
			t.Errorf("%d refused", l.refused)
		}
	})
}

// P2 for operators: wherever a forced refresh is cut off, the token that stands
// is found out.
func TestForceCutOffAnywhere(t *testing.T) {
	for _, tickets := range [][]wechat.TicketType{nil, {wechat.JSAPI}} {
		for _, when := range []storetest.When{storetest.Before, storetest.After} {
			killed := true
			for n := 1; killed; n++ {
				bubble(t, early, func(t *testing.T, w *world) {
					w.account.Tickets = tickets
					w.tick(w.keeper())
					time.Sleep(2 * time.Minute)
					p := storetest.CrashAt(n, when)
					_, _ = w.keeperIn(p).Force(t.Context(), w.account)
					killed = p.Crashed()
					died := time.Now()
					for time.Since(died) < 150*time.Second {
						time.Sleep(time.Minute)
						w.tick(w.keeper())
					}
					if !w.sim.TokenAlive(testAppID, w.stored().Token.Value) {
						t.Errorf("tickets %v, cut off %s call %d: the stored token is dead", tickets, when, n)
					}
				})
			}
		}
	}
}

// A forced refresh that WeChat refuses does not take the token out of use.
func TestForceRefusedLeavesTheTokenInUse(t *testing.T) {
	bubble(t, early, func(t *testing.T, w *world) {
		k := w.keeper()
		w.tick(k)
		w.sim.Fail(wechatsim.Fault{Path: wechatsim.PathStableToken, ErrCode: 45009})
		if record, err := k.Force(t.Context(), w.account); err != nil || record.Token.Dead {
			t.Errorf("dead %v, %v", record.Token.Dead, err)
		}
		time.Sleep(2 * time.Minute)
		k.Secrets = func(context.Context, account.Account, bool) (secret.Secret, error) { return secret.Secret{}, errDown }
		if record, err := k.Force(t.Context(), w.account); err != nil || record.Token.Dead || len(record.Forced) != 2 {
			t.Errorf("no secret: %d forced, dead %v, %v", len(record.Forced), record.Token.Dead, err)
		}
	})
}

// A token that was reported stays out of use when the next one is refused.
func TestReportedTokenStaysDead(t *testing.T) {
	bubble(t, early, func(t *testing.T, w *world) {
		k := w.keeper()
		old := w.tick(k).Token.Value
		w.sim.Fail(wechatsim.Fault{Path: wechatsim.PathStableToken, ErrCode: 45009})
		if record, err := w.report(k, old); err != nil || !record.Token.Dead {
			t.Errorf("dead %v, %v", record.Token.Dead, err)
		}
	})
}

// P8's hard cap, with requests that kick all day.
func TestTicketRepeatedForEver(t *testing.T) {
	t.Parallel()
	for _, life := range []time.Duration{30 * time.Second, 7200 * time.Second} {
		if raceDetector && life < Margin {
			continue // the slower of the two
		}
		day := 24 * 1200 // requests
		if raceDetector {
			day /= 6
		}
		bubble(t, early, func(t *testing.T, w *world) {
			l := newLife(w)
			same := &repeating{WeChat: l.k.WeChat, life: life}
			l.k.WeChat = same
			l.every = 3 * time.Second
			l.tick(l.k)
			for range 3 * 1200 {
				_, _, _ = l.readers[0].Ticket(t.Context(), testAppID, wechat.JSAPI)
				time.Sleep(l.every)
			}
			same.calls = 0
			for range day {
				_, _, _ = l.readers[0].Ticket(t.Context(), testAppID, wechat.JSAPI)
				time.Sleep(l.every)
			}
			if same.calls > 750 {
				t.Errorf("%d calls in a day for a ticket of %v", same.calls, life)
			}
		})
	}
}

// A known end that comes nearer is the readers' too.
func TestNearerEndIsPublished(t *testing.T) {
	bubble(t, early, func(t *testing.T, w *world) {
		k := w.keeper()
		same := &repeating{WeChat: k.WeChat, life: 7200 * time.Second}
		k.WeChat = same
		w.tick(k)
		same.life = 600 * time.Second
		time.Sleep(time.Minute)
		known := w.tick(k).Tickets[wechat.JSAPI].ExpiresAt
		if want := time.Now().Add(same.life).Unix(); known != want {
			t.Errorf("known end %d, want %d", known, want)
		}
		if _, end, err := w.reader(nil).Ticket(t.Context(), testAppID, wechat.JSAPI); err != nil || end.Unix() != known {
			t.Errorf("handed out until %v, known end %v, %v", end, time.Unix(known, 0), err)
		}
	})
}

// P11 across a death: published, not saved, and seen again minutes later.
func TestKilledAfterPublishingGainsNoLife(t *testing.T) {
	deaths := 0
	for n := 1; n < 10; n++ {
		bubble(t, wechatsim.Switches{TicketLead: 300 * time.Second}, func(t *testing.T, w *world) {
			k := w.keeper()
			for range 115 {
				w.tick(k)
				time.Sleep(time.Minute)
			}
			first := w.ends(t)
			w.crashAt(n, storetest.After)
			before := w.ends(t)
			if before.Equal(first) {
				return
			}
			deaths++
			time.Sleep(5 * time.Minute)
			w.tick(k)
			if after := w.ends(t); after.After(before) {
				t.Errorf("killed at call %d: the end moved by %v", n, after.Sub(before))
			}
			if after := w.stored().Tickets[wechat.JSAPI].ExpiresAt; after != w.ends(t).Unix() {
				t.Errorf("killed at call %d: the record says %d", n, after)
			}
		})
	}
	if deaths == 0 {
		t.Error("nobody died after publishing")
	}
}

// One type that cannot be published costs the other nothing.
func TestOnePublishFails(t *testing.T) {
	bubble(t, early, func(t *testing.T, w *world) {
		w.account.Tickets = []wechat.TicketType{wechat.WXCard, wechat.JSAPI}
		k := w.keeperOn(&oneKeyDown{Store: w.store, key: ticketKey(testAppID, wechat.WXCard)})
		for range 60 {
			if _, err := k.Tick(t.Context(), w.account); !errors.Is(err, errDown) && !errors.Is(err, nil) {
				t.Errorf("tick: %v", err)
			}
			time.Sleep(time.Minute)
		}
		record := w.stored()
		if record.Tickets[wechat.JSAPI].Published == "" || record.Lease.Owner != "" || record.Tickets[wechat.WXCard].Failure.Op != "publish" {
			t.Errorf("%+v", record)
		}
		w.wantTicket(w.reader(nil))
	})
}

type oneKeyDown struct {
	store.Store
	key string
}

func (o *oneKeyDown) Create(ctx context.Context, in store.Item) (store.Item, error) {
	if in.Key == o.key {
		return store.Item{}, errDown
	}
	return o.Store.Create(ctx, in)
}

// One clock that was ahead, whoever it was, does not stop the others.
func TestClockThatWasAhead(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{5 * time.Minute, time.Hour, 365 * 24 * time.Hour} {
		for _, calls := range []int{2, 100} { // killed with the lease, or not
			bubble(t, early, func(t *testing.T, w *world) {
				k := w.keeperIn(storetest.CrashAt(calls, storetest.After))
				k.Now = func() time.Time { return time.Now().Add(ahead) }
				_, _ = k.Tick(t.Context(), w.account)

				l := newLive(w)
				stop := l.schedule()
				time.Sleep(7 * time.Minute)
				l.requests(4*time.Hour, time.Time{})
				if l.refused > 0 || l.dead > 0 {
					t.Errorf("%v ahead, killed after %d calls: %d refused, dead for %v", ahead, calls, l.refused, l.dead)
				}
				stop()
			})
		}
	}
}

// A limit by the minute that is told as the day's.
func TestMinuteQuotaToldAsDaily(t *testing.T) {
	bubble(t, early, func(t *testing.T, w *world) {
		l := newLife(w)
		l.tick(l.k)
		l.run(114 * time.Minute)
		w.sim.Fail(wechatsim.Fault{ErrCode: 45009})
		l.run(2 * time.Minute)
		w.sim.ClearFaults()
		l.refused = 0
		l.run(2 * time.Hour)
		if l.refused > 0 {
			t.Errorf("%d refused, %v on end, after two minutes of 45009", l.refused, l.starved)
		}
	})
}

// Quota spent for cards: jsapi goes on, and WeChat is left alone.
func TestCardQuotaIsCardsOnly(t *testing.T) {
	t.Parallel()
	bubble(t, early, func(t *testing.T, w *world) {
		w.account.Tickets = []wechat.TicketType{wechat.WXCard, wechat.JSAPI}
		l := newLife(w)
		cards := &noCards{WeChat: l.k.WeChat}
		l.k.WeChat = cards
		l.tick(l.k)
		l.run(24 * time.Hour)
		if l.refused > 0 || cards.asked > 30 {
			t.Errorf("%d refused; asked for cards %d times", l.refused, cards.asked)
		}
	})
}

type noCards struct {
	WeChat
	asked int
}

func (n *noCards) Ticket(ctx context.Context, token string, typ wechat.TicketType) (wechat.Ticket, error) {
	if typ == wechat.WXCard {
		n.asked++
		return wechat.Ticket{}, &wechat.Error{Op: "getticket", Code: 45009}
	}
	return n.WeChat.Ticket(ctx, token, typ)
}

// A report that meets a lease is refused, not forgotten in silence.
func TestReportMeetsALease(t *testing.T) {
	bubble(t, early, func(t *testing.T, w *world) {
		k := w.keeper()
		old := w.tick(k).Token.Value
		item, record, err := k.read(t.Context(), testAppID)
		if err == nil {
			_, err = k.takeLease(t.Context(), testAppID, item, &record)
		}
		if err != nil {
			t.Fatal(err)
		}
		if record, err := w.report(k, old); !errors.Is(err, ErrBusy) || record.Token.Dead {
			t.Errorf("dead %v, %v", record.Token.Dead, err)
		}
	})
}

func TestDuplicatedKicks(t *testing.T) {
	bubble(t, early, func(t *testing.T, w *world) {
		k := w.keeper()
		w.tick(k)
		w.sim.ResetCounts()
		for range 60 {
			for range 30 {
				go func() { _, _ = k.HandleRefreshRequest(t.Context(), w.account) }()
			}
			synctest.Wait()
			time.Sleep(time.Second)
		}
		w.wantCalls(0, 1)
	})
}

func TestForceRacesTicks(t *testing.T) {
	bubble(t, early, func(t *testing.T, w *world) {
		k := w.keeperOn(newLedger(w))
		w.tick(k)
		for range 100 {
			for range 3 {
				go func() { _, _ = k.Force(t.Context(), w.account) }()
				go func() { _, _ = k.Tick(t.Context(), w.account) }()
			}
			synctest.Wait()
			if !w.sim.TokenAlive(testAppID, w.stored().Token.Value) {
				t.Errorf("%s: the stored token is dead", time.Now())
			}
			time.Sleep(time.Minute)
		}
		if n := len(w.stored().Forced); n != forcesADay {
			t.Errorf("%d forced refreshes were counted", n)
		}
	})
}

// A ticket that was there before may end any moment: it is handed out no longer
// than until the next poll and the next look.
func TestWatchedTicketEnds(t *testing.T) {
	t.Parallel()
	var worst time.Duration
	step := 11
	if raceDetector {
		step = 29
	}
	for phase := 1; phase < 60; phase += step {
		for lag := 0; lag < 60; lag += step {
			bubble(t, wechatsim.Switches{TicketGrid: true}, func(t *testing.T, w *world) {
				time.Sleep(31*time.Minute + time.Duration(phase)*time.Second)
				k := w.keeper()
				w.tick(k)
				time.Sleep(time.Duration(lag) * time.Second)
				r := w.reader(nil)
				dead := time.Duration(0)
				for i := range 95 * 60 {
					if (i+lag)%60 == 0 {
						w.tick(k)
					}
					if v, _, err := r.Ticket(t.Context(), testAppID, wechat.JSAPI); err == nil && !w.sim.TicketAlive(testAppID, "jsapi", v) {
						dead += time.Second
					}
					time.Sleep(time.Second)
				}
				worst = max(worst, dead)
			})
		}
	}
	if worst > unknowable {
		t.Errorf("a dead ticket was handed out for %v", worst)
	}
}
