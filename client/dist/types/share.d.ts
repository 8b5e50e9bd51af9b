import type { Connection } from "./connect.js";
/** Where a card goes; both, where it is left out. */
export type Target = "chat" | "timeline";
/** What the user did with the menu. */
export interface ShareEvent {
    to: Target;
    outcome: "shared" | "cancelled" | "failed";
}
/** The two ways to share. */
export declare function share(call: Connection["call"], ready: Connection["ready"], api: (name: string) => (args: object) => void): Pick<Connection, "share" | "onShare">;
