//go:build browser

package devserver

import (
	"context"
	"fmt"
	"io"
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

// demoTab is a tab on the page of make dev, and everything that it complained of.
type demoTab struct {
	browsertest.Tab
	*witness
}

// witness hears what a person would see in the browser's console.
type witness struct {
	mu   sync.Mutex
	said []string
}

func (w *witness) hear(event any) {
	var said string
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		said = "console." + string(e.Type)
		for _, arg := range e.Args {
			said += " " + string(arg.Value) + arg.Description
		}
	case *runtime.EventExceptionThrown:
		said = "exception " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			said += " " + e.ExceptionDetails.Exception.Description
		}
	case *log.EventEntryAdded:
		said = "log " + e.Entry.Text + " " + e.Entry.URL
	case *network.EventLoadingFailed:
		if !e.Canceled {
			said = "failed " + e.ErrorText
		}
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 {
			said = fmt.Sprintf("answer %d %s", e.Response.Status, e.Response.URL)
		}
	}
	if said != "" {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.said = append(w.said, said)
	}
}

// quiet wants no complaint but those of which a part is given.
func (d demoTab) quiet(but ...string) {
	d.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, said := range d.said {
		if !slices.ContainsFunc(but, func(part string) bool { return strings.Contains(said, part) }) {
			d.Errorf("the browser complains: %s", said)
		}
	}
}

// visit opens the page of a new dev server.
func visit(t *testing.T, more ...chromedp.ExecAllocatorOption) demoTab {
	t.Helper()
	base, _, _ := startDev(t, ":memory:", nil)
	d := demoTab{browsertest.Open(t, base, more...), new(witness)}
	if err := chromedp.Listen(d.Ctx, d.hear); err != nil {
		t.Fatal(err)
	}
	d.Run(chromedp.Navigate(base))
	return d
}

// speak changes the page's language as its links do.
func (d demoTab) speak(language string) {
	d.Helper()
	d.Run(chromedp.Func(evaluate(`document.cookie = "wechatfn_lang=`+language+`; Path=/"`)), chromedp.Reload())
}

// of waits until an element's text has a part.
func (d demoTab) of(selector, part string) {
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

func (d demoTab) number(script string) float64 {
	d.Helper()
	n, err := chromedp.Run(d.Ctx, chromedp.Evaluate[float64](script, chromedp.EvalAwaitPromise))
	if err != nil {
		d.Fatal(err)
	}
	return n
}

// screen sets the window and the colours.
func (d demoTab) screen(width, height int64, scheme string) {
	d.Helper()
	d.Run(chromedp.EmulateViewport(width, height), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	}))
}

// axe runs axe-core on the page, and returns what is wrong with it.
func (d demoTab) axe() string {
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

// evaluate is a script whose value does not matter.
func evaluate(script string) func(context.Context, *chromedp.Target) error {
	return func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Evaluate[any]("(() => {"+script+"})()")(ctx, t)
		return err
	}
}

// devOnNetwork is a dev server that says that a phone reaches it.
func devOnNetwork(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s, err := New(ctx, Config{Addr: "127.0.0.1:0", Store: ":memory:", Out: io.Discard, Getenv: noEnv})
	if err != nil {
		t.Fatal(err)
	}
	s.page.Phone = "http://192.168.1.20:8080/"
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s.URL()
}
