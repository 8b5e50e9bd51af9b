import { WechatFnError } from "./error.js";
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
  call(name: string, args: object, wait: { timeout: number }): Promise<unknown>;
  ready(): Promise<void>;
  /** One of WeChat's APIs, without a wait for its answer. */
  api(name: string): (args: object) => void;
}

const apis = {
  chat: ["updateAppMessageShareData", "onMenuShareAppMessage"],
  timeline: ["updateTimelineShareData", "onMenuShareTimeline"],
} as const;

const targets = (to: Target | undefined): readonly Target[] => (to ? [to] : ["chat", "timeline"]);

const card = (data: ShareData): ShareData => ({ link: location.href, imgUrl: "", ...data });

/** The two ways to share. */
export function share({ call, ready, api }: Caller): Sharing {
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
