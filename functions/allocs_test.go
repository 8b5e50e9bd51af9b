//go:build !race

package functions_test

import "testing"

// maxAllocs bounds a warm signature. The race detector has allocations of its
// own, so this is measured without it.
const maxAllocs = 119

func TestWarmAllocations(t *testing.T) {
	if n := testing.AllocsPerRun(1000, warmSignature(t)); n > maxAllocs {
		t.Errorf("a warm signature takes %v allocations, the limit is %d", n, maxAllocs)
	}
}
