//go:build browser

package client_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"wechatfn/dev/local"
	"wechatfn/dev/wechatsim"
)

// waitForRefusal makes the client wait until WeChat has refused a second signature.
const waitForRefusal = `configTimeout: 30000`

// A single-page app changes its route before the first signature, and again later. The client signs the
// address that WeChat compares.
func TestBrowserClientSigns(t *testing.T) {
	for _, c := range []struct {
		name, agent string
		configs     int
	}{{"Android", androidAgent, 2}, {"iOS", iPhoneAgent, 1}} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t, "127.0.0.1")
			b := s.visit(c.agent, "/land?x=%20&y=中#top")
			b.want(`"ok"`, `(async () => { routed("/list?page=2#/deep"); window.w = open_({ apis: ["scanQRCode"] }); await w.ready(); return "ok" })()`)
			b.want(`true`, `client.inWeChat()`)
			b.want(`"https://example.com/wechatsim"`, `w.call("scanQRCode", { needResult: 1 }).then(a => a.resultStr)`)
			b.want(`"ok"`, `(async () => { routed("/item/7"); await w.routeChanged(); await w.routeChanged(); return "ok" })()`)
			b.want(`"https://example.com/wechatsim"`, `w.call("scanQRCode").then(a => a.resultStr)`)
			s.expect(wechatsim.PathPreVerify, c.configs)
		})
	}
}

// The simulated WeChat refuses a signature of the address that WeChat does not compare.
func TestBrowserClientWrongAddress(t *testing.T) {
	for _, c := range []struct{ name, agent, wrong string }{
		{"iOS, the current address", iPhoneAgent, `() => location.href.split("#")[0]`},
		{"Android, the landing address", androidAgent, `() => client.landingURL`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t, "127.0.0.1")
			b := s.visit(c.agent, "/land")
			b.want(`"invalid-signature"`, `(routed("/list"), code(open_({ `+waitForRefusal+`, url: `+c.wrong+` }).ready()))`)
			b.want(`""`, `code(open_().ready())`)
		})
	}
}

func TestBrowserClientSharesAndScans(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	b := s.visit(androidAgent, "/sale?id=1")
	b.want(`true`, `(async () => { window.w = open_({ apis: ["scanQRCode", "getLocation", "notThere"] }); await w.share({ title: "Sale", desc: "Today", imgUrl: "https://shop.example/i.png" }); return true })()`)
	b.want(`{"title":"Sale","link":"`+s.url+`/sale?id=1","imgUrl":"https://shop.example/i.png","desc":"Today"}`, `__wechatsim.cards.chat`)
	b.want(`{"title":"Sale","link":"`+s.url+`/sale?id=1","imgUrl":"https://shop.example/i.png"}`, `__wechatsim.cards.timeline`)
	b.want(`[{"to":"chat","outcome":"cancelled"},{"to":"timeline","outcome":"shared"}]`, `(async () => {
		const events = [];
		await w.onShare({ title: "Old" }, event => events.push(event));
		__wechatsim.share("chat", "cancel"); __wechatsim.share("timeline");
		return events })()`)
	b.want(`{"scanQRCode":true,"onMenuShareTimeline":true,"notThere":false}`, `w.checkJsApi(["scanQRCode", "onMenuShareTimeline", "notThere"])`)
	b.want(`["42","cancelled","call-failed","api-not-listed","function-not-exist"]`, `(async () => {
		const out = [];
		__wechatsim.answer("scanQRCode", { resultStr: "42" });
		out.push((await w.call("scanQRCode")).resultStr);
		__wechatsim.answer("scanQRCode", "cancel");
		out.push(await code(w.call("scanQRCode")));
		__wechatsim.answer("scanQRCode", () => Promise.resolve("fail"));
		out.push(await code(w.call("scanQRCode")), await code(w.call("chooseImage")), await code(w.call("notThere")));
		return out })()`)
	b.want(`"from the page"`, `(async () => {
		addEventListener("wechatsim:call", event => { event.preventDefault(); event.detail.answer({ resultStr: "from the page" }) }, { once: true });
		return (await w.call("scanQRCode")).resultStr })()`)
}

// WeChat before 6.7.2 has only the older share calls.
func TestBrowserClientOldWeChat(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	b := s.visit(oldAgent, "/")
	b.want(`"Sale"`, `(async () => {
		const card = new Promise(resolve => addEventListener("wechatsim:card", event => resolve(event.detail.card.title)));
		await open_().share({ title: "Sale" }, "timeline");
		return card })()`)
}

