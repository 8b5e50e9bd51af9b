import { WechatFnError } from "./error.js";
import { get, httpOf, problemError, readJSON, send } from "./http.js";
import type { Http } from "./http.js";
import type { Language } from "./language.js";
import { challengeOf, newVerifier, takeLoginCode } from "./login-code.js";
import type { ErrorCode } from "./messages.js";
import { sessionRequests } from "./session.js";
import { defaultStorage, storedText } from "./storage.js";
import type { TokenStorage } from "./storage.js";

/** The options of login. */
export interface LoginOptions {
  /** The address of the API: "https://api.example.com", or "" for the page's own origin. */
  endpoint: string;
  /** Name of the account. For a QR code, the name of a website app. Default: the first account. */
  app?: string;
  /** Other origins to which `fetch` may send the session: those of your own routes behind the authorizer. */
  trustedOrigins?: readonly string[];
  /** Default: sessionStorage, or memory where the browser does not allow storage. */
  storage?: TokenStorage;
  fetch?: typeof fetch;
  /** Language of error messages. Default: the browser's. */
  language?: Language;
  /** Milliseconds for each response. Default: 8000. */
  timeout?: number;
  /** Milliseconds to wait in total when the API responds with 503 and Retry-After. Default: 15000. */
  retryTimeout?: number;
  signal?: AbortSignal;
}

/** What a login requests. */
export interface LoginRequest {
  /** snsapi_base logs in silently; snsapi_userinfo asks the user for the profile; snsapi_login is for website apps. */
  scope?: "snsapi_base" | "snsapi_userinfo" | "snsapi_login";
  /** The address to which the login returns. Default: this page. */
  returnTo?: string;
  lang?: "zh_CN" | "zh_TW" | "en";
}

/** The session of the user who is logged in. */
export interface Session {
  app: string;
  appId: string;
  openid: string;
  unionid?: string;
  /** Unix seconds. */
  expiresAt: number;
  [field: string]: unknown;
}

/** The user's profile from WeChat. */
export interface Profile {
  openid: string;
  nickname: string;
  headimgurl: string;
  [field: string]: unknown;
}

/** Logs users in: with a cookie if page and API belong to the same site, else with a token. The API decides which. */
export interface Login {
  /** The address that starts a login. On a page of another origin it works only in this tab. */
  link(request?: LoginRequest): Promise<string>;
  /** Goes to that address. */
  start(request?: LoginRequest): Promise<void>;
  /** Call it on each page load. It redeems the login code in the page's address, if there is one, and returns the session, or null if nobody is logged in. */
  session(): Promise<Session | null>;
  /** The user's profile. It requires a login with snsapi_userinfo or snsapi_login. */
  profile(lang?: LoginRequest["lang"]): Promise<Profile>;
  /** Replaces the session's token or cookie with a new one. */
  refresh(): Promise<void>;
  /** Ends this session, or all sessions of the user. */
  logout(all?: boolean): Promise<void>;
  /** Fetches a path of the API, or an address of a trusted origin, with the session. After a 401 it refreshes the session once and sends the request again. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** The login of a page. */
export function login(options: LoginOptions): Login {
  const { app, storage = defaultStorage() } = options;
  const endpoint = new URL(options.endpoint || "/", location.href).href.replace(/\/+$/, "");
  const origin = new URL(endpoint).origin;
  const http = httpOf("login", options, options.timeout);
  const loginError = (code: ErrorCode) => new WechatFnError(code, http.language, { step: "login" });
  const token = storedText(storage, "wechatfn:token:" + endpoint), verifier = storedText(storage, "wechatfn:verifier:" + endpoint);
  const { fetch, fetchWithRefresh, refresh } = sessionRequests(http, endpoint, token);
  const sessionHttp: Http = { ...http, fetch };
  let redeeming: Promise<void> | undefined;

  /** The challenge of this tab. Only the tab has the verifier, so only the tab can redeem the login code. */
  async function challenge(): Promise<string> {
    if (!globalThis.crypto?.subtle) throw loginError("insecure-context");
    const secret = verifier.get() ?? newVerifier();
    verifier.set(secret);
    return challengeOf(secret);
  }

  async function link(request: LoginRequest = {}): Promise<string> {
    const returnTo = new URL(request.returnTo ?? location.href, location.href);
    const query = new URLSearchParams({ return_to: returnTo.href });
    if (app) query.set("app", app);
    if (request.scope) query.set("scope", request.scope);
    if (request.lang) query.set("lang", request.lang);
    if (returnTo.origin !== origin) query.set("challenge", await challenge());
    return endpoint + "/oauth/authorize?" + query;
  }

  /** Redeems the login code in the page's address, if there is one. */
  async function redeem(): Promise<void> {
    const code = takeLoginCode();
    if (!code) return;
    const body = JSON.stringify({ code, verifier: verifier.get() ?? "" });
    const response = await send(http, endpoint + "/oauth/token", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (response.ok) {
      token.set((await readJSON<{ token: string }>(http, response, "token")).token);
      verifier.set(null);
    } else if (!token.get()) throw await problemError(http, response); // with a token: WeChat has returned here twice, and the first code was redeemed
  }

  async function session(): Promise<Session | null> {
    await (redeeming ??= redeem().finally(() => (redeeming = undefined)));
    try {
      return await readJSON<Session>(http, await get(sessionHttp, endpoint + "/oauth/session"), "openid");
    } catch (error) {
      if ((error as WechatFnError).status !== 401) throw error;
      token.set(null);
      return null;
    }
  }

  async function logout(all = false): Promise<void> {
    const response = await send(sessionHttp, endpoint + "/oauth/session" + (all ? "?all=true" : ""), { method: "DELETE" });
    if (!response.ok && response.status !== 401) throw await problemError(http, response);
    token.set(null);
  }

  return {
    link, session, refresh, logout,
    start: async request => location.assign(await link(request)),
    profile: async lang =>
      readJSON<Profile>(http, await get(sessionHttp, endpoint + "/oauth/userinfo" + (lang ? "?lang=" + lang : "")), "openid"),
    fetch: async (path, init) => {
      const url = path.startsWith("/") ? new URL(endpoint + path) : new URL(path, location.href);
      if (url.origin !== origin && !options.trustedOrigins?.includes(url.origin)) throw loginError("origin-not-trusted");
      return fetchWithRefresh(url.href, init);
    },
  };
}
