import { apiOf, callWx } from "./call.js";
import { configure } from "./config.js";
import { WechatFnError } from "./error.js";
import { httpOf } from "./http.js";
import type { Http } from "./http.js";
import type { Language } from "./language.js";
import { latestConfig } from "./latest-config.js";
import { inWeChat, urlToSign } from "./page.js";
import { loadWx, scriptURLs } from "./script.js";
import { sharing } from "./share.js";
import type { Sharing } from "./share.js";
import { apiSigner, shareRequests } from "./sign.js";
import type { Sign } from "./sign.js";
import { withTimeout } from "./timeout.js";
import type { ApiName, ApiResult, OpenTag, Signature, Wx } from "./wx.js";

/** Milliseconds for each step; 0 means no limit. */
export interface Timeouts {
  /** Each attempt to load WeChat's script. Default: 8000. */
  script?: number;
  /** Each response of the API, or of your own `sign`. Default: 8000. */
  sign?: number;
  /** WeChat's decision on wx.config. Default: 10000. */
  config?: number;
  /** One of WeChat's APIs. Default: 0, since many of them wait for the user. */
  call?: number;
}

/** The options of connect. Only `endpoint` or `sign` is required. */
export interface ConnectOptions {
  /** The address of the API: "https://api.example.com", or "" for the page's own origin. */
  endpoint?: string;
  /** Gets signatures instead of the API. */
  sign?: Sign;
  /** Name of the account. Default: the first one. */
  app?: string;
  /** APIs that the page calls, besides those that share. */
  apis?: readonly ApiName[];
  /** Open tags that the page shows. */
  openTags?: readonly OpenTag[];
  /** WeChat's debug mode, which shows every result in an alert. */
  debug?: boolean;
  /** Language of error messages. Default: the browser's. */
  language?: Language;
  /** Other addresses of WeChat's script, tried in this order; `[]` if the page loads the script itself. */
  script?: string | readonly string[];
  /** Used instead of window.wx. No script is loaded. */
  wx?: Wx;
  fetch?: typeof fetch;
  timeouts?: Timeouts;
  /** Milliseconds to wait in total when the API responds with 503 and Retry-After. Default: 15000. */
  retryTimeout?: number;
  /** Milliseconds without an error after which a repeated wx.config counts as accepted. Default: 1000. */
  configTimeout?: number;
  /** Continues outside WeChat, where WeChat's script never calls back. */
  allowOutsideWeChat?: boolean;
  /** The address to sign, without its fragment. Default: the landing address on iOS, else the current address. */
  url?: () => string;
  /** Gets errors that no call reports: a late refusal of wx.config, and errors of open tags. */
  onError?: (error: WechatFnError) => void;
  /** Stops everything. */
  signal?: AbortSignal;
}

/** The options of one call. */
export interface CallOptions {
  signal?: AbortSignal;
  /** Milliseconds; replaces `timeouts.call`. */
  timeout?: number;
}

/** A page's connection to WeChat. Its functions do not use `this`. */
export interface Connection extends Sharing {
  /** Loads WeChat's script, gets a signature, and waits until WeChat accepts it. After a failure the next call tries again. */
  ready(options?: { signal?: AbortSignal }): Promise<void>;
  /** Call it after each change of route. It signs again if the address, or an open tag, requires that. */
  routeChanged(): Promise<void>;
  /** Signs again in any case. `force` asks for a new signature where the API caches signatures. */
  resign(force?: boolean): Promise<void>;
  /** Calls one of WeChat's APIs. */
  call<N extends ApiName>(name: N, args?: object, options?: CallOptions): Promise<ApiResult<N>>;
  /** Tells which of the APIs this version of WeChat has. */
  checkJsApi(names: readonly ApiName[]): Promise<Record<string, boolean>>;
  /** WeChat's own object, when it is ready. */
  wx(): Promise<Wx>;
}

const shareApis = ["updateAppMessageShareData", "updateTimelineShareData", "onMenuShareAppMessage", "onMenuShareTimeline"];

/** Your own `sign`, or the API's; either sends one request at a time for an address. */
function signerOf(options: ConnectOptions, http: Http): Sign {
  const { sign } = options;
  return shareRequests(sign
    ? (...args) => withTimeout(http, () => sign(...args))
    : apiSigner(http, (options.endpoint ?? "").replace(/\/+$/, ""), options.app));
}

/** Connects the page to WeChat through the API. It does nothing before `ready` or a call. */
export function connect(options: ConnectOptions): Connection {
  const { timeouts = {}, openTags = [], url = urlToSign, onError = () => {} } = options;
  const http = httpOf("sign", options, timeouts.sign), { language, signal } = http;
  const jsApiList = [...new Set([...shareApis, ...(options.apis ?? [])])];

  let wx = options.wx; // or what the script defines
  let loading: Promise<void> | undefined;
  const loadOnce = async () => {
    if (!wx) await (loading ??= load().finally(() => (loading = undefined)));
  };
  const configs = latestConfig(loadOnce, url, signerOf(options, http), configureWx);

  async function load(): Promise<void> {
    if (!options.allowOutsideWeChat && !inWeChat()) throw new WechatFnError("not-in-wechat", language, { step: "script" });
    const { script = scriptURLs } = options;
    wx = await loadWx(typeof script === "string" ? [script] : script, timeouts.script ?? 8000, language, signal);
  }

  function configureWx(signature: Signature, onLateError: () => void): Promise<void> {
    if (openTags.length) document.addEventListener("WeixinOpenTagsError", openTagsFailed); // the same listener is added once
    const args = { debug: !!options.debug, jsApiList: [...jsApiList], openTagList: [...openTags] };
    return withTimeout({ ...http, step: "config", timeout: timeouts.config ?? 10000 },
      () => configure(wx as Wx, signature, args, options.configTimeout ?? 1000, language, error => {
        onLateError();
        onError(error);
      }));
  }

  function openTagsFailed(event: Event) {
    const wechat = String((event as CustomEvent<{ errMsg?: string } | null>).detail?.errMsg ?? "");
    onError(new WechatFnError("open-tags-failed", language, { step: "open-tags", wechat }));
  }

  const ready: Connection["ready"] = options =>
    withTimeout({ step: "config", language, timeout: 0, signal: options?.signal }, () => configs.current() ?? configs.start());

  const call = async <N extends ApiName>(name: N, args: object = {}, options: CallOptions = {}): Promise<ApiResult<N>> => {
    if (name !== "checkJsApi" && !jsApiList.includes(name)) throw new WechatFnError("api-not-listed", language, { step: "call" });
    await ready(options);
    return withTimeout({ ...http, step: "call", timeout: options.timeout ?? timeouts.call ?? 0, callSignal: options.signal },
      () => callWx(wx as Wx, name, args, language)) as Promise<ApiResult<N>>;
  };

  return {
    ready,
    call,
    routeChanged: () => (url() === configs.signedURL() && !openTags.length && configs.current() || configs.start()),
    resign: configs.start,
    checkJsApi: async names => (await call("checkJsApi", { jsApiList: [...names] }, { timeout: 10000 })).checkResult,
    wx: async () => {
      await ready();
      return wx as Wx;
    },
    ...sharing(call, ready, name => apiOf(wx as Wx, name, language)),
  };
}
