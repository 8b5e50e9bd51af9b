package storetest

import (
	"flag"
	"os"
	"slices"
	"sync"
	"testing"
)

// TestMain switches off how rapid shrinks and stores failures: the broken stores are
// meant to fail.
func TestMain(m *testing.M) {
	flag.Parse()
	for name, value := range map[string]string{"rapid.nofailfile": "true", "rapid.shrinktime": "0s"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func TestCorrectStorePasses(t *testing.T) {
	Run(t, func(testing.TB) Harness { return memoryHarness(none) })
}

// brokenStores are bugs, each with a case that must find it.
var brokenStores = []struct {
	bug    bug
	failed string // the case
}{
	{"create overwrites", "create refuses an existing item"},
	{"create ignores the expiry", "an expired item is absent"},
	{"create hides the current item", "create refuses an existing item"},
	{"create reads again after a refusal", "one engine call a verb"},
	{"create's refusal is no conflict", "create refuses an existing item"},
	{"create cuts large values", "large and empty values"},
	{"create is never read back", "a write that is applied though it fails"},
	{"replace ignores the version", "replace refuses a stale version"},
	{"replace revives an expired item", "an expired item is absent"},
	{"replace creates", "replace refuses an absent item"},
	{"replace hides the current item", "replace refuses a stale version"},
	{"replace returns an expired item", "an expired item is absent"},
	{"replace reads again after a refusal", "one engine call a verb"},
	{"replace says that the item exists", "replace refuses a stale version"},
	{"replace cuts large values", "large and empty values"},
	{"replace is never read back", "a write that is applied though it fails"},
	{"replace keeps the version", "replace refuses a stale version"},
	{"delete ignores the version", "delete refuses a wrong version"},
	{"delete ignores the expiry", "an expired item is absent"},
	{"delete always succeeds", "delete refuses a wrong version"},
	{"delete is never read back", "a write that is applied though it fails"},
	{"get returns an expired item", "expiry is exact to the second"},
	{"an unreadable item is absent", "cancelled during a read"},
	{"reads lag one write", "linearizable"},
	{"handles are separate", "handles see each other's writes"},
	{"check, then write", "one winner among 100 creators"},
	{"versions restart after a delete", "a recreated item is another one"},
	{"versions are made from the value", "a recreated item is another one"},
	{"versions are used again", "versions are never reused"},
	{"expiry is rounded down", "expiry is rounded up"},
	{"expiry is not rounded", "expiry is rounded up"},
	{"expiry is a second late", "expiry is exact to the second"},
	{"expiry is forgotten", "replace changes the expiry"},
	{"read-back under the caller's context", "cancelled after a write is applied"},
	{"any item that is read back passes for ours", "a refusal whose answer is lost"},
	{"failures are refusals", "a write that is not applied"},
	{"failures are successes", "a write of unknown outcome"},
	{"limits are not checked", "limits"},
	{"keys are folded", "odd keys and values"},
	{"the context is not checked", "cancelled before the call"},
	{"errors quote the item", "errors hold no secrets"},
	{"errors hide their cause", "cancelled before the call"},
}

func TestBrokenStoresFail(t *testing.T) {
	for _, c := range brokenStores {
		t.Run(string(c.bug), func(t *testing.T) {
			if !failsOn(t, c.failed, memoryHarness(c.bug)) {
				t.Errorf("case %q passes", c.failed)
			}
		})
	}
}

// The random cases find bugs that other cases are written for. Here the model draws the
// same numbers each time, so that the result does not change; on real engines it does
// not.
func TestRandomCasesFindBugs(t *testing.T) {
	seeded(t, "1")
	for _, c := range []struct {
		failed string // the case
		bugs   []bug
	}{
		{"random histories match the model", []bug{
			"create overwrites", "create ignores the expiry", "replace revives an expired item", "replace returns an expired item",
			"delete ignores the expiry", "expiry is not rounded", "versions restart after a delete", "handles are separate",
		}},
		{"linearizable", []bug{
			"check, then write", "create overwrites", "replace ignores the version", "replace keeps the version",
			"delete ignores the version", "delete always succeeds", "reads lag one write", "handles are separate",
		}},
	} {
		for _, bug := range c.bugs {
			t.Run(c.failed+"/"+string(bug), func(t *testing.T) {
				if !failsOn(t, c.failed, memoryHarness(bug)) {
					t.Errorf("case %q passes", c.failed)
				}
			})
		}
	}
}

// seeded has rapid draw the same numbers until t ends.
func seeded(t *testing.T, seed string) {
	t.Helper()
	random := flag.Lookup("rapid.seed").Value
	before := random.String()
	if err := random.Set(seed); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = random.Set(before) })
}

// failsOn runs one case on a harness and reports whether it failed.
func failsOn(t *testing.T, name string, h Harness) bool {
	t.Helper()
	i := slices.IndexFunc(cases, func(c testCase) bool { return c.name == name })
	if i < 0 {
		t.Fatalf("no case %q", name)
	}
	r := &failures{TB: t}
	var done sync.WaitGroup
	done.Go(func() { cases[i].run(newSuite(r, h)) })
	done.Wait()
	return r.Failed()
}
