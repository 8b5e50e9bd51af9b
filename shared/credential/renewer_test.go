package credential

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/store"
	"wechatfn/shared/wechat"
)

// bubble runs f on a simulated clock.
func bubble(t *testing.T, switches wechatsim.Switches, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, switches)) })
}

func TestFirstTickAndRest(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k, r := w.keeper(), w.reader(nil)
		record := w.tick(k)
		w.wantCalls(1, 1)
		w.wantStoreCalls(1, 4) // lease, token kept, ticket published, saved with the lease released
		if record.Lease.Epoch != time.Now().Unix() || record.Lease.Owner != "" || !record.Tickets[wechat.JSAPI].Watched {
			t.Errorf("record after the first tick: %+v", record)
		}
		w.wantTicket(r)

		w.store.Take()
		w.tick(k)
		w.wantStoreCalls(1, 0) // nothing to do: one read
		w.wantCalls(1, 1)
	})
}

func TestWarmReaderMakesNoCalls(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		w.tick(w.keeper())
		r := w.reader(nil)
		w.store.Take()
		for range 100 {
			w.wantTicket(r)
		}
		w.wantStoreCalls(1, 0)
	})
}

func TestConcurrentFirstReadsAreOne(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		w.tick(w.keeper())
		w.store.Take()
		r := w.reader(nil)
		for range 100 {
			go w.wantTicket(r)
		}
		synctest.Wait()
		w.wantStoreCalls(1, 0)
	})
}

// P11
func TestRepeatedTicketNeverGainsLife(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k := w.keeper()
		first := w.tick(k).Tickets[wechat.JSAPI]
		for range 115 { // minute polls: the ticket is watched until it changes
			time.Sleep(time.Minute)
			held := w.tick(k).Tickets[wechat.JSAPI]
			if held.Fingerprint != first.Fingerprint || held.ExpiresAt != first.ExpiresAt {
				t.Fatalf("%s: expiry moved from %d to %d", time.Now(), first.ExpiresAt, held.ExpiresAt)
			}
		}
		if n := w.sim.Calls(wechatsim.PathTicket); n != 116 {
			t.Errorf("%d polls, want 116", n)
		}
	})
}

func TestKicksAreOneInTenSeconds(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		requests := 0
		readers := make([]*Reader, 50)
		for i := range readers {
			readers[i] = w.reader(func(string) { requests++ })
		}
		begin := time.Now()
		for time.Since(begin) < 60*time.Second {
			for _, r := range readers {
				if _, _, err := r.Ticket(t.Context(), testAppID, wechat.JSAPI); !errors.Is(err, ErrNoTicket) {
					t.Fatalf("got %v", err)
				}
			}
			time.Sleep(250 * time.Millisecond)
		}
		if requests < 5 || requests > 6 {
			t.Errorf("%d kicks in a minute without a ticket, want 6 at most", requests)
		}
	})
}

func TestKickRepublishesALostTicket(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k := w.keeper()
		before := w.tick(k).Tickets[wechat.JSAPI]
		time.Sleep(10 * time.Second)
		item, err := w.store.Get(t.Context(), ticketKey(testAppID, wechat.JSAPI))
		if err != nil || w.store.Store.Delete(t.Context(), item.Key, item.Version) != nil {
			t.Fatal("the published ticket was not there to delete")
		}
		if _, err := k.HandleRefreshRequest(t.Context(), w.account); err != nil {
			t.Fatal(err)
		}
		w.wantTicket(w.reader(nil))
		if after := w.stored().Tickets[wechat.JSAPI]; after.ExpiresAt != before.ExpiresAt {
			t.Errorf("republishing moved the expiry from %d to %d", before.ExpiresAt, after.ExpiresAt)
		}
		w.wantCalls(1, 2)
	})
}

func TestReportDead(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k := w.keeper()
		old := w.tick(k).Token
		time.Sleep(time.Minute)
		if err := w.sim.ForeignRefresh(testAppID); err != nil {
			t.Fatal(err)
		}
		// Somebody holding the token finds it dead and says so through the table.
		if _, err := w.report(k, old.Value); err != nil {
			t.Fatal(err)
		}
		now := w.stored().Token
		if now.Value == old.Value || !w.sim.TokenAlive(testAppID, now.Value) {
			t.Error("the token was not renewed")
		}
		calls := w.tokenCalls()
		if calls != 2 {
			t.Errorf("%d token calls, want 2", calls)
		}
		// The same report again is old news.
		time.Sleep(refreshRequestTTL)
		if _, err := w.report(k, old.Value); err != nil {
			t.Fatal(err)
		}
		if w.tokenCalls() != calls {
			t.Error("a stale report cost a token call")
		}
	})
}

func TestReportJoinsAStandingKick(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		r := w.reader(nil)
		r.RequestRefresh(t.Context(), testAppID)
		r.reportInvalid(t.Context(), testAppID, "fp")
		if got := w.keeper().refreshRequestFor(t.Context(), testAppID); got != "fp" {
			t.Errorf("the kick carries %q", got)
		}
	})
}

func TestDeadTokenFoundByTicketPoll(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k := w.keeper()
		first := w.tick(k).Lease.Epoch
		time.Sleep(time.Minute)
		_ = w.sim.ForeignRefresh(testAppID)
		record := w.tick(k)
		if !w.sim.TokenAlive(testAppID, record.Token.Value) || record.Token.Dead {
			t.Errorf("after the tick: %+v", record.Token.State)
		}
		w.wantCalls(2, 3) // the refused poll, a new token, the poll again
		if record.Lease.Epoch != first+2 {
			t.Errorf("epoch %d: a step made more than one call of a kind", record.Lease.Epoch)
		}
	})
}

