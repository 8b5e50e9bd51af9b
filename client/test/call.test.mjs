import assert from "node:assert/strict";
import { test } from "node:test";
import { advance, android, fakeAPI, flush, iphone, openPage, rejection, table, wechatScript } from "./fixture.mjs";

const endpoint = "https://api.example";

/** A page that can call WeChat's APIs, whose results are given. */
async function connected(results, options = {}, agent = android) {
  const { connect } = await openPage(agent);
  const script = wechatScript(results);
  return { ...script, wechat: connect({ endpoint, fetch: fakeAPI().fetch, wx: script.wx, configTimeout: 0, ...options }) };
}

test("success resolves a call", async () => {
  const { wechat } = await connected({ scanQRCode: { err_msg: "scanQRCode:ok", resultStr: "x" } }, { apis: ["scanQRCode"] });
  assert.equal((await wechat.call("scanQRCode", { needResult: 1 })).resultStr, "x");
});

table("fail and cancel reject a call with a code and WeChat's text", [
  { name: "cancel", api: "scanQRCode", result: "cancel", code: "cancelled" },
  { name: "no permission", api: "scanQRCode", result: "fail_no permission to execute", code: "permission-denied" },
  { name: "permission denied", api: "scanQRCode", result: "permission denied", code: "permission-denied" },
  { name: "fail without a reason", api: "scanQRCode", result: "fail", code: "call-failed" },
  { name: "offline verifying", api: "chooseImage", result: { errMsg: "chooseImage:the permission value is offline verifying" }, code: "offline-verifying" },
  { name: "function not exist", api: "chooseImage", result: { errMsg: "chooseImage:function not exist" }, code: "function-not-exist" },
  { name: "the system denies permission", api: "chooseImage", result: { errMsg: "chooseImage:fail, system permission denied" }, code: "permission-denied" },
], async ({ api, result, code }) => {
  const { wechat } = await connected({ [api]: result }, { apis: [api] });
  const error = await rejection(wechat.call(api));
  assert.deepEqual([error.code, error.step], [code, "call"]);
  assert.ok(error.wechat.startsWith(api + ":"), error.wechat);
});

test("arguments reach WeChat and stay unchanged", async () => {
  const { wechat, calls } = await connected({}, { apis: ["openLocation"] });
  const args = Object.freeze({ latitude: 23.1, longitude: 113.3, name: "店" });
  await wechat.call("openLocation", args);
  const [, sent] = calls.find(([name]) => name === "openLocation");
  assert.deepEqual([sent.latitude, sent.name], [23.1, "店"]);
});

test("a call of an API that is not in apis is rejected before anything is sent", async () => {
  const { wechat, calls } = await connected({}, { apis: ["doSomethingNew"] });
  assert.equal((await rejection(wechat.call("scanQRCode"))).code, "api-not-listed");
  assert.equal(calls.length, 0);
});

test("a call of an API that WeChat does not have is rejected", async () => {
  const { wechat } = await connected({}, { apis: ["doSomethingNew"] });
  const error = await rejection(wechat.call("doSomethingNew"));
  assert.deepEqual([error.code, error.wechat], ["function-not-exist", "doSomethingNew:function not exist"]);
});

test("checkJsApi returns the names that were given to it", async () => {
  const { wechat } = await connected({
    checkJsApi: (args, reply) => reply({ err_msg: "checkJsApi:ok", checkResult: JSON.stringify(Object.fromEntries(args.jsApiList.map(n => [n, n !== "gone"]))) }),
  });
  assert.deepEqual({ ...await wechat.checkJsApi(["scanQRCode", "getLocation", "gone"]) }, { scanQRCode: true, getLocation: true, gone: false });
});

test("checkJsApi times out", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { wechat } = await connected({ checkJsApi: () => {} });
  const error = rejection(wechat.checkJsApi(["scanQRCode"]));
  await advance(t, 10000);
  assert.equal((await error).code, "timeout");
});

test("share sets the card of chats and of Moments, or of one of them", async () => {
  const { wechat, calls } = await connected();
  await wechat.share({ title: "Title", desc: "Words", imgUrl: "https://shop.example/i.png" });
  await wechat.share({ title: "Other", link: "https://shop.example/" }, "timeline");
  const sent = calls.filter(([name]) => name.startsWith("update")).map(([name, { title, desc, link, imgUrl }]) => [name, title, desc, link, imgUrl]);
  assert.deepEqual(sent, [
    ["updateAppMessageShareData", "Title", "Words", "https://shop.example/a?b=1#top", "https://shop.example/i.png"],
    ["updateTimelineShareData", "Title", undefined, "https://shop.example/a?b=1#top", "https://shop.example/i.png"],
    ["updateTimelineShareData", "Other", undefined, "https://shop.example/", ""],
  ]);
});

test("share uses the older calls where WeChat does not have the new ones", async () => {
  const { wechat, listeners } = await connected({ updateAppMessageShareData: "function_not_exist", updateTimelineShareData: { errMsg: "updateTimelineShareData:function not exist" } });
  await wechat.share({ title: "Title" });
  assert.deepEqual(Object.keys(listeners).sort(), ["menu:share:appmessage", "menu:share:timeline"]);
});

test("share does not use the older calls after another error", async () => {
  const { wechat, listeners } = await connected({ updateTimelineShareData: "permission denied" });
  assert.equal((await rejection(wechat.share({ title: "Title" }))).code, "permission-denied");
  assert.deepEqual(listeners, {});
});

table("sharing is rejected where WeChat has neither the new nor the older call", [
  { name: "share", run: wechat => wechat.share({ title: "Title" }) },
  { name: "onShare", run: wechat => wechat.onShare({ title: "Title" }, () => {}, "timeline") },
], async ({ run }) => {
  const { wechat, wx } = await connected();
  await wechat.ready();
  for (const name of ["updateTimelineShareData", "onMenuShareTimeline"]) delete wx[name];
  const error = await rejection(run(wechat));
  assert.deepEqual([error.code, error.wechat], ["function-not-exist", "onMenuShareTimeline:function not exist"]);
});

test("onShare reports what the user does", async () => {
  const { wechat, listeners, calls } = await connected({ sendAppMessage: ["ok", "cancel"], shareTimeline: "fail" });
  const events = [];
  await wechat.onShare({ title: "Title", desc: "Words", link: "https://shop.example/x" }, event => events.push(event));
  listeners["menu:share:appmessage"]({ err_msg: "" });
  listeners["menu:share:appmessage"]({ err_msg: "" });
  listeners["menu:share:timeline"]({ err_msg: "" });
  await flush();
  assert.deepEqual(events, [{ to: "chat", outcome: "shared" }, { to: "chat", outcome: "cancelled" }, { to: "timeline", outcome: "failed" }]);
  const [, sent] = calls.find(([name]) => name === "sendAppMessage");
  assert.deepEqual([sent.title, sent.desc, sent.link], ["Title", "Words", "https://shop.example/x"]);
});

test("onShare can be limited to one target", async () => {
  const { wechat, listeners } = await connected();
  await wechat.onShare({ title: "Title" }, () => {}, "chat");
  assert.deepEqual(Object.keys(listeners), ["menu:share:appmessage"]);
});

test("the functions of a connection work without it", async () => {
  const { wechat: { ready, share, call, checkJsApi } } = await connected({}, { apis: ["closeWindow"] }, iphone);
  await ready();
  await share({ title: "t" });
  await call("closeWindow");
  assert.equal(typeof checkJsApi, "function");
});
