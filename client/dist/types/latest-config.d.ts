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
export declare function latestConfig(loadWx: ConfigSteps["loadWx"], url: ConfigSteps["url"], sign: Sign, configure: ConfigSteps["configure"]): LatestConfig;
