import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { android, answer, api, failure, go, never, page, pass, settled } from "./fixture.mjs";

const endpoint = "https://api.example";
const who = { app: "default", appId: "wx1", openid: "o1", expiresAt: 1795844400 };
const no = (code, status = 401) => () => answer({ code, status, title: code }, status);

function memory(kept = {}) {
  return { kept, getItem: key => kept[key] ?? null, setItem: (key, value) => (kept[key] = String(value)), removeItem: key => delete kept[key] };
}
const tokenKey = "wechatfn:token:https://api.example", verifierKey = "wechatfn:verifier:https://api.example";

async function at(address, routes = {}, options = {}) {
  const { login } = await page(android, address);
  const { fetch, calls } = api({ "GET /oauth/session": () => answer(who), ...routes });
  const storage = options.storage ?? memory();
  return { calls, storage, user: login({ endpoint, fetch, storage, ...options }) };
}

test("a link for a page of the API's own origin", async () => {
  const { user, storage } = await at("https://api.example/account?x=1#y");
  const link = new URL(await user.link({ scope: "snsapi_userinfo", lang: "en" }));
  assert.equal(link.origin + link.pathname, "https://api.example/oauth/authorize");
  assert.deepEqual(Object.fromEntries(link.searchParams), { return_to: "https://api.example/account?x=1#y", scope: "snsapi_userinfo", lang: "en" });
  assert.deepEqual(storage.kept, {});
  const path = new URL(await user.link({ returnTo: "/cart" }));
  assert.equal(path.searchParams.get("return_to"), "https://api.example/cart");
});

