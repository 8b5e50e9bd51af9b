// A page in WeChat's browser: WeChat's own script (from npm) over a bridge that the test answers, an API, and a location.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import vm from "node:vm";

export const android = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126 Mobile Safari/537.36 MicroMessenger/8.0.50.2701 Language/zh_CN";
export const iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.50 Language/zh_CN";
export const desktop = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126 Safari/537.36";

const source = readFileSync(fileURLToPath(import.meta.resolve("weixin-js-sdk")), "utf8");

const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

/** A page at an address; the module is loaded afresh, as its landing address demands. */
let pages = 0;
export async function page(agent, address = "https://shop.example/a?b=1#top", language = "en-US") {
  define("navigator", { userAgent: agent, platform: "MacIntel", language });
  define("location", new URL(address));
  location.assign = to => (location.assigned = to);
  define("history", { state: { kept: 1 }, replaceState: (_state, _title, to) => define("location", new URL(to, location.href)) });
  define("document", Object.assign(new EventTarget(), { title: "A page" }));
  delete globalThis.wx;
  return import(`../dist/index.js?page=${++pages}`);
}

/** A route change. */
export const go = address => define("location", new URL(address, location.href));

/**
 * WeChat's script in WeChat. `answers` is by name of the bridge's calls: what each comes to, in turn (the last one stays), or a function
 * that gets (args, reply).
 */
export function weChat(answers = {}, agent = navigator.userAgent) {
  const calls = [], listeners = {};
  const left = Object.fromEntries(Object.entries({ preVerifyJSAPI: "ok", ...answers }).map(([name, of]) => [name, [of].flat()]));
  const WeixinJSBridge = {
    invoke(name, args, reply) {
      calls.push([name, JSON.parse(JSON.stringify(args))]);
      const of = left[name] ?? ["ok"];
      const answer = of.length > 1 ? of.shift() : of[0];
      if (typeof answer === "function") return answer(args, reply);
      queueMicrotask(() => reply(typeof answer === "string" ? { err_msg: name + ":" + answer } : { ...answer }));
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

export const signed = (url, n = 1) => ({ appId: "wx1", timestamp: 1795244400 + n, nonceStr: "n" + n, signature: "s" + n, url });

export const answer = (body, status = 200, headers = {}) =>
  new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });

/** An API: `routes` are tried in turn by the beginning of "METHOD /path"; the signature route is there. */
export function api(routes = {}) {
  const calls = [];
  const fetch = async (url, init = {}) => {
    const { method = "GET", headers, body, credentials, signal } = init;
    const call = { url: new URL(url), method, headers: new Headers(headers), body: body && JSON.parse(body), credentials, signal };
    calls.push(call);
    const found = Object.keys(routes).find(route => (method + " " + call.url.pathname).startsWith(route));
    if (found) return routes[found](call, calls.length);
    return answer(signed(call.url.searchParams.get("url"), calls.length));
  };
  return { fetch, calls };
}

export const never = () => new Promise(() => {});

/** Lets everything happen that needs no time. */
export const settled = async () => {
  for (let i = 0; i < 50; i++) await Promise.resolve();
  await new Promise(setImmediate);
  for (let i = 0; i < 50; i++) await Promise.resolve();
};

/** Lets time pass, on mocked timers. */
export async function pass(t, ms) {
  await settled();
  t.mock.timers.tick(ms);
  await settled();
}

/** The error of a promise that has to fail. */
export const failure = promise => promise.then(value => { throw new Error("it went well: " + JSON.stringify(value)); }, error => error);
