import type { Language } from "./language.js";
import { texts } from "./messages.js";
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
export class WechatFnError extends Error {
  override readonly name = "WechatFnError";
  readonly code: OwnCode | (string & {});
  readonly step: Step | undefined;
  readonly wechat: string | undefined;
  readonly status: number | undefined;
  readonly cause: unknown;

  constructor(code: OwnCode | (string & {}), language: Language = "en", details: Details = {}) {
    const own = (texts as Record<string, readonly [string, string]>)[code];
    super(details.message || (own ? own[language === "zh" ? 1 : 0] : code));
    this.code = code;
    this.step = details.step;
    this.wechat = details.wechat;
    this.status = details.status;
    this.cause = details.cause;
  }
}

// WeChat has no codes here but for config, and those stand inside its text.
const known: readonly (readonly [RegExp, OwnCode])[] = [
  [/63002|invalid signature/i, "invalid-signature"],
  [/40048|invalid url domain/i, "invalid-url-domain"],
  [/permission denied/i, "permission-denied"],
  [/function.not.exist/i, "function-not-exist"],
  [/offline verifying/i, "offline-verifying"],
  [/:cancel$/i, "cancelled"],
];

/** What WeChat's refusal of a call (or of "config") means. */
export function refusal(step: Step, answer: WxAnswer | undefined, language: Language): WechatFnError {
  const wechat = String(answer?.errMsg ?? "");
  const code = known.find(([text]) => text.test(wechat))?.[1] ?? (step === "config" ? "config-failed" : "call-failed");
  const own = texts[code][language === "zh" ? 1 : 0];
  return new WechatFnError(code, language, { step, wechat, message: wechat ? own + " (" + wechat + ")" : own });
}
