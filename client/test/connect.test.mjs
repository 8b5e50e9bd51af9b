import assert from "node:assert/strict";
import { test } from "node:test";
import { android, answer, api, desktop, failure, go, iphone, never, page, pass, settled, signed, weChat } from "./fixture.mjs";

const endpoint = "https://api.example";
const invalid = { errMsg: "config:fail,Error: 系统错误,错误码:63002,invalid signature [20261121 14:01:40][]" };
const foreign = { errMsg: "config:fail,Error: 系统错误,错误码:40048,invalid url domain [20261121 14:01:40][]" };
const problem = (code, status, headers) =>
  answer({ type: "urn:wechatfn:problem:" + code, title: "T", status, code, detail: "the detail", hint: { en: "Do this.", zh: "请这样。" } }, status, headers);

test("signs the page's address, as it stands, and configures", async () => {
  const { connect } = await page(android, "https://shop.example/a?b=%20c&d=中#/route?x");
  const { fetch, calls } = api(), { wx, configs } = weChat();
  const wechat = connect({ endpoint: endpoint + "/", app: "shop&co", fetch, wx, apis: ["scanQRCode", "onMenuShareTimeline"], openTags: ["wx-open-audio"] });
  assert.equal(calls.length, 0, "nothing before it is wanted");
  await wechat.ready();
  assert.equal(calls[0].url.href, "https://api.example/signature?url=" + encodeURIComponent("https://shop.example/a?b=%20c&d=%E4%B8%AD") + "&app=shop%26co");
  assert.deepEqual(configs(), [{
    appId: "wx1", verifyAppId: "wx1", verifySignType: "sha1", verifyTimestamp: "1795244401", verifyNonceStr: "n1", verifySignature: "s1",
    verifyJsApiList: ["updateAppMessageShareData", "updateTimelineShareData", "menu:share:appmessage", "menu:share:timeline", "scanQRCode"],
    verifyOpenTagList: ["wx-open-audio"],
  }]);
  assert.equal(await wechat.wx(), wx);
});

test("WeChat's script writes into lists; ours stay as they are", async () => {
  const { connect } = await page(android);
  const { wx, configs } = weChat();
  const wechat = connect({ endpoint, wx, fetch: api().fetch, configTimeout: 0 });
  await wechat.ready();
  await wechat.resign();
  assert.deepEqual(configs()[1].verifyJsApiList, configs()[0].verifyJsApiList);
  await wechat.call("onMenuShareTimeline", {}, { signal: AbortSignal.abort() }).catch(error => assert.equal(error.code, "aborted"));
});

test("endpoint '' is the page's own origin; the global fetch is the default", async t => {
  const { connect } = await page(android);
  const mine = t.mock.method(globalThis, "fetch", async () => answer(signed("")));
  await connect({ endpoint: "", wx: weChat().wx }).ready();
  assert.match(mine.mock.calls[0].arguments[0], /^\/signature\?url=https%3A/);
});

test("a signer of one's own", async () => {
  const { connect } = await page(android);
  const asked = [], { wx } = weChat({ preVerifyJSAPI: [invalid, "ok"] });
  await connect({ wx, configTimeout: 0, sign: async (url, force) => (asked.push([url, force]), signed(url)) }).ready();
  assert.deepEqual(asked, [["https://shop.example/a?b=1", false], ["https://shop.example/a?b=1", true]]);
});

test("a signer of one's own has its time, ends with the signal, and fails as everything does", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { connect } = await page(android);
  const stop = new AbortController(), boom = new Error("boom");
  const errors = [failure(connect({ wx: weChat().wx, sign: never }).ready()), failure(connect({ wx: weChat().wx, sign: never, signal: stop.signal }).ready())];
  await pass(t, 7999);
  stop.abort();
  await pass(t, 1);
  errors.push(failure(connect({ wx: weChat().wx, sign: () => { throw boom; } }).ready()));
  assert.deepEqual((await Promise.all(errors)).map(error => [error.name, error.code, error.step]),
    [["WechatFnError", "timeout", "sign"], ["WechatFnError", "aborted", "sign"], ["WechatFnError", "network-error", "sign"]]);
  assert.equal((await errors[2]).cause, boom);
});

