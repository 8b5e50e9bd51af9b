import { WechatFnError } from "./error.js";
import type { Step } from "./error.js";
import type { Language } from "./language.js";
/** How to reach the API. */
export interface Http {
    fetch: typeof fetch;
    step: Step;
    language: Language;
    /** Milliseconds for each response. */
    timeout: number;
    /** Milliseconds that all waits for Retry-After together may take. */
    retryTimeout: number;
    signal: AbortSignal | undefined;
}
/** The options that connect and login have in common. */
interface HttpOptions {
    fetch?: typeof fetch;
    language?: Language;
    retryTimeout?: number;
    signal?: AbortSignal;
}
/** Fills in the defaults. */
export declare function httpOf(step: Step, options: HttpOptions, timeout?: number): Http;
/** Sends a GET. After a 503 with Retry-After it waits and tries again. It rejects unless the response is a success. */
export declare function get(http: Http, url: string): Promise<Response>;
/** Sends one request, and returns the response whatever its status is. */
export declare function send(http: Http, url: string, init: RequestInit): Promise<Response>;
/** The JSON object of a successful response. It must have the field. */
export declare function readJSON<T>(http: Http, response: Response, field: keyof T & string): Promise<T>;
/** The error for a response that is not a success. Its message contains the problem's hint. */
export declare function problemError(http: Http, response: Response): Promise<WechatFnError>;
export {};
