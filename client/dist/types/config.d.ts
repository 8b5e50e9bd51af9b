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
export declare function configure(wx: Wx, signed: Signature, wanted: Wanted, settle: number, language: Language, late: (error: WechatFnError) => void): Promise<void>;
