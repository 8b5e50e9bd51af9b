import type { Sign } from "./sign.js";
import type { Signature } from "./wx.js";
/** Configurations of the page, one after the other. */
export interface Turns {
    /** Begins one; what was under way is dropped, and whoever waits for it waits for this one. */
    begin(force?: boolean): Promise<void>;
    /** The newest, unless it failed. */
    current(): Promise<void> | undefined;
    /** The address that the newest one signs, once it is known. */
    aim(): string | undefined;
}
/** What a configuration takes: WeChat's script, an address, a signature of it, WeChat's verdict, which may be taken back (`refused`). */
export declare function turns(found: () => Promise<void>, url: () => string, sign: Sign, verdict: (signature: Signature, refused: () => void) => Promise<void>): Turns;
