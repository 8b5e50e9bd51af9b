//go:build browser

package devserver

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"wechatfn/dev/browsertest"
)

// The page shows an outage, and recovers when it is cleared.
func TestBrowserPageShowsAnOutage(t *testing.T) {
	d := openPage(t)
	d.waitFor("#verdict", "accepted")
	d.Press(`[data-fault="down"]:not([data-minutes])`)
	d.waitFor("#state", "WeChat is down until you clear the fault.")
	pressed := func(want string) {
		t.Helper()
		if got, _ := d.Text(`[...document.querySelectorAll('[aria-pressed="true"]')].map(b => b.textContent).join()`); got != want {
			t.Errorf("%q is pressed, want %q", got, want)
		}
	}
	pressed("WeChat down")
	d.Press(`[data-fault="down"][data-minutes="5"]`)
	d.waitFor(`[data-minutes][aria-pressed="true"]`, "WeChat down, 5 min")
	pressed("WeChat down, 5 min")
	d.Press(`[data-fault="down"][data-minutes="5"]`)
	d.waitFor("#state", "All is well.")
	pressed("")
	d.Press(`[data-fault="down"]:not([data-minutes])`)
	d.waitFor("#state", "WeChat is down until you clear the fault.")
	d.Press(`.faults [data-minutes="120"]`)
	d.waitFor("#state", "No valid ticket")
	d.waitFor("#ahead", "2h0m0s ahead")
	d.waitFor("#verdict", "503: no valid ticket.")
	d.waitFor("#signed", strings.Repeat("·", 40))
	d.Press("#scan")
	d.waitFor("#shared", "503: no valid ticket.")
	d.waitFor("#verdict", "503: no valid ticket.") // and not that a signature is requested
	d.Press("#clear-faults")
	d.waitFor("#fault-status", "All faults are cleared.")
	d.Press(`.faults [data-minutes="10"]`)
	d.waitFor("#state", "All is well.")
	d.waitFor("#verdict", "wx.config accepted this signature.")
	for _, c := range []struct {
		selector string
		least    float64
	}{{"svg .refused", 2}, {"svg .renewed", 5}, {"svg .fault-period", 2}, {"svg .failure", 2}} {
		t.Run(c.selector, func(t *testing.T) {
			if n := d.number(`document.querySelectorAll("#history ` + c.selector + `").length`); n < c.least {
				t.Errorf("%v of %s in the chart and its legend", n, c.selector)
			}
		})
	}
	// Faults at the same time are not darker than one: they are opaque in a translucent group.
	shades, err := d.Text(`[...document.querySelectorAll("#history > svg .fault-period")].map(b => getComputedStyle(b).fill.includes("rgb(") && getComputedStyle(b.parentNode).opacity < 0.2 && b.parentNode.parentNode.localName).join()`)
	if want := "svg,svg"; err != nil || shades != want || d.number(`document.querySelectorAll("#history > svg .fault-periods").length`) != 1 {
		t.Errorf("fault periods: %s, want %s; %v", shades, want, err)
	}
	d.Press("#tables summary")
	d.waitFor("#tables", "signature answered 503")
	d.expectNoComplaints("503", "/signature?url=")
}

// A page that was opened without a valid ticket recovers with the next ticket, without a
// press.
func TestBrowserPageRecoversByItself(t *testing.T) {
	base := startOnNetwork(t)
	act(t, base, "fault", `{"what":"down"}`)
	act(t, base, "clock", `{"minutes":125}`)
	d := pageTab{browsertest.Open(t, base), new(consoleLog)}
	d.Run(chromedp.Navigate(base))
	d.waitFor("#state", "No valid ticket")
	d.waitFor("#verdict", "503")
	act(t, base, "clear", `{}`)
	act(t, base, "clock", `{"minutes":2}`) // a press in another tab
	d.waitFor("#state", "All is well.")
	d.waitFor("#verdict", "wx.config accepted this signature.")
	d.waitFor("#shared", "WeChat accepted the card")
}

// Each fault shows in the state line, and can be cleared.
func TestBrowserPageShowsFaults(t *testing.T) {
	for _, c := range []struct{ fault, state string }{
		{"token", "Another system replaced the access token"}, {"whitelist", "40164"}, {"secret", "40125"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			d := openPage(t)
			d.waitFor("#state", "All is well.")
			d.Press(`[data-fault="` + c.fault + `"]`)
			d.waitFor("#state", c.state)
			d.Press(`.faults [data-minutes="10"]`)
			d.waitFor("#fault-status", "10 min have passed")
			d.Press("#clear-faults")
			d.waitFor("#fault-status", "All faults are cleared.")
			d.Press(`.faults [data-minutes="1"]`)
			d.waitFor("#fault-status", "1 min have passed")
			d.Press(`.faults [data-minutes="10"]`)
			d.waitFor("#fault-status", "10 min have passed")
			d.waitFor("#state", "All is well.")
			d.expectNoComplaints()
		})
	}
}

func TestBrowserPageShowsAnOutageOfMinutes(t *testing.T) {
	d := openPage(t)
	d.Press(`[data-fault="down"][data-minutes="5"]`)
	d.waitFor("#state", "WeChat is down until ")
	d.Press(`.faults [data-minutes="10"]`)
	d.waitFor("#state", "All is well.")
	d.expectNoComplaints()
}
