//go:build browser

package devserver

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"wechatfn/dev/browsertest"
)

// axe-core finds nothing wrong with names, roles, contrast and more, in both languages,
// colour schemes and widths, with all details open; and no line is wider than a small
// phone.
func TestBrowserPageIsAccessible(t *testing.T) {
	d := openPage(t)
	for _, language := range []string{"en", "zh"} {
		d.setLanguage(language)
		d.waitFor("#verdict", "wx.config")
		d.Press(`[data-fault="token"]`)
		d.Press(`[data-push="tampered"]`)
		d.waitFor("#messages li", "ToUserName")
		d.Press("#mini-login")
		d.waitFor("#wire li", "/miniprogram/login")
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{1280, 360} {
				d.setScreen(width, 900, scheme)
				d.Run(chromedp.Func(evaluate(`document.querySelectorAll("details").forEach(d => d.open = true)`)))
				name := fmt.Sprintf("%s, %s, %d wide", language, scheme, width)
				if found := d.axe(); found != "" {
					t.Errorf("%s:\n%s", name, found)
				}
				if wide := d.number(`document.documentElement.scrollWidth`); wide > float64(width) {
					t.Errorf("%s: it scrolls to %v", name, wide)
				}
			}
		}
	}
	d.expectNoComplaints()
}

// The colours of a fault have enough contrast, too.
func TestBrowserPageContrastDuringAFault(t *testing.T) {
	d := openPage(t)
	d.waitFor("#verdict", "accepted")
	d.Press(`[data-fault="down"]:not([data-minutes])`)
	for _, state := range []string{"Pages are still signed", "No valid ticket"} {
		d.waitFor("#state", state)
		for _, scheme := range []string{"light", "dark"} {
			d.setScreen(1280, 900, scheme)
			if found := d.axe(); found != "" {
				t.Errorf("%s, %s:\n%s", state, scheme, found)
			}
		}
		d.Press(`.faults [data-minutes="120"]`)
		d.waitFor("#fault-status", "120 min have passed")
	}
}

// The pictures of the README: the page after some hours with faults. SCREENSHOTS names
// the folder to write them to.
func TestBrowserPageScreenshots(t *testing.T) {
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		folder = t.TempDir()
	}
	base := startOnNetwork(t)
	for _, step := range []string{`clock {"minutes":100}`, `fault {"what":"down"}`, `clock {"minutes":26}`, `clear {}`, `clock {"minutes":52}`,
		`fault {"what":"token"}`, `clock {"minutes":62}`, `fault {"what":"down","minutes":5}`, `clock {"minutes":45}`} {
		path, body, _ := strings.Cut(step, " ")
		act(t, base, path, body)
	}
	d := pageTab{browsertest.Open(t, base), new(consoleLog)}
	for _, picture := range []struct{ file, language, scheme, says string }{
		{"demo.png", "en", "light", "WeChat accepted the card"},
		{"demo-zh.png", "zh", "dark", "微信已接受"},
	} {
		d.setScreen(1200, 1590, picture.scheme)
		d.Run(chromedp.Navigate(base))
		d.setLanguage(picture.language)
		d.waitFor("#shared", picture.says)
		for d.number(`document.querySelector("#history svg").clientWidth - document.querySelector("#history").clientWidth`) != 0 {
			// until the chart has its width
		}
		shot, err := chromedp.Run(d.Ctx, chromedp.CaptureScreenshot())
		if err != nil || !bytes.HasPrefix(shot, []byte("\x89PNG")) {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, picture.file), shot, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The Tab key reaches every control, and the focus is visible.
func TestBrowserPageByKeyboard(t *testing.T) {
	d := openPage(t)
	d.waitFor("#shared", "WeChat accepted the card")
	d.Press("#mini-login")
	d.waitFor("#mini-status", "is logged in. session_key stays in the table.")
	d.Press(`[data-push="text"]`)
	d.waitFor("#messages li", "ToUserName")
	// Identified by their places, since the chart can be drawn again in the meantime.
	missed := int(d.number(`
		window.place = e => e.parentElement ? place(e.parentElement) + "/" + [...e.parentElement.children].indexOf(e) : "";
		const all = [...document.querySelectorAll("a, button:not(:disabled), input, summary, pre, [tabindex='0']")].filter(e => e.checkVisibility());
		(window.missed = new Map(all.map(e => [place(e), e.outerHTML]))).size`))
	if missed < 25 {
		t.Errorf("only %d controls are there", missed)
	}
	d.Run(chromedp.Func(evaluate(`document.activeElement.blur(); scrollTo(0, 0)`)))
	for range missed + 5 {
		d.Run(chromedp.KeyEvent(kb.Tab))
		at, err := d.Text(`(e => { missed.delete(place(e)); return e === document.body || getComputedStyle(e).outlineStyle !== "none" ? "" : e.outerHTML })(document.activeElement)`)
		if err != nil || at != "" {
			t.Errorf("the focus is not visible on %s %v", at, err)
		}
	}
	if missed, _ := d.Text(`[...missed.values()].join("\n")`); missed != "" {
		t.Errorf("Tab does not reach\n%s", missed)
	}
	d.Run(chromedp.Focus(chromedp.CSS(`[data-fault="whitelist"]`)), chromedp.KeyEvent(kb.Enter))
	d.waitFor("#state", "40164")
	if at, _ := d.Text(`document.activeElement.dataset.fault`); at != "whitelist" {
		t.Errorf("the focus went to %q", at)
	}
}
