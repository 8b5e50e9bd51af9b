//go:build browser

package devserver

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"wechatfn/dev/browsertest"
	"wechatfn/dev/wechatsim"
)

// The page is signed, by way of the client and the simulated script, and nothing is
// in the console.
func TestBrowserDemoSigns(t *testing.T) {
	d := visit(t)
	d.of("#verdict", "wx.config accepted this signature.")
	d.of("#state", "All is well.")
	d.of("#shared", "WeChat took the card")
	d.of("#signed", d.Base)
	for _, name := range []string{"appId", "timestamp", "nonceStr", "signature", "url"} {
		d.of("#signed", name)
	}
	before, _ := d.Text(`document.querySelector("#signed").textContent`)
	d.Press("#sign-again")
	d.of("#verdict", "wx.config accepted this signature.")
	for after := before; after == before; {
		after, _ = d.Text(`document.querySelector("#signed").textContent`)
	}
	d.of("#curl", "curl -G "+d.Base+"signature --data-urlencode 'url="+d.Base+"'")
	d.quiet()
}

func TestBrowserDemoShares(t *testing.T) {
	d := visit(t)
	d.of("#shared", "WeChat took the card")
	d.Run(chromedp.SetValue(chromedp.CSS("#share-title"), `A <b>new</b> title`))
	d.Press("#share-set")
	d.of("#card-chat strong", `A <b>new</b> title`)
	d.of("#card-timeline strong", `A <b>new</b> title`)
	if card, _ := d.Text(`__wechatsim.cards.chat.title + __wechatsim.cards.chat.link + __wechatsim.cards.chat.imgUrl`); card != `A <b>new</b> title`+d.Base+d.Base+"_dev/files/share.svg" {
		t.Errorf("WeChat would send %s", card)
	}
	d.Press("#scan")
	d.of("#shared", "Scanned: https://example.com/wechatsim")
	d.Run(chromedp.Func(evaluate(`__wechatsim.answer("scanQRCode", "cancel")`)))
	d.Press("#scan")
	d.of("#shared", "cancelled")
	d.quiet()
}

func TestBrowserDemoLogsIn(t *testing.T) {
	d := visit(t)
	d.of("#who", "Nobody is logged in.")
	d.Choose("with the profile")
	d.See("允许")
	d.Choose("允许")
	d.of("#who", "小明")
	d.Press("#refresh")
	d.of("#who", "The session has a new token.")
	d.of("#session", `"nickname"`)
	d.Press("#logout")
	d.of("#who", "Nobody is logged in.")
	d.quiet()
}

// A silent login has no profile, and none is asked for in vain. Who logs out by
// keyboard goes on from the links.
func TestBrowserDemoLogsInSilently(t *testing.T) {
	d := visit(t)
	d.Press("#logins a[data-silent]")
	d.of("#who", "is logged in to default")
	d.of("#session", "a silent login has none")
	d.Run(chromedp.Focus(chromedp.CSS("#logout")), chromedp.KeyEvent(kb.Enter))
	d.of("#who", "Nobody is logged in.")
	if at, _ := d.Text(`document.activeElement.textContent`); at != "In WeChat, with the profile" {
		t.Errorf("the focus is on %q", at)
	}
	d.quiet()
}

// What comes while the page loads moves nothing, whatever its width.
func TestBrowserDemoStandsStill(t *testing.T) {
	d := visit(t)
	for _, width := range []int64{320, 360, 768, 1200} {
		d.screen(width, 800, "light")
		d.Run(chromedp.Navigate(d.Base))
		d.of("#shared", "WeChat took the card")
		moved := d.number(`new Promise(done => {
			let sum = 0;
			new PerformanceObserver(list => list.getEntries().forEach(e => (sum += e.value))).observe({ type: "layout-shift", buffered: true });
			setTimeout(() => done(sum), 200) })`)
		if moved > 0.05 {
			t.Errorf("%d wide: what is there moves by %v", width, moved)
		}
	}
	d.quiet()
}

