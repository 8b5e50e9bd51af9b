import { WechatFnError } from "./error.js";
import type { Language } from "./language.js";
import type { Sharing } from "./share.js";
import type { Sign } from "./sign.js";
import type { AnswerOf, ApiName, OpenTag, Wx } from "./wx.js";
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
    ready(wait?: {
        signal?: AbortSignal;
    }): Promise<void>;
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
/** Connects the page to WeChat by way of the API. Nothing happens before `ready` or a call. */
export declare function connect(options: ConnectOptions): Connection;
