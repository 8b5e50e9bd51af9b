import type { ConnectOptions, ShareData, Signature, Wx } from "./index.js";
/** The configuration of wechat-jssdk's client, and options of `connect`. The signature comes from `endpoint`, or else from the page, as in wechat-jssdk. */
export interface CompatConfig extends Partial<Signature>, Pick<ConnectOptions, "endpoint" | "app" | "wx" | "allowOutsideWeChat" | "timeouts" | "configTimeout"> {
    debug?: boolean;
    jsApiList?: string[];
    openTagList?: string[];
    customUrl?: string;
    /** As in v2 and v3. */
    success?: (sdk: WechatJSSDK) => void;
    /** As in v2 and v3. */
    error?: (error: unknown, sdk: WechatJSSDK) => void;
}
/** The arguments of an API, WeChat's own callbacks included. */
export type CompatArgs = Record<string, unknown> & {
    fail?: (result: {
        errMsg: string;
    }) => void;
};
/** The methods of wechat-jssdk's browser client (v5), built on a Connection. It must be called with `new`. */
export declare class WechatJSSDK {
    /** WeChat's object, once its script is loaded. */
    wx: Wx | undefined;
    readonly config: CompatConfig;
    private readonly connection;
    constructor(config: CompatConfig);
    /** Loads WeChat's script, and signs the page. */
    initialize(): Promise<this>;
    /** Signs the page again, with the given signature or with a new one from the endpoint. */
    signSignature(signature?: Partial<Signature>): Promise<this>;
    /** Calls an API with WeChat's callbacks. If the API does not exist, it calls `fail`; wechat-jssdk did nothing. */
    callWechatApi(name: string, args?: CompatArgs, more?: unknown): this;
    shareOnChat(data: ShareData & CompatArgs): this;
    shareOnMoment(data: ShareData & CompatArgs): this;
    updateAppMessageShareData(data: ShareData & CompatArgs): this;
    updateTimelineShareData(data: ShareData & CompatArgs): this;
    getOriginalWx(): Wx | undefined;
}