// What is broken shows, what is mended recovers.
func TestBrowserDemoBreaks(t *testing.T) {
	d := visit(t)
	d.of("#verdict", "accepted")
	d.Press(`[data-break="down"]:not([data-minutes])`)
	d.of("#state", "WeChat is down until you mend it.")
	pressed := func(want string) {
		t.Helper()
		if got, _ := d.Text(`[...document.querySelectorAll('[aria-pressed="true"]')].map(b => b.textContent).join()`); got != want {
			t.Errorf("%q is pressed, want %q", got, want)
		}
	}
	pressed("WeChat down")
	d.Press(`[data-break="down"][data-minutes="5"]`)
	d.of(`[data-minutes][aria-pressed="true"]`, "WeChat down, 5 min")
	pressed("WeChat down, 5 min")
	d.Press(`[data-break="down"][data-minutes="5"]`)
	d.of("#state", "All is well.")
	pressed("")
	d.Press(`[data-break="down"]:not([data-minutes])`)
	d.of("#state", "WeChat is down until you mend it.")
	d.Press(`.break [data-minutes="120"]`)
	d.of("#state", "No ticket is alive")
	d.of("#ahead", "2h0m0s ahead")
	d.of("#verdict", "503: no ticket is alive.")
	d.of("#signed", strings.Repeat("·", 40))
	d.Press("#scan")
	d.of("#shared", "503: no ticket is alive.")
	d.of("#verdict", "503: no ticket is alive.") // and not that it is asked for
	d.Press("#mend")
	d.of("#broke", "All is mended.")
	d.Press(`.break [data-minutes="10"]`)
	d.of("#state", "All is well.")
	d.of("#verdict", "wx.config accepted this signature.")
	for selector, least := range map[string]float64{"svg .refused": 2, "svg .renewed": 5, "svg .band": 2, "svg .trouble": 2} {
		if n := d.number(`document.querySelectorAll("#life ` + selector + `").length`); n < least {
			t.Errorf("%v of %s in the picture and its legend", n, selector)
		}
	}
	// Troubles at one time are no darker than one: they are opaque, and seen through together.
	shades, err := d.Text(`[...document.querySelectorAll("#life > svg .band")].map(b => getComputedStyle(b).fill.includes("rgb(") && getComputedStyle(b.parentNode).opacity < 0.2 && b.parentNode.parentNode.localName).join()`)
	if want := "svg,svg"; err != nil || shades != want || d.number(`document.querySelectorAll("#life > svg .bands").length`) != 1 {
		t.Errorf("bands: %s, want %s; %v", shades, want, err)
	}
	d.Press("#tables summary")
	d.of("#tables", "signature answered 503")
	d.quiet("503", "/signature?url=")
}

// A page that was opened while no ticket was alive recovers with the ticket, without
// a press.
func TestBrowserDemoRecoversByItself(t *testing.T) {
	base := devOnNetwork(t)
	act(t, base, "break", `{"what":"down"}`)
	act(t, base, "clock", `{"minutes":125}`)
	d := demoTab{browsertest.Open(t, base), new(witness)}
	d.Run(chromedp.Navigate(base))
	d.of("#state", "No ticket is alive")
	d.of("#verdict", "503")
	act(t, base, "mend", `{}`)
	act(t, base, "clock", `{"minutes":2}`) // somebody else's press
	d.of("#state", "All is well.")
	d.of("#verdict", "wx.config accepted this signature.")
	d.of("#shared", "WeChat took the card")
}

// With the real WeChat, as far as this server can tell: what a desktop can see of it,
// and nothing to break.
func TestBrowserDemoWithTheRealWeChat(t *testing.T) {
	sim, err := wechatsim.New(wechatsim.Config{Apps: []wechatsim.App{{ID: "wx00000000000000aa", Secret: "s"}}})
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(sim)
	t.Cleanup(api.Close)
	base, _, _ := startDev(t, ":memory:", map[string]string{"WECHAT_APP_ID": "wx00000000000000aa", "WECHAT_APP_SECRET": "s", "WECHAT_API_BASE": api.URL})
	d := demoTab{browsertest.Open(t, base), new(witness)}
	if err := chromedp.Listen(d.Ctx, d.hear); err != nil {
		t.Fatal(err)
	}
	d.Run(chromedp.Navigate(base))
	d.of("#verdict", "Signed. Open the page in WeChat")
	d.of("#signed", "wx00000000000000aa")
	d.of("#shared", "The page is not open in WeChat.")
	d.of("#state", "All is well.")
	d.See("with the real WeChat at " + api.URL)
	if n := d.number(`document.querySelectorAll("[data-break], [data-push], #mini").length`); n != 0 {
		t.Errorf("%v things to press that there are not", n)
	}
	if found := d.axe(); found != "" {
		t.Error(found)
	}
	d.quiet()
}