test("a link for another origin proves who spends its ticket", async () => {
  const { user, storage } = await at("https://shop.example/", {}, { app: "desktop" });
  const [a, b] = [new URL(await user.link()), new URL(await user.link())];
  const verifier = storage.kept[verifierKey];
  assert.match(verifier, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(a.searchParams.get("challenge"), createHash("sha256").update(verifier).digest("base64url"));
  assert.equal(a.href, b.href, "links of one page go together");
  assert.equal(a.searchParams.get("app"), "desktop");
  const other = await at("https://shop.example/");
  await other.user.link();
  assert.notEqual(other.storage.kept[verifierKey], verifier);
});

test("start goes there", async () => {
  const { user } = await at("https://api.example/");
  await user.start({ scope: "snsapi_base" });
  assert.equal(location.assigned, "https://api.example/oauth/authorize?return_to=https%3A%2F%2Fapi.example%2F&scope=snsapi_base");
});

test("without crypto.subtle (plain http) another site's login is refused, one's own is not", async t => {
  const subtle = Object.getOwnPropertyDescriptor(globalThis, "crypto");
  t.after(() => Object.defineProperty(globalThis, "crypto", subtle));
  Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
  assert.equal((await failure((await at("http://shop.example/")).user.link())).code, "insecure-context");
  assert.match(await (await at("https://api.example/")).user.link(), /authorize/);
});

test("a ticket leaves the address first, byte for byte, and is spent once", async () => {
  for (const [address, left] of [
    ["https://shop.example/?wechatfn_code=T", "https://shop.example/"],
    ["https://shop.example/?a=%20+&wechatfn_code=T#f?wechatfn_code=no", "https://shop.example/?a=%20+#f?wechatfn_code=no"],
    ["https://shop.example/?wechatfn_code=T&b=1%2F", "https://shop.example/?b=1%2F"],
    ["https://shop.example/?a=1&wechatfn_code=T&b=2", "https://shop.example/?a=1&b=2"],
  ]) {
    const storage = memory({ [verifierKey]: "V" });
    const { user, calls } = await at(address, { "POST /oauth/token": () => (assert.equal(location.href, left), answer({ token: "K", session: who })) }, { storage });
    const [session] = await Promise.all([user.session(), user.session()]);
    assert.equal(session.openid, "o1");
    const [spent, ...rest] = calls;
    assert.deepEqual([spent.url.href, spent.body, spent.headers.get("content-type")], ["https://api.example/oauth/token", { code: "T", verifier: "V" }, "application/json"]);
    assert.deepEqual(rest.map(call => [call.method, call.headers.get("authorization"), call.credentials]), Array(2).fill(["GET", "Bearer K", "include"]));
    assert.deepEqual(storage.kept, { [tokenKey]: "K" });
    await user.session();
    assert.equal(calls.filter(call => call.method === "POST").length, 1);
  }
});

test("WeChat comes back twice: a spent ticket is no failure where there is a token", async () => {
  const routes = { "POST /oauth/token": no("wechatfn_code_invalid", 400) };
  const again = await at("https://shop.example/?wechatfn_code=T", routes, { storage: memory({ [tokenKey]: "K" }) });
  assert.equal((await again.user.session()).openid, "o1");
  const stale = await at("https://shop.example/?wechatfn_code=T", routes);
  assert.equal((await failure(stale.user.session())).code, "wechatfn_code_invalid");
  assert.equal(location.href, "https://shop.example/");
  assert.equal((await stale.user.session()).openid, "o1", "the next call goes without");
});

test("session: with a cookie, nobody, and an API in trouble", async t => {
  const cookie = await at("https://shop.example/");
  await cookie.user.session();
  assert.deepEqual([cookie.calls[0].credentials, cookie.calls[0].headers.has("authorization")], ["include", false]);
  const nobody = await at("https://shop.example/", { "GET /oauth/session": no("session_revoked") }, { storage: memory({ [tokenKey]: "K" }) });
  assert.equal(await nobody.user.session(), null);
  assert.deepEqual(nobody.storage.kept, {}, "a dead token is forgotten");
  const broken = await at("https://shop.example/", { "GET /oauth/session": no("internal", 500) }, { storage: memory({ [tokenKey]: "K" }) });
  assert.equal((await failure(broken.user.session())).code, "internal");
  assert.deepEqual(broken.storage.kept, { [tokenKey]: "K" });
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let busy = true;
  const later = await at("https://shop.example/", { "GET /oauth/session": () => (busy ? answer({ code: "timeout" }, 503, { "Retry-After": "1" }) : answer(who)) });
  let session;
  later.user.session().then(s => (session = s));
  await pass(t, 999);
  busy = false;
  await pass(t, 1);
  assert.equal(session.openid, "o1");
  const hanging = await at("https://shop.example/", { "GET /oauth/session": never });
  const error = failure(hanging.user.session());
  await pass(t, 8000);
  assert.deepEqual([(await error).code, (await error).step], ["timeout", "login"]);
});

test("profile", async () => {
  const { user, calls } = await at("https://shop.example/", { "GET /oauth/userinfo": () => answer({ openid: "o1", nickname: "小明", headimgurl: "" }) });
  assert.equal((await user.profile("en")).nickname, "小明");
  assert.equal(calls[0].url.search, "?lang=en");
  const denied = await at("https://shop.example/", { "GET /oauth/userinfo": no("profile_not_granted", 403) });
  assert.equal((await failure(denied.user.profile())).code, "profile_not_granted");
});

test("refresh: one at a time, since the old token ends the session", async () => {
  const storage = memory({ [tokenKey]: "K1" });
  let n = 1;
  const { user, calls } = await at("https://shop.example/", { "POST /oauth/session/refresh": () => answer({ token: "K" + ++n, session: who }) }, { storage });
  await Promise.all([user.refresh(), user.refresh()]);
  assert.deepEqual(calls.map(call => call.headers.get("authorization")), ["Bearer K1"]);
  assert.equal(storage.kept[tokenKey], "K2");
  const cookie = await at("https://shop.example/", { "POST /oauth/session/refresh": () => answer(who) });
  await cookie.user.refresh();
  assert.deepEqual(cookie.storage.kept, {});
  const dead = await at("https://shop.example/", { "POST /oauth/session/refresh": no("session_revoked") }, { storage: memory({ [tokenKey]: "K" }) });
  assert.equal((await failure(dead.user.refresh())).code, "session_revoked");
  assert.deepEqual(dead.storage.kept, {});
});

test("the old token is never on its way when it is replaced, nor after", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const held = [], hold = () => new Promise(resolve => held.push(resolve));
  let n = 1;
  const { user, calls } = await at("https://shop.example/", {
    "GET /orders": hold, "POST /oauth/session/refresh": hold, "DELETE /oauth/session": () => new Response(null, { status: 204 }),
    "GET /oauth/userinfo": () => answer({ openid: "o1", nickname: "小明", headimgurl: "" }),
  }, { storage: memory({ [tokenKey]: "K1" }) });
  const sent = () => calls.map(call => call.method + call.url.pathname + call.headers.get("authorization").replace("Bearer", ""));
  const renewed = () => answer({ token: "K" + ++n, session: who });
  const orders = user.fetch("/orders");
  await settled();
  const refresh = user.refresh();
  await settled();
  assert.deepEqual(sent(), ["GET/orders K1"], "it waits for what is under way");
  const rest = [user.session(), user.profile(), user.fetch("/oauth/session"), user.logout()];
  held[0](answer({}));
  await orders;
  await settled();
  assert.deepEqual(sent().slice(1), ["POST/oauth/session/refresh K1"], "what comes meanwhile waits for it");
  held[1](renewed());
  await Promise.all([refresh, ...rest]);
  assert.deepEqual(sent().slice(2).map(call => call.slice(-2)), Array(4).fill("K2"));
  const hanging = await at("https://shop.example/", { "GET /orders": never, "POST /oauth/session/refresh": renewed }, { storage: memory({ [tokenKey]: "K1" }) });
  void hanging.user.fetch("/orders");
  const soon = hanging.user.refresh();
  await pass(t, 7999);
  assert.equal(hanging.calls.length, 1);
  await pass(t, 1); // it is there by now
  await soon;
});