test("outside WeChat it says so at once, unless told to go on", async () => {
  const { connect, inWeChat } = await page(desktop);
  assert.equal(inWeChat(), false);
  const { fetch, calls } = api();
  const error = await failure(connect({ endpoint, fetch }).ready());
  assert.deepEqual([error.name, error.code, error.step, calls.length], ["WechatFnError", "not-in-wechat", "script", 0]);
  globalThis.wx = weChat({}, android).wx;
  await connect({ endpoint, fetch, allowOutsideWeChat: true, script: [] }).ready();
  assert.equal(calls.length, 1);
});

test("however many ask, there is one request and one wx.config", async () => {
  const { connect } = await page(android);
  const { fetch, calls } = api(), { wx, configs } = weChat();
  const wechat = connect({ endpoint, fetch, wx, apis: ["scanQRCode"] });
  await Promise.all([wechat.ready(), wechat.ready(), wechat.call("scanQRCode"), wechat.share({ title: "t" }), wechat.routeChanged()]);
  await wechat.ready();
  assert.deepEqual([calls.length, configs().length], [1, 1]);
});

test("one request for an address is under way, however many configurations begin", async () => {
  const { connect } = await page(android);
  const ends = [];
  const { fetch, calls } = api({ "GET /signature": call => new Promise(resolve => ends.push(() => resolve(answer(signed(call.url.href))))) });
  const wechat = connect({ endpoint, fetch, wx: weChat().wx, configTimeout: 0, openTags: ["wx-open-audio"] });
  const work = [wechat.ready()];
  await settled();
  work.push(wechat.routeChanged(), wechat.resign());
  await settled();
  assert.equal(calls.length, 1);
  ends[0]();
  await Promise.all(work);
  assert.equal(calls.length, 1);
});

test("an invalid signature is made anew, once, by force", async () => {
  const { connect } = await page(android);
  for (const [verdicts, code] of [[[invalid, "ok"], ""], [[invalid, invalid], "invalid-signature"], [[invalid, foreign], "invalid-url-domain"]]) {
    const { fetch, calls } = api(), { wx, configs } = weChat({ preVerifyJSAPI: verdicts });
    const outcome = await connect({ endpoint, fetch, wx, configTimeout: 5 }).ready().then(() => "", error => error);
    assert.equal(outcome.code ?? "", code);
    assert.deepEqual(calls.map(call => call.url.searchParams.get("force")), [null, "true"]);
    assert.deepEqual(configs().map(c => c.verifySignature), ["s1", "s2"]);
    if (code) assert.deepEqual([outcome.step, outcome.wechat], ["config", verdicts[1].errMsg]);
    if (code) assert.match(outcome.message, /系统错误/);
  }
});

test("another refusal is an error at once", async () => {
  const { connect } = await page(android);
  for (const [verdict, code] of [[foreign, "invalid-url-domain"], ["fail", "config-failed"], [{ errMsg: "config:invalid url domain" }, "invalid-url-domain"]]) {
    const { fetch, calls } = api();
    const error = await failure(connect({ endpoint, fetch, wx: weChat({ preVerifyJSAPI: verdict }).wx }).ready());
    assert.deepEqual([error.code, calls.length], [code, 1]);
  }
});

test("what failed is tried again by the next call", async () => {
  const { connect } = await page(android);
  let broken = true;
  const { fetch, calls } = api({ "GET /signature": () => (broken ? Promise.reject(new TypeError("offline")) : answer(signed(""))) });
  const wechat = connect({ endpoint, fetch, wx: weChat().wx });
  const error = await failure(wechat.ready());
  assert.deepEqual([error.code, error.step, error.cause.message], ["network-error", "sign", "offline"]);
  broken = false;
  await wechat.ready();
  assert.equal(calls.length, 2);
});

