// How a page gets its signature and gives it to WeChat, and the errors on the way.
import assert from "node:assert/strict";
import { test } from "node:test";
import { android, desktop, fakeAPI, flush, openPage, rejection, response, signature, table, wechatScript } from "./fixture.mjs";

const endpoint = "https://api.example";
const invalid = { errMsg: "config:fail,Error: 系统错误,错误码:63002,invalid signature [20261121 14:01:40][]" };
const wrongDomain = { errMsg: "config:fail,Error: 系统错误,错误码:40048,invalid url domain [20261121 14:01:40][]" };
const problem = (code, status, headers) =>
  response({ type: "urn:wechatfn:problem:" + code, title: "T", status, code, detail: "the detail", hint: { en: "Do this.", zh: "请这样。" } }, status, headers);

test("ready signs the page's address byte for byte, and calls wx.config", async () => {
  const { connect } = await openPage(android, "https://shop.example/a?b=%20c&d=中#/route?x");
  const { fetch, calls } = fakeAPI(), { wx, configs } = wechatScript();
  const wechat = connect({ endpoint: endpoint + "/", app: "shop&co", fetch, wx, apis: ["scanQRCode", "onMenuShareTimeline"], openTags: ["wx-open-audio"] });
  assert.equal(calls.length, 0, "connect alone sends nothing");
  await wechat.ready();
  assert.equal(calls[0].url.href, "https://api.example/signature?url=" + encodeURIComponent("https://shop.example/a?b=%20c&d=%E4%B8%AD") + "&app=shop%26co");
  assert.deepEqual(configs(), [{
    appId: "wx1", verifyAppId: "wx1", verifySignType: "sha1", verifyTimestamp: "1795244401", verifyNonceStr: "n1", verifySignature: "s1",
    verifyJsApiList: ["updateAppMessageShareData", "updateTimelineShareData", "menu:share:appmessage", "menu:share:timeline", "scanQRCode"],
    verifyOpenTagList: ["wx-open-audio"],
  }]);
  assert.equal(await wechat.wx(), wx);
});

test("WeChat's script changes the lists of wx.config, but not the connection's", async () => {
  const { connect } = await openPage(android);
  const { wx, configs } = wechatScript();
  const wechat = connect({ endpoint, wx, fetch: fakeAPI().fetch, configTimeout: 0 });
  await wechat.ready();
  await wechat.resign();
  assert.deepEqual(configs()[1].verifyJsApiList, configs()[0].verifyJsApiList);
  assert.equal((await rejection(wechat.call("onMenuShareTimeline", {}, { signal: AbortSignal.abort() }))).code, "aborted", "the API is still listed");
});

test("wx.config gets the signature, the lists and debug", async () => {
  const { connect } = await openPage(android);
  const given = [];
  const wx = { config: args => given.push(args), error() {}, ready: listener => queueMicrotask(listener) };
  for (const debug of [undefined, true]) await connect({ endpoint, fetch: fakeAPI().fetch, wx, ...(debug && { debug }) }).ready();
  const jsApiList = ["updateAppMessageShareData", "updateTimelineShareData", "onMenuShareAppMessage", "onMenuShareTimeline"];
  const want = { appId: "wx1", timestamp: 1795244401, nonceStr: "n1", signature: "s1", jsApiList, openTagList: [] };
  assert.deepEqual(given, [{ debug: false, ...want }, { debug: true, ...want }]);
});

test("endpoint '' is the page's own origin, and the global fetch is the default", async t => {
  const { connect } = await openPage(android);
  const fetched = t.mock.method(globalThis, "fetch", async () => response(signature("")));
  await connect({ endpoint: "", wx: wechatScript().wx }).ready();
  assert.match(fetched.mock.calls[0].arguments[0], /^\/signature\?url=https%3A/);
});

