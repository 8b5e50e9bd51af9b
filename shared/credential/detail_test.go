package credential

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/manifest"
	"wechatfn/shared/store"
	"wechatfn/shared/wechat"
)

// The lease outlasts the function that holds it, and the kick after its end comes
// within the 30 s that are promised.
func TestLeaseFitsItsHolderAndItsPromise(t *testing.T) {
	refresher, _ := manifest.Lookup("refresher")
	if leaseLife <= refresher.Timeout {
		t.Errorf("a lease of %v ends before its holder's timeout of %v", leaseLife, refresher.Timeout)
	}
	if whole := leaseLife + time.Second + refreshRequestTTL + time.Second; whole > 30*time.Second {
		t.Errorf("the kick after a dead holder's lease comes after %v", whole)
	}
}

func TestStartedSecondOfALeaseCounts(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		time.Sleep(999 * time.Millisecond)
		var record Record
		if _, err := w.keeper().takeLease(t.Context(), testAppID, store.Item{}, &record); err != nil {
			t.Fatal(err)
		}
		if !record.held(time.Now().Add(leaseLife - time.Nanosecond)) {
			t.Errorf("a lease taken late in a second is over before %v", leaseLife)
		}
	})
}

func TestDeadTokenIsNotUsedWhileItWaits(t *testing.T) {
	r := ticketAt(func(h *State) { h.Watched = true; h.PolledAt = 0 })
	r.Token.Dead, r.Token.Failure.Until = true, noon.Unix()+1
	if plan := Next(r, []wechat.TicketType{wechat.JSAPI}, noon); !plan.Idle() {
		t.Errorf("plan %+v", plan)
	}
}

func TestForcedRefreshIsNotedThatTakesTheOldestPlace(t *testing.T) {
	times := []int64{noon.Add(-forceDay).Unix()}
	for i := range int64(9) {
		times = append(times, noon.Unix()-1000+100*i)
	}
	got, wait := spend(times, noon)
	if wait != 0 || got[len(got)-1] != noon.Unix() {
		t.Errorf("wait %v, times %v", wait, got)
	}
}

func TestPause(t *testing.T) {
	k := &Renewer{RenewerConfig{Jitter: func() float64 { return 0.5 }}}
	for _, c := range []struct {
		code, count int
		want        time.Duration
	}{
		{40125, 0, configPause},
		{89507, 0, time.Hour},
		{89506, 0, 24 * time.Hour},
		{45011, 0, time.Minute},
		{45009, 0, time.Minute},
		{45009, 1, 2 * time.Minute},
		{45009, 100, time.Hour},
		{-1, 0, 3750 * time.Millisecond},
		{-1, 1, 7500 * time.Millisecond},
		{-1, 3, 30 * time.Second},
		{-1, 100, 30 * time.Second},
		{99999, 0, 3750 * time.Millisecond},
	} {
		if got, _ := k.pause(&wechat.Error{Op: "getticket", Code: c.code}, c.count); got != c.want {
			t.Errorf("errcode %d after %d failures: %v, want %v", c.code, c.count, got, c.want)
		}
	}
}

func TestComparedTokenIsAskedForLessAndLessOften(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k := w.keeper()
		record := w.tick(k)
		answer := wechat.Token{Value: record.Token.Value, ExpiresIn: time.Hour}
		for _, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, deadPauseMax, deadPauseMax} {
			record.Token.Dead = true
			k.learnToken(t.Context(), w.account, &record, answer, noon)
			if got := time.Unix(record.Token.Failure.Until, 0).Sub(noon); got != want {
				t.Errorf("wait %d: %v, want %v", record.Token.Failure.Count, got, want)
			}
		}
	})
}

// Accounts without tickets: nothing but a report finds their token dead.
func TestReportDeadWithoutTickets(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		w.account.Tickets = nil
		k := w.keeper()
		old := w.tick(k).Token.Value
		w.wantStoreCalls(1, 2) // lease, and saved with the lease released
		_ = w.sim.ForeignRefresh(testAppID)
		if _, err := w.report(k, old); err != nil || !w.sim.TokenAlive(testAppID, w.stored().Token.Value) {
			t.Errorf("not renewed: %v", err)
		}
	})
}

func TestFirstReportStands(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		r := w.reader(nil)
		r.reportInvalid(t.Context(), testAppID, "one")
		r.reportInvalid(t.Context(), testAppID, "two")
		if got := w.keeper().refreshRequestFor(t.Context(), testAppID); got != "one" {
			t.Errorf("the kick carries %q", got)
		}
		if strings.Contains(w.log.String(), "refresh request not written") {
			t.Error("a kick that stands was logged as a failure")
		}
	})
}

