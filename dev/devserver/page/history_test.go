package page

import (
	"encoding/xml"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/credential"
	"wechatfn/shared/refresher"
)

const firstReport = 1_800_000_000 // Unix seconds

// recordToken records a token with that many seconds left, at that many seconds after
// the first report.
func (h *history) recordToken(at, left int64, failure *credential.Failure) {
	h.record(time.Unix(firstReport+at, 0), refresher.Report{Accounts: []refresher.AccountReport{{App: "shop", Token: refresher.CredentialReport{SecondsLeft: left, Failure: failure}}}})
}

func TestTimelineSpans(t *testing.T) {
	var h history
	busy := &credential.Failure{Op: "stable_token", Class: "busy"}
	h.recordToken(0, 7200, nil)
	h.recordToken(60, 7140, nil)
	h.recordToken(120, 7081, nil) // a report counts whole seconds
	h.recordToken(180, 7020, busy)
	h.recordToken(240, 6960, nil)
	h.recordToken(300, 7200, nil) // renewed
	h.recordToken(4000, 3500, nil)
	h.recordToken(4060, 0, nil)  // not valid any more
	h.recordToken(4120, 0, nil)  // still not valid
	h.recordToken(4180, 60, nil) // a new one
	want := []span{
		{firstReport, firstReport + 180, firstReport + 7200, ""},
		{firstReport + 180, firstReport + 240, firstReport + 7200, "busy"},
		{firstReport + 240, firstReport + 300, firstReport + 7200, ""},
		{firstReport + 300, firstReport + 300, firstReport + 7500, ""}, // no report for an hour
		{firstReport + 4000, firstReport + 4060, firstReport + 7500, ""},
		{firstReport + 4060, firstReport + 4180, firstReport + 4060, ""},
		{firstReport + 4180, firstReport + 4180, firstReport + 4240, ""},
	}
	got := h.Timelines[0].Spans
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("span %d: %+v, want %+v", i, got[i], want[i])
		}
	}
	renewed := 0
	for i := range got {
		if h.Timelines[0].renewed(i) {
			renewed++
		}
	}
	if renewed != 3 {
		t.Errorf("renewed %d times", renewed)
	}
}

// The history has a bounded size, however long the server runs.
func TestHistoryIsBounded(t *testing.T) {
	var h history
	for i := range int64(3000) {
		at := time.Unix(firstReport+i*60, 0)
		h.recordToken(i*60, 7200, &credential.Failure{Class: "busy", Code: int(i)})
		h.addRefusal(at)
		h.begin(faultDown, at)
		h.end(nil, at.Add(time.Second))
	}
	if n := len(h.Timelines[0].Spans); n > maxEntries || n < 400 {
		t.Errorf("%d spans", n)
	}
	if len(h.Refused) > maxEntries || len(h.Faults) > maxEntries || h.Refused[0].At < firstReport+3000*60-int64(historyWindow.Seconds())-120 {
		t.Errorf("%d refusals, %d bands", len(h.Refused), len(h.Faults))
	}
}

func TestRefusalsAreCountedByMinute(t *testing.T) {
	var h history
	for _, second := range []int64{0, 10, 59, 60} {
		h.addRefusal(time.Unix(firstReport+second, 0))
	}
	if len(h.Refused) != 2 || h.Refused[0].Times != 3 {
		t.Errorf("%+v", h.Refused)
	}
}

func TestRefusalPeriods(t *testing.T) {
	got := refusalPeriods([]refusal{{0, 1}, {60, 2}, {120, 1}, {300, 5}})
	if len(got) != 2 || got[0] != (refusalPeriod{0, 120, 4}) || got[1] != (refusalPeriod{300, 300, 5}) {
		t.Errorf("%+v", got)
	}
}

// The chart is well-formed at any width, empty or full.
func TestChartIsWellFormed(t *testing.T) {
	var empty, full history
	for i := range int64(500) {
		full.recordToken(i*60, 7200-i%130*60, nil)
	}
	full.Timelines[0].App = `<b>&"`
	full.begin(faultDown, time.Unix(firstReport, 0))
	full.begin(faultToken, time.Unix(firstReport+29_000, 0))
	full.addRefusal(time.Unix(firstReport+29_500, 0))
	for _, h := range []history{empty, full} {
		for _, width := range []int{-1, 0, 360, 100000} {
			for _, texts := range dictionary {
				drawn := h.draw(texts, time.Unix(firstReport+30_000, 0), width)
				decoder := xml.NewDecoder(strings.NewReader(drawn))
				for {
					token, err := decoder.Token()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						t.Fatalf("%v in %s", err, drawn)
					}
					if element, ok := token.(xml.StartElement); ok && element.Name.Local == "b" {
						t.Error("a name became an element")
					}
				}
				if strings.Contains(drawn, "NaN") || strings.Contains(drawn, "Inf") || !strings.Contains(drawn, "<desc") || !strings.Contains(drawn, `role="img"`) {
					t.Error(drawn)
				}
			}
		}
	}
}

// A restart restores the clock and the history, and ends the faults.
func TestRestartRestoresClockAndHistory(t *testing.T) {
	var saved []byte
	withPage(t, func(f *fixture) {
		f.passMinutes("90")
		f.post("/_dev/fault", `{"what":"whitelist"}`)
		saved = f.saved
	})
	withSavedPage(t, saved, func(f *fixture) {
		s := f.state()
		if f.cfg.Clock.Ahead() != 90*time.Minute || len(s.Faults) != 0 || !strings.Contains(string(s.History), "address not on the whitelist") {
			t.Errorf("%v %+v", f.cfg.Clock.Ahead(), s)
		}
		if period := f.history.Faults[0]; period.To == 0 {
			t.Error("the fault has no end")
		}
	})
}

// A restart clears the whitelist that the simulator restores, since the page would not show it.
func TestRestartClearsTheWhitelist(t *testing.T) {
	withPage(t, func(f *fixture) {
		f.must(f.sim.Whitelist(f.account.AppID, wechatsim.GroupToken))
		_, err := New(f.cfg)
		f.must(err)
		f.passMinutes("117")
		f.expectState(toneGood, "")
	})
}

func TestNewRefusesABrokenState(t *testing.T) {
	withPage(t, func(f *fixture) {
		c := f.cfg
		c.Saved = []byte("{")
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), "cannot be read") {
			t.Errorf("%v", err)
		}
	})
}

// Ticks and buttons can save at the same time; two saves at once would write one file.
func TestSavesOneAtATime(t *testing.T) {
	withPage(t, func(f *fixture) {
		var one sync.Mutex
		f.cfg.Save = func([]byte) error {
			if !one.TryLock() {
				t.Error("two at once")
				return nil
			}
			defer one.Unlock()
			for range 100 {
				runtime.Gosched()
			}
			return nil
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(f.save)
		}
		all.Wait()
	})
}

// If saving fails, the ticks go on.
func TestFailedSaveDoesNotStopTicks(t *testing.T) {
	withPage(t, func(f *fixture) {
		f.cfg.Save = func([]byte) error { return errors.New("disk full") }
		f.passMinutes("10")
		f.expectState(toneGood, "")
	})
}