test("your own sign gets the address, and force after an invalid signature", async () => {
  const { connect } = await openPage(android);
  const asked = [], { wx } = wechatScript({ preVerifyJSAPI: [invalid, "ok"] });
  await connect({ wx, configTimeout: 0, sign: async (url, force) => (asked.push([url, force]), signature(url)) }).ready();
  assert.deepEqual(asked, [["https://shop.example/a?b=1", false], ["https://shop.example/a?b=1", true]]);
});

test("outside WeChat ready is rejected before anything is sent", async () => {
  const { connect, inWeChat } = await openPage(desktop);
  assert.equal(inWeChat(), false);
  const { fetch, calls } = fakeAPI();
  const error = await rejection(connect({ endpoint, fetch }).ready());
  assert.deepEqual([error.name, error.code, error.step, calls.length], ["WechatFnError", "not-in-wechat", "script", 0]);
});

test("allowOutsideWeChat continues outside WeChat", async () => {
  const { connect } = await openPage(desktop);
  const { fetch, calls } = fakeAPI();
  globalThis.wx = wechatScript({}, android).wx;
  await connect({ endpoint, fetch, allowOutsideWeChat: true, script: [] }).ready();
  assert.equal(calls.length, 1);
});

test("calls at the same time share one signature and one wx.config", async () => {
  const { connect } = await openPage(android);
  const { fetch, calls } = fakeAPI(), { wx, configs } = wechatScript();
  const wechat = connect({ endpoint, fetch, wx, apis: ["scanQRCode"] });
  await Promise.all([wechat.ready(), wechat.ready(), wechat.call("scanQRCode"), wechat.share({ title: "t" }), wechat.routeChanged()]);
  await wechat.ready();
  assert.deepEqual([calls.length, configs().length], [1, 1]);
});

test("configurations at the same time share one request for an address", async () => {
  const { connect } = await openPage(android);
  const responses = [];
  const { fetch, calls } = fakeAPI({ "GET /signature": call => new Promise(resolve => responses.push(() => resolve(response(signature(call.url.href))))) });
  const wechat = connect({ endpoint, fetch, wx: wechatScript().wx, configTimeout: 0, openTags: ["wx-open-audio"] });
  const work = [wechat.ready()];
  await flush();
  work.push(wechat.routeChanged(), wechat.resign());
  await flush();
  assert.equal(calls.length, 1);
  responses[0]();
  await Promise.all(work);
  assert.equal(calls.length, 1);
});

table("an invalid signature is replaced once, by force", [
  { name: "the new one is accepted", verdicts: [invalid, "ok"], code: undefined },
  { name: "the new one is invalid too", verdicts: [invalid, invalid], code: "invalid-signature" },
  { name: "the new one fails for another reason", verdicts: [invalid, wrongDomain], code: "invalid-url-domain" },
], async ({ verdicts, code }) => {
  const { connect } = await openPage(android);
  const { fetch, calls } = fakeAPI(), { wx, configs } = wechatScript({ preVerifyJSAPI: verdicts });
  const error = await connect({ endpoint, fetch, wx, configTimeout: 5 }).ready().then(() => undefined, error => error);
  assert.equal(error?.code, code);
  assert.deepEqual(calls.map(call => call.url.searchParams.get("force")), [null, "true"]);
  assert.deepEqual(configs().map(c => c.verifySignature), ["s1", "s2"]);
  if (error) assert.deepEqual([error.step, error.wechat], ["config", verdicts[1].errMsg]);
  if (error) assert.match(error.message, /系统错误/);
});

table("another refusal of wx.config is an error without a second attempt", [
  { name: "wrong domain", verdict: wrongDomain, code: "invalid-url-domain" },
  { name: "wrong domain, as text only", verdict: { errMsg: "config:invalid url domain" }, code: "invalid-url-domain" },
  { name: "fail", verdict: "fail", code: "config-failed" },
], async ({ verdict, code }) => {
  const { connect } = await openPage(android);
  const { fetch, calls } = fakeAPI();
  const error = await rejection(connect({ endpoint, fetch, wx: wechatScript({ preVerifyJSAPI: verdict }).wx }).ready());
  assert.deepEqual([error.code, calls.length], [code, 1]);
});

