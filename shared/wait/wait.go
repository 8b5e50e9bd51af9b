// Package wait pauses a goroutine, but not past the end of its context.
package wait

import (
	"context"
	"time"
)

// For returns nil after d, or the error of a context that ends first.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
