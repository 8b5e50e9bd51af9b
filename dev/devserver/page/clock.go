package page

import (
	"sync/atomic"
	"time"
)

// Clock is the desk's clock: the machine's, and as far ahead of it as somebody has
// moved it. The zero Clock is not ahead. It is safe for concurrent use.
type Clock struct{ ahead atomic.Int64 } // nanoseconds

// Now is the desk's time.
func (c *Clock) Now() time.Time { return time.Now().Add(c.Ahead()) }

// Ahead is how far the clock is ahead of the machine's.
func (c *Clock) Ahead() time.Duration { return time.Duration(c.ahead.Load()) }

func (c *Clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }
