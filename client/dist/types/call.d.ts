import type { Language } from "./error.js";
import type { Wx, WxAnswer } from "./wx.js";
/** Calls one of WeChat's APIs: its success is the promise's value, fail and cancel its error. */
export declare function callWx(wx: Wx, name: string, args: object, language: Language): Promise<WxAnswer>;
