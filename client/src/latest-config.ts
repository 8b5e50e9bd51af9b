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

/** What a configuration takes: WeChat's script, an address, a signature of it, WeChat's verdict, which may be taken back (`refused`). */
export function turns(found: () => Promise<void>, url: () => string, sign: Sign, verdict: (signature: Signature, refused: () => void) => Promise<void>): Turns {
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
    try {
      await attempt(mine, force);
      if (mine === turn) return;
    } catch (error) {
      const again = !force && (error as WechatFnError).code === "invalid-signature";
      if (mine === turn && again) return configure(mine, true);
      if (mine === turn) throw error;
    }
    return newest; // the page has moved on
  }

  async function attempt(mine: number, force: boolean): Promise<void> {
    await found();
    if (mine !== turn) return;
    aim = url();
    const signature = await sign(aim, force);
    await judging;
    if (mine !== turn) return;
    const work = verdict(signature, () => {
      if (mine === turn) current = undefined;
    });
    judging = work.catch(() => {});
    await work;
  }

  return { begin, current: () => current, aim: () => aim };
}
