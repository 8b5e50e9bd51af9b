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
/** Does the work, and fails when the time is over or a signal is aborted. Then it also aborts the signal that the work got. */
export declare function withTimeout<T>(limits: Limits, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
/** Waits. When the signal is aborted, the timer is cleared and the promise stays pending. */
export declare function sleep(ms: number, signal: AbortSignal): Promise<void>;
