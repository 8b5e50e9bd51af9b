package message

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/store"
	"wechatfn/shared/store/storetest"
)

// fault happens to a process at one of its calls: claim, delivery, done.
type fault struct {
	call   int // 1, 2, 3; 0: none
	when   storetest.When
	freeze time.Duration // 0: the process crashes; else it is paused for so long
}

func (f fault) String() string {
	end := "crash"
	if f.freeze > 0 {
		end = "pause of " + f.freeze.String()
	}
	if f.call == 0 {
		return "no fault"
	}
	return fmt.Sprintf("%s %s %s", end, f.when, []string{"", "claim", "delivery", "done"}[f.call])
}

func (f fault) process() *storetest.Process {
	if f.freeze > 0 {
		return storetest.FreezeAt(f.call, f.when, f.freeze)
	}
	return storetest.CrashAt(f.call, f.when)
}

// processStore is the store of a process that stops at a write: its reads do not count
// as calls, so the first call is the claim however often a delivery reads.
type processStore struct {
	store.Store
	reads store.Store
}

func (s processStore) Get(ctx context.Context, key string) (store.Item, error) {
	return s.reads.Get(ctx, key)
}

// processSink is the sink of a process.
type processSink struct {
	Sink
	process *storetest.Process
}

func (s processSink) Deliver(ctx context.Context, m *Message) (reply []byte, err error) {
	if ctx.Err() != nil {
		return nil, ctx.Err() // as a client does
	}
	err = s.process.Do(func() error { reply, err = s.Sink.Deliver(ctx, m); return err })
	return reply, err
}

// deliver is one delivery to a new process. A process that crashes sends no answer;
// WeChat waits for 5 s.
func (w *fixture) deliver(f fault) (success bool) {
	p := f.process()
	h := w.newHandler(processStore{p.Store(w.store), w.store}, processSink{w.sink, p})
	answered := make(chan bool, 1)
	request := w.sealed(textMessage)
	go func() {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, request)
		answered <- !p.Crashed() && answer.Code == 200
	}()
	select {
	case success = <-answered:
	case <-time.After(5 * time.Second):
	}
	return success
}

// faults are all that can happen to a process.
func faults() []fault {
	all := []fault{{}}
	for call := 1; call <= 3; call++ {
		for _, when := range []storetest.When{storetest.Before, storetest.After} {
			for _, freeze := range []time.Duration{0, time.Second, 10 * time.Second} {
				all = append(all, fault{call, when, freeze})
			}
		}
	}
	return all
}

// Each push is delivered at least once, and at most once per success: whatever happens
// to the first two of four deliveries, at any call, the message is delivered. It is
// delivered again only after a process that could not store that it had done so.
func TestCrashedDeliveriesDeliverOnce(t *testing.T) {
	for _, gap := range []time.Duration{0, time.Second, 5 * time.Second} {
		for _, first := range faults() {
			for _, second := range faults() {
				if second.freeze == time.Second {
					continue // the first has shown it
				}
				t.Run(fmt.Sprintf("gap %v, first %v, second %v", gap, first, second), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newFixture(t)
						deliveredOnce(w, gap, first, second)
						time.Sleep(2 * time.Hour) // paused processes continue
						synctest.Wait()
						if w.sink.count() > 1+silent(first)+silent(second) {
							t.Errorf("delivered %d times", w.sink.count())
						}
					})
				})
			}
		}
	}
}

// silent is how many deliveries of a process may not be stored.
func silent(f fault) int {
	if f.call == 2 && (f.when == storetest.After || f.freeze > 0) || f.call == 3 {
		return 1
	}
	return 0
}

func deliveredOnce(w *fixture, gap time.Duration, first, second fault) {
	w.Helper()
	succeeded := false
	for _, f := range []fault{first, second, {}, {}} {
		if w.deliver(f) {
			succeeded = true
			if w.sink.count() == 0 {
				w.Errorf("WeChat got success before the message was delivered")
			}
		}
		time.Sleep(gap)
	}
	if !succeeded || w.sink.count() == 0 {
		w.Errorf("four deliveries: succeeded %v, delivered %d times", succeeded, w.sink.count())
	}
}

