package credential

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/wechat"
)

func (f *fixture) wantValue(reader *Reader, want string) {
	f.t.Helper()
	if got, _, err := reader.Ticket(f.t.Context(), testAppID, wechat.JSAPI); got != want {
		f.t.Errorf("%s: ticket %q, %v; want %q", time.Now(), got, err, want)
	}
}

func TestValidUntilMarginBeforeTheExpiry(t *testing.T) {
	for _, c := range []struct {
		name string
		left time.Duration
		want bool
	}{
		{"more than Margin", Margin + time.Nanosecond, true},
		{"Margin", Margin, false},
		{"nothing", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (credential{expiresAt: noon.Add(c.left)}).valid(noon); got != c.want {
				t.Errorf("%v before its expiry: %v", c.left, got)
			}
		})
	}
}

func TestCachedTicketCostsNoRead(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		f.tick(f.renewer())
		reader := f.reader(nil)
		f.store.Take()
		for range 100 {
			f.wantTicket(reader)
		}
		f.wantStoreCalls(1, 0)
	})
}

func TestConcurrentFirstCallsShareOneRead(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		f.tick(f.renewer())
		f.store.Take()
		reader := f.reader(nil)
		for range 100 {
			go f.wantTicket(reader)
		}
		synctest.Wait()
		f.wantStoreCalls(1, 0)
	})
}

// A call that looked into the cache before another one filled it does not read again.
func TestLateCallerReadsNothing(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		f.publish("one", time.Hour)
		f.store.Take()
		reader := f.reader(nil)
		for range 2 {
			_, _ = reader.load(t.Context(), ticketKey(testAppID, wechat.JSAPI))
		}
		f.wantStoreCalls(1, 0)
	})
}

func TestReaderReadsAgainWhenItsCacheIsOld(t *testing.T) {
	for _, c := range []struct {
		name     string
		ttl      time.Duration
		cacheTTL time.Duration
	}{
		{"far from the expiry", 2 * time.Hour, cacheTTL},
		{"just before there may be another ticket", ticketWindow + cacheTTL, cacheTTL},
		{"when there may be another ticket", ticketWindow + cacheTTL - time.Second, cacheTTLNearExpiry},
		{"at the expiry", Margin, cacheTTLMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
				reader := f.reader(nil)
				f.publish("one", c.ttl)
				_, _, _ = reader.Ticket(t.Context(), testAppID, wechat.JSAPI)
				before, _, _ := reader.Ticket(t.Context(), testAppID, wechat.JSAPI)
				f.publish("two", 2*time.Hour)
				time.Sleep(c.cacheTTL - time.Nanosecond)
				f.wantValue(reader, before)
				time.Sleep(time.Nanosecond)
				f.wantValue(reader, "two")
			})
		})
	}
}

func TestReaderWithoutCacheReturnsTheStoresErrorAndRecovers(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		f.store.Fail(errStoreDown)
		reader := f.reader(nil)
		if _, _, err := reader.Ticket(t.Context(), testAppID, wechat.JSAPI); !errors.Is(err, ErrNoTicket) || !errors.Is(err, errStoreDown) {
			t.Errorf("got %v", err)
		}
		f.store.Fail(nil)
		f.publish("one", time.Hour)
		time.Sleep(cacheTTLMissing)
		f.wantValue(reader, "one")
	})
}

func TestReaderUsesItsCacheWhileTheTableFails(t *testing.T) {
	for _, c := range []struct {
		name string
		fail func(*fixture)
	}{
		{"the table is down", func(f *fixture) { f.store.Fail(errStoreDown) }},
		{"the item is not a ticket", func(f *fixture) { f.publish("", time.Hour) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
				reader := f.reader(nil)
				f.publish("one", time.Hour)
				f.wantValue(reader, "one")
				c.fail(f)
				time.Sleep(cacheTTL)
				f.wantValue(reader, "one")
				f.wantValue(reader, "one")
			})
		})
	}
}

// A read is shared by many callers, so it does not end with the first of them.
func TestReadDoesNotEndWithItsCaller(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		f.publish("one", time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := f.reader(nil).Ticket(ctx, testAppID, wechat.JSAPI); err != nil {
			t.Error(err)
		}
	})
}
