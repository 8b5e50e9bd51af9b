package storetest

import (
	"flag"
	"os"
	"slices"
	"sync"
	"testing"
)

// TestMain keeps the random cases from shrinking and storing the failures that
// the broken stores are meant to cause.
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

// TestBrokenStoresFail names for each bug a case that exists to catch it.
func TestBrokenStoresFail(t *testing.T) {
	for bug, caughtBy := range map[bug]string{
		"create overwrites":                    "create refuses a live item",
		"create ignores liveness":              "an expired item is absent",
		"create hides what stands":             "create refuses a live item",
		"create reads again after a refusal":   "one engine call a verb",
		"create's refusal is no conflict":      "create refuses a live item",
		"create cuts large values":             "large and empty values",
		"create is never read back":            "a write that landed though it failed",
		"replace ignores the version":          "replace refuses a stale version",
		"replace revives the dead":             "an expired item is absent",
		"replace creates":                      "replace refuses an absent item",
		"replace hides what stands":            "replace refuses a stale version",
		"replace shows the dead":               "an expired item is absent",
		"replace reads again after a refusal":  "one engine call a verb",
		"replace says that the item exists":    "replace refuses a stale version",
		"replace cuts large values":            "large and empty values",
		"replace is never read back":           "a write that landed though it failed",
		"replace keeps the version":            "replace refuses a stale version",
		"delete ignores the version":           "delete refuses a wrong version",
		"delete ignores liveness":              "an expired item is absent",
		"delete always succeeds":               "delete refuses a wrong version",
		"delete is never read back":            "a write that landed though it failed",
		"get serves the dead":                  "expiry is exact to the second",
		"an unreadable item is absent":         "cancelled during a read",
		"reads lag one write":                  "linearizable",
		"handles are separate":                 "handles see each other's writes",
		"check, then write":                    "one winner among 100 creators",
		"versions restart after a delete":      "a recreated item is another one",
		"versions are made from the value":     "a recreated item is another one",
		"versions come round again":            "versions are never reused",
		"expiry is rounded down":               "expiry is rounded up",
		"expiry is not rounded":                "expiry is rounded up",
		"expiry is a second late":              "expiry is exact to the second",
		"expiry is forgotten":                  "replace changes the expiry",
		"read-back under the caller's context": "cancelled after a write landed",
		"any item read back is ours":           "a refusal whose answer was lost",
		"failures are refusals":                "a write that never landed",
		"failures are successes":               "a write of unknown fate",
		"limits are not checked":               "limits",
		"keys are folded":                      "odd keys and values",
		"the context is not looked at":         "cancelled before",
		"errors quote the item":                "errors hold no secrets",
		"errors hide their cause":              "cancelled before",
	} {
		t.Run(string(bug), func(t *testing.T) {
			if !failsOn(t, caughtBy, memoryHarness(bug)) {
				t.Errorf("case %q passes", caughtBy)
			}
		})
	}
}

// TestRandomCasesCatch holds the random cases to bugs that others are there for.
// The model's draws are the same each time here, so that what it can catch does
// not change from day to day; on real engines they differ.
func TestRandomCasesCatch(t *testing.T) {
	seeded(t, "1")
	for name, bugs := range map[string][]bug{
		"random histories match the model": {
			"create overwrites", "create ignores liveness", "replace revives the dead", "replace shows the dead",
			"delete ignores liveness", "expiry is not rounded", "versions restart after a delete", "handles are separate",
		},
		"linearizable": {
			"check, then write", "create overwrites", "replace ignores the version", "replace keeps the version",
			"delete ignores the version", "delete always succeeds", "reads lag one write", "handles are separate",
		},
	} {
		for _, bug := range bugs {
			if !failsOn(t, name, memoryHarness(bug)) {
				t.Errorf("case %q passes where %s", name, bug)
			}
		}
	}
}

// seeded fixes what rapid draws for the length of t.
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
