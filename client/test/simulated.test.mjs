// The script of the simulated WeChat does what WeChat's own script does: the same calls, with the same results in the same order.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import vm from "node:vm";
import { android, desktop, flush, openPage, table, wechatScript } from "./fixture.mjs";

const source = readFileSync(new URL("../../dev/wechatsim/jweixin.js", import.meta.url), "utf8").replace('"SETTINGS"', "{}");

/** The simulated script. The test gives the results of wx.config and what the user does. */
function simulated(agent, { verdicts, user }) {
  const window = new EventTarget();
  const script = { src: "https://res.wx.qq.com/open/js/jweixin-1.6.0.js" };
  vm.runInNewContext(source, {
    window, setTimeout, URL, URLSearchParams, CustomEvent: class extends Event { constructor(type, { detail, ...init }) { super(type, init); this.detail = detail; } },
    HTMLElement: class {}, customElements: { get() {}, define() {} }, console: { log() {} }, performance: { getEntriesByType: () => [] },
    document: { title: "A page", currentScript: script, querySelectorAll: () => [] }, location: new URL("https://shop.example/"), navigator: { userAgent: agent },
    fetch: async () => ({ json: async () => ({ errMsg: verdicts.shift() }) }),
  });
  Object.entries(user).forEach(([name, what]) => window.__wechatsim.answer(name, what));
  return { wx: window.wx, menu: (to, outcome) => window.__wechatsim.share(to, outcome) };
}

/** WeChat's own script, with a bridge that gives the same results. */
function real(agent, { verdicts, user }) {
  const bridge = Object.fromEntries(Object.entries(user).map(([name, what]) => [inner[name] ?? name, typeof what === "string" ? what : { err_msg: (inner[name] ?? name) + ":ok", ...what }]));
  const shares = {};
  const script = wechatScript({
    ...bridge, preVerifyJSAPI: verdicts.map(errMsg => ({ errMsg })), sendAppMessage: (_args, reply) => reply({ err_msg: "sendAppMessage:" + shares.chat }),
    shareTimeline: (_args, reply) => reply({ err_msg: "shareTimeline:" + shares.timeline }),
    checkJsApi: (args, reply) => queueMicrotask(() => reply({ err_msg: "checkJsApi:ok", checkResult: JSON.stringify(Object.fromEntries(args.jsApiList.map(name => [name, name !== "gone"]))) })),
  }, agent);
  const menu = (to, outcome = "confirm") => {
    shares[to] = outcome;
    script.listeners[to === "chat" ? "menu:share:appmessage" : "menu:share:timeline"]({});
  };
  return { wx: script.wx, menu };
}
const inner = { getLocation: "geoLocation" };

const good = "config:ok", bad = "config:fail,Error: 系统错误,错误码:63002,invalid signature [][]";
const list = () => ["scanQRCode", "getLocation", "onMenuShareTimeline", "onMenuShareAppMessage", "updateAppMessageShareData"];
const config = (wx, jsApiList = list(), debug = false) => (wx.config({ debug, appId: "wx1", timestamp: 1, nonceStr: "n", signature: "s", jsApiList }), jsApiList);

/** Each scenario reports what a page sees. */
const scenarios = [
  { name: "listeners before wx.config", verdicts: [good], async run(wx, see) { wx.ready(see("ready")); wx.error(see("error")); config(wx); see("configured")(); } },
  { name: "listeners after wx.config", verdicts: [good], async run(wx, see) { config(wx); wx.error(see("error")); wx.ready(see("ready")); wx.ready(see("ready 2")); await flush(); wx.ready(see("late")); see("end")(); } },
  { name: "a refusal", verdicts: [bad], async run(wx, see) { config(wx); wx.error(see("error")); wx.ready(see("ready")); await flush(); wx.ready(see("late")); wx.error(see("late error")); } },
  { name: "a refusal that nobody listens to", verdicts: [bad], async run(wx, see) { config(wx); await flush(); wx.ready(see("ready")); see("then")(); } },
  { name: "a second wx.config, refused", verdicts: [good, bad], async run(wx, see) { config(wx); wx.error(see("error")); wx.ready(see("ready")); await flush(); config(wx); wx.ready(see("at once")); see("then")(); } },
  { name: "a second wx.config, accepted", verdicts: [bad, good], async run(wx, see) { wx.error(see("error")); config(wx); await flush(); config(wx); wx.ready(see("at once")); await flush(); see("end")(); } },
  { name: "only the last wx.error counts", verdicts: [bad], async run(wx, see) { wx.error(see("first")); wx.error(see("second")); config(wx); } },
  { name: "lists are written into", verdicts: [good], async run(wx, see) { see(config(wx).join())(); const asked = ["onMenuShareTimeline", "scanQRCode", "gone"]; wx.checkJsApi({ jsApiList: asked, success: a => see(JSON.stringify(Object.entries(a.checkResult).sort()))() }); see(asked.join())(); } },
  { name: "success and complete", verdicts: [good], async run(wx, see) { config(wx); await flush(); wx.getLocation({ success: see("success"), fail: see("fail"), complete: see("complete") }); see("called")(); } },
  { name: "cancel and complete", verdicts: [good], user: { scanQRCode: "cancel" }, async run(wx, see) { config(wx); await flush(); wx.scanQRCode({ success: see("success"), fail: see("fail"), cancel: see("cancel"), complete: see("complete") }); } },
  { name: "fail and complete", verdicts: [good], user: { scanQRCode: "fail" }, async run(wx, see) { config(wx); await flush(); wx.scanQRCode({ success: see("success"), fail: see("fail"), cancel: see("cancel"), complete: see("complete") }); } },
  { name: "no callbacks at all", verdicts: [good], async run(wx, see) { config(wx); await flush(); wx.scanQRCode({}); await flush(); see("end")(); } },
  {
    name: "the menu", verdicts: [good],
    async run(wx, see, menu) {
      config(wx);
      await flush();
      for (const [to, name] of [["chat", "onMenuShareAppMessage"], ["timeline", "onMenuShareTimeline"]]) {
        wx[name]({ title: "t", trigger: () => see("trigger " + to)(), success: see("success"), cancel: see("cancel"), complete: see("complete") });
        await flush();
        menu(to, undefined);
        await flush();
        menu(to, "cancel");
        await flush();
      }
    },
  },
  { name: "outside WeChat", agent: desktop, silent: true, verdicts: [good], async run(wx, see) { wx.ready(see("ready")); wx.error(see("error")); config(wx); wx.scanQRCode({ fail: see("fail"), complete: see("complete") }); wx.checkJsApi({ jsApiList: [], complete: see("complete") }); } },
  { name: "outside WeChat, with debug", agent: desktop, verdicts: [good], async run(wx, see) { config(wx, [], true); wx.ready(see("ready")); } },
];

async function seen(make, agent, { verdicts, user = {}, run }) {
  const out = [];
  const { wx, menu } = make(agent, { verdicts: [...verdicts], user });
  await run(wx, what => answer => void out.push(answer?.errMsg ? what + " " + answer.errMsg : what), menu);
  await flush();
  await new Promise(resolve => setTimeout(resolve));
  await flush();
  return out;
}

table("the simulated script does what WeChat's does", scenarios, async ({ agent = android, silent = false, ...scenario }) => {
  await openPage(agent, "https://shop.example/");
  const want = await seen(real, agent, scenario);
  assert.deepEqual(await seen(simulated, agent, scenario), want);
  assert.equal(want.length > 0, !silent);
});