test("503 with Retry-After is waited for, as long as patience lasts", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { connect } = await page(android);
  let left = 2;
  const { fetch, calls } = api({ "GET /signature": () => (left-- > 0 ? problem("ticket_unavailable", 503, { "Retry-After": "2" }) : answer(signed(""))) });
  const wechat = connect({ endpoint, fetch, wx: weChat().wx });
  const ready = wechat.ready();
  for (const [ms, asked] of [[1999, 1], [1, 2], [1999, 2], [1, 3]]) {
    await pass(t, ms);
    assert.equal(calls.length, asked);
  }
  await ready;

  left = 100;
  const again = failure(connect({ endpoint, fetch, wx: weChat().wx, retryTimeout: 5000 }).ready());
  for (let i = 0; i < 10; i++) await pass(t, 1000);
  assert.deepEqual([(await again).code, (await again).status, calls.length], ["ticket_unavailable", 503, 3 + 3]);
});

test("503 that says nothing, or nothing of use, is an error at once", async () => {
  const { connect } = await page(android);
  for (const headers of [{}, { "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT" }, { "Retry-After": "-1" }, { "Retry-After": "99999" }]) {
    const { fetch, calls } = api({ "GET /signature": () => problem("ticket_unavailable", 503, headers) });
    assert.equal((await failure(connect({ endpoint, fetch, wx: weChat().wx }).ready())).code, "ticket_unavailable");
    assert.equal(calls.length, 1);
  }
});

test("the API's problems keep their code; the hint is in the page's language", async () => {
  for (const [language, text] of [["en-US", "the detail. Do this."], ["zh-CN", "the detail. 请这样。"]]) {
    const { connect } = await page(android, undefined, language);
    const { fetch } = api({ "GET /signature": () => problem("origin_not_allowed", 403) });
    const error = await failure(connect({ endpoint, fetch, wx: weChat().wx }).ready());
    assert.deepEqual([error.code, error.status, error.step, error.message], ["origin_not_allowed", 403, "sign", text]);
  }
  const { connect } = await page(desktop);
  assert.match((await failure(connect({ endpoint, language: "zh" }).ready())).message, /微信/);
});

test("what is no answer of the API's", async () => {
  const { connect } = await page(android);
  for (const [body, status] of [["<!doctype html>", 200], ["<html>", 502], ["null", 200], ["{}", 200], ["[1]", 200], ['{"message":"Forbidden"}', 403], ["", 204 + 300]]) {
    const { fetch } = api({ "GET /signature": () => answer(body, status) });
    const error = await failure(connect({ endpoint, fetch, wx: weChat().wx }).ready());
    assert.deepEqual([error.code, error.status], ["invalid-response", status], body);
  }
});

test("each step has its time", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { connect } = await page(android);
  const hanging = api({ "GET /signature": never });
  const body = api({ "GET /signature": () => Object.assign(answer("{}"), { json: never }) });
  for (const [step, options, ms] of [
    ["sign", { fetch: hanging.fetch, wx: weChat().wx }, 8000],
    ["sign", { fetch: hanging.fetch, wx: weChat().wx, timeouts: { sign: 50 } }, 50],
    ["sign", { fetch: body.fetch, wx: weChat().wx, timeouts: { sign: 50 } }, 50],
    ["config", { fetch: api().fetch, wx: weChat({ preVerifyJSAPI: never }).wx }, 10000],
    ["config", { fetch: api().fetch, wx: weChat({ preVerifyJSAPI: never }).wx, timeouts: { config: 70 } }, 70],
  ]) {
    let error;
    connect({ endpoint, ...options }).ready().catch(e => (error = e));
    await pass(t, ms - 1);
    assert.equal(error, undefined, step);
    await pass(t, 1);
    assert.deepEqual([error.code, error.step], ["timeout", step]);
  }
  assert.equal(hanging.calls[0].signal.aborted, true);
});

