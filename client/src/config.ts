import { refusal } from "./error.js";
import type { WechatFnError } from "./error.js";
import type { Language } from "./language.js";
import type { Signature, Wx } from "./wx.js";

/** What wx.config takes beside the signature. */
export interface Wanted {
  debug: boolean;
  jsApiList: readonly string[];
  openTagList: readonly string[];
}

/**
 * Gives WeChat the signature, and waits for its verdict. WeChat's script tells the verdict of the first wx.config only; of later ones it
 * tells refusals, but calls `ready` at once. So those count as accepted when no refusal has come within `settle` milliseconds; one that
 * comes later goes to `late`.
 */
export function configure(wx: Wx, signed: Signature, wanted: Wanted, settle: number, language: Language, late: (error: WechatFnError) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let atOnce = true, settled = false;
    const accept = () => {
      settled = true;
      resolve();
    };
    const { appId, timestamp, nonceStr, signature } = signed;
    // WeChat's script writes into the lists.
    wx.config({ debug: wanted.debug, appId, timestamp, nonceStr, signature, jsApiList: [...wanted.jsApiList], openTagList: [...wanted.openTagList] });
    wx.error(answer => {
      const error = refusal("config", answer, language);
      settled ? late(error) : reject(error);
      settled = true;
    });
    wx.ready(() => {
      atOnce ? setTimeout(accept, settle) : accept();
    });
    atOnce = false;
  });
}