func TestBrowserClientWrongDomain(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	s.dev.Simulator.SetJSDomains(local.Account["WECHAT_APP_ID"], "shop.example")
	b := s.visit(iPhoneAgent, "/")
	b.want(`["invalid-url-domain","config",true]`, `open_().ready().catch(e => [e.code, e.step, e.wechat.startsWith("config:fail,Error: 系统错误,错误码:40048,invalid url domain [")])`)
	s.expect(wechatsim.PathPreVerify, 1) // a new signature does not help
}

// The API does not sign pages of other origins.
func TestBrowserClientForeignOrigin(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	b := s.visit(androidAgent, "/")
	b.want(`["origin_not_allowed",403]`, `open_({ url: () => "https://evil.example/" }).ready().catch(e => [e.code, e.status])`)
}

// The client loads WeChat's script from the standby host if the first host is down.
func TestBrowserClientStandbyHost(t *testing.T) {
	for _, c := range []struct {
		name           string
		first, standby bool
		code           string
		calls          int
	}{
		{"the first host is up", true, false, `""`, 1},
		{"the standby host is up", false, true, `""`, 1},
		{"both are down", false, false, `"script-load-failed"`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t, "127.0.0.1")
			b := s.visit(androidAgent, "/", s.resolve(map[string]bool{"res.wx.qq.com": c.first, "res2.wx.qq.com": c.standby}))
			b.want(c.code, `code(client.connect({ endpoint: api }).ready())`)
			s.expect(wechatsim.PathScript, c.calls)
			s.expect(wechatsim.PathPreVerify, c.calls)
		})
	}
}

// The client stops waiting for a host, an API or a wx.config that never responds.
func TestBrowserClientTimeouts(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	b := s.visit(androidAgent, "/")
	b.want(`""`, `(async () => { window.w = open_({ apis: ["scanQRCode"], script: ["/hang.js", script], timeouts: { script: 300 } }); return code(w.ready()) })()`)
	b.want(`"timeout"`, `(__wechatsim.answer("scanQRCode", () => new Promise(() => {})), code(w.call("scanQRCode", {}, { timeout: 100 })))`)
	b.want(`"aborted"`, `(async () => { const stop = new AbortController(); setTimeout(() => stop.abort()); return code(w.call("scanQRCode", {}, { signal: stop.signal })) })()`)
	s.dev.Simulator.Fail(wechatsim.Fault{Path: wechatsim.PathPreVerify, Delay: time.Hour})
	b.want(`["timeout","config"]`, `open_({ timeouts: { config: 300 }, configTimeout: 60000 }).ready().catch(e => [e.code, e.step])`)
}

