// Requests with the session's token: when it is refreshed, and where it is sent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { advance, flush, never, rejection, response, table } from "./fixture.mjs";
import { memory, noContent, openLogin, problem, session, tokenKey } from "./login-fixture.mjs";

const withToken = (value, options = {}) => ({ storage: memory({ [tokenKey]: value }), ...options });

test("refresh at the same time sends one request, and stores the new token", async () => {
  let n = 1;
  const { user, calls, storage } = await openLogin("https://shop.example/", { "POST /oauth/session/refresh": () => response({ token: "K" + ++n, session }) }, withToken("K1"));
  await Promise.all([user.refresh(), user.refresh()]);
  assert.deepEqual(calls.map(call => call.headers.get("authorization")), ["Bearer K1"]);
  assert.equal(storage.items[tokenKey], "K2");
});

test("refresh of a session with a cookie stores nothing", async () => {
  const { user, storage } = await openLogin("https://shop.example/", { "POST /oauth/session/refresh": () => response(session) });
  await user.refresh();
  assert.deepEqual(storage.items, {});
});

test("refresh of a session that has ended is rejected and removes the token", async () => {
  const { user, storage } = await openLogin("https://shop.example/", { "POST /oauth/session/refresh": problem("session_revoked") }, withToken("K"));
  assert.equal((await rejection(user.refresh())).code, "session_revoked");
  assert.deepEqual(storage.items, {});
});

test("no request has the old token during and after a refresh", async () => {
  const requests = [], hold = () => new Promise(resolve => requests.push(resolve));
  const { user, calls } = await openLogin("https://shop.example/", {
    "GET /orders": hold, "POST /oauth/session/refresh": hold, "DELETE /oauth/session": noContent,
    "GET /oauth/userinfo": () => response({ openid: "o1", nickname: "小明", headimgurl: "" }),
  }, withToken("K1"));
  const sent = () => calls.map(call => call.method + call.url.pathname + call.headers.get("authorization").replace("Bearer", ""));
  const orders = user.fetch("/orders");
  await flush();
  const refresh = user.refresh();
  await flush();
  assert.deepEqual(sent(), ["GET/orders K1"], "the refresh waits for pending requests");
  const rest = [user.session(), user.profile(), user.fetch("/oauth/session"), user.logout()];
  requests[0](response({}));
  await orders;
  await flush();
  assert.deepEqual(sent().slice(1), ["POST/oauth/session/refresh K1"], "new requests wait for the refresh");
  requests[1](response({ token: "K2", session }));
  await Promise.all([refresh, ...rest]);
  assert.deepEqual(sent().slice(2).map(call => call.slice(-2)), Array(4).fill("K2"));
});

test("a refresh waits for a pending request as long as its timeout", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { user, calls } = await openLogin("https://shop.example/", { "GET /orders": never, "POST /oauth/session/refresh": () => response({ token: "K2", session }) }, withToken("K1"));
  void user.fetch("/orders");
  const refresh = user.refresh();
  await advance(t, 7999);
  assert.equal(calls.length, 1);
  await advance(t, 1);
  await refresh;
});

test("fetches that get a 401 share one refresh, and are sent again", async () => {
  const { user, calls, storage } = await openLogin("https://shop.example/", {
    "GET /orders": call => (call.headers.get("authorization") === "Bearer K2" ? response({ fine: true }) : response({ message: "Unauthorized" }, 401)),
    "POST /oauth/session/refresh": () => response({ token: "K2", session }),
  }, withToken("K1"));
  const responses = await Promise.all([user.fetch("/orders?a=1"), user.fetch("/orders", { headers: { "X-Mine": "1" } })]);
  assert.deepEqual(responses.map(r => r.status), [200, 200]);
  assert.equal(calls.filter(call => call.method === "POST").length, 1);
  assert.equal(calls.at(-1).headers.get("x-mine"), "1");
  assert.equal(storage.items[tokenKey], "K2");
});

test("a fetch whose 401 comes after a refresh is sent again without another one", async () => {
  let finish;
  const slow = { status: 401, clone: () => ({ json: () => new Promise(resolve => (finish = resolve)) }) };
  const { user, calls } = await openLogin("https://shop.example/", {
    "GET /slow": call => (call.headers.get("authorization") === "Bearer K2" ? response({}) : slow),
    "GET /orders": call => (call.headers.get("authorization") === "Bearer K2" ? response({}) : response({}, 401)),
    "POST /oauth/session/refresh": () => response({ token: "K2", session }),
  }, withToken("K1"));
  const responses = [user.fetch("/slow"), user.fetch("/orders")];
  await responses[1];
  finish({});
  assert.equal((await responses[0]).status, 200);
  assert.equal(calls.filter(call => call.method === "POST").length, 1);
});

table("a fetch returns the 401 when a refresh does not help", [
  { name: "the API says that the session has ended", orders: problem("session_missing"), refresh: problem("session_missing"), refreshes: 0 },
  { name: "the refresh fails", orders: () => response("Unauthorized", 401), refresh: problem("session_revoked"), refreshes: 1 },
  { name: "the second response is a 401 too", orders: () => response({}, 401), refresh: () => response({ token: "K2", session }), refreshes: 1 },
], async ({ orders, refresh, refreshes }) => {
  const { user, calls } = await openLogin("https://shop.example/", { "GET /orders": orders, "POST /oauth/session/refresh": refresh }, withToken("K1"));
  assert.equal((await user.fetch("/orders")).status, 401);
  assert.equal(calls.filter(call => call.method === "POST").length, refreshes);
  assert.ok(calls.length <= 3);
});

table("a fetch to any other origin is rejected before anything is sent", [
  { name: "a stranger", url: "https://evil.example/x" },
  { name: "a stranger, with backslashes", url: "\\\\evil.example/x" },
  { name: "a host that begins like the API's", url: "https://api.example.evil.example/" },
  { name: "another port", url: "https://api.example:444/" },
  { name: "plain http", url: "http://api.example/" },
  { name: "a relative address, which is the page's", url: "relative" },
], async ({ url }) => {
  const { user, calls } = await openLogin("https://shop.example/", {}, withToken("CANARY", { trustedOrigins: ["https://orders.example"] }));
  const error = await rejection(user.fetch(url));
  assert.equal(error.code, "origin-not-trusted");
  assert.doesNotMatch(JSON.stringify(error) + error.stack, /CANARY/);
  assert.equal(calls.length, 0);
});

table("a fetch to the API or to a trusted origin has the token", [
  { name: "a trusted origin", url: "https://orders.example/1", sent: "https://orders.example/1" },
  { name: "the API's origin", url: "https://api.example/2", sent: "https://api.example/2" },
  { name: "a path of the API", url: "/3", sent: "https://api.example/3" },
  { name: "a path of the API that begins with two slashes", url: "//evil.example/4", sent: "https://api.example//evil.example/4" },
], async ({ url, sent }) => {
  const { user, calls } = await openLogin("https://shop.example/", {}, withToken("CANARY", { trustedOrigins: ["https://orders.example"] }));
  await user.fetch(url);
  assert.deepEqual(calls.map(call => [call.url.href, call.headers.get("authorization")]), [[sent, "Bearer CANARY"]]);
});
