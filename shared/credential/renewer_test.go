package credential

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/store"
	"wechatfn/shared/wechat"
)

func TestFirstTickRenewsAllAndTheNextOneReadsOnce(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer, reader := f.renewer(), f.reader(nil)
		record := f.tick(renewer)
		f.wantCalls(1, 1)
		f.wantStoreCalls(1, 4) // lease, token saved, ticket published, saved with the lease released
		if record.Lease.Epoch != time.Now().Unix() || record.Lease.Owner != "" || !record.Tickets[wechat.JSAPI].Watched {
			t.Errorf("record after the first tick: %+v", record)
		}
		f.wantTicket(reader)

		f.store.Take()
		f.tick(renewer)
		f.wantStoreCalls(1, 0)
		f.wantCalls(1, 1)
	})
}

// WeChat repeats a ticket and says 7200 s each time.
func TestRepeatedTicketNeverExpiresLater(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		first := f.tick(renewer).Tickets[wechat.JSAPI]
		for range 115 { // polls each minute: the ticket is watched until it changes
			time.Sleep(time.Minute)
			ticket := f.tick(renewer).Tickets[wechat.JSAPI]
			if ticket.Fingerprint != first.Fingerprint || ticket.ExpiresAt != first.ExpiresAt {
				t.Fatalf("%s: the expiry moved from %d to %d", time.Now(), first.ExpiresAt, ticket.ExpiresAt)
			}
		}
		if n := f.sim.Calls(wechatsim.PathTicket); n != 116 {
			t.Errorf("%d polls, want 116", n)
		}
	})
}

// WeChat may repeat a ticket long after its expiry. Requests go on all day, and
// each one without a ticket writes a refresh request: still WeChat is asked at most
// 750 times.
func TestTicketRepeatedForeverCostsFewCalls(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		expiresIn time.Duration
	}{
		{"30 s", 30 * time.Second},
		{"7200 s", 7200 * time.Second},
	} {
		if raceDetector && c.expiresIn < Margin {
			continue // the slower of the two
		}
		day := 24 * 1200 // requests
		if raceDetector {
			day /= 6
		}
		t.Run(c.name, func(t *testing.T) {
			bubble(t, nextTicketEarly, func(t *testing.T, f *fixture) {
				s := newSimulation(f)
				same := &sameTicket{WeChat: s.renewer.weChat, expiresIn: c.expiresIn}
				s.renewer.weChat = same
				s.requestInterval = 3 * time.Second
				s.tick(s.renewer)
				for range 3 * 1200 {
					_, _, _ = s.readers[0].Ticket(t.Context(), testAppID, wechat.JSAPI)
					time.Sleep(s.requestInterval)
				}
				same.calls = 0
				for range day {
					_, _, _ = s.readers[0].Ticket(t.Context(), testAppID, wechat.JSAPI)
					time.Sleep(s.requestInterval)
				}
				if same.calls > 750 {
					t.Errorf("%d calls in a day", same.calls)
				}
			})
		})
	}
}

func TestLifetimesCountFromBeforeTheCall(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		f.sim.Fail(wechatsim.Fault{AnswerDelay: 4 * time.Second})
		begin := time.Now()
		record := f.tick(f.renewer())
		token, ticket := record.Token.ExpiresAt, record.Tickets[wechat.JSAPI].ExpiresAt
		if want := begin.Add(7200 * time.Second).Unix(); token != want || ticket != want+4 {
			t.Errorf("expiry %d and %d, want %d and %d", token, ticket, want, want+4)
		}
	})
}

func TestTokenInvalidatedElsewhereIsRenewedInOneTick(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		first := f.tick(renewer).Lease.Epoch
		time.Sleep(time.Minute)
		_ = f.sim.ForeignRefresh(testAppID)
		record := f.tick(renewer)
		if !f.sim.TokenValid(testAppID, record.Token.Value) || record.Token.Invalid {
			t.Errorf("after the tick: %+v", record.Token.State)
		}
		f.wantCalls(2, 3) // the refused poll, a new token, the poll again
		if record.Lease.Epoch != first+2 {
			t.Errorf("epoch %d: it made more than one call of a kind", record.Lease.Epoch)
		}
	})
}

func TestDeletedRecordIsCreatedAgain(t *testing.T) {
	bubble(t, nextTicketEarly, func(t *testing.T, f *fixture) {
		s := newSimulation(f)
		s.tick(s.renewer)
		s.run(6 * time.Hour)
		before := s.publishedExpiry(t)
		item, err := f.store.Get(t.Context(), tokenKey(testAppID))
		if err != nil || f.store.Store.Delete(t.Context(), item.Key, item.Version) != nil {
			t.Fatal("no record to delete")
		}
		if _, err := s.renewer.Tick(t.Context(), f.account); err != nil {
			t.Errorf("the first tick: %v", err)
		}
		if after := s.publishedExpiry(t); after.After(before) {
			t.Errorf("the expiry of the ticket moved by %v", after.Sub(before))
		}
		s.refused = 0
		s.run(4 * time.Hour)
		if s.refused > 0 {
			t.Errorf("%d refused", s.refused)
		}
	})
}

func TestUnreadableRecordIsNamedInTheError(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		if _, err := f.store.Create(t.Context(), store.Item{Key: tokenKey(testAppID), Value: []byte("{")}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.renewer().Tick(t.Context(), f.account); err == nil || !strings.Contains(err.Error(), "token#"+testAppID) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAnswerIsSavedAfterTheDeadline(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathTicket, AnswerDelay: 5 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		record, err := f.renewer().Tick(ctx, f.account)
		if err != nil || f.record().Token.Value == "" || f.record().Lease.Owner != "" {
			t.Errorf("err %v, record %+v", err, record)
		}
	})
}

func TestStoreErrorsAreReturned(t *testing.T) {
	for _, kind := range []string{"token", "ticket"} {
		t.Run(kind, func(t *testing.T) {
			bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
				f.tick(f.renewer())
				time.Sleep(7200 * time.Second)
				writes := 0
				renewer := f.intercept(&interceptor{beforeReplace: func(key string) error {
					if store.Kind(key) == kind {
						if writes++; writes > 1 || kind == "ticket" { // the first write of the record takes the lease
							return errStoreDown
						}
					}
					return nil
				}})
				key := ticketKey(testAppID, wechat.JSAPI)
				_, err := f.store.Get(t.Context(), key)
				if errors.Is(err, store.ErrNotFound) { // so that publishing replaces
					_, err = f.store.Create(t.Context(), store.Item{Key: key, Value: []byte("{}")})
				}
				if err != nil {
					t.Fatal(err)
				}
				if _, err := renewer.Tick(t.Context(), f.account); !errors.Is(err, errStoreDown) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}
