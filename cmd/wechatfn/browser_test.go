//go:build browser

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"wechatfn/dev/wechatsim"
)

// tab is a tab of a real browser with cookies of its own.
type tab struct {
	*testing.T
	ctx  context.Context
	base string
}

// browse opens a browser on the dev server.
func browse(t *testing.T) tab {
	t.Helper()
	base, _, _ := startDev(t, ":memory:", nil)
	return open(t, base)
}

func open(t *testing.T, base string, more ...chromedp.ExecAllocatorOption) tab {
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
	return tab{t, ctx, base}
}

func (b tab) run(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// text is what a script gives.
func (b tab) text(script string) (string, error) {
	return chromedp.Run(b.ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
}

// see waits until the page shows the text.
func (b tab) see(text string) {
	b.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		body, err := b.text(`document.body ? document.body.innerText : ""`)
		if err == nil && strings.Contains(body, text) {
			return
		}
		if time.Now().After(deadline) {
			b.Fatalf("the page does not show %q: %v\n%s", text, err, body)
		}
	}
}

// press clicks the control with that CSS selector.
func (b tab) press(selector string) {
	b.Helper()
	b.click(fmt.Sprintf(`document.querySelector(%q)`, selector))
}

// choose clicks the link or button with that text.
func (b tab) choose(text string) {
	b.Helper()
	b.click(fmt.Sprintf(`[...document.querySelectorAll("a, button")].find(e => e.textContent.includes(%q))`, text))
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

// click clicks the middle of the element that a script finds, as a mouse does.
func (b tab) click(find string) {
	b.Helper()
	for {
		at, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]float64](fmt.Sprintf(aim, find), chromedp.EvalAwaitPromise))
		if err != nil {
			b.Fatalf("%s cannot be clicked: %v", find, err)
		}
		b.run(chromedp.MouseClickXY(at[0], at[1]))
		// A click that leads to another page leaves nobody to ask.
		if beside, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`window.landed === false`)); err != nil || !beside {
			return
		}
	}
}

func (b tab) location() string {
	b.Helper()
	address, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		b.Fatal(err)
	}
	return address
}

// json runs a script that returns a promise, and reads what it gives.
func (b tab) json(script string) (out map[string]any) {
	b.Helper()
	text, err := b.text(`(async () => JSON.stringify(await (` + script + `)))()`)
	if err == nil {
		err = json.Unmarshal([]byte(text), &out)
	}
	if err != nil {
		b.Fatalf("%s: %v", text, err)
	}
	return out
}

// toWeChat goes to WeChat's page, and returns its address without opening it.
func (b tab) toWeChat(query string) string {
	b.Helper()
	answer := b.json(`fetch("/oauth/authorize?` + query + `", {headers: {accept: "application/json"}}).then(r => r.json())`)
	address, _ := answer["url"].(string)
	if !strings.Contains(address, "/connect/") {
		b.Fatalf("%v", answer)
	}
	return address
}

// approved is where WeChat sends the browser when the user agrees.
func approved(t *testing.T, address string) string {
	t.Helper()
	address, _, _ = strings.Cut(address, "#")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(address + "&wechatsim=approve")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	to := answer.Header.Get("Location")
	if !strings.Contains(to, "/oauth/callback?code=") {
		t.Fatalf("%d %s", answer.StatusCode, to)
	}
	return to
}

// A person logs in on the page, sees the profile, and logs out.
func TestBrowserLogin(t *testing.T) {
	b := browse(t)
	b.run(chromedp.Navigate(b.base))
	b.see("Nobody is logged in.")
	b.choose("with the profile")
	b.see("允许")
	b.choose("允许")
	b.see("is logged in to default")
	b.see("小明")
	if address := b.location(); strings.TrimSuffix(address, "#") != b.base {
		t.Errorf("landed on %s", address)
	}
	if cookies, err := b.text(`document.cookie`); err != nil || strings.Contains(cookies, "session") {
		t.Errorf("a script can read %s, %v", cookies, err)
	}
	b.press("#logout")
	b.see("Nobody is logged in.")
	b.run(chromedp.Reload())
	b.see("Nobody is logged in.")
}

