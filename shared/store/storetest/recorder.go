package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"wechatfn/shared/store"
)

// Recorder is a store that records the calls made to it and passes them on to Store.
// A test may intercept them. It is safe for concurrent use.
//
// Delete fails: no function is granted it. A test that deletes calls Store itself.
type Recorder struct {
	store.Store

	mu        sync.Mutex
	n         int
	calls     Calls
	written   []store.Item
	intercept func(context.Context, Call, func(context.Context) error) error
}

// Call is one call of a store.
type Call struct {
	N    int        // 1 for the first call since the Recorder was made or Reset
	Verb string     // get, create, replace or delete
	Item store.Item // what was sent: for get the key alone
}

// String is the verb and the kind of the key: "get user".
func (c Call) String() string { return c.Verb + " " + store.Kind(c.Item.Key) }

// Calls are calls in the order in which they were made.
type Calls []Call

// String is the calls with commas between them: "get user, replace user".
func (c Calls) String() string {
	var text []string
	for _, call := range c {
		text = append(text, call.String())
	}
	return strings.Join(text, ", ")
}

// Count says how many calls read and how many write.
func (c Calls) Count() (reads, writes int) {
	for _, call := range c {
		if call.Verb == "get" {
			reads++
		}
	}
	return reads, len(c) - reads
}

// Intercept has f make every call from now on: f calls do to have it made, and what f
// returns is the error of the call. ctx is that of the call; do may be given another
// one. Where do is not called, the store is not either, but the call is recorded. Nil
// ends it.
func (r *Recorder) Intercept(f func(ctx context.Context, c Call, do func(context.Context) error) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.intercept = f
}

// Fail has every call fail with err from now on. Nil ends it.
func (r *Recorder) Fail(err error) {
	if err == nil {
		r.Intercept(nil)
		return
	}
	r.Intercept(func(context.Context, Call, func(context.Context) error) error { return err })
}

// Take returns the calls since the last Take or Reset.
func (r *Recorder) Take() Calls {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return calls
}

// Written returns every item that Create and Replace were given since the last Reset,
// whether or not the store took it.
func (r *Recorder) Written() []store.Item {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.written)
}

// Reset forgets all calls and items.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n, r.calls, r.written = 0, nil, nil
}

// Get implements [store.Store].
func (r *Recorder) Get(ctx context.Context, key string) (item store.Item, err error) {
	err = r.call(ctx, "get", store.Item{Key: key}, func(ctx context.Context) error { item, err = r.Store.Get(ctx, key); return err })
	return item, err
}

// Create implements [store.Store].
func (r *Recorder) Create(ctx context.Context, in store.Item) (item store.Item, err error) {
	err = r.call(ctx, "create", in, func(ctx context.Context) error { item, err = r.Store.Create(ctx, in); return err })
	return item, err
}

// Replace implements [store.Store].
func (r *Recorder) Replace(ctx context.Context, in store.Item) (item store.Item, err error) {
	err = r.call(ctx, "replace", in, func(ctx context.Context) error { item, err = r.Store.Replace(ctx, in); return err })
	return item, err
}

// Delete records the call and fails.
func (r *Recorder) Delete(ctx context.Context, key, version string) error {
	return r.call(ctx, "delete", store.Item{Key: key, Version: version}, func(context.Context) error {
		return errors.New("storetest: delete is not granted")
	})
}

func (r *Recorder) call(ctx context.Context, verb string, item store.Item, do func(context.Context) error) error {
	r.mu.Lock()
	r.n++
	c := Call{N: r.n, Verb: verb, Item: item}
	r.calls = append(r.calls, c)
	if verb == "create" || verb == "replace" {
		r.written = append(r.written, item)
	}
	intercept := r.intercept
	r.mu.Unlock()
	if intercept == nil {
		return do(ctx)
	}
	return intercept(ctx, c, do)
}
