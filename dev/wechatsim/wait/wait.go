// Package wait is a pause that ends with its context. The simulator has its own, since it
// imports nothing of the product.
package wait

import (
	"context"
	"time"
)

// For returns after d, or with the error of a context that ends earlier.
func For(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
