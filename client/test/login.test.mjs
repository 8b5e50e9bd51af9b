// The way to WeChat and back, and the session of the page.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { advance, android, fakeAPI, never, openPage, rejection, response, table } from "./fixture.mjs";
import { endpoint, memory, noContent, openLogin, problem, session, tokenKey, verifierKey } from "./login-fixture.mjs";

test("a link on a page of the API's origin has no challenge", async () => {
  const { user, storage } = await openLogin("https://api.example/account?x=1#y");
  const link = new URL(await user.link({ scope: "snsapi_userinfo", lang: "en" }));
  assert.equal(link.origin + link.pathname, "https://api.example/oauth/authorize");
  assert.deepEqual(Object.fromEntries(link.searchParams), { return_to: "https://api.example/account?x=1#y", scope: "snsapi_userinfo", lang: "en" });
  assert.deepEqual(storage.items, {});
  const path = new URL(await user.link({ returnTo: "/cart" }));
  assert.equal(path.searchParams.get("return_to"), "https://api.example/cart");
});

test("a link on a page of another origin has the challenge of a stored verifier", async () => {
  const { user, storage } = await openLogin("https://shop.example/", {}, { app: "desktop" });
  const [a, b] = [new URL(await user.link()), new URL(await user.link())];
  const verifier = storage.items[verifierKey];
  assert.match(verifier, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(a.searchParams.get("challenge"), createHash("sha256").update(verifier).digest("base64url"));
  assert.equal(a.href, b.href, "all links of a page have the same challenge");
  assert.equal(a.searchParams.get("app"), "desktop");
  const other = await openLogin("https://shop.example/");
  await other.user.link();
  assert.notEqual(other.storage.items[verifierKey], verifier);
});

test("start goes to the link", async () => {
  const { user } = await openLogin("https://api.example/");
  await user.start({ scope: "snsapi_base" });
  assert.equal(location.assigned, "https://api.example/oauth/authorize?return_to=https%3A%2F%2Fapi.example%2F&scope=snsapi_base");
});

test("without crypto.subtle (plain http) a login for another origin is rejected, one for the API's origin is not", async t => {
  const subtle = Object.getOwnPropertyDescriptor(globalThis, "crypto");
  t.after(() => Object.defineProperty(globalThis, "crypto", subtle));
  Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
  assert.equal((await rejection((await openLogin("http://shop.example/")).user.link())).code, "insecure-context");
  assert.match(await (await openLogin("https://api.example/")).user.link(), /authorize/);
});

table("session removes the login code from the address, then redeems it once", [
  { name: "the only parameter", address: "https://shop.example/?wechatfn_code=C", left: "https://shop.example/" },
  { name: "the last one, and a fragment", address: "https://shop.example/?a=%20+&wechatfn_code=C#f?wechatfn_code=no", left: "https://shop.example/?a=%20+#f?wechatfn_code=no" },
  { name: "the first one", address: "https://shop.example/?wechatfn_code=C&b=1%2F", left: "https://shop.example/?b=1%2F" },
  { name: "one in the middle", address: "https://shop.example/?a=1&wechatfn_code=C&b=2", left: "https://shop.example/?a=1&b=2" },
], async ({ address, left }) => {
  const storage = memory({ [verifierKey]: "V" });
  const { user, calls } = await openLogin(address, { "POST /oauth/token": () => (assert.equal(location.href, left), response({ token: "K", session })) }, { storage });
  const [found] = await Promise.all([user.session(), user.session()]);
  assert.equal(found.openid, "o1");
  const [redeemed, ...rest] = calls;
  assert.deepEqual([redeemed.url.href, redeemed.body, redeemed.headers.get("content-type")], ["https://api.example/oauth/token", { code: "C", verifier: "V" }, "application/json"]);
  assert.deepEqual(rest.map(call => [call.method, call.headers.get("authorization"), call.credentials]), Array(2).fill(["GET", "Bearer K", "include"]));
  assert.deepEqual(storage.items, { [tokenKey]: "K" });
  await user.session();
  assert.equal(calls.filter(call => call.method === "POST").length, 1);
});

const usedCode = { "POST /oauth/token": problem("wechatfn_code_invalid", 400) };

test("a used login code is no error where there is a token: WeChat has returned twice", async () => {
  const { user } = await openLogin("https://shop.example/?wechatfn_code=C", usedCode, { storage: memory({ [tokenKey]: "K" }) });
  assert.equal((await user.session()).openid, "o1");
});

test("a used login code without a token is an error once", async () => {
  const { user } = await openLogin("https://shop.example/?wechatfn_code=C", usedCode);
  assert.equal((await rejection(user.session())).code, "wechatfn_code_invalid");
  assert.equal(location.href, "https://shop.example/");
  assert.equal((await user.session()).openid, "o1", "the next call has no code to redeem");
});

test("session sends the cookie where there is no token", async () => {
  const { user, calls } = await openLogin("https://shop.example/");
  await user.session();
  assert.deepEqual([calls[0].credentials, calls[0].headers.has("authorization")], ["include", false]);
});

test("session is null and removes the token when the session has ended", async () => {
  const { user, storage } = await openLogin("https://shop.example/", { "GET /oauth/session": problem("session_revoked") }, { storage: memory({ [tokenKey]: "K" }) });
  assert.equal(await user.session(), null);
  assert.deepEqual(storage.items, {});
});

test("session is rejected and leaves the token in storage when the API fails", async () => {
  const { user, storage } = await openLogin("https://shop.example/", { "GET /oauth/session": problem("internal", 500) }, { storage: memory({ [tokenKey]: "K" }) });
  assert.equal((await rejection(user.session())).code, "internal");
  assert.deepEqual(storage.items, { [tokenKey]: "K" });
});

test("session waits for Retry-After", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let busy = true;
  const { user } = await openLogin("https://shop.example/", { "GET /oauth/session": () => (busy ? response({ code: "timeout" }, 503, { "Retry-After": "1" }) : response(session)) });
  let found;
  user.session().then(s => (found = s));
  await advance(t, 999);
  busy = false;
  assert.equal(found, undefined);
  await advance(t, 1);
  assert.equal(found.openid, "o1");
});