// A token killed elsewhere, and a new secret behind a cached one: one tick.
func TestDeadTokenAndNewSecretInOneTick(t *testing.T) {
	for _, code := range []int{40125, 40001} {
		bubble(t, wechatsim.Switches{WrongSecretCode: code}, func(t *testing.T, w *world) {
			stored := nextSecret
			w.cacheSecret(&stored)
			k := w.keeper()
			w.tick(k)
			time.Sleep(time.Minute)
			_ = w.sim.ForeignRefresh(testAppID)
			_ = w.sim.SetSecret(testAppID, nextSecret)
			if record := w.tick(k); record.Token.Dead || !w.sim.TokenAlive(testAppID, record.Token.Value) {
				t.Errorf("errcode %d: after the tick: %+v", code, record.Token.State)
			}
		})
	}
}

// Lives count from before the question, however long the answer takes.
func TestLifeCountsFromTheQuestion(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		w.sim.Fail(wechatsim.Fault{AnswerDelay: 4 * time.Second})
		begin := time.Now()
		record := w.tick(w.keeper())
		token, ticket := record.Token.ExpiresAt, record.Tickets[wechat.JSAPI].ExpiresAt
		if want := begin.Add(7200 * time.Second).Unix(); token != want || ticket != want+4 {
			t.Errorf("ends %d and %d, want %d and %d", token, ticket, want, want+4)
		}
	})
}

// What is published is what the record knows.
func TestPublishedAgreesWithTheRecord(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k := w.keeper()
		_, _ = k.Force(t.Context(), w.account) // so that the ticket is not of the first epoch
		w.tick(k)
		time.Sleep(7100 * time.Second)
		w.tick(k)
		time.Sleep(100 * time.Second) // the birth lies between the two polls
		w.tick(k)
		record := w.stored()
		item, err := w.store.Get(t.Context(), ticketKey(testAppID, wechat.JSAPI))
		var p published
		if err != nil || item.Decode(&p) != nil {
			t.Fatal(err)
		}
		held := record.Tickets[wechat.JSAPI]
		if p.ExpiresAt != held.ExpiresAt || p.Epoch != record.Lease.Epoch || item.Version != held.Published {
			t.Errorf("published %+v of version %s, known %+v in epoch %d", p, item.Version, held, record.Lease.Epoch)
		}
		if item.ExpiresAt.Unix() != held.ExpiresAt {
			t.Errorf("the item goes at %v", item.ExpiresAt)
		}
	})
}

// A ticket of a later epoch stays.
func TestLaterEpochIsNotOverwritten(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		later := published{Ticket: "later", ExpiresAt: time.Now().Add(time.Hour).Unix(), Epoch: math.MaxInt64}
		if _, err := w.store.Create(t.Context(), later.item(ticketKey(testAppID, wechat.JSAPI))); err != nil {
			t.Fatal(err)
		}
		if _, err := w.keeper().Tick(t.Context(), w.account); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("got %v", err)
		}
		if value, _, _ := w.reader(nil).Ticket(t.Context(), testAppID, wechat.JSAPI); value != "later" {
			t.Error("the later ticket was overwritten")
		}
	})
}

func TestForceRespectsTheLease(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k := w.keeper()
		var record Record
		item, err := k.takeLease(t.Context(), testAppID, store.Item{}, &record)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Force(t.Context(), w.account); !errors.Is(err, ErrBusy) {
			t.Errorf("force: %v", err)
		}
		w.wantCalls(0, 0)

		time.Sleep(leaseLife + time.Second)
		w.tick(k)
		if _, err := k.save(t.Context(), item, record); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("the holder that was overtaken: %v", err)
		}
	})
}

// script runs a function before some calls to the outside.
type script struct {
	store.Store
	WeChat
	beforeReplace func(key string) error
	afterTicket   func()
}

func (s *script) Replace(ctx context.Context, in store.Item) (store.Item, error) {
	if s.beforeReplace != nil {
		if err := s.beforeReplace(in.Key); err != nil {
			return store.Item{}, err
		}
	}
	return s.Store.Replace(ctx, in)
}

func (s *script) Ticket(ctx context.Context, token string, typ wechat.TicketType) (wechat.Ticket, error) {
	ticket, err := s.WeChat.Ticket(ctx, token, typ)
	if s.afterTicket != nil {
		s.afterTicket()
	}
	return ticket, err
}

func (w *world) scripted(s *script) *Renewer {
	k := w.keeper()
	s.Store, s.WeChat = w.store, k.WeChat
	k.Store, k.WeChat = s, s
	return k
}

