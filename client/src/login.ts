import { WechatFnError } from "./error.js";
import { ask, json, problem, send } from "./http.js";
import type { Http } from "./http.js";
import { browserLanguage } from "./language.js";
import type { Language } from "./language.js";
import { defaultKeep } from "./storage.js";
import type { Keep } from "./storage.js";
import { challengeOf, newVerifier, takeTicket } from "./login-code.js";
import { within } from "./timeout.js";

/** What login takes. */
export interface LoginOptions {
  /** Where the API is: "https://api.example.com", or "" for the page's own origin. */
  endpoint: string;
  /** Name of the account: a website app for QR codes. */
  app?: string;
  /** Other origins whose requests may bear the session: those of routes of your own that the authorizer guards. */
  trust?: readonly string[];
  storage?: Keep;
  fetch?: typeof fetch;
  language?: Language;
  /** Milliseconds for each answer: 8000. */
  timeout?: number;
  /** Milliseconds to wait at most where the API answers 503 with Retry-After: 15000. */
  patience?: number;
  signal?: AbortSignal;
}

/** What a login asks for. */
export interface LoginRequest {
  /** snsapi_base (silent) or snsapi_userinfo (asks for the profile), snsapi_login for a website app. */
  scope?: "snsapi_base" | "snsapi_userinfo" | "snsapi_login";
  /** Where it ends; this page, where it is left out. */
  returnTo?: string;
  lang?: "zh_CN" | "zh_TW" | "en";
}

/** Who is logged in. */
export interface Session {
  app: string;
  appId: string;
  openid: string;
  unionid?: string;
  /** Unix seconds. */
  expiresAt: number;
  [field: string]: unknown;
}

/** A user's profile, as WeChat tells it. */
export interface Profile {
  openid: string;
  nickname: string;
  headimgurl: string;
  [field: string]: unknown;
}

