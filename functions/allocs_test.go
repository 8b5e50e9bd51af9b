//go:build !race

package functions_test

import "testing"

// These bound a warm signature and a warm push. The race detector has
// allocations of its own, so this is measured without it.
const (
	maxAllocs     = 119
	maxPushAllocs = 224
)

func TestWarmAllocations(t *testing.T) {
	if n := testing.AllocsPerRun(1000, warmSignature(t)); n > maxAllocs {
		t.Errorf("a warm signature takes %v allocations, the limit is %d", n, maxAllocs)
	}
	if n := testing.AllocsPerRun(1000, warmPush(t)); n > maxPushAllocs {
		t.Errorf("a warm push takes %v allocations, the limit is %d", n, maxPushAllocs)
	}
}