test("a call may take as long as the user does, unless told otherwise", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { connect } = await page(android);
  const wechat = connect({ endpoint, fetch: api().fetch, wx: weChat({ scanQRCode: never }).wx, apis: ["scanQRCode"] });
  let slow, quick;
  wechat.call("scanQRCode").catch(error => (slow = error));
  wechat.call("scanQRCode", {}, { timeout: 100 }).catch(error => (quick = error));
  await pass(t, 99);
  assert.equal(quick, undefined);
  await pass(t, 1);
  assert.deepEqual([quick.code, quick.step], ["timeout", "call"]);
  await pass(t, 3600e3);
  assert.equal(slow, undefined);
});

test("abort ends one wait, or everything", async () => {
  const { connect } = await page(android);
  const { fetch, calls } = api({ "GET /signature": never });
  const one = new AbortController(), all = new AbortController();
  const wechat = connect({ endpoint, fetch, wx: weChat().wx, apis: ["scanQRCode"], signal: all.signal });
  const outcomes = [wechat.ready({ signal: one.signal }), wechat.call("scanQRCode", {}, { signal: one.signal })].map(failure);
  const other = failure(wechat.ready());
  await settled();
  one.abort();
  assert.deepEqual((await Promise.all(outcomes)).map(error => error.code), ["aborted", "aborted"]);
  assert.equal(calls[0].signal.aborted, false, "others wait for it");
  all.abort();
  assert.equal((await other).code, "aborted");
  assert.equal(calls[0].signal.aborted, true);
  assert.equal((await failure(wechat.ready())).code, "aborted");
  assert.equal(calls.length, 1);
});

test("routes: the current address on Android, the landing address on iOS", async () => {
  for (const [agent, want] of [[android, ["/a?b=1", "/c"]], [iphone, ["/a?b=1"]]]) {
    const { connect, landingURL } = await page(agent);
    const { fetch, calls } = api(), { wx, configs } = weChat();
    const wechat = connect({ endpoint, fetch, wx, configTimeout: 0 });
    assert.equal(landingURL, "https://shop.example/a?b=1");
    await wechat.routeChanged();
    await wechat.routeChanged();
    go("/c#/d");
    await wechat.routeChanged();
    await wechat.routeChanged();
    assert.deepEqual(calls.map(call => call.url.searchParams.get("url")), want.map(path => "https://shop.example" + path));
    assert.equal(configs().length, want.length);
  }
});

test("on iOS a router that ran first changes nothing, once the module is loaded", async () => {
  const { connect } = await page(iphone, "https://shop.example/land");
  go("/elsewhere");
  const { fetch, calls } = api();
  await connect({ endpoint, fetch, wx: weChat().wx }).ready();
  assert.equal(calls[0].url.searchParams.get("url"), "https://shop.example/land");
  await connect({ endpoint, fetch, wx: weChat().wx, url: () => "https://shop.example/mine" }).ready();
  assert.equal(calls[1].url.searchParams.get("url"), "https://shop.example/mine");
});

test("open tags are configured anew after each change of route", async () => {
  for (const agent of [android, iphone]) {
    const { connect } = await page(agent);
    const { wx, configs } = weChat();
    const wechat = connect({ endpoint, fetch: api().fetch, wx, configTimeout: 0, openTags: ["wx-open-launch-weapp"] });
    await wechat.ready();
    await wechat.routeChanged();
    go("/c");
    await wechat.routeChanged();
    assert.deepEqual(configs().map(c => c.verifyOpenTagList), Array(3).fill(["wx-open-launch-weapp"]));
  }
});

