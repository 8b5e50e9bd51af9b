import type { Language } from "./language.js";
import type { Wx, WxResult } from "./wx.js";
/** One of WeChat's APIs. Throws where this version of WeChat does not have it. */
export declare function apiOf(wx: Wx, name: string, language: Language): (args: object) => void;
/** Calls one of WeChat's APIs. `success` resolves the promise; `fail` and `cancel` reject it. */
export declare function callWx(wx: Wx, name: string, args: object, language: Language): Promise<WxResult>;
