package credential

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/wechat"
)

func TestRefreshRequestsAreOneInTenSecondsForAllReaders(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		requests := 0
		readers := make([]*Reader, 50)
		for i := range readers {
			readers[i] = f.reader(func(string) { requests++ })
		}
		begin := time.Now()
		for time.Since(begin) < 60*time.Second {
			for _, reader := range readers {
				if _, _, err := reader.Ticket(t.Context(), testAppID, wechat.JSAPI); !errors.Is(err, ErrNoTicket) {
					t.Fatalf("got %v", err)
				}
			}
			time.Sleep(250 * time.Millisecond)
		}
		if requests < 5 || requests > 6 {
			t.Errorf("%d refresh requests in a minute without a ticket, want 6 at most", requests)
		}
	})
}

func TestReaderTriesOneRefreshRequestInTenSeconds(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		reader := f.reader(nil)
		for range 9 {
			_, _, _ = reader.Ticket(t.Context(), testAppID, wechat.JSAPI)
			time.Sleep(time.Second)
		}
		f.wantStoreCalls(9, 1)
		if strings.Contains(f.log.String(), "refresh request not written") {
			t.Error("logged as a failure")
		}
	})
}

// If the schedule has stopped, a ticket near its expiry is renewed all the same.
func TestReaderRequestsARefreshBeforeTheExpiry(t *testing.T) {
	for _, c := range []struct {
		name     string
		ttl      time.Duration
		requests int
	}{
		{"180 s before", renewalOverdue, 0},
		{"179 s before", renewalOverdue - time.Second, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
				f.publish("one", c.ttl)
				f.store.Take()
				f.wantValue(f.reader(nil), "one")
				f.wantStoreCalls(1, c.requests)
			})
		})
	}
}

func TestRefreshRequestPublishesAMissingTicketAgain(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		before := f.tick(renewer).Tickets[wechat.JSAPI]
		time.Sleep(10 * time.Second)
		item, err := f.store.Get(t.Context(), ticketKey(testAppID, wechat.JSAPI))
		if err != nil || f.store.Store.Delete(t.Context(), item.Key, item.Version) != nil {
			t.Fatal("there was no published ticket to delete")
		}
		if _, err := renewer.HandleRefreshRequest(t.Context(), f.account); err != nil {
			t.Fatal(err)
		}
		f.wantTicket(f.reader(nil))
		if after := f.record().Tickets[wechat.JSAPI]; after.ExpiresAt != before.ExpiresAt {
			t.Errorf("publishing again moved the expiry from %d to %d", before.ExpiresAt, after.ExpiresAt)
		}
		f.wantCalls(1, 2)
	})
}

func TestRefreshRequestPublishesAnOverwrittenTicketAgain(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		f.tick(renewer)
		f.publish("another", time.Hour)
		time.Sleep(requestInterval)
		if _, err := renewer.HandleRefreshRequest(t.Context(), f.account); err != nil {
			t.Fatal(err)
		}
		f.wantTicket(f.reader(nil))
	})
}

func TestRefreshRequestReadsNoMoreThanItMust(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		for _, reads := range []int{3, 2} { // the request, the record, and the ticket unless it has expired
			f.tick(renewer)
			f.store.Take()
			if _, err := renewer.HandleRefreshRequest(t.Context(), f.account); err != nil {
				t.Fatal(err)
			}
			if got, _ := f.store.Take().Count(); got != reads {
				t.Errorf("%d store reads, want %d", got, reads)
			}
			time.Sleep(7200 * time.Second)
			f.sim.Fail(wechatsim.Fault{ErrCode: -1})
		}
	})
}

func TestThirtyRefreshRequestsASecondCostOneTicketCall(t *testing.T) {
	bubble(t, nextTicketEarly, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		f.tick(renewer)
		f.sim.ResetCounts()
		for range 60 {
			for range 30 {
				go func() { _, _ = renewer.HandleRefreshRequest(t.Context(), f.account) }()
			}
			synctest.Wait()
			time.Sleep(time.Second)
		}
		f.wantCalls(0, 1)
	})
}

func TestReportedTokenIsRenewedOnce(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		old := f.tick(renewer).Token
		time.Sleep(time.Minute)
		if err := f.sim.ForeignRefresh(testAppID); err != nil {
			t.Fatal(err)
		}
		if _, err := f.report(renewer, old.Value); err != nil {
			t.Fatal(err)
		}
		now := f.record().Token
		if now.Value == old.Value || !f.sim.TokenValid(testAppID, now.Value) {
			t.Error("the token was not renewed")
		}
		calls := f.tokenCalls()
		if calls != 2 {
			t.Errorf("%d token calls, want 2", calls)
		}
		// The same report again is about a token that is no longer stored.
		time.Sleep(refreshRequestTTL)
		if _, err := f.report(renewer, old.Value); err != nil {
			t.Fatal(err)
		}
		if f.tokenCalls() != calls {
			t.Error("the report of an earlier token cost a token call")
		}
	})
}

// The account has no tickets, so no ticket call can find the token invalid.
func TestReportedTokenIsRenewedWithoutTickets(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		f.account.Tickets = nil
		renewer := f.renewer()
		old := f.tick(renewer).Token.Value
		f.wantStoreCalls(1, 2) // lease, and saved with the lease released
		_ = f.sim.ForeignRefresh(testAppID)
		if _, err := f.report(renewer, old); err != nil || !f.sim.TokenValid(testAppID, f.record().Token.Value) {
			t.Errorf("not renewed: %v", err)
		}
	})
}

func TestReportedTokenStaysInvalidIfTheNextOneIsRefused(t *testing.T) {
	bubble(t, nextTicketEarly, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		old := f.tick(renewer).Token.Value
		f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathStableToken, ErrCode: 45009})
		if record, err := f.report(renewer, old); err != nil || !record.Token.Invalid {
			t.Errorf("invalid %v, %v", record.Token.Invalid, err)
		}
	})
}

func TestReportReplacesARequestWithoutFingerprint(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		reader := f.reader(nil)
		reader.requestRefresh(t.Context(), testAppID)
		reader.reportInvalid(t.Context(), testAppID, "fp")
		if got := f.renewer().reportedToken(t.Context(), testAppID); got != "fp" {
			t.Errorf("the request has the fingerprint %q", got)
		}
	})
}

func TestReportDoesNotReplaceAnotherReport(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		reader := f.reader(nil)
		reader.reportInvalid(t.Context(), testAppID, "one")
		reader.reportInvalid(t.Context(), testAppID, "two")
		if got := f.renewer().reportedToken(t.Context(), testAppID); got != "one" {
			t.Errorf("the request has the fingerprint %q", got)
		}
		if strings.Contains(f.log.String(), "refresh request not written") {
			t.Error("logged as a failure")
		}
	})
}

// The caller learns that the report was not handled, and the record does not have it.
func TestReportIsRefusedWhileTheLeaseIsHeld(t *testing.T) {
	bubble(t, nextTicketEarly, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		old := f.tick(renewer).Token.Value
		s, err := renewer.read(t.Context(), testAppID)
		if err == nil {
			_, err = renewer.takeLease(t.Context(), s)
		}
		if err != nil {
			t.Fatal(err)
		}
		if record, err := f.report(renewer, old); !errors.Is(err, ErrBusy) || record.Token.Invalid {
			t.Errorf("invalid %v, %v", record.Token.Invalid, err)
		}
	})
}
