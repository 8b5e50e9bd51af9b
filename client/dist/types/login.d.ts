import type { Language } from "./language.js";
import type { Keep } from "./storage.js";
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
/** The login of a page. */
export declare function login(options: LoginOptions): Login;
