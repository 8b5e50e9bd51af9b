// How long each step may take, and what a signal stops.
import assert from "node:assert/strict";
import { test } from "node:test";
import { advance, android, fakeAPI, flush, never, openPage, rejection, response, signature, table, wechatScript } from "./fixture.mjs";

const endpoint = "https://api.example";
const unavailable = headers => response({ title: "T", status: 503, code: "ticket_unavailable", detail: "the detail" }, 503, headers);

test("ready waits for Retry-After after a 503", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { connect } = await openPage(android);
  let left = 2;
  const { fetch, calls } = fakeAPI({ "GET /signature": () => (left-- > 0 ? unavailable({ "Retry-After": "2" }) : response(signature(""))) });
  const ready = connect({ endpoint, fetch, wx: wechatScript().wx }).ready();
  for (const [ms, asked] of [[1999, 1], [1, 2], [1999, 2], [1, 3]]) {
    await advance(t, ms);
    assert.equal(calls.length, asked);
  }
  await ready;
});

test("retryTimeout limits all waits for Retry-After together", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { connect } = await openPage(android);
  const { fetch, calls } = fakeAPI({ "GET /signature": () => unavailable({ "Retry-After": "2" }) });
  const error = rejection(connect({ endpoint, fetch, wx: wechatScript().wx, retryTimeout: 5000 }).ready());
  for (let i = 0; i < 10; i++) await advance(t, 1000);
  assert.deepEqual([(await error).code, (await error).status, calls.length], ["ticket_unavailable", 503, 3]);
});

table("a 503 without a usable Retry-After is an error at once", [
  { name: "no header", headers: {} },
  { name: "a date", headers: { "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT" } },
  { name: "a negative number", headers: { "Retry-After": "-1" } },
  { name: "longer than retryTimeout", headers: { "Retry-After": "99999" } },
], async ({ headers }) => {
  const { connect } = await openPage(android);
  const { fetch, calls } = fakeAPI({ "GET /signature": () => unavailable(headers) });
  assert.equal((await rejection(connect({ endpoint, fetch, wx: wechatScript().wx }).ready())).code, "ticket_unavailable");
  assert.equal(calls.length, 1);
});

const hangingBody = () => Object.assign(response("{}"), { json: never });
table("each step has its timeout", [
  { name: "the response, by default", step: "sign", respond: never, ms: 8000 },
  { name: "the response", step: "sign", respond: never, timeouts: { sign: 50 }, ms: 50 },
  { name: "the body of the response", step: "sign", respond: hangingBody, timeouts: { sign: 50 }, ms: 50 },
  { name: "wx.config, by default", step: "config", verdict: never, ms: 10000 },
  { name: "wx.config", step: "config", verdict: never, timeouts: { config: 70 }, ms: 70 },
], async ({ step, respond, verdict = "ok", timeouts = {}, ms }, t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { connect } = await openPage(android);
  const { fetch, calls } = fakeAPI(respond && { "GET /signature": respond });
  let error;
  connect({ endpoint, fetch, wx: wechatScript({ preVerifyJSAPI: verdict }).wx, timeouts }).ready().catch(e => (error = e));
  await advance(t, ms - 1);
  assert.equal(error, undefined);
  await advance(t, 1);
  assert.deepEqual([error.code, error.step], ["timeout", step]);
  assert.equal(calls[0].signal.aborted, respond === never, "fetch is stopped");
});

test("your own sign has the timeout of sign", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { connect } = await openPage(android);
  let error;
  connect({ wx: wechatScript().wx, sign: never }).ready().catch(e => (error = e));
  await advance(t, 7999);
  assert.equal(error, undefined);
  await advance(t, 1);
  assert.deepEqual([error.name, error.code, error.step], ["WechatFnError", "timeout", "sign"]);
});

