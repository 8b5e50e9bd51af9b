//go:build browser

package devserver

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"wechatfn/dev/browsertest"
)

// pageTab is a tab with the page of make dev, and the log of its console.
type pageTab struct {
	browsertest.Tab
	*consoleLog
}

// consoleLog records what the browser's console shows.
type consoleLog struct {
	mu    sync.Mutex
	lines []string
}

func (c *consoleLog) listen(event any) {
	var line string
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		line = "console." + string(e.Type)
		for _, arg := range e.Args {
			line += " " + string(arg.Value) + arg.Description
		}
	case *runtime.EventExceptionThrown:
		line = "exception " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			line += " " + e.ExceptionDetails.Exception.Description
		}
	case *log.EventEntryAdded:
		line = "log " + e.Entry.Text + " " + e.Entry.URL
	case *network.EventLoadingFailed:
		if !e.Canceled {
			line = "failed " + e.ErrorText
		}
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 {
			line = fmt.Sprintf("answer %d %s", e.Response.Status, e.Response.URL)
		}
	}
	if line != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.lines = append(c.lines, line)
	}
}

// expectNoComplaints expects an empty console, except for lines that contain one of
// the given parts.
func (d pageTab) expectNoComplaints(except ...string) {
	d.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, line := range d.lines {
		if !slices.ContainsFunc(except, func(part string) bool { return strings.Contains(line, part) }) {
			d.Errorf("the browser complains: %s", line)
		}
	}
}

// openPage opens the page of a new dev server.
func openPage(t *testing.T, more ...chromedp.ExecAllocatorOption) pageTab {
	t.Helper()
	base, _, _ := startDev(t, ":memory:", nil)
	d := pageTab{browsertest.Open(t, base, more...), new(consoleLog)}
	if err := chromedp.Listen(d.Ctx, d.listen); err != nil {
		t.Fatal(err)
	}
	d.Run(chromedp.Navigate(base))
	return d
}

// setLanguage changes the page's language as its links do.
func (d pageTab) setLanguage(language string) {
	d.Helper()
	d.Run(chromedp.Func(evaluate(`document.cookie = "wechatfn_lang=`+language+`; Path=/"`)), chromedp.Reload())
}

// waitFor waits until an element's text contains a part.
func (d pageTab) waitFor(selector, part string) {
	d.Helper()
	script := fmt.Sprintf(`document.querySelector(%q)?.textContent ?? ""`, selector)
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(30 * time.Millisecond) {
		text, err := d.Text(script)
		if err == nil && strings.Contains(text, part) {
			return
		}
		if time.Now().After(deadline) {
			d.Fatalf("%s is %q, want %q: %v", selector, text, part, err)
		}
	}
}

func (d pageTab) number(script string) float64 {
	d.Helper()
	n, err := chromedp.Run(d.Ctx, chromedp.Evaluate[float64](script, chromedp.EvalAwaitPromise))
	if err != nil {
		d.Fatal(err)
	}
	return n
}

// setScreen sets the size of the window and the colour scheme.
func (d pageTab) setScreen(width, height int64, scheme string) {
	d.Helper()
	d.Run(chromedp.EmulateViewport(width, height), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	}))
}

// axe runs axe-core on the page, and returns what is wrong with it.
func (d pageTab) axe() string {
	d.Helper()
	script, err := os.ReadFile("../../node_modules/axe-core/axe.min.js")
	if err != nil {
		d.Fatalf("%v (make test-browser installs it)", err)
	}
	if _, err := chromedp.Run(d.Ctx, chromedp.Evaluate[any](string(script)+"; undefined")); err != nil {
		d.Fatal(err)
	}
	found, err := d.Text(`axe.run(document, {resultTypes: ["violations"]}).then(r => (r.passes.length > 20 ? "" : "hardly anything was checked\n") +
		r.violations.map(v => v.id + ": " + v.help + "\n" + v.nodes.map(n => "  " + n.html + "\n  " + n.any.map(a => a.message).join(" ")).join("\n")).join("\n"))`)
	if err != nil {
		d.Fatal(err)
	}
	return found
}

// evaluate runs a script and ignores its value.
func evaluate(script string) func(context.Context, *chromedp.Target) error {
	return func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Evaluate[any]("(() => {"+script+"})()")(ctx, t)
		return err
	}
}

// startOnNetwork runs a dev server that shows an address for a phone.
func startOnNetwork(t *testing.T) string {
	t.Helper()
	s, _, _ := startServer(t, Config{Addr: "127.0.0.1:0", Store: ":memory:", Getenv: noEnv, phone: "http://192.168.1.20:8080/"})
	return s.URL()
}
