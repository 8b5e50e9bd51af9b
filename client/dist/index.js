/*! wechatfn-client 0.1.0 | MIT */

// src/messages.ts
var messages = {
  "not-in-wechat": ["The page is not open in WeChat.", "请在微信中打开。"],
  "script-load-failed": ["WeChat's script does not load.", "微信脚本加载失败。"],
  timeout: ["It took too long.", "超时。"],
  aborted: ["Aborted.", "已中止。"],
  "network-error": ["The API is not reachable: check network, CORS, endpoint.", "无法访问接口：请检查网络、跨域和 endpoint。"],
  "invalid-response": ["The response is not the API's: check endpoint.", "返回内容无法识别：请检查 endpoint。"],
  "invalid-signature": ["The signature is for another address, or its ticket has expired.", "签名与页面地址不符，或 ticket 已失效。"],
  "invalid-url-domain": ["The page's domain is not among the JS interface security domains.", "页面域名不在“JS接口安全域名”中。"],
  "config-failed": ["wx.config failed.", "wx.config 失败。"],
  "api-not-listed": ["Add the API to apis.", "接口未列入 apis。"],
  "permission-denied": ["The account does not have this API, or it is not in apis.", "公众号无此接口权限，或未列入 apis。"],
  "function-not-exist": ["This version of WeChat does not have the API.", "当前微信不支持此接口。"],
  "offline-verifying": ["wx.config has not been accepted for this API.", "接口尚未通过 wx.config 验证。"],
  cancelled: ["The user cancelled.", "用户已取消。"],
  "call-failed": ["The call failed.", "调用失败。"],
  "open-tags-failed": ["Open tags do not work here.", "无法使用开放标签。"],
  "insecure-context": ["A login for another site needs https.", "跨站登录需要 https。"],
  "origin-not-trusted": ["The session is not sent to this origin.", "不向该来源发送登录凭证。"]
};

// src/error.ts
var WechatFnError = class extends Error {
  constructor(code, language = "en", details = {}) {
    const own = messages[code];
    super(details.message || (own ? own[language === "zh" ? 1 : 0] : code));
    this.name = "WechatFnError";
    this.code = code;
    this.step = details.step;
    this.wechat = details.wechat;
    this.status = details.status;
    this.cause = details.cause;
  }
};
var patterns = [
  [/63002|invalid signature/i, "invalid-signature"],
  [/40048|invalid url domain/i, "invalid-url-domain"],
  [/permission denied/i, "permission-denied"],
  [/function.not.exist/i, "function-not-exist"],
  [/offline verifying/i, "offline-verifying"],
  [/:cancel$/i, "cancelled"]
];
function wxError(step, result, language) {
  const wechat = String(result?.errMsg ?? "");
  const code = patterns.find(([pattern]) => pattern.test(wechat))?.[1] ?? (step === "config" ? "config-failed" : "call-failed");
  const own = messages[code][language === "zh" ? 1 : 0];
  return new WechatFnError(code, language, { step, wechat, message: wechat ? own + " (" + wechat + ")" : own });
}

// src/call.ts
function apiOf(wx, name, language) {
  const api = wx[name];
  if (typeof api !== "function") throw wxError("call", { errMsg: name + ":function not exist" }, language);
  return (args) => api.call(wx, args);
}
function callWx(wx, name, args, language) {
  return new Promise((resolve, reject) => {
    const fail = (result) => reject(wxError("call", result, language));
    apiOf(wx, name, language)({
      ...args,
      success: (result) => resolve(result ?? {}),
      fail,
      cancel: (result) => fail({ ...result, errMsg: name + ":cancel" })
    });
  });
}

// src/config.ts
function configure(wx, signed, args, configTimeout, language, onLateError) {
  return new Promise((resolve, reject) => {
    let synchronous = true, done = false;
    const accept = () => {
      done = true;
      resolve();
    };
    const { appId, timestamp, nonceStr, signature } = signed;
    wx.config({ ...args, appId, timestamp, nonceStr, signature });
    wx.error((result) => {
      const error = wxError("config", result, language);
      done ? onLateError(error) : reject(error);
      done = true;
    });
    wx.ready(() => {
      synchronous ? setTimeout(accept, configTimeout) : accept();
    });
    synchronous = false;
  });
}

// src/language.ts
var browserLanguage = () => /^zh/i.test(globalThis.navigator?.language ?? "") ? "zh" : "en";

// src/timeout.ts
var codes = { script: "script-load-failed", sign: "network-error", login: "network-error", config: "config-failed", call: "call-failed", "open-tags": "open-tags-failed" };
function withTimeout(limits, work) {
  const { step, language, timeout } = limits;
  const signals = [limits.signal, limits.callSignal].filter((s) => !!s);
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const fail = (code, cause) => {
      reject(new WechatFnError(code, language, { step, cause }));
      controller.abort();
    };
    const onAbort = () => fail("aborted", signals.find((s) => s.aborted)?.reason);
    if (signals.some((s) => s.aborted)) return onAbort();
    const timer = timeout > 0 ? setTimeout(fail, timeout, "timeout") : void 0;
    signals.forEach((s) => s.addEventListener("abort", onAbort));
    const cleanUp = () => {
      clearTimeout(timer);
      signals.forEach((s) => s.removeEventListener("abort", onAbort));
    };
    controller.signal.addEventListener("abort", cleanUp);
    (async () => work(controller.signal))().finally(cleanUp).then(resolve, (cause) => reject(cause instanceof WechatFnError ? cause : new WechatFnError(codes[step], language, { step, cause })));
  });
}
function sleep(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => clearTimeout(timer));
  });
}

// src/http.ts
function httpOf(step, options, timeout = 8e3) {
  const { language = browserLanguage(), retryTimeout = 15e3, signal } = options;
  return { fetch: options.fetch ?? ((...args) => fetch(...args)), step, language, timeout, retryTimeout, signal };
}
async function get(http, url) {
  for (let waited = 0; ; ) {
    const response = await send(http, url, {});
    if (response.ok) return response;
    const ms = Number(response.headers.get("Retry-After")) * 1e3;
    if (response.status !== 503 || !(ms > 0) || waited + ms > http.retryTimeout) throw await problemError(http, response);
    waited += ms;
    await withTimeout({ ...http, timeout: 0 }, (signal) => sleep(ms, signal));
  }
}
function send(http, url, init) {
  return withTimeout({ ...http, callSignal: init.signal }, (signal) => http.fetch(url, { ...init, signal }));
}
var parse = (http, response) => withTimeout(http, () => response.json().catch(() => null));
async function readJSON(http, response, field) {
  const body = await parse(http, response);
  if (!body || typeof body !== "object" || !(field in body)) throw new WechatFnError("invalid-response", http.language, { step: http.step, status: response.status });
  return body;
}
async function problemError(http, response) {
  const { step, language } = http;
  const problem = await parse(http, response);
  if (!problem?.code) return new WechatFnError("invalid-response", language, { step, status: response.status });
  const message = [problem.detail || problem.title || problem.code, problem.hint?.[language]].filter(Boolean).join(". ");
  return new WechatFnError(problem.code, language, { step, status: response.status, message });
}

// src/latest-config.ts
function latestConfig(loadWx2, url, sign, configure2) {
  let newestId = 0;
  let newest, current;
  let wxConfig = Promise.resolve();
  let signedURL;
  function start(force = false) {
    signedURL = void 0;
    const work = run(++newestId, force);
    current = newest = work;
    work.catch(() => {
      if (current === work) current = void 0;
    });
    return work;
  }
  async function run(id, force) {
    try {
      await attempt(id, force);
      if (id === newestId) return;
    } catch (error) {
      const retry = !force && error.code === "invalid-signature";
      if (id === newestId && retry) return run(id, true);
      if (id === newestId) throw error;
    }
    return newest;
  }
  async function attempt(id, force) {
    await loadWx2();
    if (id !== newestId) return;
    signedURL = url();
    const signature = await sign(signedURL, force);
    await wxConfig;
    if (id !== newestId) return;
    const work = configure2(signature, () => {
      if (id === newestId) current = void 0;
    });
    wxConfig = work.catch(() => {
    });
    await work;
  }
  return { start, current: () => current, signedURL: () => signedURL };
}

// src/page.ts
var withoutFragment = (address) => address.split("#")[0];
var currentURL = () => typeof location === "undefined" ? "" : withoutFragment(location.href);
var landingURL = currentURL();
var userAgent = () => typeof navigator === "undefined" ? "" : navigator.userAgent;
var inWeChat = () => /MicroMessenger/i.test(userAgent());
var urlToSign = () => /iPhone|iPad|iPod/i.test(userAgent()) ? landingURL : currentURL();

// src/script.ts
var scriptURLs = ["res", "res2"].map((host) => `//${host}.wx.qq.com/open/js/jweixin-1.6.0.js`);
var existingWx = () => {
  const wx = globalThis.wx;
  return typeof wx?.config === "function" ? wx : void 0;
};
async function loadWx(urls, timeout, language, signal) {
  const loadError = (cause) => new WechatFnError("script-load-failed", language, { step: "script", cause });
  let lastError = loadError();
  for (const url of urls) {
    const wx2 = existingWx();
    if (wx2) return wx2;
    try {
      await withTimeout({ step: "script", language, timeout, signal }, (stop) => insertScript(url, stop));
      lastError = loadError(url + " defines no wx");
    } catch (error) {
      if (signal?.aborted) throw error;
      lastError = error;
    }
  }
  const wx = existingWx();
  if (wx) return wx;
  throw lastError;
}
function insertScript(url, stop) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.async = true;
    script.onload = () => resolve();
    script.onerror = () => {
      script.remove();
      reject(url + " does not load");
    };
    stop.addEventListener("abort", () => script.remove());
    script.src = url;
    document.head.append(script);
  });
}

// src/share.ts
var apis = {
  chat: ["updateAppMessageShareData", "onMenuShareAppMessage"],
  timeline: ["updateTimelineShareData", "onMenuShareTimeline"]
};
var targets = (to) => to ? [to] : ["chat", "timeline"];
var card = (data) => ({ link: location.href, imgUrl: "", ...data });
function sharing(call, ready, api) {
  function listen(data, to, listener) {
    const report = (outcome) => () => listener({ to, outcome });
    api(apis[to][1])({ ...card(data), success: report("shared"), cancel: report("cancelled"), fail: report("failed") });
  }
  const update = (data, to) => call(apis[to][0], card(data), { timeout: 1e4 }).catch((error) => {
    if (!(error instanceof WechatFnError) || error.code !== "function-not-exist") throw error;
    listen(data, to, () => {
    });
  });
  return {
    share: async (data, to) => {
      await Promise.all(targets(to).map((target) => update(data, target)));
    },
    onShare: async (data, listener, to) => {
      await ready();
      targets(to).forEach((target) => listen(data, target, listener));
    }
  };
}

// src/sign.ts
function apiSigner(http, endpoint, app) {
  return async (url, force) => {
    let query = "?url=" + encodeURIComponent(url);
    if (app) query += "&app=" + encodeURIComponent(app);
    if (force) query += "&force=true";
    return readJSON(http, await get(http, endpoint + "/signature" + query), "signature");
  };
}
function shareRequests(sign) {
  const pending = /* @__PURE__ */ new Map();
  return (url, force) => {
    const key = force + url;
    let request = pending.get(key);
    if (!request) {
      const done = () => pending.delete(key);
      request = sign(url, force);
      request.then(done, done);
      pending.set(key, request);
    }
    return request;
  };
}