/** Logs users in, with a cookie where page and API are of one site, with a token elsewhere; the API decides which. */
export interface Login {
  /** The address that logs in, for a link. Another site's is good for this tab alone. */
  link(request?: LoginRequest): Promise<string>;
  /** Goes there. */
  start(request?: LoginRequest): Promise<void>;
  /** Takes the ticket out of the page's address, spends it, and tells who is logged in; null when nobody is. To be called on each page load. */
  session(): Promise<Session | null>;
  /** The profile; needs a login with snsapi_userinfo or snsapi_login. */
  profile(lang?: LoginRequest["lang"]): Promise<Profile>;
  /** A new token, or cookie, for the old one. */
  refresh(): Promise<void>;
  /** Ends the session, or all of the user's. */
  logout(all?: boolean): Promise<void>;
  /** fetch with the session: a path of the API, or an address of a trusted origin. At a 401 the session is refreshed, once, and the request sent again. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

const ended = ["session_missing", "session_revoked"];

/** The login of a page. */
export function login(options: LoginOptions): Login {
  const { language = browserLanguage(), app, storage = defaultKeep() } = options;
  const endpoint = new URL(options.endpoint || "/", location.href).href.replace(/\/+$/, "");
  const origin = new URL(endpoint).origin;
  const http: Http = {
    fetch: options.fetch ?? ((...request) => fetch(...request)),
    step: "login", language, timeout: options.timeout ?? 8000, patience: options.patience ?? 15000, signal: options.signal,
  };
  const error = (code: ConstructorParameters<typeof WechatFnError>[0]) => new WechatFnError(code, language, { step: "login" });
  const key = (what: string) => `wechatfn:${what}:${endpoint}`;
  const token = () => storage.getItem(key("token"));
  let refreshing: Promise<void> | undefined;
  let refreshed = 0; // how often
  let spending: Promise<void> | undefined;
  const underWay = new Set<Promise<unknown>>(); // requests with the session

  function bearing(init: RequestInit = {}): RequestInit {
    const headers = new Headers(init.headers);
    const bearer = token();
    if (bearer) headers.set("Authorization", "Bearer " + bearer);
    return { ...init, headers, credentials: "include" };
  }

  /** Fetches with the session; not while that is refreshed, since its old token must not come again. */
  const bear: typeof fetch = async (url, init) => {
    while (refreshing) await refreshing.catch(() => {});
    const request = http.fetch(url, bearing(init)), done = () => underWay.delete(request);
    underWay.add(request);
    request.then(done, done);
    return request;
  };
  const mine: Http = { ...http, fetch: bear };

  /** Proves later that the ticket is spent in the tab that began: the tab keeps the verifier. */
  async function challenge(): Promise<string> {
    if (!globalThis.crypto?.subtle) throw error("insecure-context");
    const verifier = storage.getItem(key("verifier")) ?? newVerifier();
    storage.setItem(key("verifier"), verifier);
    return challengeOf(verifier);
  }

  async function link(request: LoginRequest = {}): Promise<string> {
    const back = new URL(request.returnTo ?? location.href, location.href);
    const query = new URLSearchParams({ return_to: back.href });
    if (app) query.set("app", app);
    if (request.scope) query.set("scope", request.scope);
    if (request.lang) query.set("lang", request.lang);
    if (back.origin !== origin) query.set("challenge", await challenge());
    return endpoint + "/oauth/authorize?" + query;
  }

  /** Spends the ticket in the page's address, if there is one. */
  async function redeem(): Promise<void> {
    const ticket = takeTicket();
    if (!ticket) return;
    const body = JSON.stringify({ code: ticket, verifier: storage.getItem(key("verifier")) ?? "" });
    const answer = await send(http, endpoint + "/oauth/token", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (answer.ok) {
      storage.setItem(key("token"), (await json<{ token: string }>(http, answer, "token")).token);
      storage.removeItem(key("verifier"));
    } else if (!token()) throw await problem(http, answer); // with a token: WeChat came back twice, and the first time won
  }

  async function session(): Promise<Session | null> {
    await (spending ??= redeem().finally(() => (spending = undefined)));
    try {
      return await json<Session>(http, await ask(mine, endpoint + "/oauth/session"), "openid");
    } catch (failure) {
      if ((failure as WechatFnError).status !== 401) throw failure;
      storage.removeItem(key("token"));
      return null;
    }
  }

  /** One at a time, and by itself: whoever uses the old token after its end, ends the session. */
  function refresh(): Promise<void> {
    return (refreshing ??= renew().finally(() => (refreshing = undefined)));
  }

  async function renew(): Promise<void> {
    // What takes longer has arrived there by now.
    await within({ ...http, ms: http.timeout, signals: [http.signal] }, () => Promise.allSettled(underWay)).catch(() => {});
    const answer = await send(http, endpoint + "/oauth/session/refresh", bearing({ method: "POST" }));
    if (!answer.ok) {
      if (answer.status === 401) storage.removeItem(key("token"));
      throw await problem(http, answer);
    }
    const grant = await json<{ token?: string; openid?: string }>(http, answer, token() ? "token" : "openid");
    if (grant.token) storage.setItem(key("token"), grant.token);
    refreshed++;
  }

  async function logout(all = false): Promise<void> {
    const answer = await send(mine, endpoint + "/oauth/session" + (all ? "?all=true" : ""), { method: "DELETE" });
    if (!answer.ok && answer.status !== 401) throw await problem(http, answer);
    storage.removeItem(key("token"));
  }

  async function fetchWithSession(path: string, init?: RequestInit): Promise<Response> {
    const url = path.startsWith("/") ? new URL(endpoint + path) : new URL(path, location.href);
    if (url.origin !== origin && !options.trust?.includes(url.origin)) throw error("origin-not-trusted");
    const before = refreshed;
    const answer = await bear(url.href, init);
    if (answer.status !== 401 || (init?.body instanceof ReadableStream)) return answer;
    const code = await answer.clone().json().then(body => body?.code, () => undefined);
    if (ended.includes(code)) {
      storage.removeItem(key("token"));
      return answer;
    }
    // One that was sent before a refresh is sent again with what came of that.
    return (before === refreshed ? refresh() : Promise.resolve()).then(() => bear(url.href, init), () => answer);
  }

  return {
    link, session, refresh, logout, fetch: fetchWithSession,
    start: async request => location.assign(await link(request)),
    profile: async lang =>
      json<Profile>(http, await ask(mine, endpoint + "/oauth/userinfo" + (lang ? "?lang=" + lang : "")), "openid"),
  };
}
