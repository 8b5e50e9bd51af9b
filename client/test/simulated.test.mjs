// The simulated WeChat's script beside WeChat's own: the same calls, and the same answers in the same order.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";
import { android, desktop, page, settled, weChat } from "./fixture.mjs";

const source = readFileSync(new URL("../../dev/wechatsim/jweixin.js", import.meta.url), "utf8").replace('"SETTINGS"', "{}");

/** The simulated script, in a page whose verdicts and user are the test's. */
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

/** WeChat's own, over a bridge that does the same. */
function real(agent, { verdicts, user }) {
  const bridge = Object.fromEntries(Object.entries(user).map(([name, what]) => [inner[name] ?? name, typeof what === "string" ? what : { err_msg: (inner[name] ?? name) + ":ok", ...what }]));
  const shares = {};
  const we = weChat({
    ...bridge, preVerifyJSAPI: verdicts.map(errMsg => ({ errMsg })), sendAppMessage: (_args, reply) => reply({ err_msg: "sendAppMessage:" + shares.chat }),
    shareTimeline: (_args, reply) => reply({ err_msg: "shareTimeline:" + shares.timeline }),
    checkJsApi: (args, reply) => queueMicrotask(() => reply({ err_msg: "checkJsApi:ok", checkResult: JSON.stringify(Object.fromEntries(args.jsApiList.map(name => [name, name !== "gone"]))) })),
  }, agent);
  const menu = (to, outcome = "confirm") => {
    shares[to] = outcome;
    we.listeners[to === "chat" ? "menu:share:appmessage" : "menu:share:timeline"]({});
  };
  return { wx: we.wx, menu };
}
const inner = { getLocation: "geoLocation" };

const good = "config:ok", bad = "config:fail,Error: 系统错误,错误码:63002,invalid signature [][]";
const list = () => ["scanQRCode", "getLocation", "onMenuShareTimeline", "onMenuShareAppMessage", "updateAppMessageShareData"];
const config = (wx, jsApiList = list(), debug = false) => (wx.config({ debug, appId: "wx1", timestamp: 1, nonceStr: "n", signature: "s", jsApiList }), jsApiList);

/** Each tells what it sees. */
const scenarios = {
  "listeners before wx.config": { verdicts: [good], async run(wx, see) { wx.ready(see("ready")); wx.error(see("error")); config(wx); see("configured")(); } },
  "listeners after wx.config": { verdicts: [good], async run(wx, see) { config(wx); wx.error(see("error")); wx.ready(see("ready")); wx.ready(see("ready 2")); await settled(); wx.ready(see("late")); see("end")(); } },
  "a refusal": { verdicts: [bad], async run(wx, see) { config(wx); wx.error(see("error")); wx.ready(see("ready")); await settled(); wx.ready(see("late")); wx.error(see("late error")); } },
  "a refusal that nobody listens to": { verdicts: [bad], async run(wx, see) { config(wx); await settled(); wx.ready(see("ready")); see("then")(); } },
  "a second wx.config, refused": { verdicts: [good, bad], async run(wx, see) { config(wx); wx.error(see("error")); wx.ready(see("ready")); await settled(); config(wx); wx.ready(see("at once")); see("then")(); } },
  "a second wx.config, accepted": { verdicts: [bad, good], async run(wx, see) { wx.error(see("error")); config(wx); await settled(); config(wx); wx.ready(see("at once")); await settled(); see("end")(); } },
  "only the last wx.error counts": { verdicts: [bad], async run(wx, see) { wx.error(see("first")); wx.error(see("second")); config(wx); } },
  "lists are written into": { verdicts: [good], async run(wx, see) { see(config(wx).join())(); const asked = ["onMenuShareTimeline", "scanQRCode", "gone"]; wx.checkJsApi({ jsApiList: asked, success: a => see(JSON.stringify(Object.entries(a.checkResult).sort()))() }); see(asked.join())(); } },
  "success and complete": { verdicts: [good], async run(wx, see) { config(wx); await settled(); wx.getLocation({ success: see("success"), fail: see("fail"), complete: see("complete") }); see("called")(); } },
  "cancel and complete": { verdicts: [good], user: { scanQRCode: "cancel" }, async run(wx, see) { config(wx); await settled(); wx.scanQRCode({ success: see("success"), fail: see("fail"), cancel: see("cancel"), complete: see("complete") }); } },
  "fail and complete": { verdicts: [good], user: { scanQRCode: "fail" }, async run(wx, see) { config(wx); await settled(); wx.scanQRCode({ success: see("success"), fail: see("fail"), cancel: see("cancel"), complete: see("complete") }); } },
  "no callbacks at all": { verdicts: [good], async run(wx, see) { config(wx); await settled(); wx.scanQRCode({}); await settled(); see("end")(); } },
  "the menu": {
    verdicts: [good],
    async run(wx, see, menu) {
      config(wx);
      await settled();
      for (const [to, name] of [["chat", "onMenuShareAppMessage"], ["timeline", "onMenuShareTimeline"]]) {
        wx[name]({ title: "t", trigger: () => see("trigger " + to)(), success: see("success"), cancel: see("cancel"), complete: see("complete") });
        await settled();
        menu(to, undefined);
        await settled();
        menu(to, "cancel");
        await settled();
      }
    },
  },
};
const outside = {
  "outside WeChat": { verdicts: [good], async run(wx, see) { wx.ready(see("ready")); wx.error(see("error")); config(wx); wx.scanQRCode({ fail: see("fail"), complete: see("complete") }); wx.checkJsApi({ jsApiList: [], complete: see("complete") }); } },
  "outside WeChat, debugging": { verdicts: [good], async run(wx, see) { config(wx, [], true); wx.ready(see("ready")); } },
};

async function seen(make, agent, { verdicts, user = {}, run }) {
  const out = [];
  const { wx, menu } = make(agent, { verdicts: [...verdicts], user });
  await run(wx, what => answer => void out.push(answer?.errMsg ? what + " " + answer.errMsg : what), menu);
  await settled();
  await new Promise(resolve => setTimeout(resolve));
  await settled();
  return out;
}

for (const [name, scenario] of Object.entries({ ...scenarios, ...outside })) {
  test("the simulated script does as WeChat's: " + name, async () => {
    const agent = name in outside ? desktop : android;
    await page(agent, "https://shop.example/");
    const want = await seen(real, agent, scenario);
    assert.deepEqual(await seen(simulated, agent, scenario), want);
    assert.ok(want.length > 0 || name === "outside WeChat");
  });
}
