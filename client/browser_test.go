//go:build browser

package client_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"wechatfn/dev/local"
	"wechatfn/dev/wechatsim"
)

// patient waits as long as it takes for WeChat's refusal of a second signature, which the client
// would otherwise stop waiting for.
const patient = `settle: 30000`

// A single-page app that changed its route before anything else, on either system: its page is
// signed for the address that WeChat has, and goes on to work as routes change.
func TestBrowserClientSigns(t *testing.T) {
	for name, c := range map[string]struct {
		agent   string
		configs int
	}{"Android": {androidAgent, 2}, "iOS": {iPhoneAgent, 1}} {
		t.Run(name, func(t *testing.T) {
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

// WeChat on iOS takes no signature of the current address, nor on Android of the first one: it is the simulator's
// own idea of the page that is compared.
func TestBrowserClientWrongAddress(t *testing.T) {
	for agent, wrong := range map[string]string{iPhoneAgent: `() => location.href.split("#")[0]`, androidAgent: `() => client.landingURL`} {
		s := newShop(t, "127.0.0.1")
		b := s.visit(agent, "/land")
		b.want(`"invalid-signature"`, `(routed("/list"), code(open_({ `+patient+`, url: `+wrong+` }).ready()))`)
		b.want(`""`, `code(open_().ready())`)
	}
}

func TestBrowserClientSharesAndScans(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	b := s.visit(androidAgent, "/sale?id=1")
	b.want(`true`, `(async () => { window.w = open_({ apis: ["scanQRCode", "getLocation", "notThere"] }); await w.share({ title: "Sale", desc: "Today", imgUrl: "https://shop.example/i.png" }); return true })()`)
	b.want(`{"title":"Sale","link":"`+s.url+`/sale?id=1","imgUrl":"https://shop.example/i.png","desc":"Today"}`, `__wechatsim.cards.chat`)
	b.want(`{"title":"Sale","link":"`+s.url+`/sale?id=1","imgUrl":"https://shop.example/i.png"}`, `__wechatsim.cards.timeline`)
	b.want(`[{"to":"chat","outcome":"cancelled"},{"to":"timeline","outcome":"shared"}]`, `(async () => {
		const told = [];
		await w.onShare({ title: "Old" }, event => told.push(event));
		__wechatsim.share("chat", "cancel"); __wechatsim.share("timeline");
		return told })()`)
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

// An old WeChat has the old share calls alone.
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
	s.expect(wechatsim.PathPreVerify, 1) // a new signature would not help
}

// The API does not sign for pages of strangers.
func TestBrowserClientForeignOrigin(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	b := s.visit(androidAgent, "/")
	b.want(`["origin_not_allowed",403]`, `open_({ url: () => "https://evil.example/" }).ready().catch(e => [e.code, e.status])`)
}

// WeChat's own addresses: the first host is down, the standby answers.
func TestBrowserClientStandbyHost(t *testing.T) {
	for _, hosts := range []map[string]bool{{"res.wx.qq.com": true, "res2.wx.qq.com": false}, {"res.wx.qq.com": false, "res2.wx.qq.com": true}} {
		s := newShop(t, "127.0.0.1")
		b := s.visit(androidAgent, "/", s.resolve(hosts))
		b.want(`""`, `code(client.connect({ endpoint: api }).ready())`)
		s.expect(wechatsim.PathScript, 1)
		s.expect(wechatsim.PathPreVerify, 1)
	}
	s := newShop(t, "127.0.0.1")
	b := s.visit(androidAgent, "/", s.resolve(map[string]bool{"res.wx.qq.com": false, "res2.wx.qq.com": false}))
	b.want(`"script-failed"`, `code(client.connect({ endpoint: api }).ready())`)
}

// Nothing waits for what never answers: a host, WeChat, an API.
func TestBrowserClientTimeouts(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	b := s.visit(androidAgent, "/")
	b.want(`""`, `(async () => { window.w = open_({ apis: ["scanQRCode"], script: ["/hang.js", script], timeouts: { script: 300 } }); return code(w.ready()) })()`)
	b.want(`"timeout"`, `(__wechatsim.answer("scanQRCode", () => new Promise(() => {})), code(w.call("scanQRCode", {}, { timeout: 100 })))`)
	b.want(`"aborted"`, `(async () => { const stop = new AbortController(); setTimeout(() => stop.abort()); return code(w.call("scanQRCode", {}, { signal: stop.signal })) })()`)
	s.dev.Simulator.Fail(wechatsim.Fault{Path: wechatsim.PathPreVerify, Delay: time.Hour})
	b.want(`["timeout","config"]`, `open_({ timeouts: { config: 300 }, settle: 60000 }).ready().catch(e => [e.code, e.step])`)
}

// A signature that WeChat refuses is made anew, once.
func TestBrowserClientSignsAgain(t *testing.T) {
	for times, c := range map[int]struct{ settle, want string }{1: {`settle: 50`, `["","true"]`}, 2: {patient, `["invalid-signature","true"]`}} {
		s := newShop(t, "127.0.0.1")
		s.dev.Simulator.Fail(wechatsim.Fault{Path: wechatsim.PathPreVerify, ErrCode: 63002, ErrMsg: "invalid signature", Times: times})
		b := s.visit(androidAgent, "/")
		b.want(c.want, `(async () => {
			const asked = [], watched = (url, init) => (asked.push(new URL(url).searchParams.get("force")), fetch(url, init));
			const outcome = await code(open_({ fetch: watched, `+c.settle+` }).ready());
			return [outcome, asked.filter((_, i) => i > 0).join()] })()`)
	}
}

// Without a ticket the API says when to come back, and has its refresher called.
func TestBrowserClientWaitsForATicket(t *testing.T) {
	s := newShopIn(t, "127.0.0.1", wechatsim.Fault{Path: wechatsim.PathTicket, ErrCode: -1, Times: 2})
	b := s.visit(androidAgent, "/")
	b.want(`["",[503,200]]`, `(async () => {
		const seen = [], watched = async (url, init) => { const answer = await fetch(url, init); seen.push(answer.status); return answer };
		const outcome = await code(open_({ fetch: watched, patience: 40000 }).ready());
		return [outcome, [...new Set(seen)]] })()`)
}

func TestBrowserClientOutsideWeChat(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	b := s.visit(desktopAgent, "/")
	b.want(`["not-in-wechat",false,"undefined"]`, `(async () => [await code(open_().ready()), client.inWeChat(), typeof wx])()`)
	b.want(`"timeout"`, `code(open_({ outside: true, timeouts: { config: 200 } }).ready())`)
	b = s.visit(desktopAgent, "/")
	b.want(`"https://example.com/wechatsim"`, `open_({ outside: true, script: script + "?wechatsim=inside", apis: ["scanQRCode"] }).call("scanQRCode").then(a => a.resultStr)`)
}

// Open tags live until the route changes, and again after the next wx.config.
func TestBrowserClientOpenTags(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	b := s.visit(androidAgent, "/")
	b.want(`["wx-open-launch-weapp ready","wx-open-audio error","open-tags-failed"]`, `(async () => {
		window.told = [];
		window.tag = name => new Promise(resolve => {
			const tag = document.createElement(name);
			tag.innerHTML = "<template><button>open</button></template>";
			for (const type of ["ready", "error"]) tag.addEventListener(type, () => { told.push(name + " " + type); resolve() });
			document.body.append(tag);
		});
		window.w = open_({ openTags: ["wx-open-launch-weapp"], onError: e => told.push(e.code) });
		await w.ready();
		await tag("wx-open-launch-weapp");
		await tag("wx-open-audio");
		return told })()`)
	b.want(`["wx-open-launch-weapp error","open-tags-failed","wx-open-launch-weapp ready"]`, `(async () => {
		document.querySelectorAll("wx-open-audio, wx-open-launch-weapp").forEach(tag => tag.remove());
		told.length = 0;
		routed("/list");
		await tag("wx-open-launch-weapp");
		const again = new Promise(resolve => document.querySelector("wx-open-launch-weapp").addEventListener("ready", resolve));
		await w.routeChanged();
		await again;
		return told })()`)
	b.want(`"launch"`, `new Promise(resolve => { const tag = document.querySelector("wx-open-launch-weapp"); tag.addEventListener("launch", e => resolve(e.type)); tag.shadowRoot.querySelector("button").click() })`)
}

// The login of a page of the API's own site: with a cookie.
func TestBrowserClientLoginSameSite(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	b := s.visit(androidAgent, "/cart?a=%20#b")
	logIn(b, s, "/cart?a=%20#b")
	b.want(`null`, `sessionStorage.getItem("wechatfn:token:" + api)`)
	b.want(`[200,null]`, `(async () => { const user = client.login({ endpoint: api }); const { status } = await user.fetch("/oauth/userinfo"); await user.refresh(); await user.logout(); return [status, await user.session()] })()`)
}

// That of another site: with a ticket, and a token for that.
func TestBrowserClientLoginOtherSite(t *testing.T) {
	s := newShop(t, "localhost")
	b := s.visit(iPhoneAgent, "/cart?a=%20#b")
	logIn(b, s, "/cart?a=%20#b")
	// iOS goes on to see the address with the ticket, which the page does not show any more.
	b.want(`["",true,false]`, `(async () => [await code(open_().ready()), __wechatsim.pageURL().includes("&wechatfn_code="), location.href.includes("ticket")])()`)
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

// logIn goes to WeChat, agrees, and comes back to where it was.
func logIn(b tab, s *shop, path string) {
	b.Helper()
	b.want(`null`, `client.login({ endpoint: api }).session()`)
	b.Run(chromedp.Evaluate[chromedp.Void](`void client.login({ endpoint: api }).start({ scope: "snsapi_userinfo" })`))
	b.See("允许")
	b.Choose("允许")
	b.See("The shop is open")
	b.want(`["default","小明 🌿"]`, `(async () => { const user = client.login({ endpoint: api }); const { app } = await user.session(); return [app, (await user.profile()).nickname] })()`)
	if got := b.Location(); got != s.url+path {
		b.Errorf("landed on %s", got)
	}
}

// wechat-jssdk's own client, from npm and unchanged, with the signature of /get-signature and
// the script at WeChat's own address.
func TestBrowserWechatJSSDK(t *testing.T) {
	for _, agent := range []string{androidAgent, iPhoneAgent} {
		s := newShop(t, "127.0.0.1")
		b := s.visit(agent, "/sale?id=1#x", s.resolve(map[string]bool{"res.wx.qq.com": true}))
		b.want(`"function"`, load("/wechat-jssdk.js")+`.then(() => typeof WechatJSSDK)`)
		jssdk(b, `await (await fetch(api + "/get-signature?url=" + encodeURIComponent(location.href.split("#")[0]))).json()`)
		b.Run(chromedp.Reload())
		b.See("The shop is open")
		b.want(`"function"`, load("/wechat-jssdk.js")+`.then(() => typeof WechatJSSDK)`)
		b.want(`"config:fail,Error"`, `new WechatJSSDK({ appId: "wx51a7ed0000000000", timestamp: 1, nonceStr: "n", signature: "0".repeat(40) }).initialize().then(() => "", e => e.errMsg.slice(0, 17))`)
	}
}

// Our class of that name does the same.
func TestBrowserCompat(t *testing.T) {
	s := newShop(t, "127.0.0.1")
	b := s.visit(androidAgent, "/sale?id=1#x", s.resolve(map[string]bool{"res.wx.qq.com": true}))
	b.want(`"function"`, load("/wechatfn.min.js")+`.then(() => typeof (window.WechatJSSDK = WechatFn.WechatJSSDK))`)
	jssdk(b, `{ endpoint: api }`)
	b = s.visit(androidAgent, "/sale?id=1#x", s.resolve(map[string]bool{"res.wx.qq.com": true}))
	b.want(`"function"`, `import("/compat.js").then(compat => typeof (window.WechatJSSDK = compat.WechatJSSDK))`)
	jssdk(b, `await (await fetch(api + "/get-signature?url=" + encodeURIComponent(location.href.split("#")[0]))).json()`)
}

// What is not known of WeChat's script, both ways.
func TestBrowserScriptSwitches(t *testing.T) {
	const landing, current = `() => client.landingURL`, `() => location.href.split("#")[0]`
	for on, c := range map[bool]struct{ right, wrong, unlisted, order string }{
		false: {landing, current, `"chooseImage:permission denied"`, `["ready","error"]`},
		true:  {current, landing, `"chooseImage:the permission value is offline verifying"`, `["error","ready"]`},
	} {
		s := newShop(t, "127.0.0.1")
		s.restart(wechatsim.Switches{JSCurrentOnIOS: on, JSUnlistedOffline: on, JSReadyWaits: on})
		b := s.visit(iPhoneAgent, "/land")
		b.want(`"invalid-signature"`, `(routed("/list"), code(open_({ `+patient+`, url: `+c.wrong+` }).ready()))`)
		b.want(`""`, `code(open_({ settle: 500, url: `+c.right+` }).ready())`)
		b.want(c.unlisted, `new Promise(resolve => wx.chooseImage({ fail: answer => resolve(answer.errMsg) }))`)
		b.want(c.order, `new Promise(resolve => {
			const seen = [], see = what => () => seen.push(what) === 2 && resolve(seen);
			wx.error(see("error"));
			wx.config({ appId: "wx51a7ed0000000000", timestamp: 1, nonceStr: "n", signature: "bad", jsApiList: [] });
			wx.ready(see("ready")) })`)
	}
}

func load(path string) string {
	return `new Promise((loaded, failed) => document.head.append(Object.assign(document.createElement("script"), { src: "` + path + `", onload: loaded, onerror: failed })))`
}

func jssdk(b tab, signed string) {
	b.Helper()
	b.want(`[true,"Sale","Moment","7"]`, `(async () => {
		window.signed = `+signed+`;
		const sdk = new WechatJSSDK({ ...signed, jsApiList: ["updateAppMessageShareData", "onMenuShareTimeline", "scanQRCode"] });
		const same = await sdk.initialize() === sdk;
		const moment = new Promise(resolve => addEventListener("wechatsim:card", event => event.detail.to === "timeline" && resolve(event.detail.card.title)));
		const chat = new Promise(success => sdk.shareOnMoment({ title: "Moment" }).updateAppMessageShareData({ title: "Sale", success }));
		__wechatsim.answer("scanQRCode", { resultStr: "7" });
		const scanned = new Promise(success => sdk.callWechatApi("scanQRCode", { needResult: 1, success }));
		await chat;
		return [same, __wechatsim.cards.chat.title, await moment, (await scanned).resultStr] })()`)
}
