import { wxError } from "./error.js";
import type { WechatFnError } from "./error.js";
import type { Language } from "./language.js";
import type { Signature, Wx } from "./wx.js";

/** What wx.config gets besides the signature. WeChat's script changes the lists. */
export interface ConfigArgs {
  debug: boolean;
  jsApiList: string[];
  openTagList: string[];
}

/**
 * Calls wx.config, and waits until WeChat accepts or refuses it. Only for the first wx.config does WeChat's script wait for the result
 * before it calls `ready`. After a later one it calls `ready` at once, and afterwards `error` if WeChat refuses. So a later one counts as
 * accepted when no error has come within `configTimeout` milliseconds. An error that comes after that goes to `onLateError`.
 */
export function configure(wx: Wx, signed: Signature, args: ConfigArgs, configTimeout: number, language: Language, onLateError: (error: WechatFnError) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let synchronous = true, done = false;
    const accept = () => {
      done = true;
      resolve();
    };
    const { appId, timestamp, nonceStr, signature } = signed;
    wx.config({ ...args, appId, timestamp, nonceStr, signature });
    wx.error(result => {
      const error = wxError("config", result, language);
      done ? onLateError(error) : reject(error);
      done = true;
    });
    wx.ready(() => {
      synchronous ? setTimeout(accept, configTimeout) : accept();
    });
    synchronous = false;
  });
}