// After WeChat has refused a signature, the client gets a new one, once.
func TestBrowserClientSignsAgain(t *testing.T) {
	for _, c := range []struct {
		name         string
		times        int // that WeChat refuses
		option, want string
	}{
		{"the new one is accepted", 1, `configTimeout: 50`, `["","true"]`},
		{"the new one is refused too", 2, waitForRefusal, `["invalid-signature","true"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t, "127.0.0.1")
			s.dev.Simulator.Fail(wechatsim.Fault{Path: wechatsim.PathPreVerify, ErrCode: 63002, ErrMsg: "invalid signature", Times: c.times})
			b := s.visit(androidAgent, "/")
			b.want(c.want, `(async () => {
				const asked = [], watched = (url, init) => (asked.push(new URL(url).searchParams.get("force")), fetch(url, init));
				const outcome = await code(open_({ fetch: watched, `+c.option+` }).ready());
				return [outcome, asked.filter((_, i) => i > 0).join()] })()`)
		})
	}
}

// Without a valid ticket the API responds with 503 and Retry-After, and requests a refresh. The client waits.
func TestBrowserClientWaitsForATicket(t *testing.T) {
	s := newShopWithFaults(t, "127.0.0.1", wechatsim.Fault{Path: wechatsim.PathTicket, ErrCode: -1, Times: 2})
	b := s.visit(androidAgent, "/")
	b.want(`["",[503,200]]`, `(async () => {
		const seen = [], watched = async (url, init) => { const response = await fetch(url, init); seen.push(response.status); return response };
		const outcome = await code(open_({ fetch: watched, retryTimeout: 40000 }).ready());
		return [outcome, [...new Set(seen)]] })()`)
}

func TestBrowserClientOutsideWeChat(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	b := s.visit(desktopAgent, "/")
	b.want(`["not-in-wechat",false,"undefined"]`, `(async () => [await code(open_().ready()), client.inWeChat(), typeof wx])()`)
	b.want(`"timeout"`, `code(open_({ allowOutsideWeChat: true, timeouts: { config: 200 } }).ready())`)
	b = s.visit(desktopAgent, "/")
	b.want(`"https://example.com/wechatsim"`, `open_({ allowOutsideWeChat: true, script: script + "?wechatsim=inside", apis: ["scanQRCode"] }).call("scanQRCode").then(a => a.resultStr)`)
}

// Open tags work until the route changes, and again after the next wx.config.
func TestBrowserClientOpenTags(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	b := s.visit(androidAgent, "/")
	b.want(`["wx-open-launch-weapp ready","wx-open-audio error","open-tags-failed"]`, `(async () => {
		window.events = [];
		window.tag = name => new Promise(resolve => {
			const tag = document.createElement(name);
			tag.innerHTML = "<template><button>open</button></template>";
			for (const type of ["ready", "error"]) tag.addEventListener(type, () => { events.push(name + " " + type); resolve() });
			document.body.append(tag);
		});
		window.w = open_({ openTags: ["wx-open-launch-weapp"], onError: e => events.push(e.code) });
		await w.ready();
		await tag("wx-open-launch-weapp");
		await tag("wx-open-audio");
		return events })()`)
	b.want(`["wx-open-launch-weapp error","open-tags-failed","wx-open-launch-weapp ready"]`, `(async () => {
		document.querySelectorAll("wx-open-audio, wx-open-launch-weapp").forEach(tag => tag.remove());
		events.length = 0;
		routed("/list");
		await tag("wx-open-launch-weapp");
		const again = new Promise(resolve => document.querySelector("wx-open-launch-weapp").addEventListener("ready", resolve));
		await w.routeChanged();
		await again;
		return events })()`)
	b.want(`"launch"`, `new Promise(resolve => { const tag = document.querySelector("wx-open-launch-weapp"); tag.addEventListener("launch", e => resolve(e.type)); tag.shadowRoot.querySelector("button").click() })`)
}

// A page of the API's site logs in with a cookie.
func TestBrowserClientLoginSameSite(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	b := s.visit(androidAgent, "/cart?a=%20#b")
	logIn(b, s, "/cart?a=%20#b")
	b.want(`null`, `sessionStorage.getItem("wechatfn:token:" + api)`)
	b.want(`[200,null]`, `(async () => { const user = client.login({ endpoint: api }); const { status } = await user.fetch("/oauth/userinfo"); await user.refresh(); await user.logout(); return [status, await user.session()] })()`)
}

// A page of another site logs in with a login code, and exchanges it for a token.
func TestBrowserClientLoginOtherSite(t *testing.T) {
	s := newShop(t, "localhost")
	b := s.visit(iPhoneAgent, "/cart?a=%20#b")
	logIn(b, s, "/cart?a=%20#b")
	// On iOS WeChat still compares the address with the login code, although the page has removed the code.
	b.want(`["",true,false]`, `(async () => [await code(open_().ready()), __wechatsim.pageURL().includes("&wechatfn_code="), location.href.includes("wechatfn_code")])()`)
	b.want(`true`, `sessionStorage.getItem("wechatfn:token:" + api).length === 64`)
	b.want(`1`, `sessionStorage.length`)
	b.want(`[200,true,null,0]`, `(async () => {
		const user = client.login({ endpoint: api }), token = () => sessionStorage.getItem("wechatfn:token:" + api), before = token();
		const { status } = await user.fetch("/oauth/userinfo");
		await user.refresh();
		const fresh = token() !== before && !!(await user.session());
		await user.logout();
		return [status, fresh, await user.session(), sessionStorage.length] })()`)
}

// logIn logs in through WeChat's page, and checks that the browser returns to the same address.
func logIn(b tab, s *shop, path string) {
	b.Helper()
	b.want(`null`, `client.login({ endpoint: api }).session()`)
	b.Run(chromedp.Evaluate[chromedp.Void](`void client.login({ endpoint: api }).start({ scope: "snsapi_userinfo" })`))
	b.See("允许")
	b.Choose("允许")
	b.See("The shop is open")
	b.want(`["default","小明 🌿"]`, `(async () => { const user = client.login({ endpoint: api }); const { app } = await user.session(); return [app, (await user.profile()).nickname] })()`)
	if got := b.Location(); got != s.url+path {
		b.Errorf("returned to %s", got)
	}
}

// wechat-jssdk's own client, unchanged from npm, works with the signature of /get-signature and with
// the script at WeChat's own address.
func TestBrowserWechatJSSDK(t *testing.T) {
	for _, c := range []struct{ name, agent string }{{"Android", androidAgent}, {"iOS", iPhoneAgent}} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t, "127.0.0.1")
			b := s.visit(c.agent, "/sale?id=1#x", s.resolve(map[string]bool{"res.wx.qq.com": true}))
			b.want(`"function"`, load("/wechat-jssdk.js")+`.then(() => typeof WechatJSSDK)`)
			wantJSSDKWorks(b, `await (await fetch(api + "/get-signature?url=" + encodeURIComponent(location.href.split("#")[0]))).json()`)
			b.Run(chromedp.Reload())
			b.See("The shop is open")
			b.want(`"function"`, load("/wechat-jssdk.js")+`.then(() => typeof WechatJSSDK)`)
			b.want(`"config:fail,Error"`, `new WechatJSSDK({ appId: "wx51a7ed0000000000", timestamp: 1, nonceStr: "n", signature: "0".repeat(40) }).initialize().then(() => "", e => e.errMsg.slice(0, 17))`)
		})
	}
}

// The client's class WechatJSSDK does the same.
func TestBrowserCompat(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	b := s.visit(androidAgent, "/sale?id=1#x", s.resolve(map[string]bool{"res.wx.qq.com": true}))
	b.want(`"function"`, load("/wechatfn.min.js")+`.then(() => typeof (window.WechatJSSDK = WechatFn.WechatJSSDK))`)
	wantJSSDKWorks(b, `{ endpoint: api }`)
	b = s.visit(androidAgent, "/sale?id=1#x", s.resolve(map[string]bool{"res.wx.qq.com": true}))
	b.want(`"function"`, `import("/compat.js").then(compat => typeof (window.WechatJSSDK = compat.WechatJSSDK))`)
	wantJSSDKWorks(b, `await (await fetch(api + "/get-signature?url=" + encodeURIComponent(location.href.split("#")[0]))).json()`)
}

// Some behaviour of WeChat's script is not known. The client works with either.
func TestBrowserScriptSwitches(t *testing.T) {
	const landing, current = `() => client.landingURL`, `() => location.href.split("#")[0]`
	for _, c := range []struct {
		name                          string
		on                            bool
		right, wrong, unlisted, order string
	}{
		{"off", false, landing, current, `"chooseImage:permission denied"`, `["ready","error"]`},
		{"on", true, current, landing, `"chooseImage:the permission value is offline verifying"`, `["error","ready"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t, "127.0.0.1")
			s.restart(wechatsim.Switches{JSCurrentOnIOS: c.on, JSUnlistedOffline: c.on, JSReadyWaits: c.on})
			b := s.visit(iPhoneAgent, "/land")
			b.want(`"invalid-signature"`, `(routed("/list"), code(open_({ `+waitForRefusal+`, url: `+c.wrong+` }).ready()))`)
			b.want(`""`, `code(open_({ configTimeout: 500, url: `+c.right+` }).ready())`)
			b.want(c.unlisted, `new Promise(resolve => wx.chooseImage({ fail: result => resolve(result.errMsg) }))`)
			b.want(c.order, `new Promise(resolve => {
				const seen = [], see = what => () => seen.push(what) === 2 && resolve(seen);
				wx.error(see("error"));
				wx.config({ appId: "wx51a7ed0000000000", timestamp: 1, nonceStr: "n", signature: "bad", jsApiList: [] });
				wx.ready(see("ready")) })`)
		})
	}
}