test("of several changes at once the last one counts, and all wait for it", async () => {
  const { connect } = await page(android);
  const slow = [];
  const { fetch } = api({ "GET /signature": call => new Promise(resolve => slow.push(() => resolve(answer(signed("", slow.length))))) });
  const { wx, configs } = weChat();
  const wechat = connect({ endpoint, fetch, wx, configTimeout: 0 });
  const first = wechat.ready();
  await settled();
  go("/c");
  const second = wechat.routeChanged();
  await settled();
  go("/d");
  const third = wechat.routeChanged();
  await settled();
  let early = false;
  first.then(() => (early = true));
  slow[0]();
  slow[1]();
  await settled();
  assert.deepEqual([configs().length, early], [0, false]);
  slow[2]();
  await Promise.all([first, second, third]);
  assert.equal(configs().length, 1);
});

test("a change that fails when the page has moved on fails nobody", async () => {
  const { connect } = await page(android);
  const ends = [];
  const { wx, configs } = weChat();
  const wechat = connect({ wx, configTimeout: 0, sign: url => new Promise((...both) => ends.push([url, ...both])) });
  const first = wechat.ready();
  await settled();
  go("/c");
  const second = wechat.routeChanged();
  await settled();
  ends[0][2](new Error("offline"));
  ends[1][1](signed("", 2));
  await Promise.all([first, second]);
  assert.deepEqual(configs().map(c => c.verifySignature), ["s2"]);
});

test("there and back again: the page ends with the signature of where it is", async () => {
  const { connect } = await page(android);
  const { fetch, calls } = api(), { wx, configs } = weChat();
  const wechat = connect({ endpoint, fetch, wx, configTimeout: 0 });
  await wechat.ready();
  go("/c");
  const away = wechat.routeChanged();
  await Promise.resolve();
  go("/a?b=1");
  await Promise.all([away, wechat.routeChanged()]);
  assert.equal(calls.at(-1).url.searchParams.get("url"), "https://shop.example/a?b=1");
  assert.equal(configs().at(-1).verifySignature, "s" + calls.length);
  const [asked, configured] = [calls.length, configs().length];
  await Promise.all([wechat.routeChanged(), wechat.routeChanged()]);
  assert.deepEqual([calls.length, configs().length], [asked, configured]);
});

test("a change while WeChat is judging waits for that verdict, which does not count any more", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  for (const verdict of [invalid, foreign, "ok"]) {
    const { connect } = await page(android);
    let reply, early = false;
    const { wx, configs } = weChat({ preVerifyJSAPI: [(_args, r) => (reply = r), "ok"] });
    const { fetch, calls } = api();
    const wechat = connect({ endpoint, fetch, wx });
    const first = wechat.ready();
    await settled();
    go("/c");
    const second = wechat.routeChanged();
    await settled();
    assert.deepEqual([calls.length, configs().length], [2, 1]);
    first.then(() => (early = true));
    reply(verdict === "ok" ? { err_msg: "preVerifyJSAPI:ok" } : { ...verdict });
    await settled();
    assert.equal(early, false, "who waited for it waits for the newer one");
    await pass(t, 1000);
    await Promise.all([first, second]);
    assert.deepEqual([calls.length, configs().length], [2, 2]);
  }
});

test("of a repeated wx.config WeChat's script tells refusals alone", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { connect } = await page(android);
  let late, done = false;
  const told = [];
  const { wx } = weChat({ preVerifyJSAPI: ["ok", (_args, reply) => (late = reply), foreign] });
  const wechat = connect({ endpoint, fetch: api().fetch, wx, onError: error => told.push(error.code) });
  await wechat.ready();
  wechat.resign(true).then(() => (done = true));
  await pass(t, 999);
  assert.equal(done, false);
  await pass(t, 1);
  assert.equal(done, true, "no refusal within a second");
  late({ ...foreign });
  assert.deepEqual(told, ["invalid-url-domain"]);
  assert.equal((await failure(wechat.ready())).code, "invalid-url-domain", "it is not taken for accepted any more");
});

