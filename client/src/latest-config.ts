import type { WechatFnError } from "./error.js";
import type { Sign } from "./sign.js";
import type { Signature } from "./wx.js";

/** Configurations of the page, of which only the newest one counts. */
export interface LatestConfig {
  /** Starts a configuration. An older one that is still running is dropped, and its promise follows the newest one. */
  start(force?: boolean): Promise<void>;
  /** The promise of the newest configuration; undefined before the first one, and when the newest one has failed. */
  current(): Promise<void> | undefined;
  /** The address that the newest configuration signs; undefined until WeChat's script is loaded. */
  signedURL(): string | undefined;
}

/** What one configuration does, in this order. */
export interface ConfigSteps {
  loadWx(): Promise<void>;
  url(): string;
  sign: Sign;
  /** Calls wx.config. It calls `onLateError` if WeChat refuses after the promise is resolved. */
  configure(signature: Signature, onLateError: () => void): Promise<void>;
}

/** Runs configurations. WeChat's script gets one wx.config at a time. A signature that it calls invalid is replaced once, by force. */
export function latestConfig(loadWx: ConfigSteps["loadWx"], url: ConfigSteps["url"], sign: Sign, configure: ConfigSteps["configure"]): LatestConfig {
  let newestId = 0;
  let newest: Promise<void> | undefined, current: Promise<void> | undefined;
  let wxConfig: Promise<unknown> = Promise.resolve(); // the last wx.config, whatever its result
  let signedURL: string | undefined;

  function start(force = false): Promise<void> {
    signedURL = undefined;
    const work = run(++newestId, force);
    current = newest = work;
    work.catch(() => {
      if (current === work) current = undefined;
    });
    return work;
  }

  async function run(id: number, force: boolean): Promise<void> {
    try {
      await attempt(id, force);
      if (id === newestId) return;
    } catch (error) {
      const retry = !force && (error as WechatFnError).code === "invalid-signature";
      if (id === newestId && retry) return run(id, true);
      if (id === newestId) throw error;
    }
    return newest; // a newer configuration has started
  }

  async function attempt(id: number, force: boolean): Promise<void> {
    await loadWx();
    if (id !== newestId) return;
    signedURL = url();
    const signature = await sign(signedURL, force);
    await wxConfig;
    if (id !== newestId) return;
    const work = configure(signature, () => {
      if (id === newestId) current = undefined;
    });
    wxConfig = work.catch(() => {});
    await work;
  }

  return { start, current: () => current, signedURL: () => signedURL };
}
