import type { Language } from "./language.js";
import type { Wx } from "./wx.js";
/** WeChat's script, at its first host and at the standby host. */
export declare const scriptURLs: readonly string[];
/** The existing window.wx, or the one of the first script that loads. The timeout, in milliseconds, is for each script. */
export declare function loadWx(urls: readonly string[], timeout: number, language: Language, signal?: AbortSignal): Promise<Wx>;
