/*! wechatfn-client 0.1.0 | MIT */

// src/messages.ts
var texts = {
  "not-in-wechat": ["Not open in WeChat.", "请在微信中打开。"],
  "script-failed": ["WeChat's script does not load.", "微信脚本加载失败。"],
  timeout: ["It took too long.", "超时。"],
  aborted: ["Aborted.", "已中止。"],
  network: ["The API cannot be reached: network, CORS or its address.", "无法访问接口：网络、跨域或地址有误。"],
  "bad-answer": ["That is no answer of the API's: is endpoint right?", "返回内容无法识别，请检查 endpoint。"],
  "invalid-signature": ["The signature is not for this address, or its ticket has ended.", "签名与页面地址不符，或 ticket 已失效。"],
  "invalid-url-domain": ["The page's domain is not among the JS interface security domains.", "页面域名不在“JS接口安全域名”中。"],
  "config-failed": ["wx.config is refused.", "wx.config 失败。"],
  "api-not-listed": ["Name the API in apis.", "接口未列入 apis。"],
  "permission-denied": ["The account has no right to this API, or it is not in apis.", "公众号无此接口权限，或未列入 apis。"],
  "function-not-exist": ["This WeChat does not have the API.", "当前微信不支持此接口。"],
  "offline-verifying": ["wx.config has not been accepted for this API.", "接口尚未通过 wx.config。"],
  cancelled: ["The user cancelled.", "用户已取消。"],
  "call-failed": ["The call failed.", "调用失败。"],
  "open-tags-failed": ["Open tags do not work here.", "无法使用开放标签。"],
  "insecure-context": ["A login for another site needs https.", "跨站登录需要 https。"],
  "origin-not-trusted": ["The session is not sent to this origin.", "不向该来源发送登录凭证。"]
};

// src/error.ts
var WechatFnError = class extends Error {
  constructor(code, language = "en", details = {}) {
    const own = texts[code];
    super(details.message || (own ? own[language === "zh" ? 1 : 0] : code));
    this.name = "WechatFnError";
    this.code = code;
    this.step = details.step;
    this.wechat = details.wechat;
    this.status = details.status;
    this.cause = details.cause;
  }
};
var known = [
  [/63002|invalid signature/i, "invalid-signature"],
  [/40048|invalid url domain/i, "invalid-url-domain"],
  [/permission denied/i, "permission-denied"],
  [/function.not.exist/i, "function-not-exist"],
  [/offline verifying/i, "offline-verifying"],
  [/:cancel$/i, "cancelled"]
];
function refusal(step, answer, language) {
  const wechat = String(answer?.errMsg ?? "");
  const code = known.find(([text]) => text.test(wechat))?.[1] ?? (step === "config" ? "config-failed" : "call-failed");
  const own = texts[code][language === "zh" ? 1 : 0];
  return new WechatFnError(code, language, { step, wechat, message: wechat ? own + " (" + wechat + ")" : own });
}

// src/call.ts
function apiOf(wx, name, language) {
  const api = wx[name];
  if (typeof api !== "function") throw refusal("call", { errMsg: name + ":function not exist" }, language);
  return (args) => api.call(wx, args);
}
function callWx(wx, name, args, language) {
  return new Promise((resolve, reject) => {
    const refuse = (answer) => reject(refusal("call", answer, language));
    apiOf(wx, name, language)({
      ...args,
      success: (answer) => resolve(answer ?? {}),
      fail: refuse,
      cancel: (answer) => refuse({ ...answer, errMsg: name + ":cancel" })
    });
  });
}

// src/config.ts
function configure(wx, signed, wanted, settle, language, late) {
  return new Promise((resolve, reject) => {
    let atOnce = true, settled = false;
    const accept = () => {
      settled = true;
      resolve();
    };
    const { appId, timestamp, nonceStr, signature } = signed;
    wx.config({ debug: wanted.debug, appId, timestamp, nonceStr, signature, jsApiList: [...wanted.jsApiList], openTagList: [...wanted.openTagList] });
    wx.error((answer) => {
      const error = refusal("config", answer, language);
      settled ? late(error) : reject(error);
      settled = true;
    });
    wx.ready(() => {
      atOnce ? setTimeout(accept, settle) : accept();
    });
    atOnce = false;
  });
}

// src/language.ts
var browserLanguage = () => /^zh/i.test(globalThis.navigator?.language ?? "") ? "zh" : "en";

// src/page.ts
var cut = (address) => address.split("#")[0];
var currentURL = () => typeof location === "undefined" ? "" : cut(location.href);
var landingURL = currentURL();
var agent = () => typeof navigator === "undefined" ? "" : navigator.userAgent;
var inWeChat = () => /MicroMessenger/i.test(agent());
var urlToSign = () => /iPhone|iPad|iPod/i.test(agent()) ? landingURL : currentURL();

