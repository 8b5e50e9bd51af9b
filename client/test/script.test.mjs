import assert from "node:assert/strict";
import { test } from "node:test";
import { advance, android, fakeAPI, flush, openPage, rejection, table, wechatScript } from "./fixture.mjs";

/** A page whose script elements end as `ends` says: "load" (which defines wx), "empty", "error" or "hang". */
async function openPageWithScripts(ends) {
  const module = await openPage(android);
  const { wx } = wechatScript(), inserted = [], present = new Set();
  document.createElement = () => ({ remove() { present.delete(this.src); } });
  document.head = {
    append(script) {
      inserted.push(script.src);
      present.add(script.src);
      const end = ends[inserted.length - 1];
      queueMicrotask(() => {
        if (end === "load") globalThis.wx = wx;
        if (end === "load" || end === "empty") script.onload();
        if (end === "error") script.onerror();
      });
    },
  };
  const { fetch, calls } = fakeAPI();
  return { inserted, present, wx, calls, connect: options => module.connect({ endpoint: "https://api.example", fetch, ...options }) };
}

const [first, standby] = ["//res.wx.qq.com/open/js/jweixin-1.6.0.js", "//res2.wx.qq.com/open/js/jweixin-1.6.0.js"];

table("WeChat's script comes from its first host, else from the standby host", [
  { name: "the first host", ends: ["load"], want: [first] },
  { name: "the first host fails", ends: ["error", "load"], want: [first, standby] },
  { name: "the first script defines no wx", ends: ["empty", "load"], want: [first, standby] },
], async ({ ends, want }) => {
  const { inserted, wx, connect } = await openPageWithScripts(ends);
  assert.equal(await connect().wx(), wx);
  assert.deepEqual(inserted, want);
});

test("the standby host is used after the timeout of the first one", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { inserted, present, connect } = await openPageWithScripts(["hang", "load"]);
  let done = false;
  connect().ready().then(() => (done = true));
  await advance(t, 7999);
  assert.deepEqual([inserted.length, done], [1, false]);
  await advance(t, 1);
  assert.deepEqual([inserted, done, [...present]], [[first, standby], true, [standby]]);
});

table("ready is rejected when both hosts fail, before anything is signed", [
  { name: "errors", ends: ["error", "error"], code: "script-load-failed", left: 0 },
  { name: "scripts that define no wx", ends: ["empty", "empty"], code: "script-load-failed", left: 2 },
  { name: "timeouts", ends: ["hang", "hang"], code: "timeout", left: 0 },
], async ({ ends, code, left }, t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { calls, present, connect } = await openPageWithScripts(ends);
  const error = rejection(connect({ timeouts: { script: 10 } }).ready());
  await advance(t, 10);
  await advance(t, 10);
  assert.deepEqual([(await error).code, (await error).step, calls.length], [code, "script", 0]);
  assert.equal(present.size, left, "script elements that do not load are removed");
});

table("the option script replaces WeChat's addresses", [
  { name: "one address", script: "/js/wx.js", ends: ["load"], want: ["/js/wx.js"] },
  { name: "several addresses", script: ["/a.js", "/b.js"], ends: ["error", "load"], want: ["/a.js", "/b.js"] },
], async ({ script, ends, want }) => {
  const { inserted, connect } = await openPageWithScripts(ends);
  await connect({ script }).ready();
  assert.deepEqual(inserted, want);
});

test("with script: [] no script is loaded", async () => {
  const { inserted, connect } = await openPageWithScripts([]);
  assert.equal((await rejection(connect({ script: [] }).ready())).code, "script-load-failed");
  assert.deepEqual(inserted, []);
});

test("a script that the page has loaded is not loaded again", async () => {
  const { inserted, wx, connect } = await openPageWithScripts([]);
  globalThis.wx = wx;
  await connect().ready();
  assert.equal(inserted.length, 0);
});

test("a window.wx that is not WeChat's does not count as loaded", async () => {
  const { inserted, connect } = await openPageWithScripts(["load"]);
  globalThis.wx = { login() {} };
  await connect().ready();
  assert.equal(inserted.length, 1);
});

test("calls at the same time load one script", async () => {
  const { inserted, connect } = await openPageWithScripts(["load"]);
  const wechat = connect();
  await Promise.all([wechat.ready(), wechat.routeChanged(), wechat.resign()]);
  assert.equal(inserted.length, 1);
});

test("a signal removes the script element, and stops the attempts", async () => {
  const { inserted, present, connect } = await openPageWithScripts(["hang", "load"]);
  const stop = new AbortController();
  const error = rejection(connect({ signal: stop.signal }).ready());
  await flush();
  stop.abort();
  assert.equal((await error).code, "aborted");
  assert.deepEqual([inserted.length, present.size], [1, 0]);
});