test("logout, here or everywhere; of a dead session too", async () => {
  for (const [all, search, reply] of [[undefined, "", () => new Response(null, { status: 204 })], [true, "?all=true", () => new Response(null, { status: 204 })], [false, "", no("session_missing")]]) {
    const { user, calls, storage } = await at("https://shop.example/", { "DELETE /oauth/session": reply }, { storage: memory({ [tokenKey]: "K" }) });
    await user.logout(all);
    assert.deepEqual([calls[0].url.search, calls[0].headers.get("authorization"), storage.kept], [search, "Bearer K", {}]);
  }
  const kept = await at("https://shop.example/", { "DELETE /oauth/session": no("origin_not_allowed", 403) }, { storage: memory({ [tokenKey]: "K" }) });
  assert.equal((await failure(kept.user.logout())).code, "origin_not_allowed");
  assert.deepEqual(kept.storage.kept, { [tokenKey]: "K" });
});

test("fetch at a 401: the session is refreshed once, for all, and the requests are sent again", async () => {
  let fresh = "K1";
  const { user, calls } = await at("https://shop.example/", {
    "GET /orders": call => (call.headers.get("authorization") === "Bearer K2" ? answer({ fine: true }) : answer({ message: "Unauthorized" }, 401)),
    "POST /oauth/session/refresh": () => answer({ token: (fresh = "K2"), session: who }),
  }, { storage: memory({ [tokenKey]: "K1" }) });
  const answers = await Promise.all([user.fetch("/orders?a=1"), user.fetch("/orders", { headers: { "X-Mine": "1" } })]);
  assert.deepEqual(answers.map(a => a.status), [200, 200]);
  assert.equal(calls.filter(call => call.method === "POST").length, 1);
  assert.equal(calls.at(-1).headers.get("x-mine"), "1");
  assert.equal(fresh, "K2");
});

