package page

import (
	"sync/atomic"
	"time"
)

// Clock is the clock of the dev server: the machine's clock, plus the time by which the
// page has moved it. The zero Clock is not ahead. It is safe for concurrent use.
type Clock struct{ ahead atomic.Int64 } // nanoseconds

// Now is the time of the dev server.
func (c *Clock) Now() time.Time { return time.Now().Add(c.Ahead()) }

// Ahead is how far the clock is ahead of the machine's.
func (c *Clock) Ahead() time.Duration { return time.Duration(c.ahead.Load()) }

func (c *Clock) forward(p time.Duration) { c.ahead.Add(int64(p)) }
