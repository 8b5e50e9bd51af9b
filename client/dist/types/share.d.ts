import type { ShareData } from "./wx.js";
/** Where a card is sent. */
export type ShareTarget = "chat" | "timeline";
/** What the user did in WeChat's menu. */
export interface ShareEvent {
    to: ShareTarget;
    outcome: "shared" | "cancelled" | "failed";
}
/** The part of a connection that shares the page. */
export interface Sharing {
    /** Sets the card of “send to a friend” and “share to Moments” in WeChat's menu, or of one of the two. WeChat before 6.7.2 gets the older calls. */
    share(data: ShareData, to?: ShareTarget): Promise<void>;
    /** Does the same with the older calls only, and reports what the user does. WeChat is retiring these calls. */
    onShare(data: ShareData, listener: (event: ShareEvent) => void, to?: ShareTarget): Promise<void>;
}
/** What sharing needs from a connection. */
interface Caller {
    call(name: string, args: object, options: {
        timeout: number;
    }): Promise<unknown>;
    ready(): Promise<void>;
    /** One of WeChat's APIs. Calling it does not wait for a result. */
    api(name: string): (args: object) => void;
}
/** The two ways to share. */
export declare function sharing(call: Caller["call"], ready: Caller["ready"], api: Caller["api"]): Sharing;
export {};
