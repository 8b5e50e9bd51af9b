package wait_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/wait"
)

func TestForReturnsAtTheEarlierEnd(t *testing.T) {
	const second = time.Second
	for _, c := range []struct {
		name      string
		d, ctx    time.Duration // how long the wait and the context last
		cancelled bool
		want      error
		after     time.Duration
	}{
		{"the wait ends first", second, 2 * second, false, nil, second},
		{"no wait", 0, second, false, nil, 0},
		{"a negative wait", -second, second, false, nil, 0},
		{"the deadline comes first", 2 * second, second, false, context.DeadlineExceeded, second},
		{"the context has ended", second, second, true, context.Canceled, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.ctx)
				defer cancel()
				if c.cancelled {
					cancel()
				}
				begin := time.Now()
				err := wait.For(ctx, c.d)
				if took := time.Since(begin); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || took != c.after {
					t.Errorf("%v after %v, want %v after %v", err, took, c.want, c.after)
				}
			})
		})
	}
}