// src/timeout.ts
var failures = { script: "script-failed", sign: "network", login: "network", config: "config-failed", call: "call-failed", "open-tags": "open-tags-failed" };
function within(bounds, work) {
  const { step, language, ms } = bounds;
  const signals = (bounds.signals ?? []).filter((s) => !!s);
  return new Promise((resolve, reject) => {
    const stop = new AbortController();
    const fail = (code, cause) => {
      reject(new WechatFnError(code, language, { step, cause }));
      stop.abort();
    };
    const aborted = () => fail("aborted", signals.find((s) => s.aborted)?.reason);
    if (signals.some((s) => s.aborted)) return aborted();
    const timer = ms > 0 ? setTimeout(fail, ms, "timeout") : void 0;
    signals.forEach((s) => s.addEventListener("abort", aborted));
    const done = () => {
      clearTimeout(timer);
      signals.forEach((s) => s.removeEventListener("abort", aborted));
    };
    stop.signal.addEventListener("abort", done);
    (async () => work(stop.signal))().finally(done).then(resolve, (cause) => reject(cause instanceof WechatFnError ? cause : new WechatFnError(failures[step], language, { step, cause })));
  });
}
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => clearTimeout(timer));
  });
}

// src/script.ts
var scripts = ["res", "res2"].map((host) => `//${host}.wx.qq.com/open/js/jweixin-1.6.0.js`);
var present = () => {
  const wx = globalThis.wx;
  return typeof wx?.config === "function" ? wx : void 0;
};
async function load(urls, ms, language, signal) {
  const failed = (cause) => new WechatFnError("script-failed", language, { step: "script", cause });
  let last = failed();
  for (const url of urls) {
    const wx2 = present();
    if (wx2) return wx2;
    try {
      await within({ step: "script", language, ms, signals: [signal] }, (stop) => insert(url, stop));
      last = failed(url + " defines no wx");
    } catch (error) {
      if (signal?.aborted) throw error;
      last = error;
    }
  }
  const wx = present();
  if (wx) return wx;
  throw last;
}
function insert(url, stop) {
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
function share({ call, ready, api }) {
  function listen(data, to, told) {
    const outcome = (outcome2) => () => told({ to, outcome: outcome2 });
    api(apis[to][1])({ ...card(data), success: outcome("shared"), cancel: outcome("cancelled"), fail: outcome("failed") });
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
    onShare: async (data, told, to) => {
      await ready();
      targets(to).forEach((target) => listen(data, target, told));
    }
  };
}

// src/http.ts
async function ask(http, url) {
  for (let waited = 0; ; ) {
    const answer = await send(http, url, {});
    if (answer.ok) return answer;
    const seconds = Number(answer.headers.get("Retry-After"));
    if (answer.status !== 503 || !(seconds > 0) || waited + seconds * 1e3 > http.patience) throw await problem(http, answer);
    waited += seconds * 1e3;
    await within({ ...http, ms: 0, signals: [http.signal] }, (signal) => pause(seconds * 1e3, signal));
  }
}
function send(http, url, init) {
  return within({ ...http, ms: http.timeout, signals: [http.signal, init.signal ?? void 0] }, (signal) => http.fetch(url, { ...init, signal }));
}
async function json(http, answer, field) {
  const { step, language } = http;
  const body = await within({ ...http, ms: http.timeout, signals: [http.signal] }, () => answer.json().catch(() => null));
  if (!body || typeof body !== "object" || !(field in body)) throw new WechatFnError("bad-answer", language, { step, status: answer.status });
  return body;
}
async function problem(http, answer) {
  const { step, language } = http;
  const body = await within({ ...http, ms: http.timeout, signals: [http.signal] }, () => answer.json().catch(() => null));
  if (!body?.code) return new WechatFnError("bad-answer", language, { step, status: answer.status });
  const message = [body.detail || body.title || body.code, body.hint?.[language]].filter(Boolean).join(". ");
  return new WechatFnError(body.code, language, { step, status: answer.status, message });
}

// src/sign.ts
function signer(http, endpoint, app) {
  return async (url, force) => {
    let query = "?url=" + encodeURIComponent(url);
    if (app) query += "&app=" + encodeURIComponent(app);
    if (force) query += "&force=true";
    return json(http, await ask(http, endpoint + "/signature" + query), "signature");
  };
}
function once(sign) {
  const underWay = /* @__PURE__ */ new Map();
  return (url, force) => {
    const key = force + url;
    let request = underWay.get(key);
    if (!request) {
      const forget = () => underWay.delete(key);
      request = sign(url, force);
      request.then(forget, forget);
      underWay.set(key, request);
    }
    return request;
  };
}

// src/latest-config.ts
function turns(found, url, sign, verdict) {
  let turn = 0;
  let newest, current;
  let judging = Promise.resolve();
  let aim;
  function begin(force = false) {
    aim = void 0;
    const work = configure2(++turn, force);
    current = newest = work;
    work.catch(() => {
      if (current === work) current = void 0;
    });
    return work;
  }
  async function configure2(mine, force) {
    try {
      await attempt(mine, force);
      if (mine === turn) return;
    } catch (error) {
      const again = !force && error.code === "invalid-signature";
      if (mine === turn && again) return configure2(mine, true);
      if (mine === turn) throw error;
    }
    return newest;
  }
  async function attempt(mine, force) {
    await found();
    if (mine !== turn) return;
    aim = url();
    const signature = await sign(aim, force);
    await judging;
    if (mine !== turn) return;
    const work = verdict(signature, () => {
      if (mine === turn) current = void 0;
    });
    judging = work.catch(() => {
    });
    await work;
  }
  return { begin, current: () => current, aim: () => aim };
}

// src/connect.ts
var shareApis = ["updateAppMessageShareData", "updateTimelineShareData", "onMenuShareAppMessage", "onMenuShareTimeline"];
function connect(options) {
  const { language = browserLanguage(), timeouts = {}, signal } = options;
  const { openTags = [], url = urlToSign, onError = () => {
  } } = options;
  const jsApiList = [.../* @__PURE__ */ new Set([...shareApis, ...options.apis ?? []])];
  const http = {
    fetch: options.fetch ?? ((...request) => fetch(...request)),
    step: "sign",
    language,
    timeout: timeouts.sign ?? 8e3,
    patience: options.patience ?? 15e3,
    signal
  };
  const own = options.sign;
  const sign = once(own ? (...asked) => within({ ...http, ms: http.timeout, signals: [signal] }, () => own(...asked)) : signer(http, (options.endpoint ?? "").replace(/\/+$/, ""), options.app));
  let wx = options.wx;
  let loading;
  const found = async () => {
    if (!wx) await (loading ?? (loading = find().finally(() => loading = void 0)));
  };
  const { begin, current, aim } = turns(found, url, sign, verdict);
  async function find() {
    if (!options.outside && !inWeChat()) throw new WechatFnError("not-in-wechat", language, { step: "script" });
    const { script = scripts } = options;
    wx = await load(typeof script === "string" ? [script] : script, timeouts.script ?? 8e3, language, signal);
  }
  function verdict(signature, refused) {
    if (openTags.length) document.addEventListener("WeixinOpenTagsError", tagsFailed);
    const wanted = { debug: !!options.debug, jsApiList, openTagList: openTags };
    const late = (error) => {
      refused();
      onError(error);
    };
    return within(
      { step: "config", language, ms: timeouts.config ?? 1e4, signals: [signal] },
      () => configure(wx, signature, wanted, options.settle ?? 1e3, language, late)
    );
  }
  function tagsFailed(event) {
    const wechat = String(event.detail?.errMsg ?? "");
    onError(new WechatFnError("open-tags-failed", language, { step: "open-tags", wechat }));
  }
  const ready = (wait) => within({ step: "config", language, ms: 0, signals: [wait?.signal] }, () => current() ?? begin());
  const call = async (name, args = {}, wait = {}) => {
    if (name !== "checkJsApi" && !jsApiList.includes(name)) throw new WechatFnError("api-not-listed", language, { step: "call" });
    await ready(wait);
    return within(
      { step: "call", language, ms: wait.timeout ?? timeouts.call ?? 0, signals: [signal, wait.signal] },
      () => callWx(wx, name, args, language)
    );
  };
  return {
    ready,
    call,
    routeChanged: () => url() === aim() && !openTags.length && current() || begin(),
    resign: begin,
    checkJsApi: async (names) => (await call("checkJsApi", { jsApiList: [...names] }, { timeout: 1e4 })).checkResult,
    wx: async () => {
      await ready();
      return wx;
    },
    ...share({ call, ready, api: (name) => apiOf(wx, name, language) })
  };
}

// src/storage.ts
function memory() {
  const kept = /* @__PURE__ */ new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value), removeItem: (key) => void kept.delete(key) };
}
function defaultKeep() {
  try {
    sessionStorage.setItem("wechatfn", "");
    sessionStorage.removeItem("wechatfn");
    return sessionStorage;
  } catch {
    return memory();
  }
}

