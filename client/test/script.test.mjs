import assert from "node:assert/strict";
import { test } from "node:test";
import { android, api, failure, page, pass, settled, weChat } from "./fixture.mjs";

/** A document whose scripts end as `ends` says: "load" (with wx), "empty", "error" or "hang". */
async function documentOf(ends) {
  const module = await page(android);
  const { wx } = weChat(), seen = [], standing = new Set();
  document.createElement = () => ({ remove() { standing.delete(this.src); } });
  document.head = {
    append(script) {
      seen.push(script.src);
      standing.add(script.src);
      const end = ends[seen.length - 1];
      queueMicrotask(() => {
        if (end === "load") globalThis.wx = wx;
        if (end === "load" || end === "empty") script.onload();
        if (end === "error") script.onerror();
      });
    },
  };
  const { fetch, calls } = api();
  return { seen, standing, wx, calls, connect: options => module.connect({ endpoint: "https://api.example", fetch, ...options }) };
}

const [first, standby] = ["//res.wx.qq.com/open/js/jweixin-1.6.0.js", "//res2.wx.qq.com/open/js/jweixin-1.6.0.js"];

test("WeChat's script, and the standby host where that fails", async () => {
  for (const [ends, want] of [[["load"], [first]], [["error", "load"], [first, standby]], [["empty", "load"], [first, standby]]]) {
    const { seen, wx, connect } = await documentOf(ends);
    assert.equal(await connect().wx(), wx);
    assert.deepEqual(seen, want);
  }
});

test("the standby host where the first does not answer", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { seen, standing, connect } = await documentOf(["hang", "load"]);
  let done = false;
  connect().ready().then(() => (done = true));
  await pass(t, 7999);
  assert.deepEqual([seen.length, done], [1, false]);
  await pass(t, 1);
  await settled();
  assert.deepEqual([seen, done, [...standing]], [[first, standby], true, [standby]]);
});

test("neither host", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  for (const [ends, code] of [[["error", "error"], "script-load-failed"], [["empty", "empty"], "script-load-failed"], [["hang", "hang"], "timeout"]]) {
    const { calls, standing, connect } = await documentOf(ends);
    const error = failure(connect({ timeouts: { script: 10 } }).ready());
    await pass(t, 10);
    await pass(t, 10);
    assert.deepEqual([(await error).code, (await error).step, calls.length], [code, "script", 0]);
    if (ends[0] !== "empty") assert.equal(standing.size, 0, "what failed is taken away");
  }
});

test("a script of one's own, several, or none", async () => {
  for (const [script, ends, want] of [["/js/wx.js", ["load"], ["/js/wx.js"]], [["/a.js", "/b.js"], ["error", "load"], ["/a.js", "/b.js"]]]) {
    const { seen, connect } = await documentOf(ends);
    await connect({ script }).ready();
    assert.deepEqual(seen, want);
  }
  const { seen, connect } = await documentOf([]);
  assert.equal((await failure(connect({ script: [] }).ready())).code, "script-load-failed");
  assert.deepEqual(seen, []);
});

test("a script that is there already is not loaded again; another wx is none", async () => {
  const { seen, wx, connect } = await documentOf(["load"]);
  globalThis.wx = { login() {} };
  await connect().ready();
  assert.equal(seen.length, 1);
  globalThis.wx = wx;
  await connect().ready();
  assert.equal(seen.length, 1);
});

test("one script, however many ask; abort takes it away", async () => {
  const { seen, connect } = await documentOf(["load"]);
  const wechat = connect();
  await Promise.all([wechat.ready(), wechat.routeChanged(), wechat.resign()]);
  assert.equal(seen.length, 1);
  const gone = await documentOf(["hang", "load"]);
  const stop = new AbortController();
  const error = failure(gone.connect({ signal: stop.signal }).ready());
  await settled();
  stop.abort();
  assert.equal((await error).code, "aborted");
  assert.deepEqual([gone.seen.length, gone.standing.size], [1, 0]);
});
