/** What WeChat answers: errMsg is "NAME:ok", "NAME:cancel" or "NAME:" and a reason. */
export interface WxAnswer {
  errMsg?: string;
  [field: string]: unknown;
}

/** WeChat's own object, `window.wx`. */
export interface Wx {
  config(config: object): void;
  ready(done: () => void): void;
  error(failed: (answer: WxAnswer) => void): void;
  [name: string]: unknown;
}

/** What GET /signature answers. */
export interface Signature {
  appId: string;
  /** Unix seconds. */
  timestamp: number | string;
  nonceStr: string;
  signature: string;
  url?: string;
}

/** A card, as chats and the timeline show it. */
export interface ShareData {
  title: string;
  /** Not shown on the timeline. */
  desc?: string;
  /** Of the account's JS interface security domains; the page's address where it is left out. */
  link?: string;
  imgUrl?: string;
}

/** What some APIs answer, as WeChat's page has it. Others answer a WxAnswer. */
export interface Answers {
  scanQRCode: { resultStr: string };
  chooseImage: { localIds: string[] };
  uploadImage: { serverId: string };
  downloadImage: { localId: string };
  getLocalImgData: { localData: string };
  stopRecord: { localId: string };
  uploadVoice: { serverId: string };
  downloadVoice: { localId: string };
  translateVoice: { translateResult: string };
  getNetworkType: { networkType: string };
  getLocation: { latitude: number; longitude: number; speed: number; accuracy: number };
  checkJsApi: { checkResult: Record<string, boolean> };
}

/** An API by its name: any text, with the known ones completed by an editor. */
export type ApiName =
  | keyof Answers
  | "startRecord" | "onVoiceRecordEnd" | "playVoice" | "pauseVoice" | "stopVoice" | "onVoicePlayEnd" | "previewImage"
  | "openLocation" | "hideOptionMenu" | "showOptionMenu" | "hideMenuItems" | "showMenuItems" | "hideAllNonBaseMenuItem"
  | "showAllNonBaseMenuItem" | "closeWindow" | "chooseWXPay" | "openProductSpecificView" | "addCard" | "chooseCard" | "openCard"
  | "updateAppMessageShareData" | "updateTimelineShareData" | "onMenuShareAppMessage" | "onMenuShareTimeline" | "onMenuShareQQ"
  | "onMenuShareQZone" | "onMenuShareWeibo"
  | (string & {});

/** The answer of an API. */
export type AnswerOf<N extends string> = N extends keyof Answers ? Answers[N] & WxAnswer : WxAnswer;

/** An open tag (开放标签). */
export type OpenTag = "wx-open-launch-weapp" | "wx-open-launch-app" | "wx-open-subscribe" | "wx-open-audio" | (string & {});
