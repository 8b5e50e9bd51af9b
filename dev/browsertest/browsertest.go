//go:build browser

package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Tab is a tab of a real browser with its own cookies. What goes wrong ends the test.
type Tab struct {
	*testing.T
	Ctx  context.Context
	Base string
}

// Open starts the browser that CHROMIUM names. base is for the caller.
func Open(t *testing.T, base string, more ...chromedp.ExecAllocatorOption) Tab {
	t.Helper()
	path := os.Getenv("CHROMIUM")
	if path == "" {
		t.Fatal("CHROMIUM is not set: make test-browser sets it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	options = append(options, more...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return Tab{t, ctx, base}
}

// Run runs actions in turn.
func (b Tab) Run(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.Ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// Text is what a script gives.
func (b Tab) Text(script string) (string, error) {
	return chromedp.Run(b.Ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
}

// See waits until the page shows the text.
func (b Tab) See(text string) {
	b.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		body, err := b.Text(`document.body ? document.body.innerText : ""`)
		if err == nil && strings.Contains(body, text) {
			return
		}
		if time.Now().After(deadline) {
			b.Fatalf("the page does not show %q: %v\n%s", text, err, body)
		}
	}
}

// Press clicks the control with that CSS selector.
func (b Tab) Press(selector string) {
	b.Helper()
	b.Click(fmt.Sprintf(`document.querySelector(%q)`, selector))
}

// Choose clicks the link or button with that text.
func (b Tab) Choose(text string) {
	b.Helper()
	b.Click(fmt.Sprintf(`[...document.querySelectorAll("a, button")].find(e => e.textContent.includes(%q))`, text))
}

// aim waits until the element stands still in the window with nothing before it, and
// gives its middle. A click that lands beside it, since the page moved meanwhile, is
// kept from the page.
const aim = `(async () => {
	for (let was; ; await new Promise(next => setTimeout(next, 20))) {
		const found = %s;
		if (!found?.checkVisibility() || found.disabled) continue;
		found.scrollIntoView({ block: "center", behavior: "instant" });
		const { x, y, width, height } = found.getBoundingClientRect();
		const at = [x + width / 2, y + height / 2], is = at.join();
		if (is !== was || !found.contains(document.elementFromPoint(...at))) {
			was = is;
			continue;
		}
		window.aim?.abort();
		window.aim = new AbortController();
		window.landed = false;
		for (const type of ["pointerdown", "mousedown", "pointerup", "mouseup", "click"]) {
			addEventListener(type, event => {
				if (!found.contains(event.target)) window.aim.beside = true;
				if (window.aim.beside) {
					event.preventDefault();
					event.stopImmediatePropagation();
				} else if (type === "click") {
					window.landed = true;
					window.aim.abort();
				}
			}, { capture: true, signal: window.aim.signal });
		}
		return at;
	}
})()`

// Click clicks the middle of the element that a script finds, as a mouse does.
func (b Tab) Click(find string) {
	b.Helper()
	for {
		at, err := chromedp.Run(b.Ctx, chromedp.Evaluate[[]float64](fmt.Sprintf(aim, find), chromedp.EvalAwaitPromise))
		if err != nil {
			b.Fatalf("%s cannot be clicked: %v", find, err)
		}
		b.Run(chromedp.MouseClickXY(at[0], at[1]))
		// A click that leads to another page leaves nobody to ask.
		if beside, err := chromedp.Run(b.Ctx, chromedp.Evaluate[bool](`window.landed === false`)); err != nil || !beside {
			return
		}
	}
}

// Location is the address of the page.
func (b Tab) Location() string {
	b.Helper()
	address, err := chromedp.Run(b.Ctx, chromedp.Location())
	if err != nil {
		b.Fatal(err)
	}
	return address
}

// JSON runs a script that returns a promise, and reads what it gives.
func (b Tab) JSON(script string) (out map[string]any) {
	b.Helper()
	text, err := b.Text(`(async () => JSON.stringify(await (` + script + `)))()`)
	if err == nil {
		err = json.Unmarshal([]byte(text), &out)
	}
	if err != nil {
		b.Fatalf("%s: %v", text, err)
	}
	return out
}