// src/login-code.ts
function takeTicket() {
  const { href } = location;
  const ticket = new URL(href).searchParams.get("wechatfn_code");
  if (ticket) history.replaceState(history.state, "", href.replace(/([?&])wechatfn_code=[^&#]*(&?)/, (_, before, after) => after ? before : ""));
  return ticket;
}
var base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
var newVerifier = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
async function challengeOf(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

// src/login.ts
var ended = ["session_missing", "session_revoked"];
function login(options) {
  const { language = browserLanguage(), app, storage = defaultKeep() } = options;
  const endpoint = new URL(options.endpoint || "/", location.href).href.replace(/\/+$/, "");
  const origin = new URL(endpoint).origin;
  const http = {
    fetch: options.fetch ?? ((...request) => fetch(...request)),
    step: "login",
    language,
    timeout: options.timeout ?? 8e3,
    patience: options.patience ?? 15e3,
    signal: options.signal
  };
  const error = (code) => new WechatFnError(code, language, { step: "login" });
  const key = (what) => `wechatfn:${what}:${endpoint}`;
  const token = () => storage.getItem(key("token"));
  let refreshing;
  let refreshed = 0;
  let spending;
  const underWay = /* @__PURE__ */ new Set();
  function bearing(init = {}) {
    const headers = new Headers(init.headers);
    const bearer = token();
    if (bearer) headers.set("Authorization", "Bearer " + bearer);
    return { ...init, headers, credentials: "include" };
  }
  const bear = async (url, init) => {
    while (refreshing) await refreshing.catch(() => {
    });
    const request = http.fetch(url, bearing(init)), done = () => underWay.delete(request);
    underWay.add(request);
    request.then(done, done);
    return request;
  };
  const mine = { ...http, fetch: bear };
  async function challenge() {
    if (!globalThis.crypto?.subtle) throw error("insecure-context");
    const verifier = storage.getItem(key("verifier")) ?? newVerifier();
    storage.setItem(key("verifier"), verifier);
    return challengeOf(verifier);
  }
  async function link(request = {}) {
    const back = new URL(request.returnTo ?? location.href, location.href);
    const query = new URLSearchParams({ return_to: back.href });
    if (app) query.set("app", app);
    if (request.scope) query.set("scope", request.scope);
    if (request.lang) query.set("lang", request.lang);
    if (back.origin !== origin) query.set("challenge", await challenge());
    return endpoint + "/oauth/authorize?" + query;
  }
  async function redeem() {
    const ticket = takeTicket();
    if (!ticket) return;
    const body = JSON.stringify({ code: ticket, verifier: storage.getItem(key("verifier")) ?? "" });
    const answer = await send(http, endpoint + "/oauth/token", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (answer.ok) {
      storage.setItem(key("token"), (await json(http, answer, "token")).token);
      storage.removeItem(key("verifier"));
    } else if (!token()) throw await problem(http, answer);
  }
  async function session() {
    await (spending ?? (spending = redeem().finally(() => spending = void 0)));
    try {
      return await json(http, await ask(mine, endpoint + "/oauth/session"), "openid");
    } catch (failure) {
      if (failure.status !== 401) throw failure;
      storage.removeItem(key("token"));
      return null;
    }
  }
  function refresh() {
    return refreshing ?? (refreshing = renew().finally(() => refreshing = void 0));
  }
  async function renew() {
    await within({ ...http, ms: http.timeout, signals: [http.signal] }, () => Promise.allSettled(underWay)).catch(() => {
    });
    const answer = await send(http, endpoint + "/oauth/session/refresh", bearing({ method: "POST" }));
    if (!answer.ok) {
      if (answer.status === 401) storage.removeItem(key("token"));
      throw await problem(http, answer);
    }
    const grant = await json(http, answer, token() ? "token" : "openid");
    if (grant.token) storage.setItem(key("token"), grant.token);
    refreshed++;
  }
  async function logout(all = false) {
    const answer = await send(mine, endpoint + "/oauth/session" + (all ? "?all=true" : ""), { method: "DELETE" });
    if (!answer.ok && answer.status !== 401) throw await problem(http, answer);
    storage.removeItem(key("token"));
  }
  async function fetchWithSession(path, init) {
    const url = path.startsWith("/") ? new URL(endpoint + path) : new URL(path, location.href);
    if (url.origin !== origin && !options.trust?.includes(url.origin)) throw error("origin-not-trusted");
    const before = refreshed;
    const answer = await bear(url.href, init);
    if (answer.status !== 401 || init?.body instanceof ReadableStream) return answer;
    const code = await answer.clone().json().then((body) => body?.code, () => void 0);
    if (ended.includes(code)) {
      storage.removeItem(key("token"));
      return answer;
    }
    return (before === refreshed ? refresh() : Promise.resolve()).then(() => bear(url.href, init), () => answer);
  }
  return {
    link,
    session,
    refresh,
    logout,
    fetch: fetchWithSession,
    start: async (request) => location.assign(await link(request)),
    profile: async (lang) => json(http, await ask(mine, endpoint + "/oauth/userinfo" + (lang ? "?lang=" + lang : "")), "openid")
  };
}
export {
  WechatFnError,
  connect,
  inWeChat,
  landingURL,
  login
};