func TestBrowserByQRCode(t *testing.T) {
	b := browse(t)
	b.run(chromedp.Navigate(b.base))
	b.see("Nobody is logged in.")
	b.choose("by QR code")
	b.see("允许")
	b.choose("允许")
	b.see("is logged in to desktop")
}

func TestBrowserRefusal(t *testing.T) {
	b := browse(t)
	b.run(chromedp.Navigate(b.base + "oauth/authorize?scope=snsapi_userinfo&return_to=/"))
	b.see("拒绝")
	b.choose("拒绝")
	b.see("login_refused")
	b.see("重新登录")
	b.press("a.again")
	b.see("允许")
}

// P12: WeChat calls twice, with the same code and with another, at once or later.
func TestBrowserDoubledCallback(t *testing.T) {
	b := browse(t)
	var called atomic.Int32
	if err := chromedp.Listen(b.ctx, func(event any) {
		if sent, ok := event.(*network.EventRequestWillBeSent); ok && strings.Contains(sent.Request.URL, "/oauth/callback?") {
			called.Add(1)
		}
	}); err != nil {
		t.Fatal(err)
	}
	for _, answer := range []string{wechatsim.AnswerTwice, wechatsim.AnswerTwoCodes} {
		b.run(chromedp.Navigate(b.base))
		address, _, _ := strings.Cut(b.toWeChat("scope=snsapi_userinfo&return_to=/"), "#")
		called.Store(0)
		b.run(chromedp.Navigate(address + "&wechatsim=" + answer))
		b.see("is logged in to default")
		if n := called.Load(); n != 2 {
			t.Errorf("%s: %d callbacks", answer, n)
		}
		b.run(chromedp.Navigate(approved(t, address)))
		b.see("is logged in to default")
		b.press("#logout")
		b.see("Nobody is logged in.")
	}
}

// Somebody else's link does not log this browser in as somebody else: it begins a
// login of its own.
func TestBrowserLostCookie(t *testing.T) {
	attacker := browse(t)
	attacker.run(chromedp.Navigate(attacker.base))
	link := approved(t, attacker.toWeChat("scope=snsapi_userinfo&return_to=/"))
	victim := open(t, attacker.base)
	victim.run(chromedp.Navigate(link))
	victim.see("允许") // WeChat asks the victim
	attacker.run(chromedp.Navigate(link))
	attacker.see("is logged in to default")
}

// A page of another site (localhost is one beside 127.0.0.1) gets a ticket, and for
// that a token.
func TestBrowserTicketForAnotherSite(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>shop</title><p>The shop</p>")
	}))
	t.Cleanup(page.Close)
	other := strings.Replace(page.URL, "127.0.0.1", "localhost", 1)
	base, _, _ := startDev(t, ":memory:", map[string]string{"ALLOWED_ORIGINS": other})
	b := open(t, base)
	b.run(chromedp.Navigate(base + "oauth/authorize?scope=snsapi_base&return_to=" + url.QueryEscape(other+"/cart") + "&challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"))
	b.see("The shop")
	landed, err := url.Parse(b.location())
	if err != nil || landed.Path != "/cart" || landed.Query().Get("wechat_ticket") == "" {
		t.Fatalf("landed on %s", landed)
	}
	spend := `fetch("` + base + `oauth/token", {method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify({ticket: new URLSearchParams(location.search).get("wechat_ticket"), verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"})}).then(r => r.json())`
	grant := b.json(spend)
	token, _ := grant["token"].(string)
	session := b.json(`fetch("` + base + `oauth/session", {headers: {authorization: "Bearer ` + token + `"}}).then(r => r.json())`)
	if token == "" || session["openid"] == nil {
		t.Errorf("%v %v", grant, session)
	}
	if again := b.json(spend); again["code"] != "ticket_invalid" {
		t.Errorf("spent twice: %v", again)
	}
}

// A message shows on the open page as it comes.
func TestBrowserMessages(t *testing.T) {
	b := browse(t)
	b.run(chromedp.Navigate(b.base))
	b.see("Nothing has arrived yet.")
	if said, err := sendPush(t, b.base, func(c *trigger) { c.Content = "你好 <b>" }); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	b.see(`"Content": "你好 <b>"`)
	b.see("wx.config accepted this signature")
}
