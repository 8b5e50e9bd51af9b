import type { Language } from "./language.js";
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
export declare function login(options: LoginOptions): Login;
