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
/** Settles as the work does, or fails when its time is over or a signal is aborted; the work's own signal is aborted then. */
export declare function within<T>(bounds: Bounds, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
/** Lets time pass, unless the signal is aborted first. */
export declare function pause(ms: number, signal: AbortSignal): Promise<void>;
