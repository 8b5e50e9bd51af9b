import type { Language } from "./language.js";
import type { ErrorCode } from "./messages.js";
import type { WxResult } from "./wx.js";
/** The step that failed. */
export type Step = "script" | "sign" | "config" | "call" | "open-tags" | "login";
/** What is known of a failure besides its code. */
export interface ErrorDetails {
    step?: Step;
    /** WeChat's own text, such as "config:invalid signature". */
    wechat?: string;
    /** HTTP status of the API's response. */
    status?: number;
    /** Replaces the message that belongs to the code. */
    message?: string | undefined;
    cause?: unknown;
}
/**
 * Every error of this module. `code` is stable: codes with hyphens belong to this module (see the README), codes with underscores are
 * problem codes of the API. `message` is for people and can change.
 */
export declare class WechatFnError extends Error {
    readonly name = "WechatFnError";
    readonly code: ErrorCode | (string & {});
    readonly step: Step | undefined;
    readonly wechat: string | undefined;
    readonly status: number | undefined;
    readonly cause: unknown;
    constructor(code: ErrorCode | (string & {}), language?: Language, details?: ErrorDetails);
}
/** The error for a result with which WeChat refuses wx.config or an API call. */
export declare function wxError(step: Step, result: WxResult | undefined, language: Language): WechatFnError;
