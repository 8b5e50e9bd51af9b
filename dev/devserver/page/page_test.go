package page

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
)

// Hours pass in a moment, and everything lives by the same clock: what is due in
// them is done in them.
func TestClock(t *testing.T) {
	desk(t, func(w *world) {
		w.stands(toneGood, "All is well.")
		before := time.Now()
		w.minutes("120")
		w.minutes("120")
		if time.Now() != before {
			t.Error("it took time")
		}
		s := w.now()
		if s.Ahead != "(4h0m0s ahead of this machine)" || s.Tone != toneGood || w.Clock.Ahead() != 4*time.Hour {
			t.Errorf("%+v", s)
		}
		// Tokens of 2 h, renewed 5 minutes early: two more in 4 h, for each of two accounts.
		if n := w.tokenCalls(); n < 3 || n > 30 {
			t.Errorf("%d token calls", n)
		}
		if n := strings.Count(string(s.Life), `<circle class="renewed"`) - 1; n != 3*3 { // and one in the legend
			t.Errorf("%d values came, want 3 of each credential", n)
		}
		if strings.Contains(string(s.Life), `<rect class="trouble" x`) || strings.Contains(string(s.Life), `class="refused" d="M1`) || w.signs() != 200 {
			t.Error("there was trouble")
		}
	})
}

// The schedule ticks by itself, each minute of the machine's time.
func TestSchedule(t *testing.T) {
	desk(t, func(w *world) {
		before := w.tokenCalls()
		time.Sleep(119*time.Minute + time.Second) // of a bubble
		synctest.Wait()
		if w.tokenCalls() <= before || w.now().Ahead != "" {
			t.Errorf("%d token calls, %+v", w.tokenCalls(), w.now())
		}
	})
}

func TestDownUntilMended(t *testing.T) {
	desk(t, func(w *world) {
		w.does("/_dev/break", `{"what":"down"}`)
		w.stands(toneWarn, "WeChat is down until you mend it. Pages are signed all the same")
		w.minutes("60")
		if code := w.signs(); code != 200 {
			t.Errorf("%d while the ticket lives", code)
		}
		before, ticks := time.Now(), w.shown.Load()
		w.minutes("90")
		w.stands(toneBad, "No ticket is alive")
		if n := len(w.history.Refused); n < 25 || time.Now() != before {
			t.Errorf("refused in %d minutes; it took %v", n, time.Since(before))
		}
		if ticks = w.shown.Load() - ticks; ticks <= 90+25 { // each 503 kicks
			t.Errorf("%d ticks and kicks", ticks)
		}
		if code := w.signs(); code != 503 {
			t.Errorf("%d when it has ended", code)
		}
		w.does("/_dev/mend", `{}`)
		if s := w.now(); len(s.Broken) != 0 || s.Tone != toneBad {
			t.Errorf("mended, and not found out yet: %+v", s)
		}
		w.minutes("2")
		w.stands(toneGood, "All is well.")
		life := string(w.now().Life)
		for _, want := range []string{`class="band"`, `class="refused" d="M`, `class="trouble" x`, "WeChat down", "signature answered 503"} {
			if !strings.Contains(life, want) {
				t.Errorf("the picture lacks %s", want)
			}
		}
		if w.signs() != 200 {
			t.Error("not well again")
		}
	})
}

func TestDownForMinutes(t *testing.T) {
	desk(t, func(w *world) {
		w.does("/_dev/break", `{"what":"down","minutes":5}`)
		w.stands(toneWarn, "WeChat is down until ")
		w.minutes("4")
		if s := w.now(); len(s.Broken) != 1 || s.Broken[0] != troubleDown {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Minute + time.Second) // the machine's clock counts too, and its minute has a tick
		synctest.Wait()
		if s := w.now(); len(s.Broken) != 0 || s.Tone != toneGood {
			t.Errorf("%+v", s)
		}
		if band := w.history.Bands[0]; band.To-band.From != 5*60 {
			t.Errorf("%+v", band)
		}
	})
}

