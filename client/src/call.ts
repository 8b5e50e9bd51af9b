import { wxError } from "./error.js";
import type { Language } from "./language.js";
import type { Wx, WxResult } from "./wx.js";

/** One of WeChat's APIs. Throws where this version of WeChat does not have it. */
export function apiOf(wx: Wx, name: string, language: Language): (args: object) => void {
  const api = wx[name];
  if (typeof api !== "function") throw wxError("call", { errMsg: name + ":function not exist" }, language);
  return args => api.call(wx, args);
}

/** Calls one of WeChat's APIs. `success` resolves the promise; `fail` and `cancel` reject it. */
export function callWx(wx: Wx, name: string, args: object, language: Language): Promise<WxResult> {
  return new Promise((resolve, reject) => {
    const fail = (result?: WxResult) => reject(wxError("call", result, language));
    apiOf(wx, name, language)({
      ...args,
      success: (result: WxResult) => resolve(result ?? {}),
      fail,
      cancel: (result?: WxResult) => fail({ ...result, errMsg: name + ":cancel" }),
    });
  });
}