test("fetch at a 401 that is late to tell its reason: sent again with the token that there is by now", async () => {
  let late;
  const slow = { status: 401, clone: () => ({ json: () => new Promise(resolve => (late = resolve)) }) };
  const { user, calls } = await at("https://shop.example/", {
    "GET /slow": call => (call.headers.get("authorization") === "Bearer K2" ? answer({}) : slow),
    "GET /orders": call => (call.headers.get("authorization") === "Bearer K2" ? answer({}) : answer({}, 401)),
    "POST /oauth/session/refresh": () => answer({ token: "K2", session: who }),
  }, { storage: memory({ [tokenKey]: "K1" }) });
  const answers = [user.fetch("/slow"), user.fetch("/orders")];
  await answers[1];
  late({});
  assert.equal((await answers[0]).status, 200);
  assert.equal(calls.filter(call => call.method === "POST").length, 1);
});

test("fetch at a 401 that stays: the answer is the caller's", async () => {
  for (const [orders, refresh, posts] of [
    [no("session_missing"), no("session_missing"), 0], // the API says it itself
    [() => answer("Unauthorized", 401), no("session_revoked"), 1],
    [() => answer({}, 401), () => answer({ token: "K2", session: who }), 1], // again a 401: not in a circle
  ]) {
    const { user, calls } = await at("https://shop.example/", { "GET /orders": orders, "POST /oauth/session/refresh": refresh }, { storage: memory({ [tokenKey]: "K1" }) });
    assert.equal((await user.fetch("/orders")).status, 401);
    assert.equal(calls.filter(call => call.method === "POST").length, posts);
    assert.ok(calls.length <= 3);
  }
});

test("the token goes to the API and to trusted origins alone", async () => {
  const { user, calls } = await at("https://shop.example/", {}, { storage: memory({ [tokenKey]: "CANARY" }), trustedOrigins: ["https://orders.example"] });
  for (const url of ["https://evil.example/x", "\\\\evil.example/x", "https://api.example.evil.example/", "https://api.example:444/", "http://api.example/", "relative"]) {
    const error = await failure(user.fetch(url));
    assert.equal(error.code, "origin-not-trusted", url);
    assert.doesNotMatch(JSON.stringify(error) + error.stack, /CANARY/);
  }
  assert.equal(calls.length, 0);
  await user.fetch("https://orders.example/1");
  await user.fetch("https://api.example/2");
  await user.fetch("/3");
  await user.fetch("//evil.example/4"); // a path of the API, too
  assert.deepEqual(calls.map(call => [call.url.href, call.headers.get("authorization")]),
    [["https://orders.example/1", "Bearer CANARY"], ["https://api.example/2", "Bearer CANARY"], ["https://api.example/3", "Bearer CANARY"], ["https://api.example//evil.example/4", "Bearer CANARY"]]);
});

test("endpoint '' is the page's origin; a path stays", async () => {
  const here = await at("https://shop.example/a/b", {}, { endpoint: "" });
  await here.user.session();
  assert.equal(here.calls[0].url.href, "https://shop.example/oauth/session");
  const staged = await at("https://shop.example/", {}, { endpoint: "https://api.example/prod/" });
  await staged.user.session().catch(() => {});
  assert.equal(staged.calls[0].url.href, "https://api.example/prod/oauth/session");
  await staged.user.fetch("/orders").catch(() => {});
  assert.equal(staged.calls[1].url.href, "https://api.example/prod/orders");
});

test("without storage it is kept in memory", async t => {
  const before = Object.getOwnPropertyDescriptor(globalThis, "sessionStorage");
  t.after(() => (before ? Object.defineProperty(globalThis, "sessionStorage", before) : delete globalThis.sessionStorage));
  Object.defineProperty(globalThis, "sessionStorage", { configurable: true, get() { throw new Error("SecurityError"); } });
  const { login } = await page(android, "https://shop.example/?wechatfn_code=T");
  const { fetch, calls } = api({ "POST /oauth/token": () => answer({ token: "K" }), "GET /oauth/session": () => answer(who) });
  const user = login({ endpoint, fetch });
  await user.session();
  assert.equal(calls.at(-1).headers.get("authorization"), "Bearer K");
  const kept = memory();
  Object.defineProperty(globalThis, "sessionStorage", { configurable: true, value: kept });
  await login({ endpoint, fetch }).link();
  assert.deepEqual(Object.keys(kept.kept), [verifierKey]);
  go("/");
});