// An outage is of the API: the script that judges this page goes on.
func TestDownSparesTheScript(t *testing.T) {
	desk(t, func(w *world) {
		w.does("/_dev/break", `{"what":"down"}`)
		if answer, err := w.sim.Client().Get("https://res.wx.qq.com" + wechatsim.PathScript); err != nil || answer.StatusCode != 200 {
			t.Errorf("%v", err)
		}
		if _, err := w.sim.Client().Get("https://api.weixin.qq.com" + wechatsim.PathTicket); err == nil {
			t.Error("the API answers")
		}
	})
}

func TestTokenReplacedElsewhere(t *testing.T) {
	desk(t, func(w *world) {
		w.minutes("130") // the ticket's birth is known now, so that it is not asked for each minute
		w.does("/_dev/break", `{"what":"token"}`)
		w.stands(toneWarn, "Somebody replaced the access token")
		w.minutes("1") // in which nobody uses it
		w.does("/_dev/mend", `{}`)
		w.stands(toneWarn, "Somebody replaced the access token") // no button brings a dead token back
		w.minutes("20")
		w.stands(toneGood, "All is well.")
		if band := w.history.Bands[0]; band.What != troubleToken || band.To == 0 || band.To-band.From > 16*60 {
			t.Errorf("%+v", band)
		}
	})
}

func TestConfigurationTroubles(t *testing.T) {
	for what, code := range map[string]string{troubleWhitelist: "errcode 40164", troubleSecret: "errcode 40125"} {
		t.Run(what, func(t *testing.T) {
			desk(t, func(w *world) {
				w.does("/_dev/break", `{"what":"`+what+`"}`)
				w.minutes("117")
				w.stands(toneWarn, "Pages are signed all the same")
				if life := string(w.now().Life); !strings.Contains(life, code) {
					t.Errorf("no %s in %s", code, life)
				}
				w.does("/_dev/mend", `{}`)
				w.stands(toneWarn, "The last try failed (stable_token, "+code+")")
				w.minutes("10")
				w.stands(toneGood, "All is well.")
			})
		})
	}
}

// Two troubles at once are told of both, and mended together.
func TestTroublesAdd(t *testing.T) {
	desk(t, func(w *world) {
		for _, what := range []string{troubleDown, troubleSecret, troubleDown} {
			w.does("/_dev/break", `{"what":"`+what+`"}`)
		}
		if s := w.now(); len(s.Broken) != 2 || !strings.Contains(s.Line, "WeChat is down") || !strings.Contains(s.Line, "AppSecret was changed") {
			t.Errorf("%+v", s)
		}
		w.does("/_dev/mend", `{}`)
		if s := w.now(); len(s.Broken) != 0 || s.Tone != toneGood || len(w.history.Bands) != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// One trouble is mended, and the others stand.
func TestOneIsMended(t *testing.T) {
	all := []string{troubleDown, troubleSecret, troubleToken, troubleWhitelist} // as they are sorted
	for _, what := range []string{troubleDown, troubleSecret, troubleWhitelist} {
		desk(t, func(w *world) {
			for _, each := range all {
				w.does("/_dev/break", `{"what":"`+each+`","minutes":5}`)
			}
			if s := w.now(); !slices.Equal(s.Broken, all) || !s.Ends {
				t.Fatalf("%+v", s)
			}
			w.does("/_dev/mend", `{"what":"`+what+`"}`)
			left := slices.DeleteFunc(slices.Clone(all), func(each string) bool { return each == what })
			if s := w.now(); !slices.Equal(s.Broken, left) || s.Ends != (what != troubleDown) {
				t.Errorf("%s: %+v", what, s)
			}
			for _, each := range left {
				w.does("/_dev/mend", `{"what":"`+strings.Replace(each, troubleToken, "", 1)+`"}`)
			}
			w.minutes("125")
			w.stands(toneGood, "All is well.")
		})
	}
}

func TestNewDeskRefuses(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a desk of nothing")
	}
	if _, err := New(Config{Settings: settings(t), Clock: new(Clock), Refresher: nil}); err == nil {
		t.Error("a desk without a refresher")
	}
	desk(t, func(w *world) {
		c := w.Config
		c.Settings.Accounts = c.Settings.Accounts[1:]
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), "no official account") {
			t.Errorf("a desk without a page: %v", err)
		}
	})
}