test("after a failure the next call tries again", async () => {
  const { connect } = await openPage(android);
  let offline = true;
  const { fetch, calls } = fakeAPI({ "GET /signature": () => (offline ? Promise.reject(new TypeError("offline")) : response(signature(""))) });
  const wechat = connect({ endpoint, fetch, wx: wechatScript().wx });
  const error = await rejection(wechat.ready());
  assert.deepEqual([error.code, error.step, error.cause.message], ["network-error", "sign", "offline"]);
  offline = false;
  await wechat.ready();
  assert.equal(calls.length, 2);
});

table("an error has the API's problem code, and the hint in the browser's language", [
  { name: "English", language: "en-US", message: "the detail. Do this." },
  { name: "Chinese", language: "zh-CN", message: "the detail. 请这样。" },
], async ({ language, message }) => {
  const { connect } = await openPage(android, undefined, language);
  const { fetch } = fakeAPI({ "GET /signature": () => problem("origin_not_allowed", 403) });
  const error = await rejection(connect({ endpoint, fetch, wx: wechatScript().wx }).ready());
  assert.deepEqual([error.code, error.status, error.step, error.message], ["origin_not_allowed", 403, "sign", message]);
});

test("the option language chooses the language of messages", async () => {
  const { connect } = await openPage(desktop);
  assert.match((await rejection(connect({ endpoint, language: "zh" }).ready())).message, /微信/);
});

table("a response that is not the API's is an error", [
  { name: "a page with status 200", body: "<!doctype html>", status: 200 },
  { name: "a page with status 502", body: "<html>", status: 502 },
  { name: "null", body: "null", status: 200 },
  { name: "an object without a signature", body: "{}", status: 200 },
  { name: "an array", body: "[1]", status: 200 },
  { name: "a problem without a code", body: '{"message":"Forbidden"}', status: 403 },
  { name: "an empty body", body: "", status: 504 },
], async ({ body, status }) => {
  const { connect } = await openPage(android);
  const { fetch } = fakeAPI({ "GET /signature": () => response(body, status) });
  const error = await rejection(connect({ endpoint, fetch, wx: wechatScript().wx }).ready());
  assert.deepEqual([error.code, error.status], ["invalid-response", status]);
});

const boom = new TypeError("boom"), throws = () => { throw boom; };
table("whatever throws becomes a WechatFnError with that as its cause", [
  { name: "fetch throws", options: { fetch: throws }, code: "network-error", step: "sign" },
  { name: "fetch rejects", options: { fetch: () => Promise.reject(boom) }, code: "network-error", step: "sign" },
  { name: "wx.config throws", of: { config: throws }, code: "config-failed", step: "config" },
  { name: "an API throws", of: { scanQRCode: throws }, code: "call-failed", step: "call" },
], async ({ options, of, code, step }) => {
  const { connect } = await openPage(android);
  const wx = { ...wechatScript().wx, ...of };
  const error = await rejection(connect({ endpoint, fetch: fakeAPI().fetch, wx, apis: ["scanQRCode"], ...options }).call("scanQRCode"));
  assert.deepEqual([error.name, error.code, error.step, error.cause], ["WechatFnError", code, step, boom]);
});

test("errors of open tags go to onError, once each", async () => {
  const { connect } = await openPage(android);
  const errors = [];
  const wechat = connect({ endpoint, fetch: fakeAPI().fetch, wx: wechatScript().wx, configTimeout: 0, openTags: ["wx-open-audio"], onError: error => errors.push([error.code, error.step, error.wechat]) });
  await wechat.ready();
  await wechat.routeChanged();
  document.dispatchEvent(Object.assign(new Event("WeixinOpenTagsError"), { detail: { errMsg: "too old" } }));
  document.dispatchEvent(new Event("WeixinOpenTagsError"));
  assert.deepEqual(errors, [["open-tags-failed", "open-tags", "too old"], ["open-tags-failed", "open-tags", ""]]);
});
