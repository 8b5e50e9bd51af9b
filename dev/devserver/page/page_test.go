package page

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
)

// Hours pass in a moment. All parts use the same clock, so what is due in these hours
// is done.
func TestMovedClockMovesEverything(t *testing.T) {
	withPage(t, func(f *fixture) {
		f.expectState(toneGood, "All is well.")
		before := time.Now()
		f.passMinutes("120")
		f.passMinutes("120")
		if time.Now() != before {
			t.Error("it took time")
		}
		s := f.state()
		if s.Ahead != "(4h0m0s ahead of this machine)" || s.Tone != toneGood || f.cfg.Clock.Ahead() != 4*time.Hour {
			t.Errorf("%+v", s)
		}
		// Tokens of 2 h, renewed 5 minutes early: two more in 4 h, for each of two accounts.
		if n := f.tokenCalls(); n < 3 || n > 30 {
			t.Errorf("%d token calls", n)
		}
		if n := strings.Count(string(s.History), `<circle class="renewed"`) - 1; n != 3*3 { // and one in the legend
			t.Errorf("%d new values, want 3 of each credential", n)
		}
		if strings.Contains(string(s.History), `<rect class="failure" x`) || strings.Contains(string(s.History), `class="refused" d="M1`) || f.signStatus() != 200 {
			t.Error("a request failed")
		}
	})
}

// The schedule ticks each minute of the machine's time.
func TestScheduleTicksEachMinute(t *testing.T) {
	withPage(t, func(f *fixture) {
		before := f.tokenCalls()
		time.Sleep(119*time.Minute + time.Second) // simulated time
		synctest.Wait()
		if f.tokenCalls() <= before || f.state().Ahead != "" {
			t.Errorf("%d token calls, %+v", f.tokenCalls(), f.state())
		}
	})
}

func TestOutageUntilCleared(t *testing.T) {
	withPage(t, func(f *fixture) {
		f.post("/_dev/fault", `{"what":"down"}`)
		f.expectState(toneWarn, "WeChat is down until you clear the fault. Pages are still signed")
		f.passMinutes("60")
		if code := f.signStatus(); code != 200 {
			t.Errorf("%d while the ticket is valid", code)
		}
		before, ticks := time.Now(), f.shown.Load()
		f.passMinutes("90")
		f.expectState(toneBad, "No valid ticket")
		if n := len(f.history.Refused); n < 25 || time.Now() != before {
			t.Errorf("refused in %d minutes; it took %v", n, time.Since(before))
		}
		if ticks = f.shown.Load() - ticks; ticks <= 90+25 { // each 503 requests a refresh
			t.Errorf("%d ticks and refresh requests", ticks)
		}
		if code := f.signStatus(); code != 503 {
			t.Errorf("%d after the end of the ticket", code)
		}
		f.post("/_dev/clear", `{}`)
		if s := f.state(); len(s.Faults) != 0 || s.Tone != toneBad {
			t.Errorf("cleared, but not noticed yet: %+v", s)
		}
		f.passMinutes("2")
		f.expectState(toneGood, "All is well.")
		history := string(f.state().History)
		for _, want := range []string{`class="fault-period"`, `class="refused" d="M`, `class="failure" x`, "WeChat down", "signature answered 503"} {
			if !strings.Contains(history, want) {
				t.Errorf("the chart lacks %s", want)
			}
		}
		if f.signStatus() != 200 {
			t.Error("no signature after the outage")
		}
	})
}

func TestOutageForMinutes(t *testing.T) {
	withPage(t, func(f *fixture) {
		f.post("/_dev/fault", `{"what":"down","minutes":5}`)
		f.expectState(toneWarn, "WeChat is down until ")
		f.passMinutes("4")
		if s := f.state(); len(s.Faults) != 1 || s.Faults[0] != faultDown {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Minute + time.Second) // the machine's clock counts too, and its minute has a tick
		synctest.Wait()
		if s := f.state(); len(s.Faults) != 0 || s.Tone != toneGood {
			t.Errorf("%+v", s)
		}
		if period := f.history.Faults[0]; period.To-period.From != 5*60 {
			t.Errorf("%+v", period)
		}
	})
}

