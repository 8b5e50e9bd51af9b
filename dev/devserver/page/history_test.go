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

const begin = 1_800_000_000

// seen notes a token with so many seconds left, seconds after the beginning.
func (h *history) seen(at, left int64, failure *credential.Failure) {
	h.note(time.Unix(begin+at, 0), refresher.Report{Accounts: []refresher.AccountReport{{App: "shop", Token: refresher.CredentialReport{SecondsLeft: left, Failure: failure}}}})
}

func TestSpans(t *testing.T) {
	var h history
	busy := &credential.Failure{Op: "stable_token", Class: "busy"}
	h.seen(0, 7200, nil)
	h.seen(60, 7140, nil)
	h.seen(120, 7081, nil) // a report counts whole seconds
	h.seen(180, 7020, busy)
	h.seen(240, 6960, nil)
	h.seen(300, 7200, nil) // renewed
	h.seen(4000, 3500, nil)
	h.seen(4060, 0, nil)  // taken away
	h.seen(4120, 0, nil)  // and still gone
	h.seen(4180, 60, nil) // another
	want := []span{
		{begin, begin + 180, begin + 7200, ""},
		{begin + 180, begin + 240, begin + 7200, "busy"},
		{begin + 240, begin + 300, begin + 7200, ""},
		{begin + 300, begin + 300, begin + 7500, ""}, // nobody looked for an hour
		{begin + 4000, begin + 4060, begin + 7500, ""},
		{begin + 4060, begin + 4180, begin + 4060, ""},
		{begin + 4180, begin + 4180, begin + 4240, ""},
	}
	got := h.Lives[0].Spans
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
		if h.Lives[0].renewed(i) {
			renewed++
		}
	}
	if renewed != 3 {
		t.Errorf("renewed %d times", renewed)
	}
}

// However long it runs and whatever happens, a few hours are kept.
func TestHistoryIsBounded(t *testing.T) {
	var h history
	for i := range int64(3000) {
		at := time.Unix(begin+i*60, 0)
		h.seen(i*60, 7200, &credential.Failure{Class: "busy", Code: int(i)})
		h.refuse(at)
		h.begin(troubleDown, at)
		h.end(nil, at.Add(time.Second))
	}
	if n := len(h.Lives[0].Spans); n > most || n < 400 {
		t.Errorf("%d spans", n)
	}
	if len(h.Refused) > most || len(h.Bands) > most || h.Refused[0].At < begin+3000*60-int64(window.Seconds())-120 {
		t.Errorf("%d refusals, %d bands", len(h.Refused), len(h.Bands))
	}
}

func TestRefusalsOfAMinuteAreOne(t *testing.T) {
	var h history
	for _, second := range []int64{0, 10, 59, 60} {
		h.refuse(time.Unix(begin+second, 0))
	}
	if len(h.Refused) != 2 || h.Refused[0].Times != 3 {
		t.Errorf("%+v", h.Refused)
	}
}

func TestRunsOfRefusals(t *testing.T) {
	got := runs([]refusal{{0, 1}, {60, 2}, {120, 1}, {300, 5}})
	if len(got) != 2 || got[0] != (run{0, 120, 4}) || got[1] != (run{300, 300, 5}) {
		t.Errorf("%+v", got)
	}
}

// The picture is well-formed whatever it shows, at any width, and in its bounds.
func TestPicture(t *testing.T) {
	var empty, full history
	for i := range int64(500) {
		full.seen(i*60, 7200-i%130*60, nil)
	}
	full.Lives[0].App = `<b>&"`
	full.begin(troubleDown, time.Unix(begin, 0))
	full.begin(troubleToken, time.Unix(begin+29_000, 0))
	full.refuse(time.Unix(begin+29_500, 0))
	for _, h := range []history{empty, full} {
		for _, width := range []int{-1, 0, 360, 100000} {
			for _, w := range dictionary {
				drawn := h.draw(w, time.Unix(begin+30_000, 0), width)
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

// A restart takes the clock and the picture along, and ends what was broken.
func TestMemory(t *testing.T) {
	var saved []byte
	desk(t, func(w *world) {
		w.minutes("90")
		w.does("/_dev/break", `{"what":"whitelist"}`)
		saved = w.saved
	})
	deskThat(t, saved, func(w *world) {
		s := w.now()
		if w.Clock.Ahead() != 90*time.Minute || len(s.Broken) != 0 || !strings.Contains(string(s.Life), "address not on the whitelist") {
			t.Errorf("%v %+v", w.Clock.Ahead(), s)
		}
		if band := w.history.Bands[0]; band.To == 0 {
			t.Error("the trouble goes on")
		}
	})
}

// A whitelist that the simulator remembers is lifted, since nobody would know of it.
func TestRestartMends(t *testing.T) {
	desk(t, func(w *world) {
		w.must(w.sim.Whitelist(w.account.AppID, wechatsim.GroupToken))
		_, err := New(w.Config)
		w.must(err)
		w.minutes("117")
		w.stands(toneGood, "")
	})
}

func TestBadMemory(t *testing.T) {
	desk(t, func(w *world) {
		c := w.Config
		c.Memory = []byte("{")
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), "cannot be read") {
			t.Errorf("%v", err)
		}
	})
}

// Ticks and buttons save at the same time; two at once would write one file.
func TestSavesOneAtATime(t *testing.T) {
	desk(t, func(w *world) {
		var one sync.Mutex
		w.Save = func([]byte) error {
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
			all.Go(w.keep)
		}
		all.Wait()
	})
}

// A disk that is full costs the picture, not the ticks.
func TestSaveFails(t *testing.T) {
	desk(t, func(w *world) {
		w.Save = func([]byte) error { return errors.New("disk full") }
		w.minutes("10")
		w.stands(toneGood, "")
	})
}
