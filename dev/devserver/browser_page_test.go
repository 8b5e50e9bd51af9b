//go:build browser

package devserver

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"wechatfn/dev/browsertest"
	"wechatfn/dev/wechatsim"
)

// The page is signed by the client and the simulated script, and the console is empty.
func TestBrowserPageIsSigned(t *testing.T) {
	d := openPage(t)
	d.waitFor("#verdict", "wx.config accepted this signature.")
	d.waitFor("#state", "All is well.")
	d.waitFor("#shared", "WeChat accepted the card")
	d.waitFor("#signed", d.Base)
	for _, name := range []string{"appId", "timestamp", "nonceStr", "signature", "url"} {
		d.waitFor("#signed", name)
	}
	before, _ := d.Text(`document.querySelector("#signed").textContent`)
	d.Press("#sign-again")
	d.waitFor("#verdict", "wx.config accepted this signature.")
	for after := before; after == before; {
		after, _ = d.Text(`document.querySelector("#signed").textContent`)
	}
	d.waitFor("#curl", "curl -G "+d.Base+"signature --data-urlencode 'url="+d.Base+"'")
	d.expectNoComplaints()
}

func TestBrowserPageShares(t *testing.T) {
	d := openPage(t)
	d.waitFor("#shared", "WeChat accepted the card")
	d.Run(chromedp.SetValue(chromedp.CSS("#share-title"), `A <b>new</b> title`))
	d.Press("#share-set")
	d.waitFor("#card-chat strong", `A <b>new</b> title`)
	d.waitFor("#card-timeline strong", `A <b>new</b> title`)
	if card, _ := d.Text(`__wechatsim.cards.chat.title + __wechatsim.cards.chat.link + __wechatsim.cards.chat.imgUrl`); card != `A <b>new</b> title`+d.Base+d.Base+"_dev/files/share.svg" {
		t.Errorf("WeChat would send %s", card)
	}
	d.Press("#scan")
	d.waitFor("#shared", "Scanned: https://example.com/wechatsim")
	d.Run(chromedp.Func(evaluate(`__wechatsim.answer("scanQRCode", "cancel")`)))
	d.Press("#scan")
	d.waitFor("#shared", "cancelled")
	d.expectNoComplaints()
}

func TestBrowserPageLogsIn(t *testing.T) {
	d := openPage(t)
	d.waitFor("#who", "Nobody is logged in.")
	d.Choose("with the profile")
	d.See("允许")
	d.Choose("允许")
	d.waitFor("#who", "小明")
	d.Press("#refresh")
	d.waitFor("#who", "The session has a new token.")
	d.waitFor("#session", `"nickname"`)
	d.Press("#logout")
	d.waitFor("#who", "Nobody is logged in.")
	d.expectNoComplaints()
}

// A silent login has no profile, and the page requests none. After a logout by keyboard
// the focus is on the login links.
func TestBrowserPageLogsInSilently(t *testing.T) {
	d := openPage(t)
	d.Press("#logins a[data-silent]")
	d.waitFor("#who", "is logged in to default")
	d.waitFor("#session", "a silent login has no profile")
	d.Run(chromedp.Focus(chromedp.CSS("#logout")), chromedp.KeyEvent(kb.Enter))
	d.waitFor("#who", "Nobody is logged in.")
	if at, _ := d.Text(`document.activeElement.textContent`); at != "In WeChat, with the profile" {
		t.Errorf("the focus is on %q", at)
	}
	d.expectNoComplaints()
}

// Nothing on the page moves while it loads, at any width.
func TestBrowserPageDoesNotShift(t *testing.T) {
	d := openPage(t)
	for _, width := range []int64{320, 360, 768, 1200} {
		d.setScreen(width, 800, "light")
		d.Run(chromedp.Navigate(d.Base))
		d.waitFor("#shared", "WeChat accepted the card")
		moved := d.number(`new Promise(done => {
			let sum = 0;
			new PerformanceObserver(list => list.getEntries().forEach(e => (sum += e.value))).observe({ type: "layout-shift", buffered: true });
			setTimeout(() => done(sum), 200) })`)
		if moved > 0.05 {
			t.Errorf("%d wide: the layout shifts by %v", width, moved)
		}
	}
	d.expectNoComplaints()
}