func TestBrowserDemoTroubles(t *testing.T) {
	d := visit(t)
	for _, trouble := range []struct{ what, state, minutes string }{
		{"token", "Somebody replaced the access token", "10"},
		{"whitelist", "40164", "10"},
		{"secret", "40125", "10"},
	} {
		d.of("#state", "All is well.")
		d.Press(`[data-break="` + trouble.what + `"]`)
		d.of("#state", trouble.state)
		d.Press(`.break [data-minutes="` + trouble.minutes + `"]`)
		d.of("#broke", "10 min have passed")
		d.Press("#mend")
		d.of("#broke", "All is mended.")
		d.Press(`.break [data-minutes="1"]`)
		d.of("#broke", "1 min have passed")
		d.Press(`.break [data-minutes="10"]`)
		d.of("#broke", "10 min have passed")
	}
	d.Press(`[data-break="down"][data-minutes="5"]`)
	d.of("#state", "WeChat is down until ")
	d.Press(`.break [data-minutes="10"]`)
	d.of("#state", "All is well.")
	d.quiet()
}

func TestBrowserDemoMiniProgram(t *testing.T) {
	d := visit(t)
	if n := d.number(`document.querySelectorAll("#mini button:disabled").length`); n != 5 {
		t.Errorf("%v buttons wait for a login", n)
	}
	login := func() {
		d.Press("#mini-login")
		d.of("#mini-said", "is logged in. session_key stayed in the table.")
	}
	login()
	d.Press("#mini-decrypt")
	d.of("#mini-said", "Decrypted on the server: 小明")
	d.Press("#mini-phone")
	d.of("#mini-said", "The phone number is ")
	d.Press("#mini-session")
	d.of("#mini-said", "The session lives")
	d.Press("#mini-dead")
	d.of("#mini-said", "WeChat has replaced session_key.")
	d.Press("#mini-session")
	d.of("#mini-said", "Refused: 409 session_key_invalid")
	login()
	d.Press("#mini-session")
	d.of("#mini-said", "The session lives")
	d.Press("#mini-elsewhere")
	d.of("#mini-said", "logged out everywhere")
	d.Press("#mini-session")
	d.of("#mini-said", "Refused: 401 ")
	if shown, _ := d.Text(`document.querySelector("#wire").textContent`); strings.Contains(shown, "session_key\"") || strings.Contains(shown, "sessionKey") || !strings.Contains(shown, `…"`) {
		t.Errorf("%s", shown)
	}
	d.quiet("/miniprogram/session")
}

func TestBrowserDemoPushes(t *testing.T) {
	d := visit(t)
	d.See("Nothing has arrived yet.")
	for i, push := range []struct{ sample, says, arrives string }{
		{"text", "Sent a text, encrypted.", `"MsgType": "text"`},
		{"event", "Sent a subscription event.", `"Event": "subscribe"`},
		{"duplicate", "accepted three times, handed over once.", `"MsgType": "text"`},
		{"tampered", "Every forgery was refused", `"MsgType": "text"`},
	} {
		d.Press(`[data-push="` + push.sample + `"]`)
		d.of("#pushed", push.says)
		messages := func() int { return int(d.number(`document.querySelectorAll("#messages li").length`)) }
		for messages() <= i {
			// until it arrives
		}
		d.of("#messages li", push.arrives)
		if n := messages(); n != i+1 {
			t.Errorf("%s: %d messages", push.sample, n)
		}
	}
	d.of("#arrived", "The last came at ")
	d.of("#report", "all 16 were refused")
	d.Press(`.break [data-minutes="120"]`) // pushes are timely by the desk's clock
	d.of("#ahead", "2h0m0s")
	d.of("#trigger", "build/wechatfn trigger text --url "+d.Base+"verify --ahead 2h0m0s")
	d.Press(`[data-push="event"]`)
	d.of("#pushed", "Sent a subscription event.")
	d.quiet()
}