test("session times out", async t => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { user } = await openLogin("https://shop.example/", { "GET /oauth/session": never });
  const error = rejection(user.session());
  await advance(t, 8000);
  assert.deepEqual([(await error).code, (await error).step], ["timeout", "login"]);
});

test("profile returns the user's profile in the given language", async () => {
  const { user, calls } = await openLogin("https://shop.example/", { "GET /oauth/userinfo": () => response({ openid: "o1", nickname: "小明", headimgurl: "" }) });
  assert.equal((await user.profile("en")).nickname, "小明");
  assert.equal(calls[0].url.search, "?lang=en");
});

test("profile is rejected where the user has not granted it", async () => {
  const { user } = await openLogin("https://shop.example/", { "GET /oauth/userinfo": problem("profile_not_granted", 403) });
  assert.equal((await rejection(user.profile())).code, "profile_not_granted");
});

table("logout ends the session and removes the token", [
  { name: "this session", all: undefined, search: "", respond: noContent },
  { name: "all sessions of the user", all: true, search: "?all=true", respond: noContent },
  { name: "a session that has ended already", all: false, search: "", respond: problem("session_missing") },
], async ({ all, search, respond }) => {
  const { user, calls, storage } = await openLogin("https://shop.example/", { "DELETE /oauth/session": respond }, { storage: memory({ [tokenKey]: "K" }) });
  await user.logout(all);
  assert.deepEqual([calls[0].url.search, calls[0].headers.get("authorization"), storage.items], [search, "Bearer K", {}]);
});

test("a logout that the API refuses leaves the token in storage", async () => {
  const { user, storage } = await openLogin("https://shop.example/", { "DELETE /oauth/session": problem("origin_not_allowed", 403) }, { storage: memory({ [tokenKey]: "K" }) });
  assert.equal((await rejection(user.logout())).code, "origin_not_allowed");
  assert.deepEqual(storage.items, { [tokenKey]: "K" });
});

table("the endpoint can be the page's origin, or have a path", [
  { name: "'' is the page's origin", endpoint: "", urls: ["https://shop.example/oauth/session", "https://shop.example/orders"] },
  { name: "a path is part of every address", endpoint: "https://api.example/prod/", urls: ["https://api.example/prod/oauth/session", "https://api.example/prod/orders"] },
], async ({ endpoint, urls }) => {
  const { user, calls } = await openLogin("https://shop.example/a/b", {}, { endpoint });
  await user.session().catch(() => {});
  await user.fetch("/orders").catch(() => {});
  assert.deepEqual(calls.map(call => call.url.href), urls);
});

/** Replaces sessionStorage for one test. */
function withSessionStorage(t, descriptor) {
  const before = Object.getOwnPropertyDescriptor(globalThis, "sessionStorage");
  t.after(() => (before ? Object.defineProperty(globalThis, "sessionStorage", before) : delete globalThis.sessionStorage));
  Object.defineProperty(globalThis, "sessionStorage", { configurable: true, ...descriptor });
}

test("where the browser does not allow sessionStorage, the token is in memory", async t => {
  withSessionStorage(t, { get() { throw new Error("SecurityError"); } });
  const { login } = await openPage(android, "https://shop.example/?wechatfn_code=C");
  const { fetch, calls } = fakeAPI({ "POST /oauth/token": () => response({ token: "K" }), "GET /oauth/session": () => response(session) });
  await login({ endpoint, fetch }).session();
  assert.equal(calls.at(-1).headers.get("authorization"), "Bearer K");
});

test("sessionStorage is the default storage", async t => {
  const storage = memory();
  withSessionStorage(t, { value: storage });
  const { login } = await openPage(android, "https://shop.example/");
  await login({ endpoint, fetch: fakeAPI().fetch }).link();
  assert.deepEqual(Object.keys(storage.items), [verifierKey]);
});