// With the real WeChat (as far as the server knows) the page shows what a browser outside
// WeChat can see, and offers no faults.
func TestBrowserPageWithTheRealWeChat(t *testing.T) {
	sim, err := wechatsim.New(wechatsim.Config{Apps: []wechatsim.App{{ID: "wx00000000000000aa", Secret: "s"}}})
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(sim)
	t.Cleanup(api.Close)
	base, _, _ := startDev(t, ":memory:", map[string]string{"WECHAT_APP_ID": "wx00000000000000aa", "WECHAT_APP_SECRET": "s", "WECHAT_API_BASE": api.URL})
	d := pageTab{browsertest.Open(t, base), new(consoleLog)}
	if err := chromedp.Listen(d.Ctx, d.listen); err != nil {
		t.Fatal(err)
	}
	d.Run(chromedp.Navigate(base))
	d.waitFor("#verdict", "Signed. Open the page in WeChat")
	d.waitFor("#signed", "wx00000000000000aa")
	d.waitFor("#shared", "The page is not open in WeChat.")
	d.waitFor("#state", "All is well.")
	d.See("with the real WeChat at " + api.URL)
	if n := d.number(`document.querySelectorAll("[data-fault], [data-push], #mini").length`); n != 0 {
		t.Errorf("%v controls of the simulator", n)
	}
	if found := d.axe(); found != "" {
		t.Error(found)
	}
	d.expectNoComplaints()
}

func TestBrowserPageOfAMiniProgram(t *testing.T) {
	d := openPage(t)
	if n := d.number(`document.querySelectorAll("#mini button:disabled").length`); n != 5 {
		t.Errorf("%v buttons are disabled before a login", n)
	}
	login := func() {
		d.Press("#mini-login")
		d.waitFor("#mini-status", "is logged in. session_key stays in the table.")
	}
	login()
	d.Press("#mini-decrypt")
	d.waitFor("#mini-status", "Decrypted on the server: 小明")
	d.Press("#mini-phone")
	d.waitFor("#mini-status", "The phone number is ")
	d.Press("#mini-session")
	d.waitFor("#mini-status", "The session and session_key are valid")
	d.Press("#mini-replace")
	d.waitFor("#mini-status", "WeChat has replaced session_key.")
	d.Press("#mini-session")
	d.waitFor("#mini-status", "Refused: 409 session_key_invalid")
	login()
	d.Press("#mini-session")
	d.waitFor("#mini-status", "The session and session_key are valid")
	d.Press("#mini-elsewhere")
	d.waitFor("#mini-status", "logged out everywhere")
	d.Press("#mini-session")
	d.waitFor("#mini-status", "Refused: 401 ")
	if shown, _ := d.Text(`document.querySelector("#wire").textContent`); strings.Contains(shown, `"session_key"`) || strings.Contains(shown, "sessionKey") || !strings.Contains(shown, `…"`) {
		t.Errorf("%s", shown)
	}
	d.expectNoComplaints("/miniprogram/session")
}

func TestBrowserPageSendsPushes(t *testing.T) {
	d := openPage(t)
	d.See("Nothing has arrived yet.")
	for i, push := range []struct{ sample, says, arrives string }{
		{"text", "Sent a text, encrypted.", `"MsgType": "text"`},
		{"event", "Sent a subscription event.", `"Event": "subscribe"`},
		{"duplicate", "accepted three times, delivered once.", `"MsgType": "text"`},
		{"tampered", "Every tampered push was refused", `"MsgType": "text"`},
	} {
		d.Press(`[data-push="` + push.sample + `"]`)
		d.waitFor("#pushed", push.says)
		messages := func() int { return int(d.number(`document.querySelectorAll("#messages li").length`)) }
		for messages() <= i {
			// until it arrives
		}
		d.waitFor("#messages li", push.arrives)
		if n := messages(); n != i+1 {
			t.Errorf("%s: %d messages", push.sample, n)
		}
	}
	d.waitFor("#arrived", "The last one arrived at ")
	d.waitFor("#report", "all 16 were refused")
	d.Press(`.faults [data-minutes="120"]`) // pushes have the time of the server's clock
	d.waitFor("#ahead", "2h0m0s")
	d.waitFor("#trigger", "build/wechatfn trigger text --url "+d.Base+"verify --ahead 2h0m0s")
	d.Press(`[data-push="event"]`)
	d.waitFor("#pushed", "Sent a subscription event.")
	d.expectNoComplaints()
}

func TestBrowserPageLanguages(t *testing.T) {
	d := openPage(t, chromedp.Flag("accept-lang", "zh-CN"))
	d.waitFor("#verdict", "wx.config 接受了这个签名。")
	d.waitFor("#state", "一切正常。")
	d.Press(`nav a[data-lang="en"]`)
	d.waitFor("#verdict", "wx.config accepted this signature.")
	if address := d.Location(); address != d.Base {
		t.Errorf("the address became %s", address)
	}
	d.Run(chromedp.Reload())
	d.waitFor("#verdict", "wx.config accepted this signature.")
	d.Press(`nav a[data-lang="zh"]`)
	d.waitFor("#verdict", "wx.config 接受了这个签名。")
	d.Press(`[data-fault="down"][data-minutes="5"]`)
	d.waitFor("#state", "微信宕机，直到")
	d.Press("#mini-login")
	d.waitFor("#mini-status", "被拒绝：503 login_unavailable。")
	d.expectNoComplaints("/miniprogram/login")
}
