import { WechatFnError } from "./error.js";
import type { Step } from "./error.js";
import type { Language } from "./language.js";
/** How the API is reached. */
export interface Http {
    fetch: typeof fetch;
    step: Step;
    language: Language;
    /** Milliseconds for each answer. */
    timeout: number;
    /** Milliseconds to wait at most, over all times that the API says when to come back. */
    patience: number;
    signal: AbortSignal | undefined;
}
/** Reads from the API, and again where it answers 503 with Retry-After. The answer is not a failure. */
export declare function ask(http: Http, url: string): Promise<Response>;
/** One request; what the API answered, whatever its status. */
export declare function send(http: Http, url: string, init: RequestInit): Promise<Response>;
/** The body of an answer that went well. */
export declare function json<T>(http: Http, answer: Response, field: keyof T & string): Promise<T>;
/** The API's refusal, with the hint that goes with it. */
export declare function problem(http: Http, answer: Response): Promise<WechatFnError>;
