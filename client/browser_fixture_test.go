//go:build browser

package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"wechatfn/dev/browsertest"
	"wechatfn/dev/devserver"
	"wechatfn/dev/devserver/devservertest"
	"wechatfn/dev/local"
	"wechatfn/dev/wechatsim"
)

// The User-Agent headers of WeChat's browsers, and of a desktop browser.
const (
	androidAgent = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.50.2701 Language/zh_CN"
	iPhoneAgent  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50 Language/zh_CN"
	oldAgent     = "Mozilla/5.0 (Linux; Android 6.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/66.0.0.0 Mobile Safari/537.36 MicroMessenger/6.7.1 Language/zh_CN"
	desktopAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)

// shop is a customer's page, which has its own origin, and the dev server that it uses.
type shop struct {
	t    *testing.T
	dev  *devserver.Server
	base string // address of the dev server, without a trailing slash
	url  string // address of the shop, without a trailing slash
}

// newShop serves a shop. On 127.0.0.1 it has the same site as the API, on localhost it has another one.
func newShop(t *testing.T, host string) *shop {
	t.Helper()
	return newShopWithFaults(t, host)
}

// newShopWithFaults is newShop with faults of WeChat from the start.
func newShopWithFaults(t *testing.T, host string, faults ...wechatsim.Fault) *shop {
	t.Helper()
	s := &shop{t: t}
	page := httptest.NewServer(http.HandlerFunc(s.page))
	t.Cleanup(page.Close)
	s.url = strings.Replace(page.URL, "127.0.0.1", host, 1)
	s.serve(faults)
	return s
}

// serve runs the dev server.
func (s *shop) serve(faults []wechatsim.Fault) {
	s.t.Helper()
	s.dev = devservertest.New(s.t, map[string]string{"ALLOWED_ORIGINS": s.url})
	for _, fault := range faults {
		s.dev.Simulator.Fail(fault)
	}
	s.base = strings.TrimSuffix(s.dev.URL(), "/")
	devservertest.Run(s.t, s.dev)
}

// restart replaces the simulated WeChat by one with other switches and the same state.
func (s *shop) restart(switches wechatsim.Switches) {
	s.t.Helper()
	account := wechatsim.App{ID: local.Account["WECHAT_APP_ID"], Secret: "simulated"}
	sim, err := wechatsim.New(wechatsim.Config{Apps: []wechatsim.App{account}, Seed: "local", Switches: switches})
	if err != nil {
		s.t.Fatal(err)
	}
	snapshot, err := s.dev.Simulator.Snapshot()
	if err == nil {
		err = sim.Restore(snapshot)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.dev.Simulator.Sim = sim
}

// page serves the scripts, and for every other path the same page, as a single-page app does.
func (s *shop) page(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/hang.js":
		<-r.Context().Done()
	case strings.HasSuffix(r.URL.Path, ".js"):
		http.ServeFile(w, r, scripts[r.URL.Path])
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, strings.ReplaceAll(shopPage, "API", s.base))
	}
}

var scripts = map[string]string{
	"/wechat-jssdk.js": "../node_modules/wechat-jssdk/dist/client.umd.js",
	"/wechatfn.min.js": "dist/wechatfn.min.js",
	"/compat.js":       "dist/compat.js",
	"/index.js":        "dist/index.js",
}

const shopPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>The shop</title><link rel="icon" href="data:,">
<p id="state">loading</p>
<script>
const uncaught = [];
addEventListener("error", event => uncaught.push(String(event.message)));
addEventListener("unhandledrejection", event => uncaught.push(String(event.reason)));
const api = "API", script = api + "/open/js/jweixin-1.6.0.js";
const code = promise => promise.then(() => "", error => error.code);
const routed = to => history.pushState(null, "", to);
</script>
<script type="module">
import * as client from "API/_dev/client.js";
window.client = client;
window.open_ = options => client.connect({ endpoint: api, script, configTimeout: 50, ...options });
document.getElementById("state").textContent = "The shop is open";
</script>`

// visit opens a page of the shop in a browser with this User-Agent.
func (s *shop) visit(agent, path string, more ...chromedp.ExecAllocatorOption) tab {
	s.t.Helper()
	b := browsertest.Open(s.t, s.base+"/", append(more, chromedp.UserAgent(agent))...)
	b.Run(chromedp.Navigate(s.url + path))
	b.See("The shop is open")
	return tab{b}
}

// resolve makes the browser use the dev server for those of WeChat's hosts that are up. The others cannot be reached.
func (s *shop) resolve(hosts map[string]bool) chromedp.ExecAllocatorOption {
	u, err := url.Parse(s.base)
	if err != nil {
		s.t.Fatal(err)
	}
	var rules []string
	for host, up := range hosts {
		to := "^NOTFOUND"
		if up {
			to = u.Host
		}
		rules = append(rules, "MAP "+host+" "+to)
	}
	return chromedp.Flag("host-resolver-rules", strings.Join(rules, ","))
}

// expect waits until the simulated WeChat has had this number of calls, and fails if it has had more.
func (s *shop) expect(path string, times int) {
	s.t.Helper()
	for deadline := time.Now().Add(15 * time.Second); s.dev.Simulator.Calls(path) < times && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	if got := s.dev.Simulator.Calls(path); got != times {
		s.t.Errorf("%s: %d calls, want %d", path, got, times)
	}
}

// tab is a tab on a page of the shop.
type tab struct{ browsertest.Tab }

// want compares the result of a script as JSON. It also fails if the page has uncaught errors.
func (b tab) want(want, script string) {
	b.Helper()
	got, err := b.Text(`(async () => JSON.stringify(await (` + script + `)) + uncaught.map(t => " uncaught: " + t))().catch(e => "threw " + (e.code || "") + " " + e + " " + (e.wechat || ""))`)
	if err != nil || got != want {
		b.Errorf("%s\n got %s %v\nwant %s", script, got, err, want)
	}
}