// load is a script that loads another one from the shop.
func load(path string) string {
	return `new Promise((loaded, failed) => document.head.append(Object.assign(document.createElement("script"), { src: "` + path + `", onload: loaded, onerror: failed })))`
}

// wantJSSDKWorks makes a WechatJSSDK with this configuration, shares, and scans.
func wantJSSDKWorks(b tab, config string) {
	b.Helper()
	b.want(`[true,"Sale","Moment","7"]`, `(async () => {
		window.config = `+config+`;
		const sdk = new WechatJSSDK({ ...config, jsApiList: ["updateAppMessageShareData", "onMenuShareTimeline", "scanQRCode"] });
		const same = await sdk.initialize() === sdk;
		const moment = new Promise(resolve => addEventListener("wechatsim:card", event => event.detail.to === "timeline" && resolve(event.detail.card.title)));
		const chat = new Promise(success => sdk.shareOnMoment({ title: "Moment" }).updateAppMessageShareData({ title: "Sale", success }));
		__wechatsim.answer("scanQRCode", { resultStr: "7" });
		const scanned = new Promise(success => sdk.callWechatApi("scanQRCode", { needResult: 1, success }));
		await chat;
		return [same, __wechatsim.cards.chat.title, await moment, (await scanned).resultStr] })()`)
}