func TestBrowserDemoLanguages(t *testing.T) {
	d := visit(t, chromedp.Flag("accept-lang", "zh-CN"))
	d.of("#verdict", "wx.config 接受了这个签名。")
	d.of("#state", "一切正常。")
	d.Press(`nav a[data-lang="en"]`)
	d.of("#verdict", "wx.config accepted this signature.")
	if address := d.Location(); address != d.Base {
		t.Errorf("the address became %s", address)
	}
	d.Run(chromedp.Reload())
	d.of("#verdict", "wx.config accepted this signature.")
	d.Press(`nav a[data-lang="zh"]`)
	d.of("#verdict", "wx.config 接受了这个签名。")
	d.Press(`[data-break="down"][data-minutes="5"]`)
	d.of("#state", "微信宕机，直到")
	d.Press("#mini-login")
	d.of("#mini-said", "被拒绝：503 login_unavailable。")
	d.quiet("/miniprogram/login")
}

// Names, roles, contrast and all else that axe-core knows of, in every dress of the
// page, with everything unfolded; and no line is wider than a small phone.
func TestBrowserDemoIsAccessible(t *testing.T) {
	d := visit(t)
	for _, language := range []string{"en", "zh"} {
		d.speak(language)
		d.of("#verdict", "wx.config")
		d.Press(`[data-break="token"]`)
		d.Press(`[data-push="tampered"]`)
		d.of("#messages li", "ToUserName")
		d.Press("#mini-login")
		d.of("#wire li", "/miniprogram/login")
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{1280, 360} {
				d.screen(width, 900, scheme)
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
	d.quiet()
}

// In the tones that trouble brings, too.
func TestBrowserDemoContrastInTrouble(t *testing.T) {
	d := visit(t)
	d.of("#verdict", "accepted")
	d.Press(`[data-break="down"]:not([data-minutes])`)
	for _, state := range []string{"Pages are signed all the same", "No ticket is alive"} {
		d.of("#state", state)
		for _, scheme := range []string{"light", "dark"} {
			d.screen(1280, 900, scheme)
			if found := d.axe(); found != "" {
				t.Errorf("%s, %s:\n%s", state, scheme, found)
			}
		}
		d.Press(`.break [data-minutes="120"]`)
		d.of("#broke", "120 min have passed")
	}
}

// The pictures of the README: the page after some hours with troubles. SCREENSHOTS
// names the folder that keeps them.
func TestBrowserDemoPictures(t *testing.T) {
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		folder = t.TempDir()
	}
	base := devOnNetwork(t)
	for _, step := range []string{`clock {"minutes":100}`, `break {"what":"down"}`, `clock {"minutes":26}`, `mend {}`, `clock {"minutes":52}`,
		`break {"what":"token"}`, `clock {"minutes":62}`, `break {"what":"down","minutes":5}`, `clock {"minutes":45}`} {
		path, body, _ := strings.Cut(step, " ")
		act(t, base, path, body)
	}
	d := demoTab{browsertest.Open(t, base), new(witness)}
	for _, picture := range []struct{ file, language, scheme, says string }{
		{"demo.png", "en", "light", "WeChat took the card"},
		{"demo-zh.png", "zh", "dark", "微信已接受"},
	} {
		d.screen(1200, 1590, picture.scheme)
		d.Run(chromedp.Navigate(base))
		d.speak(picture.language)
		d.of("#shared", picture.says)
		for d.number(`document.querySelector("#life svg").clientWidth - document.querySelector("#life").clientWidth`) != 0 {
			// until the picture has its width
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

// The Tab key reaches everything that a mouse does, and one sees where it is.
func TestBrowserDemoByKeyboard(t *testing.T) {
	d := visit(t)
	d.of("#shared", "WeChat took the card")
	d.Press("#mini-login")
	d.of("#mini-said", "is logged in. session_key stayed in the table.")
	d.Press(`[data-push="text"]`)
	d.of("#messages li", "ToUserName")
	// By their places, since the picture may be drawn anew meanwhile.
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
			t.Errorf("one does not see that the focus is on %s %v", at, err)
		}
	}
	if missed, _ := d.Text(`[...missed.values()].join("\n")`); missed != "" {
		t.Errorf("Tab does not reach\n%s", missed)
	}
	d.Run(chromedp.Focus(chromedp.CSS(`[data-break="whitelist"]`)), chromedp.KeyEvent(kb.Enter))
	d.of("#state", "40164")
	if at, _ := d.Text(`document.activeElement.dataset.break`); at != "whitelist" {
		t.Errorf("the focus went to %q", at)
	}
}
