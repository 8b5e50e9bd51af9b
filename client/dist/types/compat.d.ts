import type { ConnectOptions, ShareData, Signature, Wx } from "./index.js";
/** The configuration of wechat-jssdk's client, and of `connect`. The signature may come from the page, as there, or from `endpoint`. */
export interface CompatConfig extends Partial<Signature>, Pick<ConnectOptions, "endpoint" | "app" | "wx" | "outside" | "timeouts" | "settle"> {
    debug?: boolean;
    jsApiList?: string[];
    openTagList?: string[];
    customUrl?: string;
    /** v2 and v3. */
    success?: (sdk: WechatJSSDK) => void;
    /** v2 and v3. */
    error?: (error: unknown, sdk: WechatJSSDK) => void;
}
/** An API's arguments, with WeChat's own callbacks. */
export type CompatArgs = Record<string, unknown> & {
    fail?: (answer: {
        errMsg: string;
    }) => void;
};
/** The names of wechat-jssdk's browser client (v5), on a Connection. `new` is needed. */
export declare class WechatJSSDK {
    /** WeChat's object, once it is there. */
    wx: Wx | undefined;
    readonly config: CompatConfig;
    private readonly connection;
    constructor(config: CompatConfig);
    /** Loads WeChat's script and signs. */
    initialize(): Promise<this>;
    /** Signs again, with the signature that is given or the endpoint's. */
    signSignature(signature?: Partial<Signature>): Promise<this>;
    /** Calls an API with WeChat's callbacks. Where wechat-jssdk did nothing, `fail` is called. */
    callWechatApi(name: string, args?: CompatArgs, more?: unknown): this;
    shareOnChat(data: ShareData & CompatArgs): this;
    shareOnMoment(data: ShareData & CompatArgs): this;
    updateAppMessageShareData(data: ShareData & CompatArgs): this;
    updateTimelineShareData(data: ShareData & CompatArgs): this;
    getOriginalWx(): Wx | undefined;
}