// An outage is of the API. The script that checks this page goes on.
func TestOutageSparesTheScript(t *testing.T) {
	withPage(t, func(f *fixture) {
		f.post("/_dev/fault", `{"what":"down"}`)
		if answer, err := f.sim.Client().Get("https://res.wx.qq.com" + wechatsim.PathScript); err != nil || answer.StatusCode != 200 {
			t.Errorf("%v", err)
		}
		if _, err := f.sim.Client().Get("https://api.weixin.qq.com" + wechatsim.PathTicket); err == nil {
			t.Error("the API answers")
		}
	})
}

func TestTokenReplacedElsewhere(t *testing.T) {
	withPage(t, func(f *fixture) {
		f.passMinutes("130") // the first fetch of the ticket is known now, so it is not fetched each minute
		f.post("/_dev/fault", `{"what":"token"}`)
		f.expectState(toneWarn, "Another system replaced the access token")
		f.passMinutes("1") // in which the token is not used
		f.post("/_dev/clear", `{}`)
		f.expectState(toneWarn, "Another system replaced the access token") // no button makes a replaced token valid
		f.passMinutes("20")
		f.expectState(toneGood, "All is well.")
		if period := f.history.Faults[0]; period.What != faultToken || period.To == 0 || period.To-period.From > 16*60 {
			t.Errorf("%+v", period)
		}
	})
}

func TestConfigurationFaults(t *testing.T) {
	for _, c := range []struct{ fault, code string }{{faultWhitelist, "errcode 40164"}, {faultSecret, "errcode 40125"}} {
		t.Run(c.fault, func(t *testing.T) {
			withPage(t, func(f *fixture) {
				f.post("/_dev/fault", `{"what":"`+c.fault+`"}`)
				f.passMinutes("117")
				f.expectState(toneWarn, "Pages are still signed")
				if history := string(f.state().History); !strings.Contains(history, c.code) {
					t.Errorf("no %s in %s", c.code, history)
				}
				f.post("/_dev/clear", `{}`)
				f.expectState(toneWarn, "The last request failed (stable_token, "+c.code+")")
				f.passMinutes("10")
				f.expectState(toneGood, "All is well.")
			})
		})
	}
}

// The page shows two faults at the same time, and clears them together.
func TestTwoFaults(t *testing.T) {
	withPage(t, func(f *fixture) {
		for _, what := range []string{faultDown, faultSecret, faultDown} {
			f.post("/_dev/fault", `{"what":"`+what+`"}`)
		}
		if s := f.state(); len(s.Faults) != 2 || !strings.Contains(s.Line, "WeChat is down") || !strings.Contains(s.Line, "AppSecret was changed") {
			t.Errorf("%+v", s)
		}
		f.post("/_dev/clear", `{}`)
		if s := f.state(); len(s.Faults) != 0 || s.Tone != toneGood || len(f.history.Faults) != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// One fault can be cleared while the others last.
func TestClearOneFault(t *testing.T) {
	for _, what := range []string{faultDown, faultSecret, faultWhitelist} {
		t.Run(what, func(t *testing.T) { withPage(t, func(f *fixture) { f.clearOneOfAll(what) }) })
	}
}

func (f *fixture) clearOneOfAll(what string) {
	all := []string{faultDown, faultSecret, faultToken, faultWhitelist} // sorted
	for _, each := range all {
		f.post("/_dev/fault", `{"what":"`+each+`","minutes":5}`)
	}
	if s := f.state(); !slices.Equal(s.Faults, all) || !s.OutageEnds {
		f.Fatalf("%+v", s)
	}
	f.post("/_dev/clear", `{"what":"`+what+`"}`)
	left := slices.DeleteFunc(slices.Clone(all), func(each string) bool { return each == what })
	if s := f.state(); !slices.Equal(s.Faults, left) || s.OutageEnds != (what != faultDown) {
		f.Errorf("%+v", s)
	}
	for _, each := range left {
		f.post("/_dev/clear", `{"what":"`+strings.Replace(each, faultToken, "", 1)+`"}`)
	}
	f.passMinutes("125")
	f.expectState(toneGood, "All is well.")
}

func TestNewChecksTheConfig(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("an empty Config was accepted")
	}
	if _, err := New(Config{Settings: settings(t), Clock: new(Clock), Refresher: nil}); err == nil {
		t.Error("a Config without a refresher was accepted")
	}
	withPage(t, func(f *fixture) {
		c := f.cfg
		c.Settings.Accounts = c.Settings.Accounts[1:]
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), "no official account") {
			t.Errorf("without an official account: %v", err)
		}
	})
}
