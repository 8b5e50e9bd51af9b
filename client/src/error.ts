import type { Language } from "./language.js";
import { messages } from "./messages.js";
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
export class WechatFnError extends Error {
  override readonly name = "WechatFnError";
  readonly code: ErrorCode | (string & {});
  readonly step: Step | undefined;
  readonly wechat: string | undefined;
  readonly status: number | undefined;
  readonly cause: unknown;

  constructor(code: ErrorCode | (string & {}), language: Language = "en", details: ErrorDetails = {}) {
    const own = (messages as Record<string, readonly [string, string]>)[code];
    super(details.message || (own ? own[language === "zh" ? 1 : 0] : code));
    this.code = code;
    this.step = details.step;
    this.wechat = details.wechat;
    this.status = details.status;
    this.cause = details.cause;
  }
}

// WeChat's script has no field for error codes. Only the text of wx.config's errors contains a number.
const patterns: readonly (readonly [RegExp, ErrorCode])[] = [
  [/63002|invalid signature/i, "invalid-signature"],
  [/40048|invalid url domain/i, "invalid-url-domain"],
  [/permission denied/i, "permission-denied"],
  [/function.not.exist/i, "function-not-exist"],
  [/offline verifying/i, "offline-verifying"],
  [/:cancel$/i, "cancelled"],
];

/** The error for a result with which WeChat refuses wx.config or an API call. */
export function wxError(step: Step, result: WxResult | undefined, language: Language): WechatFnError {
  const wechat = String(result?.errMsg ?? "");
  const code = patterns.find(([pattern]) => pattern.test(wechat))?.[1] ?? (step === "config" ? "config-failed" : "call-failed");
  const own = messages[code][language === "zh" ? 1 : 0];
  return new WechatFnError(code, language, { step, wechat, message: wechat ? own + " (" + wechat + ")" : own });
}
