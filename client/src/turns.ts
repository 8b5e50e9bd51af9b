import type { WechatFnError } from "./error.js";
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

/** What a configuration takes: WeChat's script, an address, a signature of it, WeChat's verdict. */
export function turns(found: () => Promise<void>, url: () => string, sign: Sign, verdict: (signature: Signature) => Promise<void>): Turns {
  let turn = 0; // grows with each, so that an older one notices
  let newest: Promise<void> | undefined, current: Promise<void> | undefined;
  let judging: Promise<unknown> = Promise.resolve(); // WeChat judges one at a time
  let aim: string | undefined;

  function begin(force = false): Promise<void> {
    aim = undefined;
    const work = configure(++turn, force);
    current = newest = work;
    work.catch(() => {
      if (current === work) current = undefined;
    });
    return work;
  }

  async function configure(mine: number, force: boolean): Promise<void> {
    await found();
    if (mine !== turn) return newest; // the page has moved on
    aim = url();
    const signature = await sign(aim, force);
    await judging;
    if (mine !== turn) return newest;
    try {
      const work = verdict(signature);
      judging = work.catch(() => {});
      await work;
    } catch (error) {
      if (mine !== turn) return newest;
      if (force || (error as WechatFnError).code !== "invalid-signature") throw error;
      await configure(mine, true);
    }
  }

  return { begin, current: () => current, aim: () => aim };
}
