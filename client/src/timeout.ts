import { WechatFnError } from "./error.js";
import type { Step } from "./error.js";
import type { Language } from "./language.js";

/** Limits of one step. */
export interface Limits {
  step: Step;
  language: Language;
  /** Milliseconds; 0 means no limit. */
  timeout: number;
  signal?: AbortSignal | undefined;
  /** A second signal: the one of a single call. */
  callSignal?: AbortSignal | null | undefined;
}

/** The error code of a step whose work throws something else than a WechatFnError: fetch, a script element, or WeChat's script. */
const codes = { script: "script-load-failed", sign: "network-error", login: "network-error", config: "config-failed", call: "call-failed", "open-tags": "open-tags-failed" } as const;

/** Does the work, and fails when the time is over or a signal is aborted. Then it also aborts the signal that the work got. */
export function withTimeout<T>(limits: Limits, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { step, language, timeout } = limits;
  const signals = [limits.signal, limits.callSignal].filter((s): s is AbortSignal => !!s);
  return new Promise<T>((resolve, reject) => {
    const controller = new AbortController();
    const fail = (code: "timeout" | "aborted", cause?: unknown) => {
      reject(new WechatFnError(code, language, { step, cause }));
      controller.abort();
    };
    const onAbort = () => fail("aborted", signals.find(s => s.aborted)?.reason);
    if (signals.some(s => s.aborted)) return onAbort();
    const timer = timeout > 0 ? setTimeout(fail, timeout, "timeout") : undefined;
    signals.forEach(s => s.addEventListener("abort", onAbort));
    const cleanUp = () => {
      clearTimeout(timer);
      signals.forEach(s => s.removeEventListener("abort", onAbort));
    };
    controller.signal.addEventListener("abort", cleanUp);
    (async () => work(controller.signal))().finally(cleanUp).then(resolve, (cause: unknown) =>
      reject(cause instanceof WechatFnError ? cause : new WechatFnError(codes[step], language, { step, cause })));
  });
}

/** Waits. When the signal is aborted, the timer is cleared and the promise stays pending. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => clearTimeout(timer));
  });
}
