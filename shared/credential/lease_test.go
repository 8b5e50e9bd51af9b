package credential

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/manifest"
	"wechatfn/shared/store"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/wechat"
)

// leaseChecker is a store that looks at every write of a record and of a published
// ticket. Epochs may only rise, and each may have one owner.
type leaseChecker struct {
	*storetest.Recorder
	t  testing.TB
	mu sync.Mutex

	epoch     int64            // of the last record
	published int64            // the epoch of the last published ticket
	owners    map[int64]string // of each epoch
}

func newLeaseChecker(f *fixture) *leaseChecker {
	l := &leaseChecker{Recorder: &storetest.Recorder{Store: f.store}, t: f.t, owners: map[int64]string{}}
	l.Intercept(l.call)
	return l
}

// call writes and checks in one step, so that the order of the checks is that of the
// writes.
func (l *leaseChecker) call(ctx context.Context, c storetest.Call, write func(context.Context) error) error {
	if c.Verb == "get" {
		return write(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err := write(ctx)
	if err == nil {
		l.check(c.Item)
	}
	return err
}

func (l *leaseChecker) check(item store.Item) {
	switch store.Kind(item.Key) {
	case store.KindToken:
		l.checkRecord(item)
	case store.KindTicket:
		epoch := decodePublished(item).Epoch
		if epoch < l.published {
			l.t.Errorf("a ticket of epoch %d was published over one of epoch %d", epoch, l.published)
		}
		l.published = epoch
	}
}

func (l *leaseChecker) checkRecord(item store.Item) {
	var r Record
	if err := item.Decode(&r); err != nil {
		l.t.Error(err)
	}
	if r.Lease.Epoch < l.epoch {
		l.t.Errorf("epoch %d was written over epoch %d", r.Lease.Epoch, l.epoch)
	}
	l.epoch = r.Lease.Epoch
	if owner, ok := l.owners[l.epoch]; ok && r.Lease.Owner != "" && r.Lease.Owner != owner {
		l.t.Errorf("epoch %d has two owners", l.epoch)
	} else if r.Lease.Owner != "" {
		l.owners[l.epoch] = r.Lease.Owner
	}
}

// freezing is the WeChat of a refresher that stops before some calls, as a function of
// Lambda that is frozen, or a process in a long garbage collection.
type freezing struct {
	WeChat
	pause func()
}

func (f *freezing) Token(ctx context.Context, appID, secret string, force bool) (wechat.Token, error) {
	f.pause()
	token, err := f.WeChat.Token(ctx, appID, secret, force)
	f.pause() // the answer is old when it arrives
	return token, err
}

func (f *freezing) Ticket(ctx context.Context, token string, typ wechat.TicketType) (wechat.Ticket, error) {
	f.pause()
	ticket, err := f.WeChat.Ticket(ctx, token, typ)
	f.pause()
	return ticket, err
}

func (f *fixture) freezingRenewer(s store.Store, pause func()) *Renewer {
	table := &storetest.Recorder{Store: s}
	table.Intercept(func(ctx context.Context, c storetest.Call, do func(context.Context) error) error {
		pause()
		if c.Verb != "get" {
			ctx = context.WithoutCancel(ctx)
		}
		return do(ctx)
	})
	renewer := f.renewerOn(table)
	renewer.weChat = &freezing{renewer.weChat, pause}
	return renewer
}

// A refresher is frozen at any call, and another one takes over. When the first one goes
// on, it changes nothing. Tokens are classic: each answer is another token.
func TestStaleWriterNeverWins(t *testing.T) {
	for n := 1; ; n++ {
		calls := 0
		t.Run(fmt.Sprintf("freeze=%d", n), func(t *testing.T) {
			bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
				f.classic = true
				f.tick(f.renewer())
				time.Sleep(8000 * time.Second) // token and ticket have expired
				l := newLeaseChecker(f)
				wake := make(chan struct{})
				go func() {
					renewer := f.freezingRenewer(l, func() {
						if calls++; calls == n {
							<-wake
						}
					})
					_, _ = renewer.Tick(t.Context(), f.account)
				}()
				synctest.Wait() // frozen, or done
				time.Sleep(leaseTTL + time.Second)
				f.tick(f.renewerOn(l))
				takenOver := f.record()
				close(wake)
				synctest.Wait()
				after := f.record()
				if after.Token.Value != takenOver.Token.Value || after.Lease != takenOver.Lease {
					t.Error("the stale writer won")
				}
				if !f.sim.TokenValid(testAppID, after.Token.Value) {
					t.Error("the stored token is invalid")
				}
				f.wantTicket(f.reader(nil))
			})
		})
		if calls < n {
			if n < 8 {
				t.Errorf("only %d calls to freeze at", n)
			}
			return
		}
	}
}

// Six refreshers freeze at any call for any time. Epochs only rise, each has one owner,
// and WeChat is asked at most once in each.
func TestEpochsOnlyRise(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
				f.classic = seed%2 == 0
				l := newLeaseChecker(f)
				var wg sync.WaitGroup
				for id := range uint64(6) {
					rng := rand.New(rand.NewPCG(seed, id))
					renewer := f.freezingRenewer(l, func() {
						if rng.IntN(4) == 0 {
							time.Sleep(time.Duration(rng.IntN(40_000)) * time.Millisecond)
						}
					})
					wg.Go(func() {
						for range 40 {
							_, err := renewer.Tick(t.Context(), f.account)
							if err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, ErrLeaseLost) {
								t.Error(err)
							}
							time.Sleep(time.Duration(rng.IntN(600)) * time.Second)
						}
					})
				}
				wg.Wait()
				if calls := f.tokenCalls(); calls > len(l.owners) {
					t.Errorf("%d token calls in %d epochs", calls, len(l.owners))
				}
				if calls := f.sim.Calls(wechatsim.PathTicket); calls > len(l.owners) {
					t.Errorf("%d ticket calls in %d epochs", calls, len(l.owners))
				}
			})
		})
	}
}

