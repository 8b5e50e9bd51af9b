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

func TestUsable(t *testing.T) {
	for _, c := range []struct {
		left time.Duration
		want bool
	}{{Margin, false}, {Margin + time.Nanosecond, true}, {0, false}} {
		if got := (ticket{expiresAt: noon.Add(c.left)}).usable(noon); got != c.want {
			t.Errorf("%v before its end: %v", c.left, got)
		}
	}
}

func (w *world) put(value string, life time.Duration) {
	w.t.Helper()
	key := ticketKey(testAppID, wechat.JSAPI)
	in := published{Ticket: value, ExpiresAt: time.Now().Add(life).Unix(), Epoch: 1}.item(key)
	standing, err := w.store.Create(w.t.Context(), in)
	if errors.Is(err, store.ErrExists) {
		in.Version = standing.Version
		_, err = w.store.Replace(w.t.Context(), in)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) wantValue(r *Reader, want string) {
	w.t.Helper()
	if got, _, err := r.Ticket(w.t.Context(), testAppID, wechat.JSAPI); got != want {
		w.t.Errorf("%s: ticket %q, %v; want %q", time.Now(), got, err, want)
	}
}

func TestReaderLooksAgain(t *testing.T) {
	for _, c := range []struct {
		name string
		life time.Duration
		keep time.Duration
	}{
		{"with life left", 2 * time.Hour, keepFor},
		{"just before it may have a successor", ticketWindow + keepFor, keepFor},
		{"when it may have a successor", ticketWindow + keepFor - time.Second, keepNear},
		{"at its end", Margin, keepAbsent},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
				r := w.reader(nil)
				w.put("one", c.life)
				_, _, _ = r.Ticket(t.Context(), testAppID, wechat.JSAPI)
				before, _, _ := r.Ticket(t.Context(), testAppID, wechat.JSAPI)
				w.put("two", 2*time.Hour)
				time.Sleep(c.keep - time.Nanosecond)
				w.wantValue(r, before)
				time.Sleep(time.Nanosecond)
				w.wantValue(r, "two")
			})
		})
	}
}

func TestColdReaderTellsWhyAndComesBack(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		s := downed(w.store.Store)
		w.store.Store = s
		r := w.reader(nil)
		if _, _, err := r.Ticket(t.Context(), testAppID, wechat.JSAPI); !errors.Is(err, ErrNoTicket) || !errors.Is(err, errDown) {
			t.Errorf("got %v", err)
		}
		s.down.Store(false)
		w.put("one", time.Hour)
		time.Sleep(keepAbsent)
		w.wantValue(r, "one")
	})
}

func TestWarmReaderGoesOnFromMemory(t *testing.T) {
	for _, spoil := range []func(*world){
		func(w *world) { w.store.Store = downed(w.store.Store) },
		func(w *world) { w.put("", time.Hour) },
	} {
		bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
			r := w.reader(nil)
			w.put("one", time.Hour)
			w.wantValue(r, "one")
			spoil(w)
			time.Sleep(keepFor)
			w.wantValue(r, "one")
			w.wantValue(r, "one")
		})
	}
}

func TestReadOutlivesItsCaller(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		w.put("one", time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := w.reader(nil).Ticket(ctx, testAppID, wechat.JSAPI); err != nil {
			t.Error(err)
		}
	})
}

func TestLateCallerReadsNothing(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		w.put("one", time.Hour)
		w.store.Take()
		r := w.reader(nil)
		for range 2 {
			_, _ = r.load(t.Context(), ticketKey(testAppID, wechat.JSAPI))
		}
		w.wantStoreCalls(1, 0)
	})
}

func TestReaderKicksOnceInTenSeconds(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		r := w.reader(nil)
		for range 9 {
			_, _, _ = r.Ticket(t.Context(), testAppID, wechat.JSAPI)
			time.Sleep(time.Second)
		}
		w.wantStoreCalls(9, 1)
		if strings.Contains(w.log.String(), "refresh request not written") {
			t.Error("logged as a failure")
		}
	})
}

func TestReaderKicksBeforeTheEnd(t *testing.T) {
	for _, c := range []struct {
		left     time.Duration
		requests int
	}{{overdue, 0}, {overdue - time.Second, 1}} {
		bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
			w.put("one", c.left)
			w.store.Take()
			w.wantValue(w.reader(nil), "one")
			w.wantStoreCalls(1, c.requests)
		})
	}
}
