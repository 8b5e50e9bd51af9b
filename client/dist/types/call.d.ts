import type { Language } from "./language.js";
import type { Wx, WxAnswer } from "./wx.js";
/** One of WeChat's APIs; an error where this WeChat does not have it. */
export declare function apiOf(wx: Wx, name: string, language: Language): (args: object) => void;
/** Calls one of WeChat's APIs: its success is the promise's value, fail and cancel its error. */
export declare function callWx(wx: Wx, name: string, args: object, language: Language): Promise<WxAnswer>;
