import type { ShareData } from "./wx.js";
/** Where a card goes; both, where it is left out. */
export type Target = "chat" | "timeline";
/** What the user did with the menu. */
export interface ShareEvent {
    to: Target;
    outcome: "shared" | "cancelled" | "failed";
}
/** The part of a connection that shares. */
export interface Sharing {
    /** What the menu's “send to a friend” and “share to Moments” will send. With WeChat before 6.7.2 by the old calls. */
    share(data: ShareData, to?: Target): Promise<void>;
    /** The same by the old calls, which tell what the user did. WeChat is retiring them. */
    onShare(data: ShareData, told: (event: ShareEvent) => void, to?: Target): Promise<void>;
}
/** What sharing needs of a connection. */
interface Caller {
    call(name: string, args: object, wait: {
        timeout: number;
    }): Promise<unknown>;
    ready(): Promise<void>;
    /** One of WeChat's APIs, without a wait for its answer. */
    api(name: string): (args: object) => void;
}
/** The two ways to share. */
export declare function share({ call, ready, api }: Caller): Sharing;
export {};
