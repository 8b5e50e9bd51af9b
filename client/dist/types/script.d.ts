import type { Language } from "./language.js";
import type { Wx } from "./wx.js";
/** WeChat's script, and the host to go to when the first does not answer. */
export declare const scripts: readonly string[];
/** The wx that is there, or that of the first script that loads. `ms` is for each of them. */
export declare function load(urls: readonly string[], ms: number, language: Language, signal?: AbortSignal): Promise<Wx>;