func TestRefusedButUnchangedTokenIsNotHammered(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k := w.keeper()
		w.tick(k)
		w.sim.Fail(wechatsim.Fault{Path: wechatsim.PathTicket, ErrCode: 40001})
		w.sim.ResetCounts()
		for range 60 {
			time.Sleep(time.Minute)
			w.tick(k)
		}
		if n := w.tokenCalls(); n > 15 {
			t.Errorf("%d token calls in an hour for a token that WeChat repeats", n)
		}
		for call, n := range w.sim.Counts() {
			if call.Forced {
				t.Errorf("%d forced calls", n)
			}
		}
		if !strings.Contains(w.log.String(), "refused but unchanged") {
			t.Error("no alarm")
		}
		w.sim.ClearFaults()
		time.Sleep(11 * time.Minute)
		w.tick(k)
		time.Sleep(time.Minute)
		if record := w.tick(k); record.Token.Dead || record.Tickets[wechat.JSAPI].since(time.Now()) > time.Minute {
			t.Errorf("not well again: %+v", record)
		}
	})
}

func TestForce(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k := w.keeper()
		old := w.tick(k).Token.Value
		time.Sleep(time.Minute)
		record, err := k.Force(t.Context(), w.account)
		if err != nil || record.Token.Value == old {
			t.Fatalf("forced: %v", err)
		}
		var spent *BudgetError
		if _, err := k.Force(t.Context(), w.account); !errors.As(err, &spent) || spent.RetryAfter > forceSpacing {
			t.Errorf("a second force at once: %v", err)
		}
	})
}

// P7
func TestForceBudget(t *testing.T) {
	t.Parallel()
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k := w.keeper()
		w.tick(k)
		w.sim.ResetCounts()
		minute := 0
		for range 24 * 60 {
			before := w.sim.Calls(wechatsim.PathStableToken)
			for range 20 { // nearly all of them are refused by a read alone
				_, _ = k.Force(t.Context(), w.account)
				time.Sleep(3 * time.Second)
			}
			minute = max(minute, w.sim.Calls(wechatsim.PathStableToken)-before)
		}
		if day := w.sim.Calls(wechatsim.PathStableToken); minute > 2 || day != forcesADay {
			t.Errorf("%d forced calls in a minute, %d in a day", minute, day)
		}
	})
}

func TestForceIsCountedThoughTheCallFails(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		k := w.keeper()
		old := w.tick(k).Token.Value
		w.sim.Fail(wechatsim.Fault{Path: wechatsim.PathStableToken, Times: 1, DropAfter: true})
		if _, err := k.Force(t.Context(), w.account); err != nil {
			t.Fatal(err)
		}
		if record := w.stored(); len(record.Forced) != 1 || record.Token.Value != old {
			t.Errorf("%d forced calls counted, token kept: %v", len(record.Forced), record.Token.Value == old)
		}
	})
}

// P10
func TestNewAppSecret(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		stored := testSecret
		w.cacheSecret(&stored)
		k := w.keeper()
		w.tick(k)
		_ = w.sim.SetSecret(testAppID, nextSecret) // reset in WeChat's console, not stored yet
		time.Sleep(7200 * time.Second)
		w.sim.ResetCounts()
		for range 20 {
			time.Sleep(time.Minute)
			w.tick(k)
		}
		if n := w.tokenCalls(); n > 5 {
			t.Errorf("a refused secret was tried %d times in 20 minutes", n)
		}
		stored = nextSecret
		begin := time.Now()
		for rounds := 0; rounds < 10 && w.stored().Token.left(time.Now()) <= 0; rounds++ {
			time.Sleep(time.Minute)
			w.tick(k)
		}
		if took := time.Since(begin); took > 150*time.Second {
			t.Errorf("the new secret was in use after %v", took)
		}
		if strings.Contains(w.log.String(), nextSecret) {
			t.Error("the new secret was logged")
		}
	})
}

func TestCachedSecretIsReadAgainAtOnce(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		stored := nextSecret
		w.cacheSecret(&stored)
		_ = w.sim.SetSecret(testAppID, nextSecret)
		record := w.tick(w.keeper())
		if record.Token.Value == "" {
			t.Error("one tick was not enough")
		}
		w.wantCalls(2, 1)
	})
}

func TestWhitelistRefusalNamesTheAddress(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		_ = w.sim.Whitelist(testAppID, wechatsim.GroupToken, "203.0.113.9")
		record := w.tick(w.keeper())
		if record.Token.Failure.Code != 40164 || !strings.Contains(w.log.String(), " ip=") {
			t.Errorf("failure %+v, log %s", record.Token.Failure, w.log)
		}
		w.wantCalls(1, 0)
	})
}

func TestUnreadableRecord(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		if _, err := w.store.Create(t.Context(), store.Item{Key: tokenKey(testAppID), Value: []byte("{")}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.keeper().Tick(t.Context(), w.account); err == nil || !strings.Contains(err.Error(), "token#"+testAppID) {
			t.Errorf("got %v", err)
		}
	})
}

// A ticket that WeChat has answered is kept though the invocation is ending.
func TestAnswerIsSavedAfterTheDeadline(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		w.sim.Fail(wechatsim.Fault{Path: wechatsim.PathTicket, AnswerDelay: 5 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		record, err := w.keeper().Tick(ctx, w.account)
		if err != nil || w.stored().Token.Value == "" || w.stored().Lease.Owner != "" {
			t.Errorf("err %v, record %+v", err, record)
		}
	})
}
