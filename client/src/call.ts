import { refusal } from "./error.js";
import type { Language } from "./error.js";
import type { Wx, WxAnswer } from "./wx.js";

/** Calls one of WeChat's APIs: its success is the promise's value, fail and cancel its error. */
export function callWx(wx: Wx, name: string, args: object, language: Language): Promise<WxAnswer> {
  const api = wx[name];
  return new Promise((resolve, reject) => {
    const refuse = (answer?: WxAnswer) => reject(refusal("call", answer, language));
    if (typeof api !== "function") return refuse({ errMsg: name + ":function not exist" });
    api.call(wx, {
      ...args,
      success: (answer: WxAnswer) => resolve(answer ?? {}),
      fail: refuse,
      cancel: (answer?: WxAnswer) => refuse({ ...answer, errMsg: name + ":cancel" }),
    });
  });
}