// Four deliveries at the same time: the sink is called once, and all get its reply.
func TestDeliveriesAtTheSameTimeDeliverOnce(t *testing.T) {
	for _, slow := range []time.Duration{0, 100 * time.Millisecond, 3 * time.Second} {
		t.Run("sink takes "+slow.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newFixture(t)
				w.sink.wait, w.sink.reply = slow, `{"MsgType":"text","Content":"x"}`
				var wg sync.WaitGroup
				answers := make([]*httptest.ResponseRecorder, 4)
				for i := range answers {
					h, request := w.newHandler(w.store.Store, w.sink), w.sealed(textMessage)
					wg.Go(func() {
						answers[i] = httptest.NewRecorder()
						h.ServeHTTP(answers[i], request)
					})
				}
				wg.Wait()
				w.sink.only(t)
				for _, answer := range answers {
					if answer.Code != 200 || answer.Body.String() != answers[0].Body.String() || !strings.Contains(answer.Body.String(), "Encrypt") {
						t.Errorf("%d %s", answer.Code, answer.Body)
					}
				}
			})
		})
	}
}

// A claim may be released while another delivery waits: that one starts again.
func TestClaimReleasedWhileWaitingIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFixture(t)
		failing := &recordingSink{wait: time.Second, fail: errors.New("down")}
		var wg sync.WaitGroup
		h, request := w.newHandler(w.store, failing), w.sealed(textMessage)
		wg.Go(func() {
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, request)
			want(t, "first", answer, 500, `"delivery_failed"`)
		})
		synctest.Wait()
		want(t, "second", w.serve(w.sealed(textMessage)), 200, "success")
		wg.Wait()
		w.sink.only(t)
	})
}

// A delivery that finds the push in progress for longer than it can wait is refused.
func TestPushInProgressIsWaitedForThenRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFixture(t)
		if w.deliver(fault{call: 2}) {
			t.Fatal("a crashed process answered")
		}
		start := time.Now()
		want(t, "at once", w.serve(w.sealed(textMessage)), 503, `"push_in_progress"`)
		if took := time.Since(start); took > defaultBudget {
			t.Errorf("it waited %v", took)
		}
		want(t, "then", w.serve(w.sealed(textMessage)), 200, "success")
		if took := time.Since(start); took > defaultBudget+clockSkew {
			t.Errorf("taken over after %v", took)
		}
		w.sink.only(t)
	})
}

// Of two deliveries that take over from a crashed process, one does.
func TestOneOfManyTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFixture(t)
		w.sink.wait = 100 * time.Millisecond
		w.deliver(fault{call: 2})
		time.Sleep(5 * time.Second)
		var wg sync.WaitGroup
		for range 8 {
			h, request := w.newHandler(w.store, w.sink), w.sealed(textMessage)
			wg.Go(func() {
				answer := httptest.NewRecorder()
				h.ServeHTTP(answer, request)
				want(t, "taking over", answer, 200, "success")
			})
		}
		wg.Wait()
		w.sink.only(t)
	})
}

// The clock by which time runs out may have stood still with the process; the
// wall's has not.
func TestPausedProcessDoesNotDeliver(t *testing.T) {
	w := newFixture(t)
	now := time.Now()
	w.now = func() time.Time { return now }
	w.store.Intercept(func(ctx context.Context, c storetest.Call, do func(context.Context) error) error {
		if c.Verb == "create" {
			defer func() { now = now.Add(10 * time.Second) }()
		}
		return do(ctx)
	})
	want(t, "held up", w.serve(w.sealed(textMessage)), 500, `"delivery_failed"`)
	if w.sink.calls > 0 {
		t.Error("delivered by a process whose claim had expired")
	}
}
