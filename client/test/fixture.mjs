// A page in WeChat's browser: WeChat's own script (from npm) with a bridge that the test controls, an API, and a location.
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import vm from "node:vm";

export const android = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126 Mobile Safari/537.36 MicroMessenger/8.0.50.2701 Language/zh_CN";
export const iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.50 Language/zh_CN";
export const desktop = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126 Safari/537.36";

const source = readFileSync(fileURLToPath(import.meta.resolve("weixin-js-sdk")), "utf8");

const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

/** A table of tests: one for each case, under the case's name. */
export function table(title, cases, run) {
  describe(title, () => {
    for (const { name, ...values } of cases) test(name, t => run(values, t));
  });
}

/** Opens a page at an address. It loads the module again, since the module remembers the landing address. */
let pages = 0;
export async function openPage(agent, address = "https://shop.example/a?b=1#top", language = "en-US") {
  define("navigator", { userAgent: agent, platform: "MacIntel", language });
  define("location", new URL(address));
  location.assign = to => (location.assigned = to);
  define("history", { state: { saved: 1 }, replaceState: (_state, _title, to) => define("location", new URL(to, location.href)) });
  define("document", Object.assign(new EventTarget(), { title: "A page" }));
  delete globalThis.wx;
  return import(`../dist/index.js?page=${++pages}`);
}

/** Changes the page's route. */
export const navigate = address => define("location", new URL(address, location.href));

/**
 * WeChat's script inside WeChat. `results` has the results of each call of the bridge, by the call's name: they are used in turn, the last
 * one again and again. A result is a text, an object, or a function of (args, reply).
 */
export function wechatScript(results = {}, agent = navigator.userAgent) {
  const calls = [], listeners = {};
  const left = Object.fromEntries(Object.entries({ preVerifyJSAPI: "ok", ...results }).map(([name, of]) => [name, [of].flat()]));
  const WeixinJSBridge = {
    invoke(name, args, reply) {
      calls.push([name, JSON.parse(JSON.stringify(args))]);
      const of = left[name] ?? ["ok"];
      const result = of.length > 1 ? of.shift() : of[0];
      if (typeof result === "function") return result(args, reply);
      queueMicrotask(() => reply(typeof result === "string" ? { err_msg: name + ":" + result } : { ...result }));
    },
    on: (name, reply) => (listeners[name] = reply),
  };
  const document = { title: "A page", addEventListener() {} };
  const window = { document, ...(/MicroMessenger/.test(agent) && { WeixinJSBridge }) };
  const module = { exports: {} };
  const quiet = { log() {} };
  vm.runInNewContext(source, { window, module, WeixinJSBridge, document, location, console: quiet, alert() {}, navigator: { userAgent: agent, platform: "MacIntel" } });
  const configs = () => calls.filter(([name]) => name === "preVerifyJSAPI").map(([, args]) => args);
  return { wx: module.exports, calls, listeners, configs };
}

export const signature = (url, n = 1) => ({ appId: "wx1", timestamp: 1795244400 + n, nonceStr: "n" + n, signature: "s" + n, url });

export const response = (body, status = 200, headers = {}) =>
  new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });

/** An API. `routes` has handlers by the beginning of "METHOD /path". Every other request gets a signature. */
export function fakeAPI(routes = {}) {
  const calls = [];
  const fetch = async (url, init = {}) => {
    const { method = "GET", headers, body, credentials, signal } = init;
    const call = { url: new URL(url), method, headers: new Headers(headers), body: body && JSON.parse(body), credentials, signal };
    calls.push(call);
    const found = Object.keys(routes).find(route => (method + " " + call.url.pathname).startsWith(route));
    if (found) return routes[found](call, calls.length);
    return response(signature(call.url.searchParams.get("url"), calls.length));
  };
  return { fetch, calls };
}

export const never = () => new Promise(() => {});

/** Runs all work that does not wait for a timer. */
export const flush = async () => {
  for (let i = 0; i < 50; i++) await Promise.resolve();
  await new Promise(setImmediate);
  for (let i = 0; i < 50; i++) await Promise.resolve();
};

/** Advances mocked timers. */
export async function advance(t, ms) {
  await flush();
  t.mock.timers.tick(ms);
  await flush();
}

/** The error of a promise that must reject. */
export const rejection = promise => promise.then(value => { throw new Error("it resolved: " + JSON.stringify(value)); }, error => error);
