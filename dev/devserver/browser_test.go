//go:build browser

package devserver

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"wechatfn/dev/browsertest"
	"wechatfn/dev/trigger"
	"wechatfn/dev/wechatsim"
)

// browse opens a browser on the dev server.
func browse(t *testing.T) browsertest.Tab {
	t.Helper()
	base, _, _ := startDev(t, ":memory:", nil)
	return browsertest.Open(t, base)
}

// toWeChat goes to WeChat's page, and returns its address without opening it.
func toWeChat(b browsertest.Tab, query string) string {
	b.Helper()
	answer := b.JSON(`fetch("/oauth/authorize?` + query + `", {headers: {accept: "application/json"}}).then(r => r.json())`)
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
	b.Run(chromedp.Navigate(b.Base))
	b.See("Nobody is logged in.")
	b.Choose("with the profile")
	b.See("允许")
	b.Choose("允许")
	b.See("is logged in to default")
	b.See("小明")
	if address := b.Location(); strings.TrimSuffix(address, "#") != b.Base {
		t.Errorf("landed on %s", address)
	}
	if cookies, err := b.Text(`document.cookie`); err != nil || strings.Contains(cookies, "session") {
		t.Errorf("a script can read %s, %v", cookies, err)
	}
	b.Press("#logout")
	b.See("Nobody is logged in.")
	b.Run(chromedp.Reload())
	b.See("Nobody is logged in.")
}

func TestBrowserByQRCode(t *testing.T) {
	b := browse(t)
	b.Run(chromedp.Navigate(b.Base))
	b.See("Nobody is logged in.")
	b.Choose("by QR code")
	b.See("允许")
	b.Choose("允许")
	b.See("is logged in to desktop")
}

func TestBrowserRefusal(t *testing.T) {
	b := browse(t)
	b.Run(chromedp.Navigate(b.Base + "oauth/authorize?scope=snsapi_userinfo&return_to=/"))
	b.See("拒绝")
	b.Choose("拒绝")
	b.See("login_refused")
	b.See("重新登录")
	b.Press("a.again")
	b.See("允许")
}

// P12: WeChat calls twice, with the same code and with another, at once or later.
func TestBrowserDoubledCallback(t *testing.T) {
	b := browse(t)
	var called atomic.Int32
	if err := chromedp.Listen(b.Ctx, func(event any) {
		if sent, ok := event.(*network.EventRequestWillBeSent); ok && strings.Contains(sent.Request.URL, "/oauth/callback?") {
			called.Add(1)
		}
	}); err != nil {
		t.Fatal(err)
	}
	for _, answer := range []string{wechatsim.AnswerTwice, wechatsim.AnswerTwoCodes} {
		b.Run(chromedp.Navigate(b.Base))
		address, _, _ := strings.Cut(toWeChat(b, "scope=snsapi_userinfo&return_to=/"), "#")
		called.Store(0)
		b.Run(chromedp.Navigate(address + "&wechatsim=" + answer))
		b.See("is logged in to default")
		if n := called.Load(); n != 2 {
			t.Errorf("%s: %d callbacks", answer, n)
		}
		b.Run(chromedp.Navigate(approved(t, address)))
		b.See("is logged in to default")
		b.Press("#logout")
		b.See("Nobody is logged in.")
	}
}

// Somebody else's link does not log this browser in as somebody else: it begins a
// login of its own.
func TestBrowserLostCookie(t *testing.T) {
	attacker := browse(t)
	attacker.Run(chromedp.Navigate(attacker.Base))
	link := approved(t, toWeChat(attacker, "scope=snsapi_userinfo&return_to=/"))
	victim := browsertest.Open(t, attacker.Base)
	victim.Run(chromedp.Navigate(link))
	victim.See("允许") // WeChat asks the victim
	attacker.Run(chromedp.Navigate(link))
	attacker.See("is logged in to default")
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
	b := browsertest.Open(t, base)
	b.Run(chromedp.Navigate(base + "oauth/authorize?scope=snsapi_base&return_to=" + url.QueryEscape(other+"/cart") + "&challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"))
	b.See("The shop")
	landed, err := url.Parse(b.Location())
	if err != nil || landed.Path != "/cart" || landed.Query().Get("wechatfn_code") == "" {
		t.Fatalf("landed on %s", landed)
	}
	spend := `fetch("` + base + `oauth/token", {method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify({code: new URLSearchParams(location.search).get("wechatfn_code"), verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"})}).then(r => r.json())`
	grant := b.JSON(spend)
	token, _ := grant["token"].(string)
	session := b.JSON(`fetch("` + base + `oauth/session", {headers: {authorization: "Bearer ` + token + `"}}).then(r => r.json())`)
	if token == "" || session["openid"] == nil {
		t.Errorf("%v %v", grant, session)
	}
	if again := b.JSON(spend); again["code"] != "wechatfn_code_invalid" {
		t.Errorf("spent twice: %v", again)
	}
}

// A message shows on the open page as it comes.
func TestBrowserMessages(t *testing.T) {
	b := browse(t)
	b.Run(chromedp.Navigate(b.Base))
	b.See("Nothing has arrived yet.")
	if said, err := sendPush(t, b.Base, func(c *trigger.Options) { c.Content = "你好 <b>" }); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	b.See(`"Content": "你好 <b>"`)
	b.See("wx.config accepted this signature")
}