// leaseOp is one write of a record, as a user of the lease sees it.
type leaseOp struct {
	take  bool
	epoch int64
}

// leaseModel is the lease as one process alone would see it: taking it raises
// the epoch by one, and saving works for the newest epoch only.
var leaseModel = porcupine.Model{
	Init: func() any { return int64(0) },
	Step: func(state, in, out any) (bool, any) {
		epoch, op, ok := state.(int64), in.(leaseOp), out.(bool)
		switch {
		case op.take && ok:
			return op.epoch == epoch+1 || epoch == 0, op.epoch // the first one is the time
		case op.take:
			return true, epoch // the record was written since it was read, perhaps in the same epoch
		case ok:
			return op.epoch == epoch, epoch
		default:
			return op.epoch != epoch, epoch
		}
	},
}

// leaseHistory records the writes of one refresher.
type leaseHistory struct {
	store.Store
	client int
	epoch  int64
	start  time.Time
	ops    []porcupine.Operation
}

func (h *leaseHistory) Create(ctx context.Context, in store.Item) (store.Item, error) {
	return h.record(ctx, in, h.Store.Create)
}

func (h *leaseHistory) Replace(ctx context.Context, in store.Item) (store.Item, error) {
	return h.record(ctx, in, h.Store.Replace)
}

func (h *leaseHistory) record(ctx context.Context, in store.Item, write func(context.Context, store.Item) (store.Item, error)) (store.Item, error) {
	runtime.Gosched() // lets others write in between, on one processor too
	called := time.Since(h.start).Nanoseconds()
	item, err := write(ctx, in)
	returned := time.Since(h.start).Nanoseconds()
	var r Record
	if store.Kind(in.Key) != "token" || in.Decode(&r) != nil {
		return item, err
	}
	op := leaseOp{take: r.Lease.Epoch != h.epoch, epoch: r.Lease.Epoch}
	h.epoch = r.Lease.Epoch
	h.ops = append(h.ops, porcupine.Operation{ClientId: h.client, Input: op, Call: called, Output: err == nil, Return: returned})
	return item, err
}

// Refreshers that ignore the deadline of the lease take it over from each other all the
// time, on a real store. What they saw must fit one order of events.
func TestLeaseIsLinearizable(t *testing.T) {
	f := newFixture(t, wechatsim.Switches{})
	f.classic = true
	start := time.Now()
	histories := make([]*leaseHistory, 8)
	var wg sync.WaitGroup
	for i := range histories {
		h := &leaseHistory{Store: f.store, client: i, start: start}
		histories[i] = h
		renewer := f.renewerOn(h)
		wg.Go(func() {
			for range 25 {
				s, err := renewer.read(t.Context(), testAppID)
				if err != nil {
					t.Error(err)
					return
				}
				h.epoch = 0 // the next write takes a lease
				plan := Plan{Token: true, Tickets: []wechat.TicketType{wechat.JSAPI}}
				if _, err = renewer.runEpoch(t.Context(), f.account, s, plan); err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, ErrLeaseLost) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var all []porcupine.Operation
	failed := 0
	for _, h := range histories {
		all = append(all, h.ops...)
		for _, op := range h.ops {
			if !op.Output.(bool) {
				failed++
			}
		}
	}
	if failed == 0 {
		t.Error("no lease was ever taken over: the history proves nothing")
	}
	if got := porcupine.CheckOperationsTimeout(leaseModel, all, time.Minute); got != porcupine.Ok {
		t.Errorf("the history of %d writes is %s", len(all), got)
	}
}

func TestErrBusyComesWithTheRecordThatWasRead(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		before := f.tick(f.renewer())
		time.Sleep(time.Minute)
		renewer := f.intercept(&interceptor{beforeReplace: func(string) error { return store.ErrConflict }})
		record, err := renewer.Tick(t.Context(), f.account)
		if !errors.Is(err, ErrBusy) || record.Lease != before.Lease {
			t.Errorf("%v: lease %+v, want %+v", err, record.Lease, before.Lease)
		}
	})
}

// The lease is longer than the timeout of the function that holds it. After a holder has
// crashed, the first refresh request that can take over comes within 30 s.
func TestLeaseFitsTimeoutAndTakeover(t *testing.T) {
	refresher, _ := manifest.Lookup("refresher")
	if leaseTTL <= refresher.Timeout {
		t.Errorf("a lease of %v ends before its holder's timeout of %v", leaseTTL, refresher.Timeout)
	}
	if takeover := leaseTTL + time.Second + refreshRequestTTL + time.Second; takeover > 30*time.Second {
		t.Errorf("the refresh request after the lease of a crashed holder comes after %v", takeover)
	}
}

func TestLeaseTakenLateInASecondIsNotShorter(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		time.Sleep(999 * time.Millisecond)
		s, err := f.renewer().takeLease(t.Context(), stored{item: store.Item{Key: tokenKey(testAppID)}})
		if err != nil {
			t.Fatal(err)
		}
		if !s.Lease.active(time.Now().Add(leaseTTL - time.Nanosecond)) {
			t.Errorf("it ends before %v", leaseTTL)
		}
	})
}
