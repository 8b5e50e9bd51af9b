import assert from "node:assert/strict";
import { test } from "node:test";
import { android, api, failure, iphone, page, settled, weChat } from "./fixture.mjs";

const endpoint = "https://api.example";

async function connected(answers, options = {}, agent = android) {
  const { connect } = await page(agent);
  const we = weChat(answers);
  return { ...we, wechat: connect({ endpoint, fetch: api().fetch, wx: we.wx, configTimeout: 0, ...options }) };
}

test("success is the value; fail and cancel are errors with WeChat's text", async () => {
  const { wechat } = await connected({
    scanQRCode: [{ err_msg: "scanQRCode:ok", resultStr: "x" }, "cancel", "fail_no permission to execute", "permission denied", "fail"],
    chooseImage: [{ errMsg: "chooseImage:the permission value is offline verifying" }, { errMsg: "chooseImage:function not exist" }, { errMsg: "chooseImage:fail, system permission denied" }],
  }, { apis: ["scanQRCode", "chooseImage"] });
  assert.equal((await wechat.call("scanQRCode", { needResult: 1 })).resultStr, "x");
  const codes = [];
  for (const name of [...Array(4).fill("scanQRCode"), ...Array(3).fill("chooseImage")]) {
    const error = await failure(wechat.call(name));
    codes.push(error.code);
    assert.equal(error.step, "call");
    assert.ok(error.wechat.startsWith(name + ":"), error.wechat);
  }
  assert.deepEqual(codes, ["cancelled", "permission-denied", "permission-denied", "call-failed", "offline-verifying", "function-not-exist", "permission-denied"]);
});

test("arguments reach WeChat, and are left alone", async () => {
  const { wechat, calls } = await connected({}, { apis: ["openLocation"] });
  const args = Object.freeze({ latitude: 23.1, longitude: 113.3, name: "店" });
  await wechat.call("openLocation", args);
  const [, sent] = calls.find(([name]) => name === "openLocation");
  assert.deepEqual([sent.latitude, sent.name], [23.1, "店"]);
});

test("an API that was not listed, and one that there is not, are errors, not silence", async () => {
  const { wechat, calls } = await connected({}, { apis: ["doSomethingNew"] });
  assert.equal((await failure(wechat.call("scanQRCode"))).code, "api-not-listed");
  assert.equal(calls.length, 0);
  const error = await failure(wechat.call("doSomethingNew"));
  assert.deepEqual([error.code, error.wechat], ["function-not-exist", "doSomethingNew:function not exist"]);
});

test("checkJsApi, under the names that were asked for", async () => {
  const { wechat } = await connected({
    checkJsApi: (args, reply) => reply({ err_msg: "checkJsApi:ok", checkResult: JSON.stringify(Object.fromEntries(args.jsApiList.map(n => [n, n !== "gone"]))) }),
  });
  assert.deepEqual({ ...await wechat.checkJsApi(["scanQRCode", "getLocation", "gone"]) }, { scanQRCode: true, getLocation: true, gone: false });
});

test("checkJsApi does not wait for ever", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { wechat } = await connected({ checkJsApi: () => {} });
  const error = failure(wechat.checkJsApi(["scanQRCode"]));
  await settled();
  t.mock.timers.tick(10000);
  assert.equal((await error).code, "timeout");
});

test("a card for chats and for the timeline", async () => {
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

test("an old WeChat gets the old calls; another refusal is an error", async () => {
  const old = await connected({ updateAppMessageShareData: "function_not_exist", updateTimelineShareData: { errMsg: "updateTimelineShareData:function not exist" } });
  await old.wechat.share({ title: "Title" });
  assert.deepEqual(Object.keys(old.listeners).sort(), ["menu:share:appmessage", "menu:share:timeline"]);
  const denied = await connected({ updateTimelineShareData: "permission denied" });
  assert.equal((await failure(denied.wechat.share({ title: "Title" }))).code, "permission-denied");
  assert.deepEqual(denied.listeners, {});
});

test("a WeChat with neither call says so, where the card would be lost", async () => {
  const { wechat, wx } = await connected();
  await wechat.ready();
  for (const name of ["updateTimelineShareData", "onMenuShareTimeline"]) delete wx[name];
  for (const work of [wechat.share({ title: "Title" }), wechat.onShare({ title: "Title" }, () => {}, "timeline")]) {
    const error = await failure(work);
    assert.deepEqual([error.code, error.wechat], ["function-not-exist", "onMenuShareTimeline:function not exist"]);
  }
});

test("the old calls tell what the user did", async () => {
  const { wechat, listeners, calls } = await connected({ sendAppMessage: ["ok", "cancel"], shareTimeline: "fail" });
  const told = [];
  await wechat.onShare({ title: "Title", desc: "Words", link: "https://shop.example/x" }, event => told.push(event));
  listeners["menu:share:appmessage"]({ err_msg: "" });
  listeners["menu:share:appmessage"]({ err_msg: "" });
  listeners["menu:share:timeline"]({ err_msg: "" });
  await settled();
  assert.deepEqual(told, [{ to: "chat", outcome: "shared" }, { to: "chat", outcome: "cancelled" }, { to: "timeline", outcome: "failed" }]);
  const [, sent] = calls.find(([name]) => name === "sendAppMessage");
  assert.deepEqual([sent.title, sent.desc, sent.link], ["Title", "Words", "https://shop.example/x"]);
  const one = await connected();
  await one.wechat.onShare({ title: "Title" }, () => {}, "chat");
  assert.deepEqual(Object.keys(one.listeners), ["menu:share:appmessage"]);
});

test("functions may be taken out of the connection", async () => {
  const { wechat: { ready, share, call, checkJsApi } } = await connected({}, { apis: ["closeWindow"] }, iphone);
  await ready();
  await share({ title: "t" });
  await call("closeWindow");
  assert.equal(typeof checkJsApi, "function");
});
