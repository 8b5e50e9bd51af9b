import assert from "node:assert/strict";
import { test } from "node:test";
import { android, desktop, openPage, rejection, response, signature, wechatScript } from "./fixture.mjs";

const given = { ...signature("https://shop.example/a?b=1"), jsApiList: ["scanQRCode"] };

async function newSDK(config, results, agent = android) {
  await openPage(agent);
  const script = wechatScript(results, android);
  globalThis.wx = script.wx;
  const { WechatJSSDK } = await import("../dist/compat.js");
  return { ...script, sdk: new WechatJSSDK({ configTimeout: 0, ...config }) };
}

test("initialize uses the page's own signature", async () => {
  const { sdk, wx, configs } = await newSDK(given);
  assert.equal(sdk.getOriginalWx(), wx);
  assert.equal(await sdk.initialize(), sdk);
  assert.equal(sdk.wx, wx);
  assert.equal(configs()[0].verifySignature, "s1");
  assert.deepEqual(configs()[0].verifyOpenTagList, ["wx-open-subscribe", "wx-open-audio"]);
  assert.ok(configs()[0].verifyJsApiList.includes("scanQRCode"));
});

test("signSignature replaces timestamp, nonceStr and signature only", async () => {
  const { sdk, configs } = await newSDK(given);
  await sdk.initialize();
  assert.equal(await sdk.signSignature({ ...signature("", 7), appId: "wx9" }), sdk);
  assert.deepEqual([configs()[1].verifySignature, configs()[1].verifyNonceStr, configs()[1].verifyTimestamp, configs()[1].appId], ["s7", "n7", "1795244407", "wx1"]);
});

test("with an endpoint, initialize fetches the signature", async t => {
  const { sdk, configs } = await newSDK({ endpoint: "https://api.example" });
  const fetched = t.mock.method(globalThis, "fetch", async () => response(signature("", 3)));
  await sdk.initialize();
  assert.equal(configs()[0].verifySignature, "s3");
  assert.equal(fetched.mock.callCount(), 1);
});

test("initialize also calls the success and error callbacks of v2 and v3", async () => {
  const events = [];
  const callbacks = { success: sdk => events.push(sdk.constructor.name), error: (error, sdk) => events.push(error.code + " " + sdk.constructor.name) };
  const refused = await newSDK({ ...given, ...callbacks }, { preVerifyJSAPI: { errMsg: "config:invalid url domain" } });
  assert.equal((await rejection(refused.sdk.initialize())).code, "invalid-url-domain");
  await (await newSDK({ ...given, ...callbacks })).sdk.initialize();
  assert.deepEqual(events, ["invalid-url-domain WechatJSSDK", "WechatJSSDK"]);
});

test("initialize is rejected outside WeChat, where wechat-jssdk waits for ever", async () => {
  const { sdk } = await newSDK(given, {}, desktop);
  assert.equal((await rejection(sdk.initialize())).code, "not-in-wechat");
});

test("the share calls can be chained, and take WeChat's callbacks", async () => {
  const { sdk, listeners, calls } = await newSDK(given);
  await sdk.initialize();
  const card = { title: "Title", desc: "Words", link: "https://shop.example/", imgUrl: "https://shop.example/i.png" };
  const done = new Promise(success => {
    assert.equal(sdk.shareOnChat(card).shareOnMoment(card).updateTimelineShareData(card).updateAppMessageShareData({ ...card, success }), sdk);
  });
  assert.equal((await done).errMsg, "updateAppMessageShareData:ok");
  assert.deepEqual(Object.keys(listeners).sort(), ["menu:share:appmessage", "menu:share:timeline"]);
  assert.deepEqual(calls.filter(([name]) => name.startsWith("update")).map(([name]) => name), ["updateTimelineShareData", "updateAppMessageShareData"]);
});

test("callWechatApi calls fail for an API that does not exist, where wechat-jssdk does nothing", async () => {
  const { sdk } = await newSDK(given, { scanQRCode: { err_msg: "scanQRCode:ok", resultStr: "x" } });
  await sdk.initialize();
  assert.equal((await new Promise(success => sdk.callWechatApi("scanQRCode", { success }))).resultStr, "x");
  assert.equal((await new Promise(fail => sdk.callWechatApi("nothing", { fail }))).errMsg, "nothing:function not exist");
  assert.equal(sdk.callWechatApi("nothing"), sdk);
});
