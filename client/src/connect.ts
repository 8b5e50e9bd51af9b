import { apiOf, callWx } from "./call.js";
import { configure } from "./config.js";
import { WechatFnError } from "./error.js";
import type { Http } from "./http.js";
import { browserLanguage } from "./language.js";
import type { Language } from "./language.js";
import { inWeChat, urlToSign } from "./page.js";
import { load, scripts } from "./script.js";
import { share } from "./share.js";
import type { Sharing } from "./share.js";
import { once, signer } from "./sign.js";
import type { Sign } from "./sign.js";
import { turns } from "./latest-config.js";
import { within } from "./timeout.js";
import type { AnswerOf, ApiName, OpenTag, Signature, Wx } from "./wx.js";

/** Milliseconds that each step may take; 0 is without end. */
export interface Timeouts {
  /** Each try to load WeChat's script: 8000. */
  script?: number;
  /** Each answer of the API, or of your own `sign`: 8000. */
  sign?: number;
  /** WeChat's verdict: 10000. */
  config?: number;
  /** An API of WeChat's: 0, since many wait for the user. */
  call?: number;
}

/** What connect takes. All but `endpoint` (or `sign`) may be left out. */
export interface ConnectOptions {
  /** Where the API is: "https://api.example.com", or "" for the page's own origin. */
  endpoint?: string;
  /** Another way to get signatures. */
  sign?: Sign;
  /** Name of the account, where there are several. */
  app?: string;
  /** APIs that the page calls, beside those that share. */
  apis?: readonly ApiName[];
  /** Open tags that the page shows. */
  openTags?: readonly OpenTag[];
  /** WeChat's own debug mode: it shows each answer in an alert. */
  debug?: boolean;
  /** Of error messages; the browser's, where it is left out. */
  language?: Language;
  /** WeChat's script at other addresses, tried in turn; `[]` for one that is there already. */
  script?: string | readonly string[];
  /** Instead of window.wx and of loading a script. */
  wx?: Wx;
  fetch?: typeof fetch;
  timeouts?: Timeouts;
  /** Milliseconds to wait at most where the API answers 503 with Retry-After: 15000. */
  patience?: number;
  /** Milliseconds after which a repeated wx.config counts as accepted: 1000. */
  settle?: number;
  /** Goes on outside WeChat, where WeChat's script never answers. */
  outside?: boolean;
  /** The address to sign, without its fragment. By default the landing address on iOS, else the current one. */
  url?: () => string;
  /** Told of what nobody waits for: a refusal that comes late, or of open tags. */
  onError?: (error: WechatFnError) => void;
  /** Ends everything. */
  signal?: AbortSignal;
}

/** How long to wait, for one call. */
export interface Wait {
  signal?: AbortSignal;
  /** Milliseconds, instead of `timeouts.call`. */
  timeout?: number;
}

/** A page's connection to WeChat. Its functions may be taken out of it. */
export interface Connection extends Sharing {
  /** Loads WeChat's script, signs, and waits until WeChat has accepted. What failed is tried again by the next call. */
  ready(wait?: { signal?: AbortSignal }): Promise<void>;
  /** To be called after each change of route: signs again where the address, or an open tag, needs it. */
  routeChanged(): Promise<void>;
  /** Signs again in any case; `force` asks for a new signature where the API keeps them. */
  resign(force?: boolean): Promise<void>;
  /** Calls an API of WeChat's. */
  call<N extends ApiName>(name: N, args?: object, wait?: Wait): Promise<AnswerOf<N>>;
  /** Which of the APIs there are in this version of WeChat. */
  checkJsApi(names: readonly ApiName[]): Promise<Record<string, boolean>>;
  /** WeChat's own object, when it is ready. */
  wx(): Promise<Wx>;
}

const shareApis = ["updateAppMessageShareData", "updateTimelineShareData", "onMenuShareAppMessage", "onMenuShareTimeline"];

/** Connects the page to WeChat by way of the API. Nothing happens before `ready` or a call. */
export function connect(options: ConnectOptions): Connection {
  const { language = browserLanguage(), timeouts = {}, signal } = options;
  const { openTags = [], url = urlToSign, onError = () => {} } = options;
  const jsApiList = [...new Set([...shareApis, ...(options.apis ?? [])])];
  const http: Http = {
    fetch: options.fetch ?? ((...request) => fetch(...request)),
    step: "sign", language, timeout: timeouts.sign ?? 8000, patience: options.patience ?? 15000, signal,
  };
  const own = options.sign;
  const sign = once(own
    ? (...asked) => within({ ...http, ms: http.timeout, signals: [signal] }, () => own(...asked))
    : signer(http, (options.endpoint ?? "").replace(/\/+$/, ""), options.app));

  let wx = options.wx; // once it is known
  let loading: Promise<void> | undefined;
  const found = async () => {
    if (!wx) await (loading ??= find().finally(() => (loading = undefined)));
  };
  const { begin, current, aim } = turns(found, url, sign, verdict);

  async function find(): Promise<void> {
    if (!options.outside && !inWeChat()) throw new WechatFnError("not-in-wechat", language, { step: "script" });
    const { script = scripts } = options;
    wx = await load(typeof script === "string" ? [script] : script, timeouts.script ?? 8000, language, signal);
  }

  function verdict(signature: Signature, refused: () => void): Promise<void> {
    if (openTags.length) document.addEventListener("WeixinOpenTagsError", tagsFailed); // once, however often
    const wanted = { debug: !!options.debug, jsApiList, openTagList: openTags };
    const late = (error: WechatFnError) => {
      refused();
      onError(error);
    };
    return within({ step: "config", language, ms: timeouts.config ?? 10000, signals: [signal] },
      () => configure(wx as Wx, signature, wanted, options.settle ?? 1000, language, late));
  }

  function tagsFailed(event: Event) {
    const wechat = String((event as CustomEvent<{ errMsg?: string } | null>).detail?.errMsg ?? "");
    onError(new WechatFnError("open-tags-failed", language, { step: "open-tags", wechat }));
  }

  const ready: Connection["ready"] = wait =>
    within({ step: "config", language, ms: 0, signals: [wait?.signal] }, () => current() ?? begin());

  const call = async <N extends ApiName>(name: N, args: object = {}, wait: Wait = {}): Promise<AnswerOf<N>> => {
    if (name !== "checkJsApi" && !jsApiList.includes(name)) throw new WechatFnError("api-not-listed", language, { step: "call" });
    await ready(wait);
    return within({ step: "call", language, ms: wait.timeout ?? timeouts.call ?? 0, signals: [signal, wait.signal] },
      () => callWx(wx as Wx, name, args, language)) as Promise<AnswerOf<N>>;
  };

  return {
    ready,
    call,
    routeChanged: () => (url() === aim() && !openTags.length && current() || begin()),
    resign: begin,
    checkJsApi: async names => (await call("checkJsApi", { jsApiList: [...names] }, { timeout: 10000 })).checkResult,
    wx: async () => {
      await ready();
      return wx as Wx;
    },
    ...share({ call, ready, api: name => apiOf(wx as Wx, name, language) }),
  };
}