func TestStoreFailuresAreTold(t *testing.T) {
	for _, kind := range []string{"token", "ticket"} {
		bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
			w.tick(w.keeper())
			time.Sleep(7200 * time.Second)
			writes := 0
			k := w.scripted(&script{beforeReplace: func(key string) error {
				if store.Kind(key) == kind {
					if writes++; writes > 1 || kind == "ticket" { // the lease is taken
						return errDown
					}
				}
				return nil
			}})
			key := ticketKey(testAppID, wechat.JSAPI)
			_, err := w.store.Get(t.Context(), key)
			if errors.Is(err, store.ErrNotFound) { // so that publishing replaces
				_, err = w.store.Create(t.Context(), store.Item{Key: key, Value: []byte("{}")})
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := k.Tick(t.Context(), w.account); !errors.Is(err, errDown) {
				t.Errorf("%s: %v", kind, err)
			}
		})
	}
}

// The invocation ends while WeChat answers: the ticket is published and saved.
func TestTicketIsPublishedAfterTheDeadline(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := w.scripted(&script{afterTicket: cancel}).Tick(ctx, w.account); err != nil {
			t.Error(err)
		}
		w.wantTicket(w.reader(nil))
	})
}

// Somebody else writes the published item between look and write.
func TestPublishTriesAgain(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		key := ticketKey(testAppID, wechat.JSAPI)
		item, err := w.store.Create(t.Context(), store.Item{Key: key, Value: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		meddled := false
		k := w.scripted(&script{beforeReplace: func(written string) error {
			if written != key || meddled {
				return nil
			}
			meddled = true
			_, err := w.store.Replace(t.Context(), item)
			return err
		}})
		if _, err := k.Tick(t.Context(), w.account); err != nil {
			t.Error(err)
		}
		w.wantTicket(w.reader(nil))
	})
}

// put publishes a ticket by hand.
// How long a reader trusts its memory.
// The read is everybody's: it does not end with the first caller.
// Who looked before a flight landed and asks after it costs no second read.
// In case the schedule has stopped: a kick while the ticket still serves.
// An idle kick reads no more than it must.
func TestKickForAnEndedTicket(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k := w.keeper()
		for _, reads := range []int{3, 2} { // kick, record, and the ticket while it lives
			w.tick(k)
			w.store.Take()
			if _, err := k.HandleRefreshRequest(t.Context(), w.account); err != nil {
				t.Fatal(err)
			}
			if got, _ := w.store.Take().Count(); got != reads {
				t.Errorf("%d store reads, want %d", got, reads)
			}
			time.Sleep(7200 * time.Second)
			w.sim.Fail(wechatsim.Fault{ErrCode: -1})
		}
	})
}

func TestTokenIsUsedToItsEnd(t *testing.T) {
	for _, c := range []struct {
		left int64
		want bool
	}{{1, true}, {0, false}} {
		r := ticketAt(func(h *State) { h.Watched = true; h.PolledAt = 0 })
		r.Token.ExpiresAt, r.Token.Failure.Until = noon.Unix()+c.left, noon.Unix()+1
		if plan := Next(r, []wechat.TicketType{wechat.JSAPI}, noon); plan.Token || len(plan.Tickets) == 1 != c.want {
			t.Errorf("%d s left: plan %+v", c.left, plan)
		}
	}
}

func TestKicksArePaced(t *testing.T) {
	for _, r := range []Record{
		ticketAt(func(h *State) { h.Published = ""; h.PolledAt = noon.Unix() - 8 }),
		ticketAt(func(h *State) { h.ExpiresAt = noon.Unix(); h.PolledAt = noon.Unix() - 8 }),
	} {
		if plan := Next(r, []wechat.TicketType{wechat.JSAPI}, noon); !plan.Idle() {
			t.Errorf("plan %+v", plan)
		}
	}
}

func TestLeadIsLearnt(t *testing.T) {
	before := State{Fingerprint: Fingerprint("one"), ExpiresAt: noon.Unix() + 280, PolledAt: noon.Unix() - 60}
	if got := before.learnTicket("two", ticketLife, noon); got.Lead != 280 || got.window() != 460*time.Second {
		t.Errorf("lead %d, window %v", got.Lead, got.window())
	}
}

// A published item that somebody else has written over is written anew.
func TestKickRepublishesOverwrittenTicket(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k := w.keeper()
		w.tick(k)
		w.put("another", time.Hour)
		time.Sleep(requestSpacing)
		if _, err := k.HandleRefreshRequest(t.Context(), w.account); err != nil {
			t.Fatal(err)
		}
		w.wantTicket(w.reader(nil))
	})
}
