// Single-page apps: which address is signed after a change of route, and which configuration counts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { advance, android, fakeAPI, flush, iphone, navigate, openPage, rejection, response, signature, table, wechatScript } from "./fixture.mjs";

const endpoint = "https://api.example";
const invalid = { errMsg: "config:fail,Error: 系统错误,错误码:63002,invalid signature [20261121 14:01:40][]" };
const wrongDomain = { errMsg: "config:fail,Error: 系统错误,错误码:40048,invalid url domain [20261121 14:01:40][]" };

table("routeChanged signs the address that WeChat compares with", [
  { name: "Android: each new address", agent: android, signed: ["/a?b=1", "/c"] },
  { name: "iOS: the landing address, once", agent: iphone, signed: ["/a?b=1"] },
], async ({ agent, signed }) => {
  const { connect, landingURL } = await openPage(agent);
  const { fetch, calls } = fakeAPI(), { wx, configs } = wechatScript();
  const wechat = connect({ endpoint, fetch, wx, configTimeout: 0 });
  assert.equal(landingURL, "https://shop.example/a?b=1");
  await wechat.routeChanged();
  await wechat.routeChanged();
  navigate("/c#/d");
  await wechat.routeChanged();
  await wechat.routeChanged();
  assert.deepEqual(calls.map(call => call.url.searchParams.get("url")), signed.map(path => "https://shop.example" + path));
  assert.equal(configs().length, signed.length);
});

table("on iOS the address is the one at which the module was loaded", [
  { name: "by default", options: {}, signed: "https://shop.example/land" },
  { name: "unless url gives another one", options: { url: () => "https://shop.example/mine" }, signed: "https://shop.example/mine" },
], async ({ options, signed }) => {
  const { connect } = await openPage(iphone, "https://shop.example/land");
  navigate("/elsewhere");
  const { fetch, calls } = fakeAPI();
  await connect({ endpoint, fetch, wx: wechatScript().wx, ...options }).ready();
  assert.equal(calls[0].url.searchParams.get("url"), signed);
});

table("with open tags each change of route calls wx.config", [
  { name: "Android", agent: android },
  { name: "iOS", agent: iphone },
], async ({ agent }) => {
  const { connect } = await openPage(agent);
  const { wx, configs } = wechatScript();
  const wechat = connect({ endpoint, fetch: fakeAPI().fetch, wx, configTimeout: 0, openTags: ["wx-open-launch-weapp"] });
  await wechat.ready();
  await wechat.routeChanged();
  navigate("/c");
  await wechat.routeChanged();
  assert.deepEqual(configs().map(c => c.verifyOpenTagList), Array(3).fill(["wx-open-launch-weapp"]));
});

test("of several changes of route only the last one is configured, and all calls wait for it", async () => {
  const { connect } = await openPage(android);
  const responses = [];
  const { fetch } = fakeAPI({ "GET /signature": () => new Promise(resolve => responses.push(() => resolve(response(signature("", responses.length))))) });
  const { wx, configs } = wechatScript();
  const wechat = connect({ endpoint, fetch, wx, configTimeout: 0 });
  const first = wechat.ready();
  await flush();
  navigate("/c");
  const second = wechat.routeChanged();
  await flush();
  navigate("/d");
  const third = wechat.routeChanged();
  await flush();
  let early = false;
  first.then(() => (early = true));
  responses[0]();
  responses[1]();
  await flush();
  assert.deepEqual([configs().length, early], [0, false]);
  responses[2]();
  await Promise.all([first, second, third]);
  assert.equal(configs().length, 1);
});

test("a failure does not count when a newer configuration has started", async () => {
  const { connect } = await openPage(android);
  const requests = [];
  const { wx, configs } = wechatScript();
  const wechat = connect({ wx, configTimeout: 0, sign: () => new Promise((resolve, reject) => requests.push({ resolve, reject })) });
  const first = wechat.ready();
  await flush();
  navigate("/c");
  const second = wechat.routeChanged();
  await flush();
  requests[0].reject(new Error("offline"));
  requests[1].resolve(signature("", 2));
  await Promise.all([first, second]);
  assert.deepEqual(configs().map(c => c.verifySignature), ["s2"]);
});

test("after a quick change of route and back, the page has the signature of its current address", async () => {
  const { connect } = await openPage(android);
  const { fetch, calls } = fakeAPI(), { wx, configs } = wechatScript();
  const wechat = connect({ endpoint, fetch, wx, configTimeout: 0 });
  await wechat.ready();
  navigate("/c");
  const away = wechat.routeChanged();
  await Promise.resolve();
  navigate("/a?b=1");
  await Promise.all([away, wechat.routeChanged()]);
  assert.equal(calls.at(-1).url.searchParams.get("url"), "https://shop.example/a?b=1");
  assert.equal(configs().at(-1).verifySignature, "s" + calls.length);
  const [asked, configured] = [calls.length, configs().length];
  await Promise.all([wechat.routeChanged(), wechat.routeChanged()]);
  assert.deepEqual([calls.length, configs().length], [asked, configured]);
});

table("a change of route during wx.config waits for WeChat's decision, which then does not count", [
  { name: "invalid signature", verdict: { ...invalid } },
  { name: "wrong domain", verdict: { ...wrongDomain } },
  { name: "accepted", verdict: { err_msg: "preVerifyJSAPI:ok" } },
], async ({ verdict }, t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { connect } = await openPage(android);
  let reply, early = false;
  const { wx, configs } = wechatScript({ preVerifyJSAPI: [(_args, r) => (reply = r), "ok"] });
  const { fetch, calls } = fakeAPI();
  const wechat = connect({ endpoint, fetch, wx });
  const first = wechat.ready();
  await flush();
  navigate("/c");
  const second = wechat.routeChanged();
  await flush();
  assert.deepEqual([calls.length, configs().length], [2, 1]);
  first.then(() => (early = true));
  reply(verdict);
  await flush();
  assert.equal(early, false, "the first call waits for the newer configuration");
  await advance(t, 1000);
  await Promise.all([first, second]);
  assert.deepEqual([calls.length, configs().length], [2, 2]);
});

test("a repeated wx.config counts as accepted after configTimeout; a later refusal goes to onError and to the next call", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { connect } = await openPage(android);
  let reply, done = false;
  const errors = [];
  const { wx } = wechatScript({ preVerifyJSAPI: ["ok", (_args, r) => (reply = r), wrongDomain] });
  const wechat = connect({ endpoint, fetch: fakeAPI().fetch, wx, onError: error => errors.push(error.code) });
  await wechat.ready();
  wechat.resign(true).then(() => (done = true));
  await advance(t, 999);
  assert.equal(done, false);
  await advance(t, 1);
  assert.equal(done, true);
  reply({ ...wrongDomain });
  assert.deepEqual(errors, ["invalid-url-domain"]);
  assert.equal((await rejection(wechat.ready())).code, "invalid-url-domain", "ready signs again");
});
