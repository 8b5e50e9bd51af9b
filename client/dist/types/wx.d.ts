/** The result of one of WeChat's APIs. errMsg is "NAME:ok", "NAME:cancel" or "NAME:" and a reason. */
export interface WxResult {
    errMsg?: string;
    [field: string]: unknown;
}
/** WeChat's own object, `window.wx`. */
export interface Wx {
    config(config: object): void;
    ready(listener: () => void): void;
    error(listener: (result: WxResult) => void): void;
    [name: string]: unknown;
}
/** The response of GET /signature. */
export interface Signature {
    appId: string;
    /** Unix seconds. */
    timestamp: number | string;
    nonceStr: string;
    signature: string;
    url?: string;
}
/** A card, as chats and Moments show it. */
export interface ShareData {
    title: string;
    /** Not shown in Moments. */
    desc?: string;
    /** An address in one of the account's JS interface security domains. Default: the page's address. */
    link?: string;
    imgUrl?: string;
}
/** Results of some APIs, after WeChat's page (https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html). The others have a WxResult. */
export interface ApiResults {
    scanQRCode: {
        resultStr: string;
    };
    chooseImage: {
        localIds: string[];
    };
    uploadImage: {
        serverId: string;
    };
    downloadImage: {
        localId: string;
    };
    getLocalImgData: {
        localData: string;
    };
    stopRecord: {
        localId: string;
    };
    uploadVoice: {
        serverId: string;
    };
    downloadVoice: {
        localId: string;
    };
    translateVoice: {
        translateResult: string;
    };
    getNetworkType: {
        networkType: string;
    };
    getLocation: {
        latitude: number;
        longitude: number;
        speed: number;
        accuracy: number;
    };
    checkJsApi: {
        checkResult: Record<string, boolean>;
    };
}
/** The name of an API. Any text is allowed; editors complete the known names. */
export type ApiName = keyof ApiResults | "startRecord" | "onVoiceRecordEnd" | "playVoice" | "pauseVoice" | "stopVoice" | "onVoicePlayEnd" | "previewImage" | "openLocation" | "hideOptionMenu" | "showOptionMenu" | "hideMenuItems" | "showMenuItems" | "hideAllNonBaseMenuItem" | "showAllNonBaseMenuItem" | "closeWindow" | "chooseWXPay" | "openProductSpecificView" | "addCard" | "chooseCard" | "openCard" | "updateAppMessageShareData" | "updateTimelineShareData" | "onMenuShareAppMessage" | "onMenuShareTimeline" | "onMenuShareQQ" | "onMenuShareQZone" | "onMenuShareWeibo" | (string & {});
/** The result of an API. */
export type ApiResult<N extends string> = N extends keyof ApiResults ? ApiResults[N] & WxResult : WxResult;
/** An open tag (开放标签). */
export type OpenTag = "wx-open-launch-weapp" | "wx-open-launch-app" | "wx-open-subscribe" | "wx-open-audio" | (string & {});
