import { WechatFnError } from "./error.js";
import type { Connection } from "./connect.js";
import type { ShareData } from "./wx.js";

/** Where a card goes; both, where it is left out. */
export type Target = "chat" | "timeline";

/** What the user did with the menu. */
export interface ShareEvent {
  to: Target;
  outcome: "shared" | "cancelled" | "failed";
}

const apis = {
  chat: ["updateAppMessageShareData", "onMenuShareAppMessage"],
  timeline: ["updateTimelineShareData", "onMenuShareTimeline"],
} as const;

const targets = (to: Target | undefined): readonly Target[] => (to ? [to] : ["chat", "timeline"]);

const card = (data: ShareData): ShareData => ({ link: location.href, imgUrl: "", ...data });

/** The two ways to share. */
export function share(call: Connection["call"], ready: Connection["ready"], api: (name: string) => (args: object) => void): Pick<Connection, "share" | "onShare"> {
  // The old calls answer when the user shares, not when they are made.
  function listen(data: ShareData, to: Target, told: (event: ShareEvent) => void) {
    const outcome = (outcome: ShareEvent["outcome"]) => () => told({ to, outcome });
    api(apis[to][1])({ ...card(data), success: outcome("shared"), cancel: outcome("cancelled"), fail: outcome("failed") });
  }

  const update = (data: ShareData, to: Target) =>
    call(apis[to][0], card(data), { timeout: 10000 }).catch((error: unknown) => {
      if (!(error instanceof WechatFnError) || error.code !== "function-not-exist") throw error;
      listen(data, to, () => {});
    });

  return {
    share: async (data, to) => {
      await Promise.all(targets(to).map(target => update(data, target)));
    },
    onShare: async (data, told, to) => {
      await ready();
      targets(to).forEach(target => listen(data, target, told));
    },
  };
}
