import { WechatFnError } from "./error.js";
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
  call(name: string, args: object, options: { timeout: number }): Promise<unknown>;
  ready(): Promise<void>;
  /** One of WeChat's APIs. Calling it does not wait for a result. */
  api(name: string): (args: object) => void;
}

/** For each target the API and the older one. */
const apis = {
  chat: ["updateAppMessageShareData", "onMenuShareAppMessage"],
  timeline: ["updateTimelineShareData", "onMenuShareTimeline"],
} as const;

const targets = (to: ShareTarget | undefined): readonly ShareTarget[] => (to ? [to] : ["chat", "timeline"]);

const card = (data: ShareData): ShareData => ({ link: location.href, imgUrl: "", ...data });

/** The two ways to share. */
export function sharing(call: Caller["call"], ready: Caller["ready"], api: Caller["api"]): Sharing {
  // The older calls have no result when they are made. They call back when the user shares.
  function listen(data: ShareData, to: ShareTarget, listener: (event: ShareEvent) => void) {
    const report = (outcome: ShareEvent["outcome"]) => () => listener({ to, outcome });
    api(apis[to][1])({ ...card(data), success: report("shared"), cancel: report("cancelled"), fail: report("failed") });
  }

  const update = (data: ShareData, to: ShareTarget) =>
    call(apis[to][0], card(data), { timeout: 10000 }).catch((error: unknown) => {
      if (!(error instanceof WechatFnError) || error.code !== "function-not-exist") throw error;
      listen(data, to, () => {});
    });

  return {
    share: async (data, to) => {
      await Promise.all(targets(to).map(target => update(data, target)));
    },
    onShare: async (data, listener, to) => {
      await ready();
      targets(to).forEach(target => listen(data, target, listener));
    },
  };
}
