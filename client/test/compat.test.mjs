import assert from "node:assert/strict";
import { test } from "node:test";
import { android, answer, desktop, failure, page, signed, weChat } from "./fixture.mjs";

const given = { ...signed("https://shop.example/a?b=1"), jsApiList: ["scanQRCode"] };

async function old(config, answers, agent = android) {
  await page(agent);
  const we = weChat(answers, android);
  globalThis.wx = we.wx;
  const { WechatJSSDK } = await import("../dist/compat.js");
  return { ...we, sdk: new WechatJSSDK({ configTimeout: 0, ...config }) };
}

test("initialize signs with the page's own signature", async () => {
  const { sdk, wx, configs } = await old(given);
  assert.equal(sdk.getOriginalWx(), wx);
  assert.equal(await sdk.initialize(), sdk);
  assert.equal(sdk.wx, wx);
  assert.equal(configs()[0].verifySignature, "s1");
  assert.deepEqual(configs()[0].verifyOpenTagList, ["wx-open-subscribe", "wx-open-audio"]);
  assert.ok(configs()[0].verifyJsApiList.includes("scanQRCode"));
});

test("signSignature takes timestamp, nonceStr and signature, and nothing else", async () => {
  const { sdk, configs } = await old(given);
  await sdk.initialize();
  assert.equal(await sdk.signSignature({ ...signed("", 7), appId: "wx9" }), sdk);
  assert.deepEqual([configs()[1].verifySignature, configs()[1].verifyNonceStr, configs()[1].verifyTimestamp, configs()[1].appId], ["s7", "n7", "1795244407", "wx1"]);
});

test("with an endpoint it fetches the signature itself", async t => {
  const { sdk, configs } = await old({ endpoint: "https://api.example" });
  const fetched = t.mock.method(globalThis, "fetch", async () => answer(signed("", 3)));
  await sdk.initialize();
  assert.equal(configs()[0].verifySignature, "s3");
  assert.equal(fetched.mock.callCount(), 1);
});

test("a refusal rejects, and calls error of v2 and v3; success likewise", async () => {
  const told = [];
  const callbacks = { success: sdk => told.push(sdk.constructor.name), error: (error, sdk) => told.push(error.code + " " + sdk.constructor.name) };
  const bad = await old({ ...given, ...callbacks }, { preVerifyJSAPI: { errMsg: "config:invalid url domain" } });
  assert.equal((await failure(bad.sdk.initialize())).code, "invalid-url-domain");
  await (await old({ ...given, ...callbacks })).sdk.initialize();
  assert.deepEqual(told, ["invalid-url-domain WechatJSSDK", "WechatJSSDK"]);
  const outside = await old(given, {}, desktop);
  assert.equal((await failure(outside.sdk.initialize())).code, "not-in-wechat", "wechat-jssdk's own waits for ever");
});

test("the share calls, in a chain, with WeChat's callbacks", async () => {
  const { sdk, listeners, calls } = await old(given);
  await sdk.initialize();
  const card = { title: "Title", desc: "Words", link: "https://shop.example/", imgUrl: "https://shop.example/i.png" };
  const done = new Promise(success => {
    assert.equal(sdk.shareOnChat(card).shareOnMoment(card).updateTimelineShareData(card).updateAppMessageShareData({ ...card, success }), sdk);
  });
  assert.equal((await done).errMsg, "updateAppMessageShareData:ok");
  assert.deepEqual(Object.keys(listeners).sort(), ["menu:share:appmessage", "menu:share:timeline"]);
  assert.deepEqual(calls.filter(([name]) => name.startsWith("update")).map(([name]) => name), ["updateTimelineShareData", "updateAppMessageShareData"]);
});

test("callWechatApi: where wechat-jssdk did nothing, fail is called", async () => {
  const { sdk } = await old(given, { scanQRCode: { err_msg: "scanQRCode:ok", resultStr: "x" } });
  await sdk.initialize();
  assert.equal((await new Promise(success => sdk.callWechatApi("scanQRCode", { success }))).resultStr, "x");
  assert.equal((await new Promise(fail => sdk.callWechatApi("nothing", { fail }))).errMsg, "nothing:function not exist");
  assert.equal(sdk.callWechatApi("nothing"), sdk);
});