test("open tags that do not work are told of", async () => {
  const { connect } = await page(android);
  const told = [];
  const wechat = connect({ endpoint, fetch: api().fetch, wx: weChat().wx, configTimeout: 0, openTags: ["wx-open-audio"], onError: error => told.push([error.code, error.step, error.wechat]) });
  await wechat.ready();
  await wechat.routeChanged();
  document.dispatchEvent(Object.assign(new Event("WeixinOpenTagsError"), { detail: { errMsg: "too old" } }));
  document.dispatchEvent(new Event("WeixinOpenTagsError"));
  assert.deepEqual(told, [["open-tags-failed", "open-tags", "too old"], ["open-tags-failed", "open-tags", ""]]);
});

test("abort also ends the wait that Retry-After asks for", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { connect } = await page(android);
  const { fetch, calls } = api({ "GET /signature": () => problem("ticket_unavailable", 503, { "Retry-After": "5" }) });
  const stop = new AbortController();
  const error = failure(connect({ endpoint, fetch, wx: weChat().wx, signal: stop.signal }).ready());
  await pass(t, 1000);
  stop.abort();
  assert.equal((await error).code, "aborted");
  await pass(t, 10000);
  assert.equal(calls.length, 1);
});

test("what is over leaves no timer and no listener behind", async t => {
  const { connect } = await page(android);
  const set = t.mock.method(globalThis, "setTimeout"), cleared = t.mock.method(globalThis, "clearTimeout");
  const stop = new AbortController();
  const added = t.mock.method(stop.signal, "addEventListener"), removed = t.mock.method(stop.signal, "removeEventListener");
  const wechat = connect({ endpoint, fetch: api().fetch, wx: weChat().wx, apis: ["closeWindow"], signal: stop.signal });
  await wechat.ready();
  await wechat.call("closeWindow", {}, { timeout: 1000 });
  const timers = set.mock.calls.map(call => call.result), gone = cleared.mock.calls.map(call => call.arguments[0]);
  assert.ok(timers.length >= 3);
  assert.deepEqual(timers.filter(timer => !gone.includes(timer)), []);
  assert.ok(added.mock.callCount() >= 3);
  assert.equal(removed.mock.callCount(), added.mock.callCount());
});

test("what wx.config is given, debug included", async () => {
  const { connect } = await page(android);
  const given = [];
  const wx = { config: options => given.push(options), error() {}, ready: done => queueMicrotask(done) };
  for (const debug of [undefined, true]) await connect({ endpoint, fetch: api().fetch, wx, ...(debug && { debug }) }).ready();
  const jsApiList = ["updateAppMessageShareData", "updateTimelineShareData", "onMenuShareAppMessage", "onMenuShareTimeline"];
  const want = { appId: "wx1", timestamp: 1795244401, nonceStr: "n1", signature: "s1", jsApiList, openTagList: [] };
  assert.deepEqual(given, [{ debug: false, ...want }, { debug: true, ...want }]);
});

test("what throws is an error of ours too, with what was thrown as its cause", async () => {
  const { connect } = await page(android);
  const boom = new TypeError("boom"), throws = () => { throw boom; };
  const { fetch } = api(), { wx } = weChat();
  for (const [options, code, step] of [
    [{ fetch: throws }, "network-error", "sign"],
    [{ fetch: () => Promise.reject(boom) }, "network-error", "sign"],
    [{ fetch, wx: { ...wx, config: throws } }, "config-failed", "config"],
    [{ fetch, wx: { ...wx, scanQRCode: throws } }, "call-failed", "call"],
  ]) {
    const error = await failure(connect({ endpoint, wx, apis: ["scanQRCode"], ...options }).call("scanQRCode"));
    assert.deepEqual([error.name, error.code, error.step, error.cause], ["WechatFnError", code, step, boom]);
  }
});
