package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"wechatfn/shared/store"
)

func newMemory(t *testing.T) store.Store {
	return memoryHarness(none).Open(t, Env{Now: time.Now, Wire: &Wire{}})
}

func TestRecorderRecordsAndPassesOn(t *testing.T) {
	ctx, r := t.Context(), &Recorder{Store: newMemory(t)}
	item, err := r.Create(ctx, store.Item{Key: "user#1", Value: []byte("1")})
	if err != nil {
		t.Fatal(err)
	}
	item.Value = []byte("2")
	if item, err = r.Replace(ctx, item); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Get(ctx, "user#1"); err != nil || !equal(got, item) {
		t.Errorf("get: %s, %v, want %s", describe(got), err, describe(item))
	}
	if _, err := r.Get(ctx, "session#1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get of nothing: %v", err)
	}
	if _, err := r.Create(ctx, store.Item{Key: "user#1", Value: []byte("3")}); !errors.Is(err, store.ErrExists) {
		t.Errorf("create over an item: %v", err)
	}
	calls := r.Take()
	if got, want := calls.String(), "create user, replace user, get user, get session, create user"; got != want {
		t.Errorf("recorded %q, want %q", got, want)
	}
	if reads, writes := calls.Count(); reads != 2 || writes != 3 {
		t.Errorf("%d reads and %d writes, want 2 and 3", reads, writes)
	}
	for i, c := range calls {
		if c.N != i+1 {
			t.Errorf("call %d has number %d", i+1, c.N)
		}
	}
	if c := calls[1]; c.Item.Key != "user#1" || string(c.Item.Value) != "2" || c.Item.Version == "" {
		t.Errorf("the item of the second call is %s", describe(c.Item))
	}
	if calls := r.Take(); len(calls) != 0 {
		t.Errorf("taken again: %s", calls)
	}
}

func TestRecorderReturnsWrittenItemsUntilReset(t *testing.T) {
	ctx, r := t.Context(), &Recorder{Store: newMemory(t)}
	for _, value := range []string{"taken", "refused"} {
		_, _ = r.Create(ctx, store.Item{Key: "user#1", Value: []byte(value)})
		_, _ = r.Get(ctx, "user#1")
	}
	r.Take()
	_, _ = r.Replace(ctx, store.Item{Key: "user#2", Value: []byte("replaced")})
	got := ""
	for _, item := range r.Written() {
		got += fmt.Sprintf("%s=%s ", item.Key, item.Value)
	}
	if want := "user#1=taken user#1=refused user#2=replaced "; got != want {
		t.Errorf("written %q, want %q", got, want)
	}
	r.Reset()
	if len(r.Written()) != 0 || len(r.Take()) != 0 {
		t.Error("something is left after Reset")
	}
	_, _ = r.Get(ctx, "user#1")
	if calls := r.Take(); len(calls) != 1 || calls[0].N != 1 {
		t.Errorf("calls after Reset: %+v", calls)
	}
}

func TestRecorderIntercepts(t *testing.T) {
	ctx, r, broken := t.Context(), &Recorder{Store: newMemory(t)}, errors.New("broken")
	r.Intercept(func(ctx context.Context, c Call, do func(context.Context) error) error {
		if c.Verb == "create" && c.N == 1 {
			return broken
		}
		return do(ctx)
	})
	if _, err := r.Create(ctx, store.Item{Key: "user#1"}); err != broken {
		t.Errorf("create: %v", err)
	}
	if _, err := r.Get(ctx, "user#1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get: %v, want %v: the call was not made", err, store.ErrNotFound)
	}
	if _, err := r.Create(ctx, store.Item{Key: "user#1"}); err != nil {
		t.Errorf("create again: %v", err)
	}
	r.Intercept(nil)
	if _, err := r.Get(ctx, "user#1"); err != nil {
		t.Errorf("get: %v", err)
	}
	if got, want := r.Take().String(), "create user, get user, create user, get user"; got != want {
		t.Errorf("recorded %q, want %q", got, want)
	}
}

func TestRecorderFailsUntilNil(t *testing.T) {
	ctx, r, broken := t.Context(), &Recorder{Store: newMemory(t)}, errors.New("broken")
	r.Fail(broken)
	if _, err := r.Create(ctx, store.Item{Key: "user#1"}); err != broken {
		t.Errorf("create: %v", err)
	}
	r.Fail(nil)
	if _, err := r.Create(ctx, store.Item{Key: "user#1"}); err != nil {
		t.Errorf("create again: %v", err)
	}
}

// No function is granted a delete, so a feature that makes one must fail its tests.
func TestRecorderRefusesDelete(t *testing.T) {
	ctx, r := t.Context(), &Recorder{Store: newMemory(t)}
	item, err := r.Create(ctx, store.Item{Key: "user#1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Delete(ctx, item.Key, item.Version); err == nil {
		t.Error("delete succeeded")
	}
	if _, err := r.Store.Get(ctx, item.Key); err != nil {
		t.Errorf("get: %v", err)
	}
	if got := r.Take().String(); got != "create user, delete user" {
		t.Errorf("recorded %q", got)
	}
}

func TestRecorderIsSafeForConcurrentUse(t *testing.T) {
	const callers = 50
	r := &Recorder{Store: newMemory(t)}
	var done sync.WaitGroup
	for i := range callers {
		done.Go(func() {
			_, _ = r.Create(t.Context(), store.Item{Key: fmt.Sprint(i)})
			r.Intercept(nil)
			r.Written()
		})
	}
	done.Wait()
	seen := map[int]bool{}
	for _, c := range r.Take() {
		seen[c.N] = true
	}
	if len(seen) != callers || len(r.Written()) != callers {
		t.Errorf("%d numbers and %d items of %d calls", len(seen), len(r.Written()), callers)
	}
}
