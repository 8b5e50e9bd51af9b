import { refusal } from "./error.js";
import type { Language } from "./language.js";
import type { Wx, WxAnswer } from "./wx.js";

/** One of WeChat's APIs; an error where this WeChat does not have it. */
export function apiOf(wx: Wx, name: string, language: Language): (args: object) => void {
  const api = wx[name];
  if (typeof api !== "function") throw refusal("call", { errMsg: name + ":function not exist" }, language);
  return args => api.call(wx, args);
}

/** Calls one of WeChat's APIs: its success is the promise's value, fail and cancel its error. */
export function callWx(wx: Wx, name: string, args: object, language: Language): Promise<WxAnswer> {
  return new Promise((resolve, reject) => {
    const refuse = (answer?: WxAnswer) => reject(refusal("call", answer, language));
    apiOf(wx, name, language)({
      ...args,
      success: (answer: WxAnswer) => resolve(answer ?? {}),
      fail: refuse,
      cancel: (answer?: WxAnswer) => refuse({ ...answer, errMsg: name + ":cancel" }),
    });
  });
}