test("a signal stops the wait for your own sign", async () => {
  const { connect } = await openPage(android);
  const stop = new AbortController();
  const error = rejection(connect({ wx: wechatScript().wx, sign: never, signal: stop.signal }).ready());
  await flush();
  stop.abort();
  assert.deepEqual([(await error).name, (await error).code, (await error).step], ["WechatFnError", "aborted", "sign"]);
});

test("what your own sign throws is the cause of a WechatFnError", async () => {
  const { connect } = await openPage(android);
  const boom = new Error("boom");
  const error = await rejection(connect({ wx: wechatScript().wx, sign: () => { throw boom; } }).ready());
  assert.deepEqual([error.name, error.code, error.step, error.cause], ["WechatFnError", "network-error", "sign", boom]);
});

test("a call has no timeout unless it gets one", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { connect } = await openPage(android);
  const wechat = connect({ endpoint, fetch: fakeAPI().fetch, wx: wechatScript({ scanQRCode: never }).wx, apis: ["scanQRCode"] });
  let unlimited, limited;
  wechat.call("scanQRCode").catch(error => (unlimited = error));
  wechat.call("scanQRCode", {}, { timeout: 100 }).catch(error => (limited = error));
  await advance(t, 99);
  assert.equal(limited, undefined);
  await advance(t, 1);
  assert.deepEqual([limited.code, limited.step], ["timeout", "call"]);
  await advance(t, 3600e3);
  assert.equal(unlimited, undefined);
});

test("a call's signal stops that call only, the connection's signal stops everything", async () => {
  const { connect } = await openPage(android);
  const { fetch, calls } = fakeAPI({ "GET /signature": never });
  const one = new AbortController(), all = new AbortController();
  const wechat = connect({ endpoint, fetch, wx: wechatScript().wx, apis: ["scanQRCode"], signal: all.signal });
  const stopped = [wechat.ready({ signal: one.signal }), wechat.call("scanQRCode", {}, { signal: one.signal })].map(rejection);
  const other = rejection(wechat.ready());
  await flush();
  one.abort();
  assert.deepEqual((await Promise.all(stopped)).map(error => error.code), ["aborted", "aborted"]);
  assert.equal(calls[0].signal.aborted, false, "another call waits for the request");
  all.abort();
  assert.equal((await other).code, "aborted");
  assert.equal(calls[0].signal.aborted, true);
  assert.equal((await rejection(wechat.ready())).code, "aborted");
  assert.equal(calls.length, 1);
});

test("a signal stops the wait for Retry-After", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { connect } = await openPage(android);
  const { fetch, calls } = fakeAPI({ "GET /signature": () => unavailable({ "Retry-After": "5" }) });
  const stop = new AbortController();
  const error = rejection(connect({ endpoint, fetch, wx: wechatScript().wx, signal: stop.signal }).ready());
  await advance(t, 1000);
  stop.abort();
  assert.equal((await error).code, "aborted");
  await advance(t, 10000);
  assert.equal(calls.length, 1);
});

test("finished calls leave no timer and no listener", async t => {
  const { connect } = await openPage(android);
  const set = t.mock.method(globalThis, "setTimeout"), cleared = t.mock.method(globalThis, "clearTimeout");
  const stop = new AbortController();
  const added = t.mock.method(stop.signal, "addEventListener"), removed = t.mock.method(stop.signal, "removeEventListener");
  const wechat = connect({ endpoint, fetch: fakeAPI().fetch, wx: wechatScript().wx, apis: ["closeWindow"], signal: stop.signal });
  await wechat.ready();
  await wechat.call("closeWindow", {}, { timeout: 1000 });
  const timers = set.mock.calls.map(call => call.result), gone = cleared.mock.calls.map(call => call.arguments[0]);
  assert.ok(timers.length >= 3);
  assert.deepEqual(timers.filter(timer => !gone.includes(timer)), []);
  assert.ok(added.mock.callCount() >= 3);
  assert.equal(removed.mock.callCount(), added.mock.callCount());
});