// src/connect.ts
var shareApis = ["updateAppMessageShareData", "updateTimelineShareData", "onMenuShareAppMessage", "onMenuShareTimeline"];
function signerOf(options, http) {
  const { sign } = options;
  return shareRequests(sign ? (...args) => withTimeout(http, () => sign(...args)) : apiSigner(http, (options.endpoint ?? "").replace(/\/+$/, ""), options.app));
}
function connect(options) {
  const { timeouts = {}, openTags = [], url = urlToSign, onError = () => {
  } } = options;
  const http = httpOf("sign", options, timeouts.sign), { language, signal } = http;
  const jsApiList = [.../* @__PURE__ */ new Set([...shareApis, ...options.apis ?? []])];
  let wx = options.wx;
  let loading;
  const loadOnce = async () => {
    if (!wx) await (loading ?? (loading = load().finally(() => loading = void 0)));
  };
  const configs = latestConfig(loadOnce, url, signerOf(options, http), configureWx);
  async function load() {
    if (!options.allowOutsideWeChat && !inWeChat()) throw new WechatFnError("not-in-wechat", language, { step: "script" });
    const { script = scriptURLs } = options;
    wx = await loadWx(typeof script === "string" ? [script] : script, timeouts.script ?? 8e3, language, signal);
  }
  function configureWx(signature, onLateError) {
    if (openTags.length) document.addEventListener("WeixinOpenTagsError", openTagsFailed);
    const args = { debug: !!options.debug, jsApiList: [...jsApiList], openTagList: [...openTags] };
    return withTimeout(
      { ...http, step: "config", timeout: timeouts.config ?? 1e4 },
      () => configure(wx, signature, args, options.configTimeout ?? 1e3, language, (error) => {
        onLateError();
        onError(error);
      })
    );
  }
  function openTagsFailed(event) {
    const wechat = String(event.detail?.errMsg ?? "");
    onError(new WechatFnError("open-tags-failed", language, { step: "open-tags", wechat }));
  }
  const ready = (options2) => withTimeout({ step: "config", language, timeout: 0, signal: options2?.signal }, () => configs.current() ?? configs.start());
  const call = async (name, args = {}, options2 = {}) => {
    if (name !== "checkJsApi" && !jsApiList.includes(name)) throw new WechatFnError("api-not-listed", language, { step: "call" });
    await ready(options2);
    return withTimeout(
      { ...http, step: "call", timeout: options2.timeout ?? timeouts.call ?? 0, callSignal: options2.signal },
      () => callWx(wx, name, args, language)
    );
  };
  return {
    ready,
    call,
    routeChanged: () => url() === configs.signedURL() && !openTags.length && configs.current() || configs.start(),
    resign: configs.start,
    checkJsApi: async (names) => (await call("checkJsApi", { jsApiList: [...names] }, { timeout: 1e4 })).checkResult,
    wx: async () => {
      await ready();
      return wx;
    },
    ...sharing(call, ready, (name) => apiOf(wx, name, language))
  };
}

// src/login-code.ts
function takeLoginCode() {
  const { href } = location;
  const code = new URL(href).searchParams.get("wechatfn_code");
  if (code) history.replaceState(history.state, "", href.replace(/([?&])wechatfn_code=[^&#]*(&?)/, (_, before, after) => after ? before : ""));
  return code;
}
var base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
var newVerifier = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
async function challengeOf(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

// src/session.ts
var sessionEnded = ["session_missing", "session_revoked"];
function sessionRequests(http, endpoint, token) {
  const pending = /* @__PURE__ */ new Set();
  let refreshing;
  let refreshCount = 0;
  function withToken(init = {}) {
    const headers = new Headers(init.headers);
    const bearer = token.get();
    if (bearer) headers.set("Authorization", "Bearer " + bearer);
    return { ...init, headers, credentials: "include" };
  }
  const fetch2 = async (url, init) => {
    while (refreshing) await refreshing.catch(() => {
    });
    const request = http.fetch(url, withToken(init)), done = () => pending.delete(request);
    pending.add(request);
    request.then(done, done);
    return request;
  };
  const refresh = () => refreshing ?? (refreshing = replaceToken().finally(() => refreshing = void 0));
  async function replaceToken() {
    await withTimeout(http, () => Promise.allSettled(pending)).catch(() => {
    });
    const response = await send(http, endpoint + "/oauth/session/refresh", withToken({ method: "POST" }));
    if (!response.ok) {
      if (response.status === 401) token.set(null);
      throw await problemError(http, response);
    }
    const grant = await readJSON(http, response, token.get() ? "token" : "openid");
    if (grant.token) token.set(grant.token);
    refreshCount++;
  }
  async function fetchWithRefresh(url, init) {
    const before = refreshCount;
    const response = await fetch2(url, init);
    if (response.status !== 401 || init?.body instanceof ReadableStream) return response;
    const code = await response.clone().json().then((body) => body?.code, () => void 0);
    if (sessionEnded.includes(code)) {
      token.set(null);
      return response;
    }
    return (before === refreshCount ? refresh() : Promise.resolve()).then(() => fetch2(url, init), () => response);
  }
  return { fetch: fetch2, fetchWithRefresh, refresh };
}

// src/storage.ts
var storedText = (storage, key) => ({
  get: () => storage.getItem(key),
  set: (text) => text ? storage.setItem(key, text) : storage.removeItem(key)
});
function memoryStorage() {
  const items = /* @__PURE__ */ new Map();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value), removeItem: (key) => void items.delete(key) };
}
function defaultStorage() {
  try {
    sessionStorage.setItem("wechatfn", "");
    sessionStorage.removeItem("wechatfn");
    return sessionStorage;
  } catch {
    return memoryStorage();
  }
}

// src/login.ts
function login(options) {
  const { app, storage = defaultStorage() } = options;
  const endpoint = new URL(options.endpoint || "/", location.href).href.replace(/\/+$/, "");
  const origin = new URL(endpoint).origin;
  const http = httpOf("login", options, options.timeout);
  const loginError = (code) => new WechatFnError(code, http.language, { step: "login" });
  const token = storedText(storage, "wechatfn:token:" + endpoint), verifier = storedText(storage, "wechatfn:verifier:" + endpoint);
  const { fetch: fetch2, fetchWithRefresh, refresh } = sessionRequests(http, endpoint, token);
  const sessionHttp = { ...http, fetch: fetch2 };
  let redeeming;
  async function challenge() {
    if (!globalThis.crypto?.subtle) throw loginError("insecure-context");
    const secret = verifier.get() ?? newVerifier();
    verifier.set(secret);
    return challengeOf(secret);
  }
  async function link(request = {}) {
    const returnTo = new URL(request.returnTo ?? location.href, location.href);
    const query = new URLSearchParams({ return_to: returnTo.href });
    if (app) query.set("app", app);
    if (request.scope) query.set("scope", request.scope);
    if (request.lang) query.set("lang", request.lang);
    if (returnTo.origin !== origin) query.set("challenge", await challenge());
    return endpoint + "/oauth/authorize?" + query;
  }
  async function redeem() {
    const code = takeLoginCode();
    if (!code) return;
    const body = JSON.stringify({ code, verifier: verifier.get() ?? "" });
    const response = await send(http, endpoint + "/oauth/token", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (response.ok) {
      token.set((await readJSON(http, response, "token")).token);
      verifier.set(null);
    } else if (!token.get()) throw await problemError(http, response);
  }
  async function session() {
    await (redeeming ?? (redeeming = redeem().finally(() => redeeming = void 0)));
    try {
      return await readJSON(http, await get(sessionHttp, endpoint + "/oauth/session"), "openid");
    } catch (error) {
      if (error.status !== 401) throw error;
      token.set(null);
      return null;
    }
  }
  async function logout(all = false) {
    const response = await send(sessionHttp, endpoint + "/oauth/session" + (all ? "?all=true" : ""), { method: "DELETE" });
    if (!response.ok && response.status !== 401) throw await problemError(http, response);
    token.set(null);
  }
  return {
    link,
    session,
    refresh,
    logout,
    start: async (request) => location.assign(await link(request)),
    profile: async (lang) => readJSON(http, await get(sessionHttp, endpoint + "/oauth/userinfo" + (lang ? "?lang=" + lang : "")), "openid"),
    fetch: async (path, init) => {
      const url = path.startsWith("/") ? new URL(endpoint + path) : new URL(path, location.href);
      if (url.origin !== origin && !options.trustedOrigins?.includes(url.origin)) throw loginError("origin-not-trusted");
      return fetchWithRefresh(url.href, init);
    }
  };
}
export {
  WechatFnError,
  connect,
  inWeChat,
  landingURL,
  login
};
