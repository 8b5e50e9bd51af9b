import { WechatFnError } from "./error.js";
import type { Step } from "./error.js";
import type { Language } from "./language.js";

/** Bounds of one step. */
export interface Bounds {
  step: Step;
  language: Language;
  /** Milliseconds; 0 waits for ever. */
  ms: number;
  signals?: readonly (AbortSignal | undefined)[];
}

/** What a failure is that says nothing of itself: of fetch, of a script tag, or thrown by WeChat's script. */
const failures = { script: "script-failed", sign: "network", login: "network", config: "config-failed", call: "call-failed", "open-tags": "open-tags-failed" } as const;

/** Settles as the work does, or fails when its time is over or a signal is aborted; the work's own signal is aborted then. */
export function within<T>(bounds: Bounds, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { step, language, ms } = bounds;
  const signals = (bounds.signals ?? []).filter((s): s is AbortSignal => !!s);
  return new Promise<T>((resolve, reject) => {
    const stop = new AbortController();
    const fail = (code: "timeout" | "aborted", cause?: unknown) => {
      reject(new WechatFnError(code, language, { step, cause }));
      stop.abort();
    };
    const aborted = () => fail("aborted", signals.find(s => s.aborted)?.reason);
    if (signals.some(s => s.aborted)) return aborted();
    const timer = ms > 0 ? setTimeout(fail, ms, "timeout") : undefined;
    signals.forEach(s => s.addEventListener("abort", aborted));
    const done = () => {
      clearTimeout(timer);
      signals.forEach(s => s.removeEventListener("abort", aborted));
    };
    stop.signal.addEventListener("abort", done);
    (async () => work(stop.signal))().finally(done).then(resolve, (cause: unknown) =>
      reject(cause instanceof WechatFnError ? cause : new WechatFnError(failures[step], language, { step, cause })));
  });
}

/** Lets time pass, unless the signal is aborted first. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => clearTimeout(timer));
  });
}
