//go:build !race

package e2e_test

import "testing"

// These bound a warm signature, a warm push and a warm check of a session. The race detector has
// allocations of its own, so this is measured without it.
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
