//go:build !race

package e2e_test

import "testing"

// The limits for a signature, a push and a check of a session in a process that has run
// before. They are measured without the race detector, which allocates too.
const (
	maxAllocs        = 119
	maxPushAllocs    = 224
	maxSessionAllocs = 82
)

func TestWarmAllocations(t *testing.T) {
	if n := testing.AllocsPerRun(1000, warmSignature(t)); n > maxAllocs {
		t.Errorf("a warm signature takes %v allocations, the limit is %d", n, maxAllocs)
	}
	if n := testing.AllocsPerRun(1000, warmPush(t)); n > maxPushAllocs {
		t.Errorf("a warm push takes %v allocations, the limit is %d", n, maxPushAllocs)
	}
	if n := testing.AllocsPerRun(1000, warmSession(t)); n > maxSessionAllocs {
		t.Errorf("a warm check of a session takes %v allocations, the limit is %d", n, maxSessionAllocs)
	}
}
