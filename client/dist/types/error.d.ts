import type { Language } from "./language.js";
import type { OwnCode } from "./messages.js";
import type { WxAnswer } from "./wx.js";
/** In which part of the work it went wrong. */
export type Step = "script" | "sign" | "config" | "call" | "open-tags" | "login";
/** What is known of a failure beside its code. */
export interface Details {
    step?: Step;
    /** WeChat's own text, such as "config:invalid signature". */
    wechat?: string;
    /** HTTP status of the API's answer. */
    status?: number;
    /** Instead of the code's own text. */
    message?: string | undefined;
    cause?: unknown;
}
/**
 * Every failure of this module. `code` is stable: words with hyphens are this module's (see the README), words with underscores are the
 * API's problems. `message` is for people and may change.
 */
export declare class WechatFnError extends Error {
    readonly name = "WechatFnError";
    readonly code: OwnCode | (string & {});
    readonly step: Step | undefined;
    readonly wechat: string | undefined;
    readonly status: number | undefined;
    readonly cause: unknown;
    constructor(code: OwnCode | (string & {}), language?: Language, details?: Details);
}
/** What WeChat's refusal of a call (or of "config") means. */
export declare function refusal(step: Step, answer: WxAnswer | undefined, language: Language): WechatFnError;
