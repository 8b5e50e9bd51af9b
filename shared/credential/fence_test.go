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
	"wechatfn/shared/store"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/wechat"
)

// ledger sees every write of a record and of a published ticket that landed,
// and checks that epochs only rise and that each has one owner.
type ledger struct {
	*storetest.Recorder
	t  testing.TB
	mu sync.Mutex

	epoch     int64
	owners    map[int64]string
	published int64
}

func newLedger(w *world) *ledger {
	l := &ledger{Recorder: &storetest.Recorder{Store: w.store}, t: w.t, owners: map[int64]string{}}
	l.Intercept(l.call)
	return l
}

// call writes and notes in one step, so that the order of the notes is that of the
// writes.
func (l *ledger) call(c storetest.Call, do func() error) error {
	if c.Verb == "get" {
		return do()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err := do()
	l.note(c.Item, err)
	return err
}

func (l *ledger) note(in store.Item, err error) {
	if err != nil {
		return
	}
	switch store.Kind(in.Key) {
	case "token":
		l.noteRecord(in)
	case "ticket":
		epoch := publishedIn(in).Epoch
		if epoch < l.published {
			l.t.Errorf("a ticket of epoch %d was published over one of epoch %d", epoch, l.published)
		}
		l.published = epoch
	}
}

func (l *ledger) noteRecord(in store.Item) {
	var r Record
	if err := in.Decode(&r); err != nil {
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

// sleepy is a refresher's outside that stops the world for it before some calls,
// as a frozen Lambda or a long garbage collection would.
type sleepy struct {
	store.Store
	WeChat
	pause func()
}

func (s *sleepy) Get(ctx context.Context, key string) (store.Item, error) {
	s.pause()
	return s.Store.Get(ctx, key)
}

func (s *sleepy) Create(ctx context.Context, in store.Item) (store.Item, error) {
	s.pause()
	return s.Store.Create(context.WithoutCancel(ctx), in)
}

func (s *sleepy) Replace(ctx context.Context, in store.Item) (store.Item, error) {
	s.pause()
	return s.Store.Replace(context.WithoutCancel(ctx), in)
}

func (s *sleepy) Token(ctx context.Context, appID, secret string, force bool) (wechat.Token, error) {
	s.pause()
	token, err := s.WeChat.Token(ctx, appID, secret, force)
	s.pause() // the answer is old when it arrives
	return token, err
}

func (s *sleepy) Ticket(ctx context.Context, token string, typ wechat.TicketType) (wechat.Ticket, error) {
	s.pause()
	ticket, err := s.WeChat.Ticket(ctx, token, typ)
	s.pause()
	return ticket, err
}

func (w *world) sleepyKeeper(s store.Store, pause func()) *Renewer {
	k := w.keeper()
	outside := &sleepy{Store: s, WeChat: k.WeChat, pause: pause}
	k.Store, k.WeChat = outside, outside
	return k
}

// P3: a refresher frozen at any call, overtaken meanwhile, changes nothing when
// it wakes. Classic tokens: there each answer is another token.
func TestStaleWriterNeverWins(t *testing.T) {
	for n := 1; ; n++ {
		calls := 0
		bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
			w.classic = true
			w.tick(w.keeper())
			time.Sleep(8000 * time.Second) // both ended
			l := newLedger(w)
			wake := make(chan struct{})
			go func() {
				k := w.sleepyKeeper(l, func() {
					if calls++; calls == n {
						<-wake
					}
				})
				_, _ = k.Tick(t.Context(), w.account)
			}()
			synctest.Wait() // frozen, or done
			time.Sleep(leaseLife + time.Second)
			other := w.keeperOn(l)
			w.tick(other)
			overtaken := w.stored()
			close(wake)
			synctest.Wait()
			after := w.stored()
			if after.Token.Value != overtaken.Token.Value || after.Lease != overtaken.Lease {
				t.Errorf("frozen at call %d: the stale writer won", n)
			}
			if !w.sim.TokenAlive(testAppID, after.Token.Value) {
				t.Errorf("frozen at call %d: the stored token is dead", n)
			}
			w.wantTicket(w.reader(nil))
		})
		if calls < n {
			if n < 8 {
				t.Errorf("only %d calls to freeze at", n)
			}
			return
		}
	}
}

// P3: refreshers that freeze for any time at any call.
func TestEpochsOnlyRise(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
				w.classic = seed%2 == 0
				l := newLedger(w)
				var wg sync.WaitGroup
				for id := range uint64(6) {
					rng := rand.New(rand.NewPCG(seed, id))
					k := w.sleepyKeeper(l, func() {
						if rng.IntN(4) == 0 {
							time.Sleep(time.Duration(rng.IntN(40_000)) * time.Millisecond)
						}
					})
					wg.Go(func() {
						for range 40 {
							_, err := k.Tick(t.Context(), w.account)
							if err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, ErrLeaseLost) {
								t.Errorf("seed %d: %v", seed, err)
							}
							time.Sleep(time.Duration(rng.IntN(600)) * time.Second)
						}
					})
				}
				wg.Wait()
				if calls := w.tokenCalls(); calls > len(l.owners) {
					t.Errorf("seed %d: %d token calls in %d epochs", seed, calls, len(l.owners))
				}
				if calls := w.sim.Calls(wechatsim.PathTicket); calls > len(l.owners) {
					t.Errorf("seed %d: %d ticket calls in %d epochs", seed, calls, len(l.owners))
				}
			})
		})
	}
}

// leaseOp is one write of a record as a client of the lease sees it.
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
	runtime.Gosched() // on one processor too, others come in between
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

// P3: refreshers that respect no deadline overtake each other all the time, on a
// real store; what they saw must fit one order of events.
func TestLeaseIsLinearizable(t *testing.T) {
	w := newWorld(t, wechatsim.Switches{})
	w.classic = true
	start := time.Now()
	histories := make([]*leaseHistory, 8)
	var wg sync.WaitGroup
	for i := range histories {
		h := &leaseHistory{Store: w.store, client: i, start: start}
		histories[i] = h
		k := w.keeperOn(h)
		wg.Go(func() {
			for range 25 {
				item, record, err := k.read(t.Context(), testAppID)
				if err != nil {
					t.Error(err)
					return
				}
				h.epoch = 0 // the next write takes a lease
				plan := Plan{Token: true, Tickets: []wechat.TicketType{wechat.JSAPI}}
				if _, _, err = k.step(t.Context(), w.account, item, record, plan, false); err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, ErrLeaseLost) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var all []porcupine.Operation
	lost := 0
	for _, h := range histories {
		all = append(all, h.ops...)
		for _, op := range h.ops {
			if !op.Output.(bool) {
				lost++
			}
		}
	}
	if lost == 0 {
		t.Error("nobody was ever overtaken: the history proves nothing")
	}
	if got := porcupine.CheckOperationsTimeout(leaseModel, all, time.Minute); got != porcupine.Ok {
		t.Errorf("the history of %d writes is %s", len(all), got)
	}
}

// Who comes second tells how things stood, not the lease it did not get.
func TestSecondTellsWhatStands(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, w *world) {
		before := w.tick(w.keeper())
		time.Sleep(time.Minute)
		k := w.scripted(&script{beforeReplace: func(string) error { return store.ErrConflict }})
		record, err := k.Tick(t.Context(), w.account)
		if !errors.Is(err, ErrBusy) || record.Lease != before.Lease {
			t.Errorf("%v: lease %+v, want %+v", err, record.Lease, before.Lease)
		}
	})
}
